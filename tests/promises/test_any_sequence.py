"""The promise: whatever editors do to the text, in whatever order, sealed versions stay and every source is found.

Sequences of the real operations, chosen by hypothesis and applied to a small text with its charter. Beside the
database a few lines of Python keep account of what became of what; the two must agree.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.concept import operations, seal
from consult.concept.kinds import may_stand
from consult.concept.models import (
    Change,
    Concept,
    ConceptKind,
    Element,
    ElementHeir,
    ElementKind,
    Placement,
    Version,
    VersionAudience,
)  # fmt: skip
from consult.concept.operations import Part, Text
from consult.concept.queries import working_version
from consult.contributions import operations as contribution_ops
from consult.contributions import sources
from consult.contributions.models import ChangeSource, Contribution, Stance
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Process
from tests import factories
from tests.conftest import savepoint

#: How many sequences are tried; the drill asks for more.
SEQUENCES = int(os.environ.get("CONSULT_SEQUENCES", "100"))
STEPS = (22, 28)
VERBS = ("add", "edit", "move", "renumber", "split", "merge", "retire", "restore", "link", "publish")
#: Out of a hundred tries, how often each comes up: taking out would soon leave nothing to work on.
WEIGHTS = {"add": 3, "edit": 2, "move": 2, "split": 3, "merge": 3, "retire": 2, "restore": 2, "link": 2, "publish": 2}
KINDS = list(ElementKind)

Step = tuple[str, int, int, int]
_steps = st.lists(
    st.tuples(
        st.sampled_from([verb for verb in VERBS for _n in range(WEIGHTS.get(verb, 1))]),
        st.integers(0, 997), st.integers(0, 997), st.integers(0, 997),
    ),
    min_size=STEPS[0], max_size=STEPS[1],
)  # fmt: skip


@dataclass
class Town:
    """What all sequences begin with; ids only, because each sequence is undone."""

    process: int
    editor: int
    concepts: list[int]
    contributions: list[int]


@dataclass
class Account:
    """What should be true, kept without the database."""

    #: Element -> those that took its place, one step on.
    heirs: dict[int, set[int]] = field(default_factory=dict)
    #: Taken out and not taken in again.
    gone: set[int] = field(default_factory=set)
    #: Version -> its canonical form when it was sealed.
    sealed: dict[int, str] = field(default_factory=dict)
    #: Contribution -> changes it stands behind.
    named: dict[int, set[int]] = field(default_factory=dict)
    keys: int = 0

    def descendants(self, element: int) -> set[int]:
        """All that took its place, over any number of steps."""
        found: set[int] = set()
        ahead = list(self.heirs.get(element, ()))
        while ahead:
            current = ahead.pop()
            if current not in found:
                found.add(current)
                ahead.extend(self.heirs.get(current, ()))
        return found


@pytest.fixture(scope="module")
def town(app: Flask):
    with savepoint(app):
        process, editor = factories.make_process(), factories.make_person()
        by = {"reason": "r", "actor": editor, "process": process}
        charter = operations.create_concept(process, ConceptKind.charter, "Haltung", editor)
        concept = operations.create_concept(process, ConceptKind.concept, "Konzept", editor)
        for n in range(2):
            operations.add(charter, ElementKind.paragraph, Part(f"abs-{n}", Text(f"A{n}"), str(n)), parent=None, **by)
        theme = operations.add(concept, ElementKind.theme, Part("th", Text("Thema"), "1"), parent=None, **by).element
        place = operations.add(concept, ElementKind.field, Part("hf", Text("Feld"), "1"), parent=None, **by).element
        for n in range(3):
            operations.add(concept, ElementKind.goal, Part(f"lz-{n}", Text(f"Z{n}"), f"1.{n}"), parent=theme, **by)
            operations.add(concept, ElementKind.measure, Part(f"m-{n}", Text(f"M{n}"), f"M{n}"), parent=place, **by)
        said = [
            contribution_ops.capture(
                process, actor=editor, text=f"Beitrag {n}", stance=Stance.change, element_id=theme.id,
                created_at=clock.now(),
            )
            for n in range(4)
        ]  # fmt: skip
        db.session.commit()
        yield Town(process.id, editor.id, [charter.id, concept.id], [each.id for each in said])


class Walk:
    """One sequence."""

    def __init__(self, town: Town) -> None:
        self.town, self.account = town, Account()
        self.process = db.session.get_one(Process, town.process)
        self.by: dict[str, Any] = {
            "reason": "r", "actor": db.session.get_one(Person, town.editor), "process": self.process,
        }  # fmt: skip

    def key(self) -> str:
        self.account.keys += 1
        return f"neu-{self.account.keys}"

    def concept(self, n: int) -> Concept:
        # The charter is short: most happens in the concept.
        return db.session.get_one(Concept, self.town.concepts[min(n % 5, 1)])

    def placed(self, concept: Concept) -> list[Element]:
        return list(
            db.session.scalars(
                select(Element)
                .join(Placement, Placement.element_id == Element.id)
                .where(Placement.version_id == working_version(concept.id).id)
                .order_by(Element.id)
            )
        )

    def step(self, step: Step) -> str | None:
        """Apply one step; what is refused leaves nothing behind. Returns the verb when something was done."""
        verb, a, b, c = step
        undo = db.session.begin_nested()
        try:
            done = getattr(self, verb)(self.concept(a), a, b, c)
        except Refused:
            undo.rollback()
            return None
        undo.commit()
        for n, change in enumerate(done.changes):
            # Every other change has a source, some have two.
            for ident in {(b + n) % 8, (c + n) % 16}:
                if ident < len(self.town.contributions):
                    self.name(change, self.town.contributions[ident])
        done.remember()
        return verb if done.changes or verb in ("link", "publish") else None

    def name(self, change: Change, contribution_id: int) -> None:
        sources.add_source(change, db.session.get_one(Contribution, contribution_id))
        self.account.named.setdefault(contribution_id, set()).add(change.id)

    # -- the verbs: the operation, its changes, and what the account has to remember of it --------------------

    def add(self, concept: Concept, a: int, b: int, c: int) -> "Done":
        above: list[Element | None] = [None, *self.placed(concept)]
        parent = above[b % len(above)]
        kinds = [kind for kind in KINDS if may_stand(kind, parent.kind if parent else None, concept.kind)]
        kind = kinds[c % len(kinds)] if kinds else ElementKind.goal
        part = Part(self.key(), Text(f"Neu {c}"), str(c % 7))
        return Done([operations.add(concept, kind, part, parent=parent, position=a % 4 or None, **self.by)])

    def edit(self, concept: Concept, a: int, b: int, c: int) -> "Done":
        element = _one(self.placed(concept), b)
        base = db.session.scalars(
            select(Placement.wording_id).where(
                Placement.version_id == working_version(concept.id).id, Placement.element_id == element.id
            )
        ).one()
        return Done([operations.edit(element, base, Text(f"Wort {a % 3}", f"Text {c % 3}"), **self.by)])

    def move(self, concept: Concept, a: int, b: int, c: int) -> "Done":
        placed = self.placed(concept)
        element, targets = _one(placed, b), [None, *placed]
        fitting = [t for t in targets if may_stand(element.kind, t.kind if t else None, concept.kind)]
        # Now and then a place where it may not stand, and one below itself.
        target = _one(targets if a % 4 == 0 else fitting, c)
        return Done([operations.move(element, target, position=c % 5 or None, **self.by)])

    def renumber(self, concept: Concept, _a: int, b: int, c: int) -> "Done":
        return Done([operations.renumber(_one(self.placed(concept), b), f"N{c % 40}", **self.by)])

    def split(self, concept: Concept, a: int, b: int, c: int) -> "Done":
        element = _one(self.placed(concept), b)
        parts = [Part(self.key(), Text(f"Teil {n}"), f"{c}.{n}") for n in range(2 + a % 2)]
        changes = operations.split(element, parts, **self.by)
        heirs = {change.element_id for change in changes}
        return Done(changes, lambda: self.account.heirs.setdefault(element.id, set()).update(heirs))

    def merge(self, concept: Concept, a: int, b: int, c: int) -> "Done":
        placed = self.placed(concept)
        first = _one(placed, b)
        alike = [element for element in placed if element.kind == first.kind]
        elements = [first, *(_one(alike, c + n) for n in range(1 + a % 2))]
        into: Part | Element = first if a % 3 else Part(self.key(), Text("Zusammen"), "")
        change = operations.merge(elements, into, Text(f"Zusammen {c}"), **self.by)

        def remember() -> None:
            for element in elements:
                if element.id != change.element_id:
                    self.account.heirs.setdefault(element.id, set()).add(change.element_id)

        return Done([change], remember)

    def retire(self, concept: Concept, _a: int, b: int, _c: int) -> "Done":
        element = _one(self.placed(concept), b)
        change = operations.retire(element, **self.by)
        return Done([change], lambda: self.account.gone.add(element.id))

    def restore(self, concept: Concept, _a: int, b: int, c: int) -> "Done":
        all_ = db.session.scalars(select(Element).where(Element.concept_id == concept.id).order_by(Element.id)).all()
        # Mostly what can come back, now and then what cannot.
        gone = [element for element in all_ if element.id in self.account.gone] if b % 4 else list(all_)
        element, targets = _one(gone, b), [None, *self.placed(concept)]
        fitting = [t for t in targets if may_stand(element.kind, t.kind if t else None, concept.kind)]
        change = operations.restore(element, _one(fitting, c), **self.by)
        return Done([change], lambda: self.account.gone.discard(element.id))

    def link(self, _concept: Concept, a: int, b: int, c: int) -> "Done":
        placed = [element for ident in self.town.concepts for element in self.placed(self.concept_of(ident))]
        operations.set_link(
            _one(placed, b), _one(placed, c), present=a % 5 > 0, actor=self.by["actor"], process=self.process
        )
        return Done([])

    def publish(self, concept: Concept, a: int, b: int, _c: int) -> "Done":
        self.unique_numbers(concept)
        audience = VersionAudience.public if b % 3 else VersionAudience.steering
        version = operations.publish(
            concept, title=f"V{a}", audience=audience, actor=self.by["actor"], process=self.process
        )
        form = seal.canonical(version)

        def remember() -> None:
            self.account.sealed[version.id] = form

        return Done([], remember)

    # -- helpers --------------------------------------------------------------------------------------------

    def concept_of(self, ident: int) -> Concept:
        return db.session.get_one(Concept, ident)

    def unique_numbers(self, concept: Concept) -> None:
        """What editors would do before publishing."""
        seen: set[tuple[str, str]] = set()
        rows = db.session.execute(
            select(Element, Placement.label)
            .join(Placement, Placement.element_id == Element.id)
            .where(Placement.version_id == working_version(concept.id).id)
            .order_by(Element.id)
        ).all()
        for element, label in rows:
            if label and (element.kind, label) in seen:
                operations.renumber(element, f"{label}-{element.id}", **self.by)
            seen.add((element.kind, label))

    def finish(self) -> None:
        """A last public version of both texts, if there is anything to publish. A text of nothing is none."""
        for n, ident in enumerate(self.town.concepts):
            if not self.placed(self.concept_of(ident)):
                self.step(("add", n, 0, 0))
            self.step(("publish", n, 1, 0))

    def check_text(self) -> None:
        """The working texts are trees: nothing hangs in the air, stands below itself or where it may not."""
        rows = db.session.execute(
            select(
                Placement.element_id, Placement.parent_id, Placement.position, Element.kind, Concept.kind, Concept.id
            )
            .join(Element, Element.id == Placement.element_id)
            .join(Version, Version.id == Placement.version_id)
            .join(Concept, Concept.id == Version.concept_id)
            .where(Version.number.is_(None), Concept.id.in_(self.town.concepts))
        ).all()
        above = {row[0]: row[1] for row in rows}
        kinds = {row[0]: row[3] for row in rows}
        assert len({(row[5], row[1], row[2]) for row in rows}) == len(rows), "two at one place"
        for element, parent, _position, kind, concept_kind, _concept in rows:
            assert parent is None or parent in above, "below something that is gone"
            assert may_stand(kind, kinds.get(parent), concept_kind)
            seen, current = set(), element
            while current is not None:
                assert current not in seen, "below itself"
                seen.add(current)
                current = above[current]

    def check_versions(self) -> None:
        """Every sealed version is what it was when it was sealed."""
        db.session.expire_all()
        for ident, form in self.account.sealed.items():
            version = db.session.get_one(Version, ident)
            assert seal.canonical(version) == form
            assert seal.is_intact(version)

    def check_sources(self) -> None:
        """Every source: its change, the element, and where that stands today; the trace tells the same."""
        account = self.account
        placed: set[int] = set()
        for ident in self.town.concepts:
            for audience in VersionAudience:
                newest = db.session.scalars(
                    select(Version.id)
                    .where(Version.concept_id == ident, Version.number.is_not(None), Version.audience == audience)
                    .order_by(Version.number.desc())
                    .limit(1)
                ).first()
                if newest is not None:
                    placed |= set(
                        db.session.scalars(select(Placement.element_id).where(Placement.version_id == newest))
                    )
        heirs: dict[int, set[int]] = {}
        for old, new in db.session.execute(select(ElementHeir.element_id, ElementHeir.heir_id)):
            heirs.setdefault(old, set()).add(new)
        found = db.session.execute(
            select(ChangeSource.contribution_id, Change.id, Change.element_id).join(
                Change, Change.id == ChangeSource.change_id
            )
        ).all()
        assert {(c, ch) for c, ch, _e in found} == {(c, ch) for c, many in account.named.items() for ch in many}
        for _contribution, _change, element in found:
            descendants = account.descendants(element)
            assert heirs.get(element, set()) == descendants & placed
            if element not in placed and not descendants & placed:
                ends = {end for end in {element, *descendants} if not account.heirs.get(end)}
                assert ends <= account.gone, "neither placed nor replaced nor taken out"
        keys = dict(db.session.execute(select(Element.id, Element.key)).all())
        public = set(
            db.session.scalars(
                select(Placement.element_id)
                .join(Version, Version.id == Placement.version_id)
                .where(Version.number.is_not(None), Version.audience == VersionAudience.public)
            )
        )
        for contribution_id in self.town.contributions:
            contribution = db.session.get_one(Contribution, contribution_id)
            told = sources.trace(contribution, self.process, self.by["actor"]).changes
            # Readers without a function see public versions; the last one holds everything.
            assert {change.change_id for change in told} == account.named.get(contribution_id, set())
            elements = {change: element for _c, change, element in found}
            for change in told:
                descendants = account.descendants(elements[change.change_id])
                assert {heir.key for heir in change.heirs} == {keys[ident] for ident in descendants & placed & public}


@dataclass
class Done:
    """What a step did."""

    changes: list[Any]
    remember: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.changes = [change for change in self.changes if change is not None]


def _one(rows: Any, n: int) -> Any:
    """The n-th, counted round; nothing to choose from is a refusal like any other."""
    if not rows:
        raise Refused("nothing there")
    return rows[n % len(rows)]


def test_any_sequence_keeps_versions_and_sources(app, town):
    done: Counter[str] = Counter()
    sequences = 0

    @settings(
        max_examples=SEQUENCES, deadline=None, derandomize="CONSULT_SEQUENCES" not in os.environ, database=None,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(_steps)
    def any_sequence(steps: list[Step]) -> None:
        nonlocal sequences
        undo = db.engines[None].begin_nested()  # type: ignore[attr-defined]  # a connection here
        try:
            walk = Walk(town)
            for step in steps:
                verb = walk.step(step)
                done[verb or "refused"] += 1
                if verb not in (None, "edit", "renumber", "link", "publish"):
                    walk.check_text()
            walk.finish()
            walk.check_versions()
            walk.check_sources()
            sequences += 1
        finally:
            db.session.rollback()
            undo.rollback()
            db.session.expunge_all()

    any_sequence()
    assert sequences >= min(SEQUENCES, 100)
    # A promise about steps that are all refused would be none.
    few = {verb: done[verb] for verb in VERBS if done[verb] < sequences // 4}
    assert not few, f"{few} of {dict(done)}"
