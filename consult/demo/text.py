"""The concept and its charter, version by version, by the same steps editors take."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from consult.accounts.models import Person
from consult.concept import operations as ops
from consult.concept.models import Change, ConceptKind, ElementKind, Placement, Version, VersionAudience, Wording
from consult.concept.operations import Part, Text
from consult.concept.queries import working_version
from consult.contributions.sources import add_source
from consult.demo import drafts
from consult.demo.facts import marked
from consult.demo.story import Story, Timeline
from consult.extensions import db

CONCEPT, CHARTER = "concept", "charter"
#: From writing to publishing, where no sitting lies between.
_WRITING = timedelta(hours=2)
#: The round in which the steering group decided on the changes of the last version.
DECIDED_IN = {"v2": "e-st-7"}
SITTING = "17:00"


def plan(story: Story, timeline: Timeline) -> None:
    """Put writing and publishing of every version on the timeline."""
    # The themes come first of all: cards of the opening event are pinned to them.
    timeline.add(story.begin, Writing(story, story.texts["versions"][0]).begin)
    for version in story.texts["versions"]:
        published = story.dates.moment(version["date"], "08:00")
        written = published - _WRITING
        if version["id"] in DECIDED_IN:
            sitting = next(m for m in story.texts["meetings"] if m["id"] == DECIDED_IN[version["id"]])
            written = story.dates.moment(sitting["date"], SITTING)
        timeline.add(written, Writing(story, version).write)
        timeline.add(published, Writing(story, version).publish)


def _by_label(row: dict[str, Any], version: str) -> list[int]:
    return [int(part) for part in row["numbers"][version].split(".")]


class Writing:
    """Bringing the working text from the version before to this one."""

    def __init__(self, story: Story, version: dict[str, Any]) -> None:
        self.story, self.texts = story, story.texts
        self.version: str = version["id"]
        self.row = version
        self.now = story.begin

    # -- the steps ----------------------------------------------------------------------------------------

    def begin(self, now: datetime) -> None:
        """An empty concept with its themes."""
        self.now = now
        self.story.concepts[CONCEPT] = ops.create_concept(
            self.story.process, ConceptKind.concept, "Ziele und Maßnahmen", self.editor
        )
        for row in self.texts["themes"]:
            text = Text(row["title"], source=self.story.source(row))
            self._add(ElementKind.theme, row, text, label=str(row["number"]))

    def write(self, now: datetime) -> None:
        """All changes of this version."""
        self.now = now
        parts = self.row["contains"]
        if "charter" in parts and CHARTER not in self.story.concepts:
            self._charter()
        for goal in self.texts["goals"]:
            self._goal(goal)
        if "fields_seven" in parts:
            self._fields_seven()
        if "fields_nine" in parts:
            self._fields_nine()
        self._chapters()
        if "charter" in parts:
            for goal in self.texts["goals"]:
                if self.version in goal["numbers"]:
                    self._serves(goal["id"], goal["serves"])

    def publish(self, now: datetime) -> None:
        """Seal concept and charter, where they changed; the newest public one gets its plain-language texts."""
        self.now = now
        if self.row == self.texts["versions"][-1]:
            self._plain()
            self._mandates()
        for name, concept in self.story.concepts.items():
            if not self._changed(concept.id):
                continue
            dated = self.row.get("dated") and name == CONCEPT
            ops.publish(
                concept,
                title=self.row["title"],
                audience=VersionAudience(self.row["audience"]),
                note=self.row.get("note", "") if name == CONCEPT else self.texts["charter"]["label"],
                source=self.texts["source_names"][self.row["dated"]] if dated else None,
                historic_on=self.row["date"] if dated else None,
                now=now,
                actor=self.editor,
                process=self.story.process,
            )

    def _changed(self, concept_id: int) -> bool:
        """Whether the working text holds changes that no version has."""
        working = working_version(concept_id)
        last = db.session.scalar(
            select(Version.revision)
            .where(Version.concept_id == concept_id, Version.number.is_not(None))
            .order_by(Version.number.desc())
            .limit(1)
        )
        return working.revision != (last or 0)

    # -- the parts ----------------------------------------------------------------------------------------

    def _charter(self) -> None:
        texts = self.texts["charter"]
        source = self.texts["source_names"][texts["source"]]
        self.story.concepts[CHARTER] = ops.create_concept(
            self.story.process, ConceptKind.charter, texts["title"], self.editor, source
        )
        for number, row in enumerate(texts["paragraphs"], start=1):
            text = Text(markdown=row["text"])
            self._add(ElementKind.paragraph, row, text, label=str(number), concept=CHARTER)

    def _goal(self, goal: dict[str, Any]) -> None:
        if self.version not in goal["numbers"]:
            if goal.get("retired", {}).get("version") == self.version:
                self._split_goal(goal)
            return
        text = goal["wordings"].get(self.version)
        change = next((c for c in goal.get("changes", []) if c["version"] == self.version), None)
        if goal["id"] not in self.story.elements:
            siblings = [g for g in self.texts["goals"] if g["theme"] == goal["theme"]]
            self._add(
                ElementKind.goal, goal, Text(markdown=text), label=goal["numbers"][self.version],
                parent=goal["theme"], position=self._place_of(goal, siblings),
            )  # fmt: skip
        else:
            self._renumber(goal)
            if text is not None and change is not None:
                self._edit(goal["id"], Text(markdown=text), change["reason"], change["sources"])
        for sub in goal["sub_goals"]:
            if self.version not in sub["numbers"]:
                continue
            if sub["id"] in self.story.elements:
                self._renumber(sub)
                continue
            self._add(
                ElementKind.sub_goal, sub, Text(markdown=sub["text"]), label=sub["numbers"][self.version],
                parent=goal["id"], position=self._place_of(sub, goal["sub_goals"]),
            )  # fmt: skip

    def _place_of(self, row: dict[str, Any], siblings: Sequence[dict[str, Any]]) -> int:
        """How many of those that stand already come before it by number."""
        return sum(
            other["id"] in self.story.elements
            and self.version in other["numbers"]
            and _by_label(other, self.version) < _by_label(row, self.version)
            for other in siblings
        )

    def _split_goal(self, goal: dict[str, Any]) -> None:
        retired = goal["retired"]
        rows = [g for name in retired["into"] for g in self.texts["goals"] if g["id"] == name]
        parts = [
            Part(
                row["id"],
                Text(markdown=row.get("split_wording") or row["wordings"][self.version]),
                row["numbers"][self.version],
            )
            for row in rows
        ]
        self._split(goal["id"], parts, retired["reason"], dict.fromkeys(retired["into"], retired["sources"]))

    def _fields_seven(self) -> None:
        for row in self.texts["fields_seven"]:
            self._add(ElementKind.field, row, Text(row["title"], source=self.story.source(row)))

    def _fields_nine(self) -> None:
        nine = {row["id"]: row for row in self.texts["fields_nine"]}
        for row in self.texts["fields_seven"]:
            if "split_into" in row:
                heirs = [nine[name] for name in row["split_into"]]
                parts = [Part(h["id"], Text(h["title"], source=self.story.source(h))) for h in heirs]
                sources = {h["id"]: h.get("sources", []) for h in heirs}
                self._split(row["id"], parts, self.texts["reasons_of"][row["id"]], sources)
            elif nine[row["id"]]["title"] != row["title"]:
                heir = nine[row["id"]]
                text = Text(heir["title"], source=self.story.source(heir))
                self._edit(row["id"], text, self.texts["reasons_of"][row["id"]], heir.get("sources", []))
        self._order(list(nine))
        for row in nine.values():
            self._field_content(row)

    def _order(self, wanted: list[str]) -> None:
        """Put the fields in this order, moving as few as it takes."""
        places = dict(
            db.session.execute(
                select(Placement.element_id, Placement.position).where(
                    Placement.version_id == working_version(self.story.concepts[CONCEPT].id).id,
                    Placement.element_id.in_([self.story.elements[key].id for key in wanted]),
                )
            ).all()
        )
        order = sorted(wanted, key=lambda key: places[self.story.elements[key].id])
        for place, key in enumerate(wanted):
            if order[place] == key:
                continue
            position = self._placement(order[place]).position
            change = ops.move(
                self.story.elements[key], None, position=position, reason=self.texts["reason_of_order"], **self._by()
            )
            self._remember(key, change, ())
            order.remove(key)
            order.insert(place, key)

    def _field_content(self, field: dict[str, Any]) -> None:
        for kind, rows in ((ElementKind.need, field["needs"]), (ElementKind.example, field["examples"])):
            for row in rows:
                text = Text(row["text"], source=self.story.source(row, field["source"]))
                self._add(kind, row, text, parent=field["id"])
        for group in field["measure_groups"]:
            if group["title"]:
                self._add(ElementKind.measure_group, group, Text(group["title"]), parent=field["id"])
            for row in group["measures"]:
                source = self.story.source(row, field["source"])
                text = Text(row["text"], details=self._details(row["id"]), source=source)
                self._add(ElementKind.measure, row, text, parent=group.get("id") or field["id"])
                self._serves(row["id"], row["serves"])

    def _details(self, measure: str) -> dict[str, Any]:
        row = next((d for d in self.texts["measure_details"] if d["measure"] == measure), None)
        if row is None:
            return {}
        organisations = self.story.organisations
        finance = {f["id"]: f["title"] for f in self.texts["finance_sources"]}
        lead = organisations[row["lead"]].name if row["lead"] in organisations else row["lead"]
        details = {
            "lead": lead,
            "partners": ", ".join(organisations[name].name for name in row["partners"]),
            "target_group": row["target_group"],
            "place": row["place"],
            "time": self.story.dates.month(row["time"]),
            "finance": finance.get(row["finance"], ""),
            "indicator": f"{row['indicator']}: Ziel {row['target']}, jetzt {row['actual']}",
        }
        return {name: value for name, value in details.items() if value}

    def _chapters(self) -> None:
        for row in self.texts["chapters"]:
            if self.version not in row["in"] or row["id"] in self.story.elements:
                continue
            # What was wanted at the beginning stands there; the others follow at the end.
            first = row == self.texts["chapters"][0]
            text = Text(row["title"], source=self.story.source(row))
            self._add(ElementKind.chapter, row, text, position=0 if first else None)
            below = {"id": f"{row['id']}-1"}
            words = Text(markdown=marked(self.story, row["sample_text"]))
            self._add(ElementKind.paragraph, below, words, parent=row["id"])

    def _plain(self) -> None:
        """Plain-language texts hang on the newest wording of what is placed, or was placed last."""
        for row in [*self.texts["themes"], *self.texts["goals"]]:
            element = self.story.elements[row["id"]]
            wording = db.session.scalars(
                select(Wording)
                .where(Wording.element_id == element.id, Wording.plain.is_(False))
                .order_by(Wording.id.desc())
                .limit(1)
            ).one()
            ops.translate(wording, Text(markdown=row["plain"]), self.editor, plain=True, now=self.now)

    def _mandates(self) -> None:
        """What each group works on; "all" is every theme and field."""
        whole = [*self.texts["themes"], *self.texts["fields_nine"]]
        for row in self.texts["groups"]:
            if "mandate" in row:
                keys = [r["id"] for r in whole] if row["mandate"] == "all" else row["mandate"]
                ops.set_mandate(
                    self.story.groups[row["id"]].id, [self.story.elements[key].id for key in keys],
                    actor=self.story.people["p-leitung"], process=self.story.process,
                )  # fmt: skip

    # -- single changes -----------------------------------------------------------------------------------

    @property
    def editor(self) -> Person:
        return self.story.people["p-leitung"]

    def _by(self) -> dict[str, Any]:
        return {"actor": self.editor, "process": self.story.process, "now": self.now}

    def _add(
        self,
        kind: ElementKind,
        row: dict[str, Any],
        text: Text,
        *,
        label: str = "",
        parent: str | None = None,
        position: int | None = None,
        concept: str = CONCEPT,
    ) -> None:
        reason = self.texts["reasons_of"].get(row["id"]) or self.texts["reasons_of_new"][kind.value]
        change = ops.add(
            self.story.concepts[concept], kind, Part(row["id"], text, label), position=position, reason=reason,
            parent=self.story.elements[parent] if parent else None, **self._by(),
        )  # fmt: skip
        self.story.elements[row["id"]] = change.element
        self._remember(row["id"], change, row.get("sources", ()))

    def _edit(self, key: str, text: Text, reason: str, sources: Iterable[str]) -> None:
        placement = self._placement(key)
        seen = placement.wording_id
        change = drafts.adopted(self.story, self.version, key, seen, text, reason, self.editor, self.now)
        if change is None:
            change = ops.edit(self.story.elements[key], seen, text, reason=reason, **self._by())
        self._remember(key, change, sources)

    def _renumber(self, row: dict[str, Any]) -> None:
        reason = self.texts["reason_of_numbers"]
        ops.renumber(self.story.elements[row["id"]], row["numbers"][self.version], reason=reason, **self._by())

    def _split(self, key: str, parts: list[Part], reason: str, sources: dict[str, list[str]]) -> None:
        for part, change in zip(
            parts, ops.split(self.story.elements[key], parts, reason=reason, **self._by()), strict=True
        ):
            self.story.elements[part.key] = change.element
            self._remember(part.key, change, sources[part.key])

    def _placement(self, key: str) -> Placement:
        working = working_version(self.story.elements[key].concept_id)
        return db.session.scalars(
            select(Placement).where(
                Placement.version_id == working.id, Placement.element_id == self.story.elements[key].id
            )
        ).one()

    def _serves(self, key: str, targets: list[str]) -> None:
        for target in targets:
            ops.set_link(
                self.story.elements[key], self.story.elements[target], present=True, actor=self.editor,
                process=self.story.process,
            )  # fmt: skip

    def _remember(self, key: str, change: Change | None, sources: Iterable[str]) -> None:
        """Keep the change for the dispositions, and say which contributions stand behind it."""
        if change is None:
            return
        self.story.changes.setdefault((self.version, key), []).append(change)
        written = db.session.get_one(Wording, change.to_wording_id).markdown
        passages = {
            row["contribution"]: row["words"]
            for row in self.texts["passages"]
            if row["element"] == key and row["words"] in written
        }
        for name in sources:
            add_source(change, self.story.contributions[name], passages.get(name, ""))
