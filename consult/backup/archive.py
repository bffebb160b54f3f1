"""One file with everything that must survive: the database, the files people handed in, the list of erasures.

    consult-20261122T100000Z.tar
        manifest.json       when, by which schema, which database, a hash of every part
        database            SQLite file, or pg_dump's custom format
        erased.txt          see `backup.erasures`
        files/ab/abcd...    named by their hash

The database is taken while people write: one consistent moment of it. Files are taken after it, and never change;
so every file the database speaks of is there. The key is not in it: whoever has both can sign links.
"""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, inspect, text
from sqlalchemy.engine import make_url

from consult import clock, files
from consult.backup import erasures
from consult.db import read_only
from consult.extensions import db
from consult.signing import keyed_hash

MANIFEST, DATABASE, ERASED, FILES = "manifest.json", "database", erasures.NAME, "files"
_PART = re.compile(rf"({MANIFEST}|{DATABASE}|{ERASED}|{FILES}/[0-9a-f]{{2}}/[0-9a-f]{{64}})\Z")
_CHUNK = 1 << 20


class BackupError(RuntimeError):
    """It cannot be done; the message says why and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What is in a backup."""

    taken_at: str
    dialect: str
    revision: str
    #: Tells whether the instance that reads it has the same key, without telling the key.
    key: str
    #: SHA-256 of each part by its name.
    parts: dict[str, str]


def _url() -> URL:
    return make_url(db.engine.url)


def _key_mark() -> str:
    return keyed_hash("backup", "which key")[:16]


def _revision() -> str:
    return MigrationContext.configure(db.session.connection()).get_current_revision() or ""


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _program(name: str) -> str:
    """A program of PostgreSQL's: on the PATH, or the newest of Debian's. Raises `BackupError`."""
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = shutil.which(name) if not newest else str(newest[-1])
    if not found:
        raise BackupError(f"{name} is not installed (Debian package postgresql-client).")
    return found


def _postgres(program: str, *arguments: str) -> None:
    """Run it against our database. The password goes through the environment, where others cannot read it."""
    url = _url()
    told: dict[str, object] = {"PGHOST": url.host, "PGPORT": url.port}
    told |= {"PGUSER": url.username, "PGPASSWORD": url.password}
    query = {name: value for name, value in url.query.items() if name in ("host", "port", "user", "password")}
    told |= {f"PG{name.upper()}": value for name, value in query.items()}
    environment = {**os.environ, **{name: str(value) for name, value in told.items() if value}}
    done = subprocess.run(
        [_program(program), f"--dbname={url.database}", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-500:]}")


def _dump(target: Path) -> None:
    if db.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(_url().database))) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy, pages=1000)
        return
    _postgres("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def take(folder: Path) -> Path:
    """Write a backup into `folder` while everything runs; returns the file. Half a backup never has its name.

    Raises `BackupError`.
    """
    now = clock.now()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"consult-{now:%Y%m%dT%H%M%SZ}.tar"
    if target.exists():
        raise BackupError(f"{target} is there already.")
    with tempfile.TemporaryDirectory(prefix=".consult-backup-", dir=folder) as name:
        work = Path(name)
        # What the database names stays on the disk until it is in the archive.
        with files.standing_still():
            _dump(work / DATABASE)
            with read_only():
                revision = _revision()
                erasures.note()
                db.session.rollback()
            (work / ERASED).write_text("".join(f"{line}\n" for line in sorted(erasures.read(erasures.path()))))
            held = sorted(path for path in files.folder().glob("??/*") if not path.suffix)
            parts = {DATABASE: work / DATABASE, ERASED: work / ERASED}
            parts |= {f"{FILES}/{path.parent.name}/{path.name}": path for path in held}
            manifest = Manifest(
                taken_at=now.isoformat(timespec="seconds"),
                dialect=db.engine.dialect.name,
                revision=revision,
                key=_key_mark(),
                parts={part: _hash(path) for part, path in parts.items()},
            )
            (work / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))
            partial = work / "backup.tar"
            with tarfile.open(partial, "w") as tar:
                for part, path in {MANIFEST: work / MANIFEST, **parts}.items():
                    tar.add(path, part, recursive=False)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.chmod(0o600)
        partial.replace(target)
    return target


def unpack(archive: Path, work: Path) -> Manifest:
    """Take a backup apart into `work` and check every part. Raises `BackupError` when it is not whole or not ours."""
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                if not member.isreg() or not _PART.match(member.name):
                    raise BackupError(f"{archive} is not a backup of ours: it holds {member.name!r}.")
                tar.extract(member, work, filter="data")
        manifest = Manifest(**json.loads((work / MANIFEST).read_text()))
    except (tarfile.TarError, OSError, ValueError, TypeError) as error:
        raise BackupError(f"{archive} cannot be read as a backup: {error}") from error
    for part, digest in manifest.parts.items():
        if not _PART.match(part) or not (work / part).is_file() or _hash(work / part) != digest:
            raise BackupError(f"{archive} is damaged: {part} is not what was saved.")
    return manifest


def taken_at(manifest: Manifest) -> datetime:
    """The moment the backup shows."""
    return datetime.fromisoformat(manifest.taken_at)


def put_back(manifest: Manifest, work: Path, replace: bool) -> None:
    """The database and the files as they were. Raises `BackupError` for another kind of database or one in use."""
    dialect = db.engine.dialect.name
    if manifest.dialect != dialect:
        raise BackupError(f"The backup is of {manifest.dialect}, and DATABASE_URL names {dialect}.")
    if manifest.key != _key_mark():
        raise BackupError("SECRET_KEY is not the one of the backup: put the right key in place first.")
    if inspect(db.engine).get_table_names() and not replace:
        raise BackupError("The database is not empty. Everything in it would be lost; --replace says that it may be.")
    db.session.remove()
    if dialect == "sqlite":
        _put_back_sqlite(work / DATABASE)
    else:
        with db.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        db.engine.dispose()
        _postgres(
            "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
            "--schema=public", str(work / DATABASE),
        )  # fmt: skip
    for part in manifest.parts:
        if part.startswith(f"{FILES}/"):
            target = files.folder() / part.removeprefix(f"{FILES}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(work / part, target)


def _put_back_sqlite(source: Path) -> None:
    """The file in place of the old one; what the old one had beside it goes with it."""
    db.engine.dispose()
    target = Path(str(_url().database))
    target.parent.mkdir(parents=True, exist_ok=True)
    for ending in ("-wal", "-shm", "-journal"):
        target.with_name(target.name + ending).unlink(missing_ok=True)
    partial = target.with_name(target.name + ".part")
    shutil.copy(source, partial)
    partial.replace(target)
