"""Many devices at once, on real connections: each person counts once, in whatever order they arrive."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from consult import clock
from consult.accounts.models import Person
from consult.extensions import db
from consult.meetings import door
from consult.meetings.door import Act, Entry, Outcome
from consult.meetings.models import CheckIn, Meeting, Registration
from tests.factories import make_person
from tests.meetings.factories import make_circle
from tests.together import at_once, own_application

AT_ONCE = 20
GUESTS = 6


@pytest.fixture
def real(tmp_path: Path, worker_name: str) -> Iterator[Flask]:
    with own_application(tmp_path, f"consult_door_{worker_name}") as application:
        yield application


def test_the_same_check_ins_sent_twenty_times_at_once_count_nobody_twice(real):
    now = clock.now()
    with real.app_context():
        circle = make_circle(kind="kickoff", starts_at=now - timedelta(minutes=5), ends_at=now + timedelta(hours=2))
        ids = []
        for n in range(GUESTS):
            row = Registration(meeting_id=circle.meeting.id, person_id=make_person(f"Gast {n}").id, state="coming")
            db.session.add(row)
            db.session.flush()
            ids.append(row.id)
        circle.meeting.present = 0
        meeting_id, staff_id = circle.meeting.id, circle.moderator.id
        db.session.commit()

    def device(number: int) -> Callable[[], list[Outcome]]:
        # Half of them send the very same again, half checked in the same people by themselves; in any order.
        same = number % 2 == 0
        people = ids if number % 4 < 2 else ids[::-1]
        entries = [
            Entry(f"key-{'same' if same else number}-{ident}", Act.came, now - timedelta(seconds=place), ident)
            for place, ident in enumerate(people)
        ]
        entries.append(Entry("walk-in-same" if same else f"walk-in-{number}", Act.walk_in, now, None, "Neu Hier"))

        def run() -> list[Outcome]:
            meeting, staff = db.session.get_one(Meeting, meeting_id), db.session.get_one(Person, staff_id)
            return [result.outcome for result in door.take_in(meeting, entries, staff, now=now)]

        return run

    results = at_once(real, *(device(number) for number in range(AT_ONCE)))
    counted = [outcome for result in results for outcome in result].count(Outcome.counted)
    # One each, one for the walk-in that ten devices sent under one key, one for each of the ten others.
    assert counted == GUESTS + 1 + AT_ONCE // 2
    with real.app_context():
        assert db.session.scalar(select(func.count()).select_from(CheckIn)) == counted
        assert db.session.scalar(select(func.count()).where(Registration.state == "attended")) == counted
        assert db.session.scalar(select(func.count()).where(Person.name == "Neu Hier")) == 1 + AT_ONCE // 2
        assert db.session.scalar(select(Meeting.present)) == counted
