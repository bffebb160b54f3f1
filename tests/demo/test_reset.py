"""Loading and resetting where it is allowed, and nowhere else."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from consult.accounts.models import Person
from consult.concept.models import Change, Version
from consult.demo.dates import Dates
from consult.demo.loader import NoDemo, load
from consult.demo.reset import reset
from consult.digests.models import Digest
from consult.extensions import db
from consult.processes.models import Process
from tests.demo.factories import BERLIN, NOW, TEXTS, an_app, arrivals_in_order, counts


def test_it_loads_on_a_demonstration_only(tmp_path, worker_name):
    with an_app(tmp_path, f"nodemo_{worker_name}", demo="0") as app:
        with pytest.raises(NoDemo):
            load()
        with pytest.raises(NoDemo):
            reset()
        assert db.session.scalar(select(func.count()).select_from(Process)) == 0
        result = app.test_cli_runner().invoke(args=["demo", "load"])
        assert result.exit_code == 1
        assert "DEMO" in result.output


def test_production_can_never_be_reset(demo, loaded, monkeypatch):
    before = counts()
    monkeypatch.setitem(loaded.config, "CONSULT_ENV", "production")
    with pytest.raises(NoDemo):
        reset()
    assert counts() == before


def test_a_reset_starts_afresh_on_a_monday_morning(tmp_path, worker_name, at, poked):
    with an_app(tmp_path, f"reset_{worker_name}") as app:
        at(NOW)
        load()
        assert poked == [], "all mails of the story have left long ago"
        first = counts()
        db.session.add(Person(name="Jemand"))
        db.session.commit()
        monday = at(dt.datetime(2026, 4, 13, 4, 30, tzinfo=dt.UTC))
        result = app.test_cli_runner().invoke(args=["demo", "reset"])
        assert result.exit_code == 0, result.output
        assert counts()["person"] == first["person"]
        # Two of the queue's cases are older than the end of the last report now; numbers follow all the same.
        assert arrivals_in_order()
        opened = db.session.scalars(
            select(Version.sealed_at).where(Version.sealed_at.is_not(None)).order_by(Version.sealed_at.desc())
        ).first()
        assert opened is not None
        assert opened.astimezone(BERLIN).date() == dt.date(2026, 4, 9)
        last = db.session.scalars(select(Digest).order_by(Digest.id.desc())).first()
        assert last is not None
        assert last.content["stocks"]["waiting"] == 1
        assert monday > (last.issued_at or monday)
        frozen = db.session.scalars(select(Change)).first()
        frozen.reason = "Anders."
        with pytest.raises(Exception, match="frozen"):
            db.session.flush()
        db.session.rollback()


def test_the_story_moves_by_whole_weeks():
    for day in (dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(400)):
        for hour in (0, 12, 23):
            now = dt.datetime.combine(day, dt.time(hour, 30), BERLIN)
            dates = Dates(TEXTS["clock"]["story_monday"], now, "Europe/Berlin")
            monday = dates.day(TEXTS["clock"]["story_monday"])
            assert dates.shift.days % 7 == 0
            assert monday.weekday() == 0
            assert dt.timedelta(0) <= day - monday < dt.timedelta(days=7)
            local = dates.moment(dt.date(2018, 4, 24), "17:00").astimezone(BERLIN)
            assert (local.weekday(), local.hour) == (1, 17)
