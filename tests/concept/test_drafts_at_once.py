"""Several people on one draft at the same moment, on real connections: one wins, the others are told."""

from sqlalchemy import func, select

from consult.accounts.models import Person
from consult.concept import drafts
from consult.concept.models import Change, Draft, DraftAct, DraftState, Element
from consult.concept.operations import Text
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.groups.models import Group
from consult.processes.models import Process
from tests.concept.drafting import Town
from tests.contributions.test_parallel import at_once, real  # noqa: F401  (a fixture)

ROUNDS = 5


def scene(app, number, state=None):
    """A committed town, as ids, with a draft in this state."""
    with app.app_context():
        town = Town(f"verfahren-{number}", f"V{number}")
        draft = town.draft(state=state) if state else None
        ids = {
            "process": town.process.id, "goal": town.goal.id, "circle": town.circle.id, "member": town.member.id,
            "second": town.second.id, "editor": town.editor.id, "colleague": town.colleague.id,
            "draft": draft.id if draft else 0, "seen": draft.wording_id if draft else 0,
            "placed": town.placed().wording_id,
        }  # fmt: skip
        db.session.commit()
        db.session.remove()
    return ids


def by(ids, name):
    return {"actor": db.session.get_one(Person, ids[name]), "process": db.session.get_one(Process, ids["process"])}


def the_draft(ids):
    return db.session.get_one(Draft, ids["draft"])


def refused(results):
    return [result for result in results if isinstance(result, Refused | Conflict)]


def answers(ids):
    """All ways to answer a draft that was handed in, each by somebody else."""
    own = Text(markdown="Anders.")
    return [
        lambda: drafts.adopt(the_draft(ids), ids["placed"], reason="r", **by(ids, "editor")).id,
        lambda: drafts.give_back(the_draft(ids), "n", **by(ids, "colleague")).id,
        lambda: drafts.adopt(the_draft(ids), ids["placed"], reason="r", text=own, **by(ids, "colleague")).id,
        lambda: drafts.take_back(the_draft(ids), **by(ids, "member")).id,
    ]


def test_a_group_that_begins_twice_at_once_has_one_draft(real):  # noqa: F811
    for number in range(ROUNDS):
        ids = scene(real, f"a{number}")

        def begin(name, ids=ids):
            group, element = db.session.get_one(Group, ids["circle"]), db.session.get_one(Element, ids["goal"])
            return drafts.begin(group, element, **by(ids, name))[0].id

        results = at_once(real, *(lambda name=name: begin(name) for name in ("member", "second") * 2))
        assert len(set(results)) == 1


def test_of_several_answers_at_once_one_counts(real):  # noqa: F811
    for number in range(ROUNDS):
        ids = scene(real, f"b{number}", DraftState.submitted)
        verbs = answers(ids)
        with real.app_context():
            changes = db.session.scalar(select(func.count()).select_from(Change))
            db.session.remove()
        assert len(refused(at_once(real, *verbs))) == len(verbs) - 1
        with real.app_context():
            draft = the_draft(ids)
            kinds = db.session.scalars(select(DraftAct.kind).where(DraftAct.draft_id == draft.id)).all()
            more = db.session.scalar(select(func.count()).select_from(Change)) - changes
            assert len(kinds) == 2
            assert more == (draft.state in (DraftState.adopted, DraftState.adapted))
            db.session.remove()


def test_of_several_savings_at_once_one_is_kept_and_the_others_see_it(real):  # noqa: F811
    for number in range(ROUNDS):
        ids = scene(real, f"c{number}", DraftState.returned)

        def save(name, ids=ids):
            text = Text(markdown=f"Von {name}.")
            return drafts.save(the_draft(ids), ids["seen"], text, reason="r", dissent="", **by(ids, name)).id

        results = at_once(real, *(lambda name=name: save(name) for name in ("member", "second") * 2))
        lost = refused(results)
        assert len(lost) == len(results) - 1
        assert all(isinstance(one, Conflict) and one.theirs.startswith("Von ") for one in lost)
