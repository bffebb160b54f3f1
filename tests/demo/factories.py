"""What the tests of the demonstration look things up with."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select

import config
from consult import create_app
from consult.concept.models import Element
from consult.contributions.models import Contribution, ContributionText
from consult.db import Base
from consult.demo.source import content
from consult.extensions import db
from consult.meetings.models import Meeting
from consult.processes.models import Process
from tests.conftest import database_url

BERLIN = ZoneInfo("Europe/Berlin")
#: A Thursday afternoon, so that the story's Monday is three days ago.
NOW = dt.datetime(2026, 3, 19, 15, 0, tzinfo=dt.UTC)
TEXTS = content()
SHIFT = dt.date(2026, 3, 16) - TEXTS["clock"]["story_monday"]
SPOKEN = {c["id"]: c for c in TEXTS["contributions"] + TEXTS["more_contributions"]}


@contextmanager
def an_app(folder: Path, name: str, demo: str = "1") -> Iterator[Flask]:
    """An application with an empty database of its own, made by the migrations."""
    app = create_app(
        {
            "CONSULT_ENV": "test",
            "DATA_DIR": str(folder),
            "SECRET_KEY": "test-key-" + "0123456789abcdef" * 3,
            "PUBLIC_URL": "http://consult.test",
            "DATABASE_URL": database_url(folder, name),
            "BROKER_URL": "you-forgot-to-capture-jobs://",
            "MAIL_URL": f"file://{folder}/mail",
            "DEMO": demo,
        }
    )
    with app.app_context():
        upgrade(directory=str(config.ROOT / "migrations"))
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def counts() -> dict[str, int]:
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
    }


def said(name: str) -> Contribution:
    """The contribution by its id in the texts: what was said stands in one revision, word for word."""
    contribution = db.session.scalar(
        select(Contribution)
        .join(ContributionText, ContributionText.contribution_id == Contribution.id)
        .where(ContributionText.body == SPOKEN[name]["text"])
    )
    assert contribution is not None, name
    return contribution


def element(key: str) -> Element:
    return db.session.scalars(select(Element).where(Element.key == key)).one()


def the_process() -> Process:
    return db.session.scalars(select(Process)).one()


def meeting(name: str) -> Meeting:
    row = next(m for m in TEXTS["meetings"] if m["id"] == name)
    day = (row["date"] + SHIFT).isoformat()
    return db.session.scalars(
        select(Meeting).where(Meeting.title == row["title"], Meeting.wall_start.startswith(day))
    ).one()


def arrivals_in_order() -> bool:
    rows = db.session.execute(select(Contribution.number, Contribution.created_at).order_by(Contribution.number)).all()
    moments = [row.created_at for row in rows]
    return [row.number for row in rows] == list(range(1, len(rows) + 1)) and moments == sorted(moments)
