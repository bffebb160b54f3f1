"""Two tables over the text: which fields work for which themes, and which measures serve which goals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from consult.concept.models import ElementKind
from consult.concept.tree import Row

_GOALS = (ElementKind.goal, ElementKind.sub_goal)


@dataclass(frozen=True)
class Fields:
    """Theme x field: how many measures of the field serve goals of the theme."""

    themes: list[Row]
    fields: list[Row]
    #: (theme, field) -> number of measures, by element id.
    cells: dict[tuple[int, int], int]
    #: Field -> number of its measures that serve no goal yet.
    idle: dict[int, int]
    #: Field -> number of all its measures.
    measures: dict[int, int]
    #: Theme -> number of all measures that serve its goals.
    totals: dict[int, int]


@dataclass(frozen=True)
class MeasureRow:
    """A measure and what it serves: goal -> numbers of the sub-goals meant, empty when it is the goal itself."""

    row: Row
    #: The field of action it stands in.
    place: Row | None
    serves: dict[int, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Goals:
    """Goal x measure: which measure serves which goal."""

    goals: list[Row]
    measures: list[MeasureRow]
    #: Goal -> number of measures that serve it.
    totals: dict[int, int]


def _served(rows: Sequence[Row], links: Iterable[tuple[int, int]]) -> dict[int, list[Row]]:
    """Measure -> the goals and sub-goals it serves, as far as both stand in the text."""
    by_id = {row.element_id: row for row in rows}
    served: dict[int, list[Row]] = {}
    for source, target in links:
        if source in by_id and target in by_id and by_id[target].kind in _GOALS:
            served.setdefault(source, []).append(by_id[target])
    return served


def _theme_of(goal: Row) -> Row | None:
    return goal.below(ElementKind.theme)


def theme_by_field(rows: Sequence[Row], links: Iterable[tuple[int, int]]) -> Fields:
    """How many measures of each field serve goals of each theme; a measure counts once in a cell."""
    served = _served(rows, links)
    cells: dict[tuple[int, int], set[int]] = {}
    idle: dict[int, int] = {}
    measures: dict[int, int] = {}
    totals: dict[int, set[int]] = {}
    for row in rows:
        if row.kind != ElementKind.measure:
            continue
        place = row.below(ElementKind.field)
        themes = {theme.element_id for goal in served.get(row.element_id, []) if (theme := _theme_of(goal))}
        for theme_id in themes:
            totals.setdefault(theme_id, set()).add(row.element_id)
        if place is None:
            continue
        measures[place.element_id] = measures.get(place.element_id, 0) + 1
        if not served.get(row.element_id):
            idle[place.element_id] = idle.get(place.element_id, 0) + 1
        for theme_id in themes:
            cells.setdefault((theme_id, place.element_id), set()).add(row.element_id)
    return Fields(
        [row for row in rows if row.kind == ElementKind.theme],
        [row for row in rows if row.kind == ElementKind.field],
        {cell: len(found) for cell, found in cells.items()},
        idle,
        measures,
        {theme: len(found) for theme, found in totals.items()},
    )


def measure_by_goal(
    rows: Sequence[Row], links: Iterable[tuple[int, int]], theme: str | None = None, field_key: str | None = None
) -> Goals:
    """Which measures serve which goals, of one theme or of all, with the measures of one field or of all."""
    served = _served(rows, links)
    goals = [
        row
        for row in rows
        if row.kind == ElementKind.goal and (theme is None or ((above := _theme_of(row)) and above.key == theme))
    ]
    shown = {goal.element_id for goal in goals}
    found: list[MeasureRow] = []
    totals: dict[int, int] = {}
    for row in rows:
        if row.kind != ElementKind.measure:
            continue
        place = row.below(ElementKind.field)
        if field_key is not None and (place is None or place.key != field_key):
            continue
        serves: dict[int, list[str]] = {}
        for target in served.get(row.element_id, []):
            goal = target if target.kind == ElementKind.goal else target.below(ElementKind.goal)
            if goal is not None and goal.element_id in shown:
                serves.setdefault(goal.element_id, [])
                if target is not goal:
                    serves[goal.element_id].append(target.label or target.name)
        for goal_id in serves:
            totals[goal_id] = totals.get(goal_id, 0) + 1
        found.append(MeasureRow(row, place, serves))
    return Goals(goals, found, totals)
