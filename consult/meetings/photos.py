"""Pictures of a pinboard: taken at the meeting, typed in later, seen by organisers only."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update

from consult import files
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept.pictures import Rewritten, Size, rewrite
from consult.errors import Refused
from consult.extensions import db
from consult.files import StoredFile
from consult.html import clean_line
from consult.meetings.models import Card, Meeting, WallPhoto

POLICY = "meetings"
MAX_FILE = 15 * 2**20
#: Handwriting on a wall of cards must stay legible.
SIZE = Size(max_file=MAX_FILE, max_side=3200)
#: As many as a wall of a large meeting needs.
MAX_PHOTOS = 60


def read(data: bytes) -> Rewritten:
    """The picture written anew: its pixels alone. Before the first write of the request. Raises `Refused`."""
    return rewrite(data, SIZE)


def add(meeting: Meeting, picture: Rewritten, note: str, actor: Person, now: datetime) -> WallPhoto:
    """Keep a picture to type in later. Raises `Refused` when there are too many, or this one is there already."""
    of_meeting = select(func.count()).select_from(WallPhoto).where(WallPhoto.meeting_id == meeting.id)
    if (db.session.scalar(of_meeting) or 0) >= MAX_PHOTOS:
        raise Refused(_("There are %(num)s pictures already; please remove some first.", num=MAX_PHOTOS))
    ending = "png" if picture.media_type == "image/png" else "jpg"
    stored = files.store(db.session(), picture.data, f"wall.{ending}", picture.media_type, POLICY, actor.id)
    if db.session.scalar(of_meeting.where(WallPhoto.file_id == stored.id)):
        raise Refused(_("This picture is there already."))
    row = WallPhoto(meeting_id=meeting.id, file_id=stored.id, note=clean_line(note)[:200], created_at=now)
    db.session.add(row)
    db.session.flush()
    record(Action.wall_photo_added, actor.id, row, process_id=meeting.process_id)
    return row


def of(meeting_id: int) -> list[tuple[WallPhoto, int]]:
    """The pictures of a meeting in their order, those to type in first, each with the number of cards typed from it."""
    rows = db.session.execute(
        select(WallPhoto, func.count(Card.contribution_id))
        .outerjoin(Card, Card.photo_id == WallPhoto.id)
        .where(WallPhoto.meeting_id == meeting_id)
        .group_by(WallPhoto.id)
        .order_by(WallPhoto.typed_at.is_not(None), WallPhoto.id)
    )
    return [(photo, number) for photo, number in rows]


def one(meeting_id: int, photo_id: int) -> WallPhoto | None:
    """This picture, if it is of this meeting."""
    return db.session.scalar(select(WallPhoto).where(WallPhoto.id == photo_id, WallPhoto.meeting_id == meeting_id))


def stored_file(photo: WallPhoto) -> StoredFile:
    return db.session.get_one(StoredFile, photo.file_id)


def mark(photo: WallPhoto, done: bool, actor: Person, process_id: int, now: datetime) -> bool:
    """Every card on it is typed in, or not yet after all. False when somebody said so before."""
    changed = db.session.execute(
        update(WallPhoto)
        .where(WallPhoto.id == photo.id, WallPhoto.typed_at.is_(None) if done else WallPhoto.typed_at.is_not(None))
        .values(typed_at=now if done else None, typed_by_id=actor.id if done else None)
        .returning(WallPhoto.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(photo)
    if changed is not None:
        record(Action.wall_photo_typed, actor.id, photo, process_id=process_id, done=done)
    return changed is not None


def remove(photo: WallPhoto, actor: Person, process_id: int) -> None:
    """Forget a picture; the cards typed from it stay. The nightly purge deletes its file (`files.purge`)."""
    record(Action.wall_photo_removed, actor.id, photo, process_id=process_id)
    db.session.execute(
        update(Card).where(Card.photo_id == photo.id).values(photo_id=None).execution_options(synchronize_session=False)
    )
    db.session.execute(delete(WallPhoto).where(WallPhoto.id == photo.id).execution_options(synchronize_session=False))
