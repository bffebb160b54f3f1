"""Files people hand in: stored by their hash outside the static folder, served only through a policy."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import current_app, send_file
from sqlalchemy import String, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.wrappers import Response

from consult import clock
from consult.db import Base, created, fk, id_pk, line, word

#: So long nothing has to refer to a file until it is forgotten, and so long it then still lies on the disk: whoever is
#: just storing it, and a backup that is being taken, find it there.
GRACE = timedelta(days=1)
#: Stands beside the bytes of a file that was forgotten.
FORGOTTEN = ".gone"


class StoredFile(Base):
    """One file. `policy` names who may fetch it: "public" or the feature that serves it."""

    __tablename__ = "stored_file"

    id: Mapped[id_pk]
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[line]
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    owner_id: Mapped[int | None] = fk("person.id", nullable=True)
    policy: Mapped[word]
    created_at: Mapped[created]


def folder() -> Path:
    return Path(current_app.config["DATA_DIR"]) / "files"


def path_of(digest: str) -> Path:
    return folder() / digest[:2] / digest


def store(session: Session, data: bytes, name: str, media_type: str, policy: str, owner_id: int | None) -> StoredFile:
    """Keep `data`; the same bytes are kept once. The file is on disk before the row is flushed.

    Until the commit nobody forgets the row: `purge` waits, and then sees that it is in use.
    """
    digest = hashlib.sha256(data).hexdigest()
    known = session.scalar(
        select(StoredFile).where(StoredFile.sha256 == digest).with_for_update(read=True, key_share=True)
    )
    if known is not None:
        return known
    _write(path_of(digest), data)
    row = StoredFile(
        sha256=digest,
        name=name[:300],
        media_type=media_type,
        size=len(data),
        policy=policy,
        owner_id=owner_id,
    )
    session.add(row)
    session.flush()
    if not path_of(digest).exists():
        # Swept away between the two, as bytes of a file that was forgotten. From here on the row protects them.
        _write(path_of(digest), data)
    return row


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_bytes(data)
    partial.replace(path)


def purge(session: Session, now: datetime) -> int:
    """Forget files nothing refers to, and delete from the disk what was forgotten a day ago; returns how many left it.

    Whatever refers to files refers by a foreign key: the database itself keeps those in use. On the disk only that is
    touched which this database has forgotten: a database that is new or the wrong one deletes nothing.
    """
    with standing_still(alone=True) as alone:
        if not alone:
            return 0
        swept = sum(_sweep(session, mark) for mark in _marks(now - GRACE))
        _forget_unused(session, now)
        return swept


@contextmanager
def standing_still(alone: bool = False) -> Iterator[bool]:
    """Nothing leaves the disk meanwhile. `alone`: for whoever deletes; False when somebody else is there already."""
    folder().mkdir(parents=True, exist_ok=True)
    handle = os.open(folder(), os.O_RDONLY)
    try:
        yield _got(handle, alone)
    finally:
        os.close(handle)


def _got(handle: int, alone: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
    except BlockingIOError:
        return False
    return True


def _forget_unused(session: Session, now: datetime) -> None:
    unused = select(StoredFile.id, StoredFile.sha256).where(StoredFile.created_at < now - GRACE)
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column.table.name == StoredFile.__tablename__ for key in column.foreign_keys):
                unused = unused.where(~select(column).where(column == StoredFile.id).exists())
    for ident, digest in session.execute(unused.order_by(StoredFile.id)).all():
        try:
            with session.begin_nested():
                gone = delete(StoredFile).where(StoredFile.id == ident)
                session.execute(gone.execution_options(synchronize_session=False))
        except IntegrityError:
            # Somebody has just put it somewhere.
            continue
        mark = path_of(digest).with_suffix(FORGOTTEN)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        os.utime(mark, (now.timestamp(), now.timestamp()))


def _marks(before: datetime) -> list[Path]:
    return [mark for mark in sorted(folder().glob(f"??/*{FORGOTTEN}")) if mark.stat().st_mtime < before.timestamp()]


def _sweep(session: Session, mark: Path) -> bool:
    """Delete forgotten bytes, if nobody has stored them anew. Whoever does so now waits for our commit, and looks then
    whether they are still there."""
    table: Any = StoredFile.__table__
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    mine = session.scalar(
        insert(table)
        .values(sha256=mark.stem, name="", media_type="", size=0, policy="", created_at=clock.now())
        .on_conflict_do_nothing(index_elements=["sha256"])
        .returning(table.c.id)
    )
    if mine is not None:
        path_of(mark.stem).unlink(missing_ok=True)
        session.execute(delete(StoredFile).where(StoredFile.id == mine).execution_options(synchronize_session=False))
    mark.unlink(missing_ok=True)
    return mine is not None


def response(row: StoredFile, inline: bool = False, name: str | None = None) -> Response:
    """The file as an attachment (or inline, for pictures whose type was checked when stored).

    `name` where the same bytes are known here under another one.
    """
    return send_file(
        path_of(row.sha256),
        mimetype=row.media_type,
        as_attachment=not inline,
        download_name=name or row.name,
        etag=row.sha256,
        max_age=3600,
    )
