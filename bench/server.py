"""The application and the floors under one server configuration, and the client that measures both."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.services import free_port

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
CONNECTIONS = 8


@contextlib.contextmanager
def gunicorn(target: str, settings: dict[str, str], *, workers: int = WORKERS) -> Iterator[tuple[str, int]]:
    """(address, process id) of a running server with sync workers."""
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", target, "-b", f"127.0.0.1:{port}", "-w", str(workers), "-k", "sync",
        "--log-level", "warning",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings}, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(urllib.error.HTTPError, OSError):
                urllib.request.urlopen(address + "/hello", timeout=2)
                break
            try:
                urllib.request.urlopen(address + "/health/live", timeout=2)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError(f"{target} did not start") from None
                time.sleep(0.2)
        yield address, process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Rate:
    """What wrk saw in one go."""

    per_second: float
    p99_ms: float
    errors: int
    #: Share of answers that said "you have it already", where the script counts them.
    not_modified: float = 0.0


class NoClient(RuntimeError):
    """wrk is missing; the message says how to get it."""


def wrk(url: str, seconds: int, script: Path | None = None, *, connections: int = CONNECTIONS) -> Rate:
    """Requests per second over `seconds`. Answers other than 2xx and 3xx count as errors."""
    program = shutil.which("wrk")
    if program is None:
        raise NoClient("The benchmarks need wrk (Debian package wrk).")
    command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url]
    if script is not None:
        command[1:1] = ["-s", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    same = re.search(r"not modified: (\d+) of (\d+)", done.stdout)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", done.stdout)
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    return Rate(
        float(rate.group(1)) if rate else 0.0,
        float(p99.group(1)) * scale[p99.group(2)] if p99 else 0.0,
        (int(bad.group(1)) if bad else 0) + (sum(int(n) for n in broken.groups()) if broken else 0),
        int(same.group(1)) / max(1, int(same.group(2))) if same else 0.0,
    )


class Quiet:
    """Watches what other processes take of the processor meanwhile: over 5 % the figures are void."""

    LIMIT = 0.05

    def __enter__(self) -> "Quiet":
        self._before = self._others()
        self._started = time.monotonic()
        self.share = 0.0
        return self

    def __exit__(self, *_rest: object) -> None:
        after = self._others()
        spent = sum(max(0.0, seconds - self._before.get(pid, seconds)) for pid, seconds in after.items())
        wall = time.monotonic() - self._started
        self.share = spent / (wall * (psutil.cpu_count() or 1)) if wall else 0.0

    @staticmethod
    def _others() -> dict[int, float]:
        me = psutil.Process()
        ours = {me.pid, *(child.pid for child in me.children(recursive=True))}
        ours |= {parent.pid for parent in me.parents()}
        # The private PostgreSQL is ours even where it runs under another session.
        found = {}
        for process in psutil.process_iter(["pid", "cpu_times"]):
            times = process.info["cpu_times"]
            if process.info["pid"] not in ours and times is not None:
                found[process.info["pid"]] = times.user + times.system
        return found
