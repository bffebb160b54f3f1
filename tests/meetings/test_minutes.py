"""Writing, circulating and approving minutes; what approval makes of the lines."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from consult.contributions.models import Contribution, ContributionText
from consult.errors import Conflict
from consult.meetings import minutes as writing
from consult.meetings import queries
from consult.meetings.minutes import Line
from consult.meetings.models import MinuteLine, Minutes, MinutesRevision
from tests.client import Browser
from tests.factories import make_organisation
from tests.meetings.factories import AFTER, make_circle, refused

ALL_KINDS = ["information", "result", "suggestion", "task", "question", "dissent"]


def test_saving_unchanged_minutes_makes_no_revision(session: Any) -> None:
    circle = make_circle()
    lines = [Line("result", "Räume brauchen Zuständige.", circle.theme.id)]
    assert writing.record(circle.meeting, lines, "Es war voll.", 0, circle.moderator) is True
    assert writing.record(circle.meeting, lines, "Es war voll.", 1, circle.moderator) is False
    minutes = queries.minutes_of(circle.meeting.id)
    assert minutes is not None
    assert (minutes.revision, len(session.scalars(select(MinutesRevision)).all())) == (1, 1)


def test_a_stale_edit_is_a_conflict_with_both_texts_and_changes_nothing(session: Any) -> None:
    circle = make_circle()
    writing.record(circle.meeting, [Line("result", "Von A")], "Text von A", 0, circle.moderator)
    with pytest.raises(Conflict) as caught:
        writing.record(circle.meeting, [Line("result", "Von B")], "Text von B", 0, circle.lead)
    assert "Von B" in caught.value.yours
    assert "Text von B" in caught.value.yours
    assert "Von A" in caught.value.theirs
    assert caught.value.current_id == 1
    minutes = queries.minutes_of(circle.meeting.id)
    assert minutes is not None
    assert [line.text for line in minutes.lines] == ["Von A"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_two_writers_in_any_order_never_lose_an_edit_silently(session: Any, steps: list[tuple[bool, bool]]) -> None:
    """Each writer loads (True) or saves what they have (False); a save either stands on what was seen or is refused."""
    circle = make_circle()
    base = {True: 0, False: 0}
    saved: list[str] = []
    for number, (who, loads) in enumerate(steps):
        current = queries.minutes_of(circle.meeting.id)
        if loads:
            base[who] = current.revision if current else 0
            continue
        words = f"Fassung {number}"
        if base[who] != len(saved):
            with pytest.raises(Conflict) as caught:
                writing.record(circle.meeting, [], words, base[who], circle.moderator)
            assert caught.value.theirs == saved[-1]
        else:
            writing.record(circle.meeting, [], words, base[who], circle.moderator)
            saved.append(words)
            base[who] += 1
    stored = session.scalars(
        select(MinutesRevision.markdown)
        .join(Minutes)
        .where(Minutes.meeting_id == circle.meeting.id)
        .order_by(MinutesRevision.revision)
    ).all()
    assert list(stored) == saved


def test_the_conflict_page_keeps_what_was_typed_and_shows_what_is_saved(
    session: Any, browser_of: Callable[..., Browser]
) -> None:
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    address = circle.meeting_path("/minutes")
    form = visitor.get(address).form_fields(address)
    writing.record(circle.meeting, [Line("result", "Anderswo <b>gespeichert</b>")], "", 0, circle.lead)
    session.commit()
    typed = {**form, "lines-0-text": "Meine Zeile", "lines-0-kind": "dissent", "markdown": "Mein Text"}
    page = visitor.post(address, typed, status=409)
    assert "Anderswo <b>gespeichert</b>" in page.text
    again = page.form_fields(address)
    assert again["lines-0-text"] == "Meine Zeile"
    assert again["markdown"] == "Mein Text"
    assert again["base_revision"] == "1"
    visitor.post(address, again)
    minutes = queries.minutes_of(circle.meeting.id)
    assert minutes is not None
    assert (minutes.revision, [line.text for line in minutes.lines]) == (2, ["Meine Zeile"])


def test_approval_makes_contributions_of_results_suggestions_dissent_and_questions_only(session: Any) -> None:
    circle = make_circle()
    lines = [Line(kind, f"Zeile {kind}", circle.theme.id) for kind in ALL_KINDS]
    writing.record(circle.meeting, lines, "", 0, circle.moderator)
    writing.approve(circle.process, circle.meeting, 1, circle.moderator, AFTER)
    rows = session.execute(
        select(Contribution, ContributionText.body)
        .join(ContributionText, ContributionText.contribution_id == Contribution.id)
        .order_by(Contribution.number)
    ).all()
    assert [(c.number, c.stance, body) for c, body in rows] == [
        (1, "change", "Zeile result"), (2, "change", "Zeile suggestion"), (3, "question", "Zeile question"),
        (4, "concern", "Zeile dissent"),
    ]  # fmt: skip
    first = rows[0][0]
    assert (first.kind, first.channel, first.author_name, first.state) == (
        "minute_line", "minutes", "Kreis Quartier", "published",
    )  # fmt: skip
    assert first.element_id == circle.theme.id
    assert first.created_at == circle.meeting.starts_at
    linked = session.scalars(select(MinuteLine.contribution_id).order_by(MinuteLine.position)).all()
    assert [ident is not None for ident in linked] == [False, True, True, False, True, True]
    assert circle.meeting.state == "held"


def test_a_line_that_is_a_contribution_already_does_not_become_one_twice(session: Any) -> None:
    circle = make_circle()
    writing.record(circle.meeting, [Line("result", "Schon da"), Line("result", "Neu")], "", 0, circle.moderator)
    writing.approve(circle.process, circle.meeting, 1, circle.moderator, AFTER)
    with refused("approved"):
        writing.approve(circle.process, circle.meeting, 1, circle.moderator, AFTER)
    assert len(session.scalars(select(Contribution)).all()) == 2


def test_whoever_approves_has_seen_the_newest_text(session: Any) -> None:
    circle = make_circle()
    with refused("no minutes"):
        writing.approve(circle.process, circle.meeting, 0, circle.moderator)
    writing.record(circle.meeting, [Line("result", "A")], "", 0, circle.moderator)
    writing.record(circle.meeting, [Line("result", "B")], "", 1, circle.lead)
    with refused("meanwhile"):
        writing.approve(circle.process, circle.meeting, 1, circle.moderator)
    assert session.scalars(select(Contribution)).all() == []


def test_approved_minutes_are_frozen_by_the_operation_and_by_the_database(session: Any) -> None:
    circle = make_circle()
    writing.record(circle.meeting, [Line("result", "A")], "Text", 0, circle.moderator)
    writing.approve(circle.process, circle.meeting, 1, circle.moderator, AFTER)
    session.commit()
    with refused("stay as they are"):
        writing.record(circle.meeting, [], "anders", 1, circle.moderator)
    for statement in (
        "UPDATE minutes SET state = 'draft'",
        "UPDATE minute_line SET text = 'anders'",
        "DELETE FROM minute_line",
        "UPDATE minutes_revision SET markdown = 'anders'",
        "INSERT INTO minute_line (minutes_id, position, kind, text) SELECT id, 99, 'result', 'x' FROM minutes",
        "DELETE FROM minutes",
    ):
        with pytest.raises(DBAPIError, match="frozen"), session.begin_nested():
            session.execute(text(statement))


def test_tasks_alone_have_an_owner_and_a_day(session: Any) -> None:
    circle = make_circle()
    owner = make_organisation("Quartiersbüro")
    day = AFTER.date()
    lines = [Line("task", "Liste erstellen", owner_id=owner.id, due_on=day), Line("result", "x", owner_id=owner.id)]
    writing.record(circle.meeting, lines, "", 0, circle.moderator)
    stored = session.execute(select(MinuteLine.owner_id, MinuteLine.due_on).order_by(MinuteLine.position)).all()
    assert stored == [(owner.id, day), (None, None)]


@pytest.mark.parametrize(
    ("state", "readers"),
    [
        ("draft", {"moderator", "lead"}),
        ("circulated", {"moderator", "lead", "member"}),
        ("approved", {"moderator", "lead", "member", "citizen", "stranger", None}),
    ],
)
def test_drafts_are_for_the_writers_circulated_minutes_for_the_group_approved_ones_for_all(
    session: Any, browser: Browser, browser_of: Callable[..., Browser], state: str, readers: set[str | None]
) -> None:
    circle = make_circle()
    writing.record(circle.meeting, [Line("information", "Geheimsatz der Sitzung")], "", 0, circle.moderator)
    if state == "circulated":
        writing.circulate(circle.meeting, 1, None, circle.moderator)
    if state == "approved":
        writing.approve(circle.process, circle.meeting, 1, circle.moderator, AFTER)
    session.commit()
    for who in ("moderator", "lead", "member", "citizen", "stranger", None):
        visitor = browser_of(getattr(circle, who)) if who else browser
        assert ("Geheimsatz" in visitor.get(circle.meeting_path()).text) is (who in readers), who


def test_minutes_are_written_circulated_and_approved_in_the_browser(
    session: Any, browser_of: Callable[..., Browser], at: Callable[[datetime], Any]
) -> None:
    at(AFTER)
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    visitor.submit(
        circle.meeting_path("/minutes"),
        {
            "lines-0-kind": "result", "lines-0-text": "Räume brauchen Zuständige.",
            "lines-0-element_id": str(circle.theme.id), "lines-1-kind": "task", "lines-1-text": "Liste",
            "lines-1-due_on": "2026-06-01", "markdown": "Es war **voll**.",
        },
    )  # fmt: skip
    visitor.submit(
        circle.meeting_path("/minutes/circulate"), {"objections_until": "2026-05-20"}, form_at=circle.meeting_path()
    )
    assert "Einwände bis einschließlich 20. Mai 2026." in visitor.get(circle.meeting_path()).text
    page = visitor.submit(circle.meeting_path("/minutes/approve"), form_at=circle.meeting_path())
    shown = visitor.follow(page)
    assert shown.html.find("a", string=f"{circle.process.code}-1")
    assert shown.html.find("strong", string="voll")
    visitor.get(circle.meeting_path("/minutes"), 409)


def test_a_line_of_the_minutes_says_its_day_and_no_time_of_day(session: Any, browser: Browser) -> None:
    circle = make_circle()
    writing.record(circle.meeting, [Line("result", "Räume brauchen Zuständige.")], "", 0, circle.moderator)
    writing.approve(circle.process, circle.meeting, 1, circle.moderator, AFTER)
    session.commit()
    number = session.scalar(select(Contribution.number))
    page = browser.get(f"/p/{circle.process.slug}/contributions/{number}")
    assert re.fullmatch(r"\d+\. \w+ \d{4}", page.html.article.time.get_text())


def test_an_element_of_another_process_cannot_be_named(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle, other = make_circle(), make_circle()
    page = browser_of(circle.moderator).submit(
        circle.meeting_path("/minutes"),
        {"lines-0-text": "x", "lines-0-element_id": str(other.theme.id)},
        status=422,
    )
    assert page.html.select(".error-summary li")
    assert session.scalars(select(MinuteLine)).all() == []


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_nobody_means_is_refused(session: Any, browser_of: Callable[..., Browser], day: str) -> None:
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    path = circle.meeting_path("/minutes")
    visitor.submit(path, {"lines-0-kind": "task", "lines-0-text": "Liste", "lines-0-due_on": day}, status=422)
    visitor.submit(path, {"lines-0-kind": "task", "lines-0-text": "Liste"})
    visitor.submit(f"{path}/circulate", {"objections_until": day}, form_at=circle.meeting_path(), status=409)
    minutes = session.scalar(select(Minutes))
    assert (minutes.state, minutes.objections_until) == ("draft", None)
