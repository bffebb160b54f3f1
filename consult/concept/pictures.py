"""Pictures that texts show: taken in through a child process, kept as they came out of it, numbered per concept."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask_babel import gettext as _
from sqlalchemy import exists, func, select

from consult import clock, files
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.concept.marks import pictures_in
from consult.concept.models import Concept, Element, Picture, Placement, Version, Wording
from consult.concept.working import id_of, lock_working
from consult.db import lock_released
from consult.errors import Refused
from consult.extensions import db
from consult.files import StoredFile
from consult.processes.models import Process

MAX_FILE = 10 * 2**20
POLICY = "concept"
READER = Path(__file__).with_name("picture_reader.py")
#: Longer than the child may work: it ends itself.
SECONDS = 15
MEDIA_TYPES = ("image/jpeg", "image/png")
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}
#: One at a time in each process: a large picture takes memory, and editors can wait a second.
_reading = threading.Lock()


@dataclass(frozen=True)
class Size:
    """What is taken, and how large it is kept."""

    max_file: int = MAX_FILE
    max_side: int = 1600


@dataclass(frozen=True)
class Rewritten:
    """A picture as it will be stored: pixels, and nothing else."""

    media_type: str
    width: int
    height: int
    data: bytes


def rewrite(data: bytes, size: Size = Size()) -> Rewritten:
    """The picture anew, small enough for a page. Raises `Refused` with a plain sentence for what is none.

    A child process does the work, without the lock of the database: call it before the first write of the request.
    """
    if len(data) > size.max_file:
        raise Refused(_("This picture is too large: %(num)s MB at most, please.", num=size.max_file // 2**20))
    if not data:
        raise Refused(_("This file is empty."))
    with lock_released(db.session()):
        if not _reading.acquire(timeout=SECONDS):
            raise Refused(_("Another picture is being read just now. Please try again in a minute."))
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(READER), str(size.max_side)], input=data, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, timeout=SECONDS, env={}, check=False,
            )  # fmt: skip
            head, _end, body = done.stdout.partition(b"\n")
            answer = json.loads(head)
        except (subprocess.TimeoutExpired, ValueError):
            # It ran into a limit or was ended: the file asks for more than a picture does.
            answer = {"problem": "broken"}
        finally:
            _reading.release()
    if "problem" in answer:
        raise Refused(_problem(answer["problem"]))
    return Rewritten(answer["type"], answer["width"], answer["height"], body)


def _problem(word: str) -> str:
    if word == "kind":
        return _("This is no picture we can show: please use PNG, JPEG or WebP.")
    if word == "pixels":
        return _("This picture has too many pixels: 40 million at most, please.")
    return _("This picture cannot be read. Please save it once more in a picture program and try again.")


def add(
    concept: Concept,
    picture: Rewritten,
    alt: str,
    credit: str,
    *,
    actor: Person | None,
    process: Process,
    now: datetime | None = None,
) -> Picture:
    """Keep a picture under the next number. Refuses one without words for those who cannot see it."""
    if not alt.strip():
        raise Refused(_("Please say what the picture shows, for people who cannot see it."))
    name = f"picture.{_ENDINGS[picture.media_type]}"
    stored = files.store(db.session(), picture.data, name, picture.media_type, POLICY, id_of(actor))
    if stored.media_type != picture.media_type:
        # The same bytes are kept under another type: we serve no picture that claims to be something else.
        raise Refused(_problem("broken"))
    lock_working(concept.id)
    last = db.session.scalar(select(func.max(Picture.number)).where(Picture.concept_id == concept.id))
    row = Picture(
        concept_id=concept.id, number=(last or 0) + 1, file_id=stored.id, alt=alt, credit=credit,
        width=picture.width, height=picture.height, actor_id=id_of(actor),
        created_at=now or clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    record(Action.picture_added, id_of(actor), row, process_id=process.id, number=row.number)
    return row


def all_of(concept_id: int) -> list[Picture]:
    """The pictures of a concept, newest first."""
    return list(
        db.session.scalars(select(Picture).where(Picture.concept_id == concept_id).order_by(Picture.number.desc()))
    )


def stored_file(concept_id: int, number: int, audiences: tuple[str, ...] | None) -> StoredFile | None:
    """The file of a picture, for editors (`audiences` is None) or for those who may read a version that shows it."""
    query = (
        select(StoredFile)
        .join(Picture, Picture.file_id == StoredFile.id)
        .where(Picture.concept_id == concept_id, Picture.number == number)
    )
    if audiences is not None:
        query = query.where(
            exists().where(
                Placement.wording_id == Wording.id,
                Wording.html.contains(f'<img src="picture:{number}"'),
                Version.id == Placement.version_id,
                Version.concept_id == concept_id,
                Version.number.is_not(None),
                Version.audience.in_(audiences),
            )
        )
    return db.session.scalar(query)


def showing(version_id: int) -> dict[int, list[tuple[str, str]]]:
    """Where this version shows pictures: number -> (key, number shown) of its parts."""
    rows = db.session.execute(
        select(Element.key, Placement.label, Wording.html)
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .where(Placement.version_id == version_id, Wording.html.contains("<img"))
        .order_by(Placement.label, Element.key)
    ).all()
    found: dict[int, list[tuple[str, str]]] = {}
    for key, label, html in rows:
        for number in pictures_in(html):
            found.setdefault(number, []).append((key, label))
    return found
