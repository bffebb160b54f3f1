"""A long waiting list: read only as far as places go, in a few statements, and to the same people as ever."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from consult.accounts.models import OrganisationKind, Person
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.invitations.models import InvitationState
from consult.meetings import quotas, waiting
from consult.meetings.models import Meeting, Quota, Registration, RegistrationState
from consult.meetings.room import room_of
from consult.outbox.models import OutboxMessage
from tests.invitations.factories import invitation_of, invite, link_of
from tests.meetings.factories import BEFORE, Circle
from tests.meetings.registrants import MIGRANTS, POLITICS, WELFARE, public_meeting, run_due, share

MANY = 2000
LATER = BEFORE + timedelta(hours=49)


def people(meeting: Meeting, kinds: list[str | None], state: str = "waiting") -> None:
    """One person each, in this order."""
    if not kinds:
        return
    persons: Any = Person.__table__
    rows: Any = Registration.__table__
    moment = BEFORE - timedelta(days=1)
    ids = db.session.scalars(
        insert(persons).returning(persons.c.id),
        [{"email": f"p{meeting.id}-{state}-{n}@example.org", "name": "", "locale": "de"} for n in range(len(kinds))],
    ).all()
    db.session.execute(
        insert(rows),
        [
            {
                "meeting_id": meeting.id, "person_id": ident, "state": state, "organisation_kind": kind,
                "organisation_name": "", "named": False, "origin": "registration",
                # Some came in the same moment.
                "waiting_since": moment + timedelta(seconds=n // 3) if state == "waiting" else None,
                "code": f"{state[0]}{n:07d}",
            }
            for n, (ident, kind) in enumerate(zip(sorted(ids), kinds, strict=True))
        ],
    )  # fmt: skip


def in_state(meeting: Meeting, state: str) -> list[int]:
    return list(
        db.session.scalars(
            select(Registration.id)
            .where(Registration.meeting_id == meeting.id, Registration.state == state)
            .order_by(Registration.id)
        )
    )


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    return public_meeting(capacity=50)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many people were read from the queue, round by round."""
    rounds: list[int] = []
    ask = waiting._next_ones

    def counted(*about: Any) -> Any:
        rows = ask(*about)
        rounds.append(len(rows))
        return rows

    monkeypatch.setattr(waiting, "_next_ones", counted)
    return rounds


def test_in_a_full_house_nobody_of_two_thousand_is_read(circle: Circle, read: list[int], count_queries: Any) -> None:
    people(circle.meeting, [None] * 50, "coming")
    people(circle.meeting, [None, POLITICS, WELFARE, MIGRANTS] * (MANY // 4))
    db.session.commit()
    with count_queries() as sent:
        assert run_due(BEFORE) == 0
    assert read == []
    # Which meetings; the meeting twice, locked each time; offers that ended and their answers; places and shares.
    assert len(sent) <= 10, sent


def test_three_free_places_cost_three_people_and_as_many_statements_as_one(
    circle: Circle, read: list[int], count_queries: Any
) -> None:
    people(circle.meeting, [None] * 47, "coming")
    people(circle.meeting, [None, POLITICS] * (MANY // 2))
    db.session.commit()
    with count_queries() as sent:
        assert run_due(BEFORE) == 3
    assert read == [3]
    # However many are offered a place: one change, one entry in the record each, one look at addresses, one mail each.
    assert len(sent) <= 18, sent
    queue = in_state(circle.meeting, "offered")
    assert queue == sorted([*queue, *in_state(circle.meeting, "waiting")])[:3]
    assert len(db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "place_offered")).all()) == 3


def test_one_place_kept_far_back_in_the_queue_is_found_at_once(circle: Circle, read: list[int]) -> None:
    share(circle.meeting, MIGRANTS, reserved=1)
    people(circle.meeting, [None] * 49, "coming")
    people(circle.meeting, [*([None] * (MANY - 1)), MIGRANTS])
    db.session.commit()
    read.clear()
    assert run_due(BEFORE) == 1
    assert read == [1]
    assert in_state(circle.meeting, "offered") == [max(in_state(circle.meeting, "waiting")) + 1]


def test_a_kind_that_is_full_is_left_out_of_the_next_round(circle: Circle, read: list[int]) -> None:
    share(circle.meeting, POLITICS, at_most=1)
    people(circle.meeting, [None] * 46, "coming")
    people(circle.meeting, [*([POLITICS] * 1000), *([None] * 1000)])
    db.session.commit()
    read.clear()
    assert run_due(BEFORE) == 4
    assert read == [4, 3]


def test_without_a_limit_everybody_moves_up_in_heaps(circle: Circle, read: list[int], count_queries: Any) -> None:
    circle.meeting.capacity = None
    people(circle.meeting, [None] * 1200)
    db.session.commit()
    with count_queries() as sent:
        assert run_due(BEFORE) == 1200
    assert read == [500, 500, 200]
    assert len(sent) <= 40, len(sent)
    entries = select(AuditEntry.id).where(AuditEntry.action == "meetings.registration.changed")
    assert len(db.session.scalars(entries).all()) == 1200


def _one_by_one(meeting: Meeting) -> list[int]:
    """Who gets a place, worked out with everybody of the queue."""
    room = room_of(meeting)
    found = []
    for ident, kind in db.session.execute(
        select(Registration.id, Registration.organisation_kind)
        .where(Registration.meeting_id == meeting.id, Registration.state == RegistrationState.waiting)
        .order_by(Registration.waiting_since, Registration.id)
    ):
        if room.has_place(kind):
            room.taken[kind] += 1
            found.append(ident)
    return sorted(found)


def test_the_places_go_to_the_same_people_as_one_by_one(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BATCH", 4)
    chance = Random(7)
    kinds: list[str | None] = [None, MIGRANTS, POLITICS, WELFARE, OrganisationKind.education]
    moved = 0
    for _turn in range(60):
        meeting = circle.meeting
        for table in (Quota, OutboxMessage, Registration):
            db.session.execute(delete(table))
        db.session.execute(delete(Person).where(Person.email.like(f"p{meeting.id}-%")))
        meeting.capacity = chance.choice([None, 3, 6, 9, 12])
        db.session.flush()
        for kind in (MIGRANTS, POLITICS, WELFARE):
            if chance.random() < 0.6:
                kept = chance.randint(0, 2)
                most = chance.choice([None, kept, kept + 1])
                db.session.add(
                    Quota(meeting_id=meeting.id, organisation_kind=kind, reserved=kept, at_most=most)
                )  # fmt: skip
        people(meeting, [chance.choice(kinds) for _n in range(chance.randint(0, 5))], "coming")
        people(meeting, [chance.choice(kinds) for _n in range(chance.randint(1, 25))])
        expected = _one_by_one(meeting)
        assert waiting.move_up(meeting, BEFORE) == len(expected)
        assert in_state(meeting, "offered") == expected
        moved += len(expected)
    assert moved > 60


def test_an_offer_that_ran_out_takes_the_yes_off_the_invitation_as_well(circle: Circle, browser: Any) -> None:
    circle.meeting.capacity = 1
    invite(circle)
    people(circle.meeting, [None], "coming")
    db.session.commit()
    mine = link_of(invitation_of("amira@example.org"))
    browser.submit(mine + "/accept", form_at=mine)
    assert invitation_of("amira@example.org").state == InvitationState.accepted
    circle.meeting.capacity = 2
    quotas.set_quotas(circle.meeting, [], None)
    db.session.commit()
    assert run_due(LATER) == 1
    db.session.expire_all()
    invitation = invitation_of("amira@example.org")
    row = db.session.scalars(select(Registration).where(Registration.person_id == invitation.person_id)).one()
    assert (row.state, invitation.state) == ("declined", "declined")
    said = browser.get(mine, headers={"Accept-Language": "en"}).text
    assert "You are not coming" in said
    # And back again, by the same page.
    browser.submit(mine + "/accept", form_at=mine)
    db.session.expire_all()
    assert (row.state, invitation_of("amira@example.org").state) == ("coming", "accepted")
