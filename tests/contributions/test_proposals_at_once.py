"""A proposal while several people act on it, on real connections: one decision, nothing half taken over."""

import pytest
from sqlalchemy import select

from consult.accounts.models import Person
from consult.concept.queries import placed_one, working_version
from consult.contributions import operations
from consult.contributions.models import ChangeSource, Contribution, Kind, State
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.processes.models import Activity, Function
from consult.weighing.models import Disposition
from tests import factories
from tests.client import Browser
from tests.concept.factories import make_concept, publish
from tests.contributions.proposing import WHY
from tests.contributions.test_parallel import real
from tests.together import at_once

__all__ = ["real"]

BASE, WISH = "Begegnung wird gefördert.", "Begegnung wird auch am Abend gefördert."


def committed(app, slug):
    """A published goal with a proposal, and two editors with the form open; ids, and what each of them sends."""
    with app.app_context():
        process = factories.make_process(slug=slug, code=slug.upper())
        factories.make_stage(process, Activity.comment, Activity.propose)
        author = factories.make_person("Birke")
        leads = [factories.make_person(f"Leitung {n}") for n in range(2)]
        factories.make_group(process, Function.lead, *leads)
        concept, goal = make_concept(process, leads[0], text=BASE)
        publish(concept, process)
        proposal = operations.submit(
            process, actor=author, text=WHY, stance="change", element_id=goal.id, kind=Kind.wording_proposal,
            proposed=WISH,
        )  # fmt: skip
        db.session.commit()
        ids = {"goal": goal.id, "concept": concept.id, "proposal": proposal.id, "author": author.id}
        address = f"/p/{slug}/e/lz-begegnung/edit"
        forms = []
        for lead in leads:
            browser = Browser(app)
            factories.sign_in(browser.client, lead)
            fields = browser.get(f"{address}?proposal={proposal.number}").form_fields(address)
            forms.append((browser.client, address, {**fields, "reason": "r"}))
        db.session.remove()
    return ids, forms


def press(form, **typed):
    client, address, fields = form
    return lambda: client.post(address, data={**fields, **typed}).status_code


def outcome(app, ids):
    """(words in the working text, decisions, sources, state of the proposal) as they are now."""
    with app.app_context():
        goal_words = placed_one(working_version(ids["concept"]).id, ids["goal"]).markdown
        decisions = db.session.scalars(select(Disposition).filter_by(contribution_id=ids["proposal"])).all()
        sources = db.session.scalars(select(ChangeSource).filter_by(contribution_id=ids["proposal"])).all()
        state = db.session.get_one(Contribution, ids["proposal"]).state
        found = goal_words, [row.kind for row in decisions], len(sources), state
        db.session.remove()
    return found


@pytest.mark.parametrize("typed", [WISH, WISH + " Und nachts."])
def test_two_editors_take_it_over_at_once_and_one_decision_stands(real, typed):
    """Whoever comes second has nothing to change any more, or sees both texts."""
    ids, (first, second) = committed(real, f"zwei-{len(typed)}")
    statuses = at_once(real, press(first), press(second, markdown=typed))
    words, decisions, sources, _state = outcome(real, ids)
    assert sorted(statuses, key=str) == ([303, 303] if typed == WISH else [303, 409])
    assert words in (WISH, typed)
    assert (len(decisions), sources) == (1, 1)


def test_taking_over_while_the_author_withdraws_does_one_of_both(real):
    """Either the words are in the text, or the proposal was gone before: never without a decision, never half."""
    for n in range(3):
        ids, (form, _other) = committed(real, f"weg-{n}")

        def withdraw(ids=ids):
            author = db.session.get_one(Person, ids["author"])
            operations.withdraw(db.session.get_one(Contribution, ids["proposal"]), author)

        results = at_once(real, press(form), withdraw)
        assert not any(isinstance(result, Refused | Conflict) for result in results)
        words, decisions, sources, state = outcome(real, ids)
        assert state == State.withdrawn
        assert (words, decisions, sources) in ((WISH, ["adopt"], 1), (BASE, [], 0))
