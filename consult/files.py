"""Files people hand in: stored by their hash outside the static folder, served only through a policy."""

import hashlib
from pathlib import Path

from flask import current_app, send_file
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.wrappers import Response

from consult.db import Base, created, fk, id_pk, line, word


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


def store(session: Session, data: bytes, name: str, media_type: str, policy: str, owner_id: int | None) -> StoredFile:
    """Keep `data`; the same bytes are kept once. The file is on disk before the row is flushed."""
    digest = hashlib.sha256(data).hexdigest()
    known = session.scalar(select(StoredFile).where(StoredFile.sha256 == digest))
    if known is not None:
        return known
    path = folder() / digest[:2] / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_bytes(data)
    partial.replace(path)
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
    return row


def response(row: StoredFile, inline: bool = False, name: str | None = None) -> Response:
    """The file as an attachment (or inline, for pictures whose type was checked when stored).

    `name` where the same bytes are known here under another one.
    """
    path = folder() / row.sha256[:2] / row.sha256
    return send_file(
        path,
        mimetype=row.media_type,
        as_attachment=not inline,
        download_name=name or row.name,
        etag=row.sha256,
        max_age=3600,
    )
