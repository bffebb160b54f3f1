"""The nightly purge: when it is due, and what it removes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consult import clock, retention
from consult.accounts.models import LinkPurpose, LinkToken, SignIn
from consult.audit import operations as audit
from consult.clock import from_local
from consult.jobs import Job
from consult.limits import RateBucket
from consult.site.models import ContactMessage
from consult.web import FormAnswer
from tests.conftest import MONDAY
from tests.factories import make_person

ZONE = "Europe/Berlin"


def local(*wall: int) -> datetime:
    return from_local(datetime(*wall), ZONE)  # type: ignore[arg-type]  # noqa: DTZ001  from_local wants wall time


@pytest.mark.parametrize("year", [2026, 2027])
def test_it_happens_exactly_once_on_every_night_of_the_year(session: Any, year: int) -> None:
    done: list[datetime] = []
    now = datetime(year, 1, 1, 12, tzinfo=UTC)
    audit.beat(Job.purge, now)
    while now < datetime(year + 1, 1, 1, 12, tzinfo=UTC):
        now += timedelta(hours=1)
        if retention.is_due(now):
            done.append(now)
            audit.beat(Job.purge, now)
    days = [clock.local_date(moment, ZONE) for moment in done]
    assert len(days) == len(set(days)) == 365
    assert {clock.local_hour(moment, ZONE) for moment in done} == {3}


def test_a_machine_that_is_off_at_night_purges_in_the_day(session: Any) -> None:
    audit.beat(Job.purge, local(2026, 3, 16, 3, 30))
    assert not retention.is_due(local(2026, 3, 17, 9))
    assert retention.is_due(local(2026, 3, 18, 9))


def test_it_is_never_due_in_the_hour_that_clocks_skip_or_repeat(session: Any) -> None:
    audit.beat(Job.purge, local(2026, 10, 24, 3, 30))
    for minutes in range(0, 180, 10):
        moment = local(2026, 10, 25, 0, 30) + timedelta(minutes=minutes)
        if clock.local_hour(moment, ZONE) < 3:
            assert not retention.is_due(moment)


def test_what_is_needed_stays_and_what_is_over_goes(session: Any, at: Any) -> None:
    now = at(MONDAY)
    person = make_person()
    old, young = now - timedelta(days=8), now - timedelta(days=6)
    session.add_all(
        [
            FormAnswer(key="old", location="/", created_at=old),
            FormAnswer(key="young", location="/", created_at=young),
            RateBucket(key="old", ends_at=now - timedelta(seconds=1)),
            RateBucket(key="young", ends_at=now + timedelta(seconds=1)),
            SignIn(secret_hash="over", person_id=person.id, expires_at=now - timedelta(seconds=1)),
            SignIn(secret_hash="idle", person_id=person.id, expires_at=now + timedelta(days=9), seen_at=old),
            SignIn(secret_hash="here", person_id=person.id, expires_at=now + timedelta(days=9), seen_at=now),
            LinkToken(purpose=LinkPurpose.reset, nonce="old", expires_at=now - timedelta(days=31)),
            LinkToken(purpose=LinkPurpose.reset, nonce="young", expires_at=now - timedelta(days=29)),
            ContactMessage(topic="t", body="old", created_at=now - timedelta(days=366)),
            ContactMessage(topic="t", body="young", created_at=now - timedelta(days=364)),
        ]
    )
    session.commit()
    for step in retention.STEPS:
        step(now)
        session.commit()
    assert [row.key for row in session.query(FormAnswer)] == ["young"]
    assert [row.key for row in session.query(RateBucket)] == ["young"]
    assert [row.secret_hash for row in session.query(SignIn)] == ["here"]
    assert [row.nonce for row in session.query(LinkToken)] == ["young"]
    assert [row.body for row in session.query(ContactMessage)] == ["young"]
