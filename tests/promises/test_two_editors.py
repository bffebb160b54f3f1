"""Nobody's words get lost when several people change the same text: whatever the order, whatever happens at once."""

import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import bindparam, func, insert, select, update

from consult import clock
from consult.concept import merging, operations
from consult.concept.models import Change, ChangeKind, Element, Placement, Wording
from consult.concept.operations import Text
from consult.concept.queries import placed_one, working_version
from consult.errors import Conflict, Sides
from consult.extensions import db
from consult.processes.models import Process
from tests import factories
from tests.concept.factories import make_concept
from tests.conftest import DATABASE
from tests.together import each_with_gate, own_application

EDITORS = ("Anna", "Bert")
#: Orders in which two editors act, each of up to so many steps. They differ from run to run; a failing one is printed.
#: Their logic is the same on both databases; on the slower one they only have to run.
INTERLEAVINGS, STEPS = (1_000 if DATABASE == "sqlite" else 200), 8
_words = count(1)
_PLACED = (
    select(Wording.id, Wording.markdown)
    .join(Placement, Placement.wording_id == Wording.id)
    .where(Placement.element_id == bindparam("element"))
)


class TwoEditors(RuleBasedStateMachine):
    """Two people open, type, save and put together, in any order, over the real operations.

    Every word typed is one of its own kind (`w17`), so that each can be followed: it stands in the text, or somebody
    who had it in view took it out, or it is still in a form whose writer was told.
    """

    process: Process
    element: Element
    #: Orders in which something was saved more than once: the others prove little.
    interleavings = 0

    @initialize(words=st.integers(1, 6))
    def begin(self, words: int) -> None:
        """Both open the form; what earlier runs left in the text is replaced."""
        #: What each has open: the base, the text in the form, and the words that were in view.
        self.forms: dict[str, dict[str, Any]] = {}
        self.saved = 0
        # Straight into the tables: this is scenery, and there is a thousand of it.
        text = " ".join(self.new() for _n in range(words))
        row = {"element_id": self.element.id, "markdown": text, "html": "", "created_at": clock.now()}
        self.began = db.session.scalar(insert(Wording).values(**row).returning(Wording.id))
        db.session.execute(update(Placement).where(Placement.element_id == self.element.id), {"wording_id": self.began})
        for who in EDITORS:
            self.open(who)

    def new(self) -> str:
        return f"w{next(_words)}"

    def now(self) -> Any:
        return db.session.execute(_PLACED, {"element": self.element.id}).one()

    @precondition(lambda self: len(self.forms) < len(EDITORS))
    @rule()
    def open_again(self) -> None:
        for who in EDITORS:
            if who not in self.forms:
                self.open(who)

    def open(self, who: str) -> None:
        placed = self.now()
        self.forms[who] = {"base": placed.id, "text": placed.markdown, "view": set(placed.markdown.split())}

    @precondition(lambda self: self.forms)
    @rule(data=st.data(), act=st.sampled_from(["end", "start", "middle", "line", "remove", "replace"]))
    def type(self, data: st.DataObject, act: str) -> None:
        form = self.forms[data.draw(st.sampled_from(sorted(self.forms)))]
        words = form["text"].split(" ")
        at = data.draw(st.integers(0, len(words) - 1))
        if act in ("remove", "replace"):
            words[at : at + 1] = [self.new()] if act == "replace" or len(words) == 1 else []
        elif act == "line":
            words[at] += "\n" + self.new()
        else:
            words.insert({"end": len(words), "start": 0, "middle": at}[act], self.new())
        form["text"] = " ".join(words)

    @precondition(lambda self: self.forms)
    @rule(data=st.data(), resolve=st.sampled_from(["suggestion", "yours", "theirs and yours"]))
    def save(self, data: st.DataObject, resolve: str) -> None:
        who = data.draw(st.sampled_from(sorted(self.forms)))
        form, before = self.forms[who], self.now()
        text = Text(markdown=form["text"].strip())
        self.saved += 1
        try:
            change = operations.edit(self.element, form["base"], text, reason=who, actor=None, process=self.process)
        except Conflict as conflict:
            self.told(form, before, conflict, resolve)
            return
        after = self.now()
        gone = set(before.markdown.split()) - set(after.markdown.split())
        assert gone <= form["view"], f"{who} took out words that {who} never saw: {gone - form['view']}"
        if change is not None:
            assert after.markdown == text.markdown, "saved is something else than what was typed"
        else:
            assert after.id == before.id
            lost = set(form["text"].split()) - form["view"] - set(after.markdown.split())
            assert not lost, f"words of {who} are nowhere: {lost}"
        del self.forms[who]

    def told(self, form: dict[str, Any], before: Any, conflict: Conflict, resolve: str) -> None:
        """Nothing is saved, both texts are in hand; the writer goes on from one or from both."""
        assert self.now().id == before.id == conflict.current_id
        assert conflict.sides is not None
        sides = [side["markdown"] for side in (conflict.sides.base, conflict.sides.theirs, conflict.sides.yours)]
        assert sides[1:] == [before.markdown, form["text"].strip()]
        merged = merging.merge(*sides)
        shown = {word for s in merged.stretches for word in f"{s.text} {s.theirs} {s.yours}".split()}
        assert {*sides[1].split(), *sides[2].split()} <= shown
        if merged.text is not None:
            added = {*sides[1].split(), *sides[2].split()} - set(sides[0].split())
            assert added <= set(merged.text.split()), "a word somebody added fell out of the merged text"
        texts = {"suggestion": merged.suggestion, "yours": sides[2], "theirs and yours": "\n".join(sides[1:])}
        form.update(base=conflict.current_id, text=texts[resolve])
        form["view"] |= set(sides[1].split())

    def teardown(self) -> None:
        """The wordings of the element are one line: each was written upon the one before."""
        rows = db.session.execute(
            select(Wording.id, Wording.based_on_id)
            .where(Wording.element_id == self.element.id, Wording.id >= self.began)
            .order_by(Wording.id)
        ).all()
        assert [row.based_on_id for row in rows[1:]] == [row.id for row in rows[:-1]]
        assert self.now().id == rows[-1].id
        type(self).interleavings += self.saved > 1


def test_a_thousand_interleavings_of_two_editors_lose_nothing(session):
    process = factories.make_process(slug="iko")
    _concept, goal = make_concept(process)
    TwoEditors.process, TwoEditors.element, TwoEditors.interleavings = process, goal, 0
    while TwoEditors.interleavings < INTERLEAVINGS:
        run_state_machine_as_test(
            TwoEditors,
            settings=settings(
                max_examples=250, stateful_step_count=STEPS, deadline=None, database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
        # Rows that nobody will ask for again.
        for row in list(session.identity_map.values()):
            if isinstance(row, Wording | Change):
                session.expunge(row)


# At once, in real transactions


@pytest.fixture(scope="module")
def real(tmp_path_factory, worker_name) -> Iterator[Flask]:
    with own_application(tmp_path_factory.mktemp("editors"), f"consult_editors_{worker_name}") as application:
        yield application


def scene(app: Flask, text: str) -> tuple[int, int]:
    """A committed process with one goal that says `text`; the ids of both."""
    with app.app_context():
        process = factories.make_process()
        _concept_row, goal = make_concept(process, text=text)
        ids = process.id, goal.id
        db.session.commit()
        db.session.remove()
    return ids


@pytest.mark.parametrize("editors", [2, 10])
def test_ten_who_save_at_once_are_all_in_the_text_in_the_end(real, editors):
    """All start from the same words; one is first, every other is told, puts its words in, and saves again."""
    process_id, goal_id = scene(real, "Anfang.")

    def editor(name: str) -> Callable[[threading.Barrier], tuple[list[int], int]]:
        def write(gate: threading.Barrier) -> tuple[list[int], int]:
            process, goal = db.session.get_one(Process, process_id), db.session.get_one(Element, goal_id)
            placed = placed_one(working_version(goal.concept_id).id, goal.id)
            # Read as rows too: what a session saw before must not stand for what is there under the lock.
            seen = db.session.scalars(select(Placement)).all()
            base, text = placed.wording_id, f"{placed.markdown}\n\nAbsatz von {name}."
            # SQLite has one writer, and this session became it with its first question.
            db.session.commit()
            gate.wait(30)
            told = []
            while True:
                try:
                    change = operations.edit(goal, base, Text(markdown=text), reason=name, actor=None, process=process)
                    assert change is not None
                    assert seen
                    wrote = change.to_wording_id or 0
                    db.session.commit()
                    return told, wrote
                except Conflict as conflict:
                    db.session.rollback()
                    told.append(conflict.current_id)
                    theirs = conflict.sides.theirs["markdown"]
                    base, text = conflict.current_id, f"{theirs}\n\nAbsatz von {name}."

        return write

    names = [f"w{n}" for n in range(editors)]
    results = each_with_gate(real, *(editor(name) for name in names))
    with real.app_context():
        goal = db.session.get_one(Element, goal_id)
        placed = placed_one(working_version(goal.concept_id).id, goal.id)
        for name in names:
            assert placed.markdown.count(f"Absatz von {name}.") == 1
        rows = db.session.execute(
            select(Wording.id, Wording.based_on_id).where(Wording.element_id == goal_id).order_by(Wording.id)
        ).all()
        assert [row.based_on_id for row in rows] == [None, *(row.id for row in rows[:-1])]
        assert sorted(wrote for _told, wrote in results) == [row.id for row in rows[1:]]
        assert sum(1 for told, _wrote in results if not told) == 1, "only the first may save without being told"
        edits = select(func.count()).where(Change.element_id == goal_id, Change.kind == ChangeKind.edit)
        assert db.session.scalar(edits) == editors
        db.session.remove()


def test_of_ten_who_press_save_once_one_is_saved_and_nine_are_told(real):
    process_id, goal_id = scene(real, "Anfang.")

    def editor(name: str) -> Callable[[threading.Barrier], Any]:
        def write(gate: threading.Barrier) -> Any:
            process, goal = db.session.get_one(Process, process_id), db.session.get_one(Element, goal_id)
            base = placed_one(working_version(goal.concept_id).id, goal.id).wording_id
            db.session.commit()
            gate.wait(30)
            try:
                operations.edit(goal, base, Text(markdown=name), reason=name, actor=None, process=process)
                db.session.commit()
            except Conflict as conflict:
                db.session.rollback()
                return conflict.sides
            return name

        return write

    results = each_with_gate(real, *(editor(f"w{n}") for n in range(10)))
    (saved,) = [result for result in results if isinstance(result, str)]
    for result in results:
        if isinstance(result, Sides):
            assert result.theirs["markdown"] == saved
            assert result.yours["markdown"] != saved
    with real.app_context():
        goal = db.session.get_one(Element, goal_id)
        assert placed_one(working_version(goal.concept_id).id, goal.id).markdown == saved
        db.session.remove()
