"""Pictures of a pinboard: written anew, for organisers only, typed in later, gone when somebody says so."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import current_app
from PIL import Image
from sqlalchemy import select

from consult import clock, files, retention
from consult.files import StoredFile
from consult.meetings import photos
from consult.meetings.models import Card, WallPhoto
from tests.client import Browser
from tests.concept.test_pictures import HOSTILE, hostile_file
from tests.meetings.factories import Circle, make_circle


def picture(kind: str = "JPEG", size: tuple[int, int] = (4000, 3000), colour: str = "teal") -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "GEHEIMER-ORT"
    Image.new("RGB", size, colour).save(out, kind, **({"exif": exif} if kind == "JPEG" else {}))
    return out.getvalue()


@pytest.fixture
def circle(session: Any, tmp_path: Any, monkeypatch: Any) -> Circle:
    monkeypatch.setitem(current_app.config, "DATA_DIR", str(tmp_path))
    return make_circle(kind="kickoff")


def send(staff: Browser, circle: Circle, data: bytes, status: int = 303) -> Any:
    file = (io.BytesIO(data), "../../wand\u202egpj.exe")
    path = circle.meeting_path("/photos")
    return staff.submit(path, {"file": file, "note": "Tisch 4"}, status=status)


def test_a_picture_is_kept_without_what_it_said_about_itself(
    session: Any, circle: Circle, browser: Browser, browser_of: Callable[..., Browser]
) -> None:
    staff = browser_of(circle.moderator)
    send(staff, circle, picture())
    photo = session.scalars(select(WallPhoto)).one()
    stored = session.get(StoredFile, photo.file_id)
    data = (files.folder() / stored.sha256[:2] / stored.sha256).read_bytes()
    assert b"GEHEIMER-ORT" not in data
    assert max(Image.open(io.BytesIO(data)).size) == 3200
    path = circle.meeting_path(f"/photos/{photo.id}")
    shown = staff.client.get(path)
    assert (shown.mimetype, shown.headers["Cache-Control"]) == ("image/jpeg", "no-store")
    shown.close()
    browser.get(path, status=303)
    browser_of(circle.citizen).get(path, status=403)
    other = make_circle()
    browser_of(other.moderator).get(other.meeting_path(f"/photos/{photo.id}"), status=404)
    # The same picture again adds nothing.
    send(staff, circle, picture(), status=422)
    assert len(session.scalars(select(WallPhoto)).all()) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_picture_is_refused(name: str, session: Any, circle: Circle, browser_of: Any) -> None:
    send(browser_of(circle.moderator), circle, hostile_file(name), status=422)
    assert session.scalar(select(StoredFile)) is None


def test_one_byte_too_many_is_refused(session: Any, circle: Circle, browser_of: Any) -> None:
    staff = browser_of(circle.moderator)
    send(staff, circle, picture() + bytes(photos.MAX_FILE - len(picture()) + 1), status=422)
    send(staff, circle, picture() + bytes(photos.MAX_FILE - len(picture())))


def test_cards_are_typed_in_beside_their_picture_and_it_is_done(
    session: Any, circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    staff = browser_of(circle.moderator)
    send(staff, circle, picture())
    photo = session.scalars(select(WallPhoto)).one()
    path = circle.meeting_path(f"/cards?photo={photo.id}")
    page = staff.get(path)
    assert page.html.select_one(f'img[src="{circle.meeting_path(f"/photos/{photo.id}")}"]')
    fields = page.form_fields(circle.meeting_path("/cards"))
    assert fields["photo"] == str(photo.id)
    staff.post(circle.meeting_path("/cards"), {**fields, "text": "Vom Bild"})
    assert session.scalars(select(Card.photo_id)).one() == photo.id
    staff.submit(circle.meeting_path(f"/photos/{photo.id}/done"), form_at=path)
    assert (photo.typed_at is not None, photo.typed_by_id) == (True, circle.moderator.id)
    # The picture of another meeting says nothing here.
    other = make_circle(kind="kickoff")
    strange = browser_of(other.moderator)
    strange.submit(other.meeting_path("/cards"), {"text": "Fremd", "photo": str(photo.id)})
    assert session.scalar(select(Card.photo_id).where(Card.meeting_id == other.meeting.id)) is None


def test_a_deleted_picture_leaves_the_disk_and_its_cards_stay(
    session: Any, circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    staff = browser_of(circle.moderator)
    send(staff, circle, picture())
    photo = session.scalars(select(WallPhoto)).one()
    staff.submit(circle.meeting_path("/cards"), {"text": "Vom Bild", "photo": str(photo.id)})
    shown = circle.meeting_path(f"/photos/{photo.id}")
    stored = session.get(StoredFile, photo.file_id)
    path = files.folder() / stored.sha256[:2] / stored.sha256
    assert path.exists()
    staff.submit(circle.meeting_path(f"/photos/{photo.id}/remove"), form_at=circle.meeting_path("/photos"))
    staff.get(shown, status=404)
    assert session.scalars(select(WallPhoto)).all() == []
    for days in (2, 4):
        retention.run(retention.unused_files, clock.now() + timedelta(days=days))
    assert not path.exists()
    assert session.scalars(select(StoredFile)).all() == []
    assert session.scalars(select(Card.photo_id)).all() == [None]
