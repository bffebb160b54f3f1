"""Files that were taken away leave the disk, a day after nothing refers to them; whatever happens meanwhile."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from consult import clock, files, retention
from consult.audit.models import Deletion
from consult.extensions import db
from consult.files import StoredFile
from consult.meetings import materials
from consult.meetings.models import Material, Meeting
from tests.client import Browser
from tests.invitations.conftest import own_app  # noqa: F401  (a fixture)
from tests.meetings.factories import BEFORE, Circle, make_circle, make_meeting
from tests.together import at_once

PDF = b"%PDF-1.7\n"
DAY = timedelta(days=1)


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    made = make_circle()
    session.commit()
    return made


def add(circle: Circle, data: bytes = PDF, meeting: Meeting | None = None) -> Material:
    return materials.add_file(meeting or circle.meeting, data, "Plan.pdf", circle.moderator)


def bytes_of(material: Material) -> Path:
    assert material.file_id is not None
    return files.path_of(db.session.get_one(StoredFile, material.file_id).sha256)


def nights(at: Callable[[datetime], Any], *days: float) -> list[int]:
    """Purge so many days after the beginning; how many files left the disk each time."""
    return [retention.run(retention.unused_files, at(BEFORE + timedelta(days=number))) for number in days]


def test_a_file_that_was_taken_away_is_forgotten_and_then_deleted(
    session: Any, circle: Circle, browser_of: Callable[..., Browser], at: Callable[[datetime], Any]
) -> None:
    path = bytes_of(add(circle))
    stays = bytes_of(add(circle, PDF + b"other"))
    session.commit()
    staff, where = browser_of(circle.moderator), circle.meeting_path("/materials")
    ident = session.scalars(select(Material.id).order_by(Material.position)).first()
    staff.submit(f"{where}/{ident}/remove", form_at=where)
    assert path.exists()
    assert nights(at, 0.5) == [0]
    assert session.scalar(select(func.count()).select_from(StoredFile)) == 2
    # Nobody needs it for a day: forgotten. Another day on the disk, for a backup that names it; then it is gone.
    assert nights(at, 1.5, 2, 2.6, 3.6) == [0, 0, 1, 0]
    assert not path.exists()
    assert stays.exists()
    assert session.scalar(select(func.count()).select_from(StoredFile)) == 1
    assert session.scalars(select(Deletion.rows).where(Deletion.what == "unused_files")).all() == [1]
    assert list(files.folder().glob(f"*/*{files.FORGOTTEN}")) == []


def test_the_same_bytes_beside_another_meeting_stay_until_they_are_taken_away_there(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    other = make_meeting(circle.process, group_id=circle.group.id, title="Anderes")
    one, two = add(circle), add(circle, meeting=other)
    path = bytes_of(one)
    materials.remove(circle.meeting, one, circle.moderator)
    session.commit()
    assert nights(at, 2, 4) == [0, 0]
    assert path.exists()
    materials.remove(other, two, circle.moderator)
    session.commit()
    assert nights(at, 5, 7) == [0, 1]
    assert not path.exists()


def test_who_puts_the_same_file_back_in_the_day_between_keeps_it(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    materials.remove(circle.meeting, add(circle), circle.moderator)
    session.commit()
    assert nights(at, 2) == [0]
    path = bytes_of(add(circle))
    session.commit()
    assert nights(at, 3.5, 9) == [0, 0]
    assert path.read_bytes() == PDF


def test_nothing_leaves_the_disk_while_a_backup_is_taken(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    material = add(circle)
    path = bytes_of(material)
    materials.remove(circle.meeting, material, circle.moderator)
    session.commit()
    with files.standing_still():
        assert nights(at, 2, 4) == [0, 0]
    assert session.scalar(select(func.count()).select_from(StoredFile)) == 1
    assert nights(at, 5) == [0]
    with files.standing_still(), files.standing_still():
        assert nights(at, 7) == [0]
        assert path.exists()
    assert nights(at, 7.1) == [1]


def test_a_database_that_knows_none_of_the_files_deletes_none(session: Any, circle: Circle) -> None:
    lost = files.path_of("ab" * 32)
    lost.parent.mkdir(parents=True, exist_ok=True)
    lost.write_bytes(PDF)
    os.utime(lost, (0, 0))
    assert retention.run(retention.unused_files, datetime(2030, 1, 1, tzinfo=UTC)) == 0
    assert lost.exists()


def test_a_file_stored_while_the_same_bytes_are_swept_is_there(own_app: Flask) -> None:  # noqa: F811
    circle = make_circle()
    ids = circle.meeting.id, circle.moderator.id
    db.session.commit()
    start = clock.now()
    for turn in range(12):
        meeting = db.session.get_one(Meeting, ids[0])
        material = materials.add_file(meeting, PDF + b"%d" % (turn // 3), "Plan.pdf", None)
        path, ident = bytes_of(material), material.id
        db.session.commit()
        db.session.execute(Material.__table__.delete().where(Material.id == ident))  # type: ignore[attr-defined]
        db.session.commit()
        # In every third turn the row goes meanwhile, in the others the bytes.
        if turn % 3:
            files.purge(db.session(), start + 2 * DAY)
            db.session.commit()
        db.session.remove()

        def put(turn: int = turn) -> int:
            meeting = db.session.get_one(Meeting, ids[0])
            return materials.add_file(meeting, PDF + b"%d" % (turn // 3), "Plan.pdf", None).id

        made, _swept = at_once(own_app, put, lambda: files.purge(db.session(), start + 4 * DAY))
        assert isinstance(made, int), made
        assert bytes_of(db.session.get_one(Material, made)) == path
        assert path.read_bytes() == PDF + b"%d" % (turn // 3)
        db.session.execute(Material.__table__.delete().where(Material.id == made))  # type: ignore[attr-defined]
        db.session.commit()
