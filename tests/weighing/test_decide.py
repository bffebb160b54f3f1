"""Deciding: what is recorded, what is public, whose own cause it is, and who is told."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.contributions import operations as contributions
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.groups.models import Membership, SeatHolder
from consult.weighing.models import Disposition, DispositionKind, DispositionRelease
from consult.weighing.operations import TOGETHER, Verdict, decide, decide_together
from consult.weighing.queries import course_of, decisions_on, number_answered
from tests.contributions.factories import make_representation, make_town
from tests.factories import flushed, make_group, make_organisation
from tests.weighing.factories import Draft, gather, told

NOTE = Verdict(DispositionKind.note, "Wird im Fachforum besprochen.")


@pytest.fixture
def town(session):
    return make_town()


def say(town, one, **fields):
    fields.setdefault("actor", town.steering)
    return decide(one, fields.pop("kind", DispositionKind.adopt), fields.pop("reason", "Weil."), **fields)


def test_a_decision_is_public_at_once_and_on_record(town):
    one = town.write()
    made = say(town, one, plain_reason="Kommt.")
    assert db.session.get(DispositionRelease, made.id).version_id is None
    found = decisions_on([one.id])[one.id]
    assert (found.kind, found.plain_reason, found.is_held, found.own_organisation) == ("adopt", "Kommt.", False, False)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.disposition_decided.value)).one()
    assert entry.facts == {"kind": "adopt", "contribution_id": one.id}


def test_a_reason_is_needed(town):
    with pytest.raises(Refused):
        say(town, town.write(), reason="  \n ")


def test_a_held_decision_is_nobodys_business_until_it_is_released(town):
    one = town.write()
    made = say(town, one, held=True)
    assert db.session.get(DispositionRelease, made.id) is None
    assert decisions_on([one.id]) == {}
    assert course_of(one.id) == []
    assert number_answered(town.process.id) == 0
    assert told() == []
    assert decisions_on([one.id], with_held=True)[one.id].is_held
    assert [step.decision.id for step in course_of(one.id, with_held=True)] == [made.id]


def test_a_held_decision_does_not_cover_the_public_one_before_it(town):
    one = town.write()
    first = say(town, one)
    second = say(town, one, kind=DispositionKind.reject, held=True)
    assert decisions_on([one.id])[one.id].id == first.id
    assert decisions_on([one.id], with_held=True)[one.id].id == second.id


def test_the_latest_counts_and_the_earlier_stay_on_record(town):
    one = town.write()
    first, second = say(town, one), say(town, one, kind=DispositionKind.reject)
    assert decisions_on([one.id])[one.id].id == second.id
    assert [step.decision.id for step in course_of(one.id)] == [second.id, first.id]


def test_what_is_gathered_has_the_decision_of_its_head_unless_it_has_its_own(town):
    head, like, other = (town.write(f"Bänke {n}", actor=town.neighbour) for n in range(3))
    gather(town, head, like, other)
    of_head, own = say(town, head), say(town, other, kind=DispositionKind.forward)
    found = decisions_on([head.id, like.id, other.id])
    assert {ident: one.id for ident, one in found.items()} == {
        head.id: of_head.id,
        like.id: of_head.id,
        other.id: own.id,
    }
    assert (found[like.id].from_head, found[like.id].answered_with) == (True, head.number)
    assert (found[other.id].from_head, found[head.id].from_head) == (False, False)
    assert [step.decision.id for step in course_of(like.id)] == [of_head.id]
    assert course_of(like.id)[0].decision.answered_with == head.number
    assert [step.decision.id for step in course_of(other.id)] == [own.id]
    assert number_answered(town.process.id) == 3
    assert number_answered(town.process.id, most=2) == 3
    assert number_answered(town.process.id, most=1) == 2


def test_decisions_cost_one_question(town, count_queries):
    ones = [town.write(f"Nummer {n}") for n in range(6)]
    gather(town, ones[0], *ones[1:3])
    for one in ones[:4]:
        say(town, one)
    db.session.commit()
    ids = [one.id for one in ones]
    with count_queries() as queries:
        assert len(decisions_on(ids)) == 4
        course_of(ids[0])
    assert len(queries) == 2


# -- in one's own cause ---------------------------------------------------------------------------------------


def test_who_speaks_for_the_organisation_decides_in_its_own_cause(town):
    club = make_organisation("Verein")
    one = town.write()
    one.organisation_id = club.id
    assert not say(town, one).own_organisation
    make_representation(town.steering, club, starts_at=clock.now() - timedelta(days=1))
    assert say(town, one).own_organisation
    assert not say(town, one, actor=town.lead).own_organisation


def test_a_representation_that_is_over_counts_no_more(town):
    club = make_organisation("Verein")
    one = town.write()
    one.organisation_id = club.id
    now = clock.now()
    make_representation(town.steering, club, starts_at=now - timedelta(days=9), ends_at=now - timedelta(days=1))
    assert not say(town, one).own_organisation


@pytest.mark.parametrize("ended", [False, True])
def test_who_fills_or_deputises_a_seat_of_the_organisation_does_as_well(town, ended):
    club, now = make_organisation("Verein"), clock.now()
    seat = flushed(Membership(group_id=make_group().id, organisation_id=club.id, starts_at=now - timedelta(days=3)))
    flushed(
        SeatHolder(
            membership_id=seat.id, person_id=town.steering.id, deputy=True, starts_at=now - timedelta(days=3),
            ends_at=now - timedelta(days=1) if ended else None,
        )
    )  # fmt: skip
    one = town.write()
    one.organisation_id = club.id
    assert say(town, one).own_organisation is not ended


def test_the_author_decides_in_their_own_cause_also_below_a_head_entry(town):
    head, mine = town.write(), town.write("Auch", actor=town.steering)
    gather(town, head, mine)
    assert say(town, mine).own_organisation
    assert say(town, head).own_organisation
    assert not say(town, head, actor=town.lead).own_organisation


# -- several at once ------------------------------------------------------------------------------------------


def test_several_at_once_each_gets_its_own_row_entry_and_mail(town, count_queries):
    ones = [town.write(f"Nummer {n}", actor=(town.citizen, town.neighbour)[n % 2]) for n in range(4)]
    made = decide_together(town.process, [(one.id, 0) for one in ones], NOTE, town.steering)
    assert sorted(one.contribution_id for one in made) == sorted(one.id for one in ones)
    assert len(told()) == 4
    assert set(decisions_on([one.id for one in ones])) == {one.id for one in ones}


def test_each_takes_the_change_that_names_it(town):
    draft = Draft(town)
    led, other = town.write("Mehr Bänke"), town.write("Mehr Licht")
    change = draft.change(led)
    verdict = Verdict(DispositionKind.adopt, "Steht jetzt im Text.")
    made = {d.contribution_id: d for d in decide_together(
        town.process, [(led.id, 0), (other.id, 0)], verdict, town.steering)}  # fmt: skip
    assert (made[led.id].change_id, made[led.id].element_id) == (change.id, draft.goal.id)
    assert (made[other.id].change_id, made[other.id].element_id) == (None, None)
    [noted] = decide_together(town.process, [(led.id, made[led.id].id)], NOTE, town.steering)
    assert noted.change_id is None


def test_at_most_so_many_and_at_least_one(town):
    with pytest.raises(Refused):
        decide_together(town.process, [], NOTE, town.steering)
    with pytest.raises(Refused):
        decide_together(town.process, [(n, 0) for n in range(1, TOGETHER + 2)], NOTE, town.steering)


def test_what_is_not_public_or_a_reply_or_of_another_process_is_refused_and_nothing_happens(town):
    public, reply, gone = town.write(), None, town.write("Weg")
    reply = town.write("Antwort", actor=town.neighbour, reply_to=public)
    contributions.withdraw(gone, town.citizen)
    elsewhere = make_town().write()
    for bad in (reply, gone, elsewhere):
        with pytest.raises(Refused):
            decide_together(town.process, [(public.id, 0), (bad.id, 0)], NOTE, town.steering)
    assert db.session.scalar(select(func.count()).select_from(Disposition)) == 0


def test_who_has_not_seen_the_latest_decision_is_told(town):
    one, other = town.write(), town.write("Noch einer")
    first = say(town, one, held=True)
    with pytest.raises(Conflict) as stale:
        decide_together(town.process, [(one.id, 0), (other.id, 0)], NOTE, town.lead)
    assert stale.value.theirs == f"{town.process.code}-{one.number}"
    assert decisions_on([other.id]) == {}
    assert len(decide_together(town.process, [(one.id, first.id), (other.id, 0)], NOTE, town.lead)) == 2
