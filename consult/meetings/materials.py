"""What to read before or after a meeting: files, checked by what is in them, and links."""

import io
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update

from consult import files, signing
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.files import StoredFile
from consult.html import clean_line
from consult.meetings.models import Material, Meeting, Registration, RegistrationState
from consult.meetings.operations import web_address

MAX_FILE = 20 * 1024 * 1024
#: For one meeting.
MOST = 50
#: Under which policy the files are stored: who may fetch one is decided by its material.
POLICY = "material"
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "png": "image/png",
    "jpg": "image/jpeg",
    "txt": "text/plain",
}
#: A list of contents larger than this is no document somebody wrote.
_MAX_CONTENTS = 1024 * 1024
_END = struct.Struct("<4s4H2LH")


def type_of(data: bytes) -> str | None:
    """The kind of file by its content, one of `MEDIA_TYPES`; None for everything else. Names are not believed."""
    if data.startswith(b"%PDF-"):
        return "pdf"
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if data.startswith(b"PK\x03\x04"):
        return _document(data)
    return "txt" if _is_text(data) else None


def _document(data: bytes) -> str | None:
    """A text or table of an office program, without macros. Nothing is unpacked but one line."""
    at = data.rfind(b"PK\x05\x06")
    if at < 0 or len(data) < at + _END.size or _END.unpack_from(data, at)[5] > _MAX_CONTENTS:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            if any(PurePath(name).name.lower() == "vbaproject.bin" for name in names):
                return None
            if "[Content_Types].xml" in names:
                return "docx" if "word/document.xml" in names else "xlsx" if "xl/workbook.xml" in names else None
            if "mimetype" not in names or archive.getinfo("mimetype").file_size > 100:
                return None
            kind = archive.read("mimetype")
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, RuntimeError, EOFError):
        return None
    return "odt" if kind.strip() == MEDIA_TYPES["odt"].encode() else None


def _is_text(data: bytes) -> bool:
    try:
        words = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(words.strip()) and not any(ord(letter) < 32 and letter not in "\t\n\r\f" for letter in words)


@dataclass(frozen=True)
class Shown:
    """A material as a page lists it."""

    id: int
    title: str
    internal: bool
    #: The host of a link; empty for files.
    host: str = ""
    url: str = ""
    #: PDF, DOCX ... and its size in bytes.
    kind: str = ""
    size: int = 0


def of_meeting(meeting_id: int, with_internal: bool) -> list[Shown]:
    """In their order; internal ones for those who are invited or come, and for staff."""
    rows = db.session.execute(
        select(Material, StoredFile.media_type, StoredFile.size)
        .outerjoin(StoredFile, StoredFile.id == Material.file_id)
        .where(Material.meeting_id == meeting_id)
        .order_by(Material.position)
    )
    kinds = {media_type: name.upper() for name, media_type in MEDIA_TYPES.items()}
    return [
        Shown(
            row.id,
            row.title,
            row.internal,
            host=urlsplit(row.url).hostname or "" if row.url else "",
            url=row.url or "",
            kind=kinds.get(media_type or "", ""),
            size=size or 0,
        )
        for row, media_type, size in rows
        if with_internal or not row.internal
    ]


def find(meeting_id: int, material_id: int) -> tuple[Material, StoredFile | None] | None:
    """A material of this meeting, with its file."""
    row = db.session.execute(
        select(Material, StoredFile)
        .outerjoin(StoredFile, StoredFile.id == Material.file_id)
        .where(Material.id == material_id, Material.meeting_id == meeting_id)
    ).first()
    return (row[0], row[1]) if row else None


def _append(meeting: Meeting, material: Material, actor: Person | None) -> Material:
    db.session.execute(select(Meeting.id).where(Meeting.id == meeting.id).with_for_update())
    last, many = db.session.execute(
        select(func.max(Material.position), func.count()).where(Material.meeting_id == meeting.id)
    ).one()
    if many >= MOST:
        raise Refused(_("A meeting has at most %(most)s materials. Please remove one first.", most=MOST))
    material.position = 0 if last is None else last + 1
    db.session.add(material)
    db.session.flush()
    _note(meeting, actor)
    return material


def _note(meeting: Meeting, actor: Person | None) -> None:
    record(Action.meeting_changed, actor.id if actor else None, meeting, process_id=meeting.process_id)


def add_file(
    meeting: Meeting, data: bytes, name: str, actor: Person | None, *, title: str = "", internal: bool = False
) -> Material:
    """Put a file beside the meeting. Raises `Refused` for kinds we do not take, empty and too large ones."""
    if not data:
        raise Refused(_("This file is empty."))
    if len(data) > MAX_FILE:
        raise Refused(_("This file is larger than 20 MB."))
    kind = type_of(data)
    if kind is None:
        raise Refused(
            _("We take PDF, Word and LibreOffice texts, Excel tables, PNG and JPEG pictures and plain text; no macros.")
        )
    stem = clean_line(PurePath(name.replace("\\", "/")).stem).strip()
    called = (clean_line(title).strip() or stem or _("File"))[:200]
    stored = files.store(db.session(), data, f"{called}.{kind}", MEDIA_TYPES[kind], POLICY, actor.id if actor else None)
    return _append(meeting, Material(meeting_id=meeting.id, title=called, file_id=stored.id, internal=internal), actor)


def add_link(meeting: Meeting, url: str, actor: Person | None, *, title: str = "", internal: bool = False) -> Material:
    """Put a link to a page elsewhere beside the meeting. Raises `Refused` when it is no address of the web."""
    address = web_address(url)
    if not address:
        raise Refused(_("Please choose a file or give a link."))
    called = (clean_line(title).strip() or urlsplit(address).hostname or address)[:200]
    return _append(meeting, Material(meeting_id=meeting.id, title=called, url=address, internal=internal), actor)


def _in_order(meeting: Meeting) -> Sequence[int]:
    db.session.execute(select(Meeting.id).where(Meeting.id == meeting.id).with_for_update())
    return db.session.scalars(
        select(Material.id).where(Material.meeting_id == meeting.id).order_by(Material.position)
    ).all()


def move_up(meeting: Meeting, material: Material, actor: Person) -> None:
    """Change places with the one before; the first one stays where it is."""
    order = list(_in_order(meeting))
    at = order.index(material.id) if material.id in order else 0
    if at == 0:
        return
    order[at - 1], order[at] = order[at], order[at - 1]
    # Positions are unique: everything out of the way first.
    for sign in (-1, 1):
        for place, ident in enumerate(order, start=1):
            db.session.execute(update(Material).where(Material.id == ident).values(position=sign * place))
    _note(meeting, actor)


def remove(meeting: Meeting, material: Material, actor: Person) -> None:
    """Take it away from the meeting. A file nothing else needs is deleted by the nightly purge (`files.purge`)."""
    db.session.execute(delete(Material).where(Material.id == material.id, Material.meeting_id == meeting.id))
    _note(meeting, actor)


def set_internal(meeting: Meeting, material: Material, internal: bool, actor: Person) -> None:
    """Say who may open it: those who are invited or come, or everybody."""
    material.internal = internal
    db.session.flush()
    _note(meeting, actor)


# -- by personal link --------------------------------------------------------------------------------------------

PURPOSE = "meeting_guest"
#: Registrations whose link opens everything.
_GUESTS = (
    RegistrationState.coming,
    RegistrationState.maybe,
    RegistrationState.waiting,
    RegistrationState.offered,
    RegistrationState.attended,
    RegistrationState.absent,
)


def link_for(registration: Registration) -> str:
    """What stands in the address of a guest's materials."""
    return signing.sign(PURPOSE, registration.id, registration.code)


def opens_for(registration: Registration) -> bool:
    """Whether the personal link of this registration opens anything."""
    return registration.state in _GUESTS


def meeting_behind(text: str) -> Meeting | None:
    """The meeting whose materials this link opens; None for a link that is no good, or no longer."""
    ident = signing.ident_of(text)
    row = None
    if ident is not None:
        row = db.session.execute(
            select(Meeting, Registration.code, Registration.state)
            .join(Registration, Registration.meeting_id == Meeting.id)
            .where(Registration.id == ident)
        ).first()
    genuine = signing.is_genuine(text, PURPOSE, ident or 0, row[1] if row else "nobody")
    if not genuine or row is None or row[2] not in _GUESTS or not text.startswith(f"{ident}."):
        return None
    return row[0]
