"""When a digest is due: once per day of the city's calendar, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from consult.digests import operations, queries, running
from consult.digests.models import Digest
from consult.processes.models import ProcessState
from tests.conftest import MONDAY
from tests.digests.factories import make_digest, stir
from tests.factories import make_process

BERLIN = ZoneInfo("Europe/Berlin")


def dates_of(session, process):
    return sorted(session.scalars(select(Digest.local_date).where(Digest.process_id == process.id)))


def test_a_digest_is_due_from_five_o_clock_of_the_city_on(session):
    process = make_process()
    assert process not in queries.due(datetime(2026, 3, 16, 3, 59, tzinfo=UTC))
    assert process in queries.due(datetime(2026, 3, 16, 4, 0, tzinfo=UTC))


def test_the_day_is_that_of_the_process_and_not_of_the_server(session):
    far = make_process(zone="Pacific/Auckland")
    evening = datetime(2026, 6, 10, 17, 30, tzinfo=UTC)  # 05:30 on the 11th over there
    assert far in queries.due(evening)
    make_digest(far, evening)
    assert dates_of(session, far) == [date(2026, 6, 11)]


def test_once_made_it_is_not_due_again_until_the_next_day(session):
    process = make_process()
    stir(process)
    make_digest(process, MONDAY)
    assert process not in queries.due(MONDAY + timedelta(hours=10))
    assert process in queries.due(MONDAY + timedelta(days=1))


@pytest.mark.parametrize("state", [ProcessState.draft, ProcessState.archived])
def test_only_published_processes_have_digests(session, state):
    assert make_process(state=state) not in queries.due(MONDAY)


def test_asking_what_is_due_costs_two_queries_for_any_number_of_processes(session, count_queries):
    make_process()
    with count_queries() as few:
        queries.due(MONDAY)
    for _more in range(20):
        make_process()
    with count_queries() as many:
        queries.due(MONDAY)
    assert len(few) == len(many) == 2


@pytest.mark.parametrize("night", [date(2026, 3, 29), date(2026, 10, 25)], ids=["spring", "autumn"])
def test_the_nights_when_the_clocks_change_have_one_digest_each(session, at, night):
    process = make_process()
    session.commit()
    moment = datetime(night.year, night.month, night.day, tzinfo=BERLIN).astimezone(UTC) - timedelta(hours=20)
    made = []
    for _tick in range(44 * 4):
        at(moment)
        stir(process)
        session.commit()
        made += [(moment.astimezone(BERLIN).date(), ident) for ident in running.run_due(moment)]
        moment += timedelta(minutes=15)
    assert [day for day, _ident in made] == [night - timedelta(days=1), night]


def test_every_day_of_a_year_has_exactly_one_digest(session):
    """Ticks around the hour in summer and winter time, and in the afternoon, for a whole year."""
    process = make_process()
    head = 0
    for day in range(365):
        for hour in (3, 4, 14):
            moment = datetime(2026, 1, 1, hour, 30, tzinfo=UTC) + timedelta(days=day)
            if process in queries.due(moment):
                head += 1
                assert operations.compile(process, head, moment) is not None
    rows = session.scalars(select(Digest).where(Digest.process_id == process.id).order_by(Digest.to_seq)).all()
    assert [row.local_date for row in rows] == [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert {row.created_at.astimezone(BERLIN).hour for row in rows} == {5}
    assert [row.from_seq for row in rows] == list(range(365))
