"""What `./test` runs: checks, tests on both databases, browser, faults; then a plain summary.

    ./test                      everything
    ./test --checks             only format, lint, types, import directions, catalogues, templates
    ./test tests/concept -x     these tests alone, on SQLite (DB=postgres: on PostgreSQL)

What cannot be had on this machine is named at the end; with CI=true it is a failure.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.catalogues import compile_changed
from deploy.children import adopt_orphans, end_with_parent
from tests.services import (
    NotAvailable,
    chromium_program,
    postgres_programs,
    private_postgres,
    private_redis,
    redis_program,
)

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
WORKERS = str(max(2, min(4, os.cpu_count() or 2)))
#: Half the tests to each process, in order: worlds that several tests share are built by one of them.
SHARED = ("-n", WORKERS, "--dist", "worksteal")
#: No part may hang for ever.
PART_SECONDS = 20 * 60

#: Settings of an instance that must not reach the tests.
INSTANCE = (
    "BROKER_URL", "CONSULT_ENV", "DATA_DIR", "DATABASE_URL", "DEMO", "MAIL_FROM", "MAIL_URL", "PORT",
    "PUBLIC_URL", "SECRET_KEY", "TIMEZONE", "HOLIDAYS", "CLOSED_DAYS", "TRUSTED_PROXIES",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One line of the summary."""

    name: str
    command: list[str]
    database: str = ""
    needs: tuple[str, ...] = ()

    @property
    def is_pytest(self) -> bool:
        return bool(self.database)


@dataclass
class Result:
    """How a part went; a check counts as one."""

    part: Part
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    not_run: str = ""


def _homes(mark: str) -> list[str]:
    """Where tests with this mark are: to read all the others takes each process ten seconds."""
    files = (ROOT / "tests").rglob("test_*.py")
    outside = [path for path in files if f"mark.{mark}" in path.read_text() and path.parent.name != mark]
    return [f"tests/{mark}", *sorted(str(path.relative_to(ROOT)) for path in outside)]


def _tests(name: str, database: str, marks: str, *options: str, needs: tuple[str, ...] = ()) -> Part:
    command = [PYTHON, "-m", "pytest", "-q", "-m", marks, *options]
    return Part(name, command, database, needs)


CHECKS = [
    Part("format", [PYTHON, "-m", "ruff", "format", "--check", "--quiet", "--output-format", "concise", "."]),
    Part("lint", [PYTHON, "-m", "ruff", "check", "--quiet", "--output-format", "concise", "."]),
    Part("types", [PYTHON, "-m", "mypy"]),
    Part("import directions", [str(Path(PYTHON).parent / "lint-imports")]),
    Part("catalogues", [PYTHON, "-m", "deploy.messages", "check"]),
    Part("templates", [PYTHON, "-m", "djlint", "templates", "--lint", "--quiet"]),
]
PLAIN = "not browser and not faults and not drill"
NO_BROWSER = "--ignore=tests/browser"
TESTS = [
    _tests("tests on SQLite", "sqlite", PLAIN, *SHARED, NO_BROWSER),
    _tests("tests on PostgreSQL", "postgres", f"{PLAIN} and not pure", *SHARED, NO_BROWSER, needs=("postgres",)),
    _tests("browser", "postgres", "browser", *SHARED, *_homes("browser"), needs=("postgres", "chromium")),
    # A file to one process: each has its own ports, folders and database in Redis.
    _tests(
        "faults", "postgres", "faults", "-n", "2", "--dist", "loadfile", *_homes("faults"), needs=("postgres", "redis")
    ),
]


class Machine:
    """The servers of this run, started when first needed."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._urls: dict[str, str] = {}

    def lacks(self, need: str) -> str:
        """Why `need` cannot be had, or nothing."""
        try:
            if need == "postgres":
                postgres_programs()
            elif need == "redis":
                redis_program()
            elif need == "chromium":
                chromium_program()
            if need in ("postgres", "redis"):
                self.url(need)
        except NotAvailable as reason:
            return str(reason).rstrip(".")
        return ""

    def url(self, server: str) -> str:
        """Address of a server, which runs until the end."""
        if server not in self._urls:
            service = private_postgres() if server == "postgres" else private_redis()
            self._urls[server] = self._stack.enter_context(service)
        return self._urls[server]

    def environment(self, database: str) -> dict[str, str]:
        """What the tests are told."""
        told = {name: value for name, value in os.environ.items() if name not in INSTANCE}
        # Every part starts many processes: compiled once, not by each of them.
        told.pop("PYTHONDONTWRITEBYTECODE", None)
        told["CONSULT_TEST_DB"] = database
        if database == "postgres":
            told["CONSULT_TEST_PG_URL"] = self.url("postgres")
        if not self.lacks("redis"):
            told["CONSULT_TEST_REDIS_URL"] = self.url("redis")
        return told


def _end_group(process: subprocess.Popen[str]) -> None:
    """Let it clean up, then kill what is left of its process group."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def execute(command: list[str], environment: Mapping[str, str], quiet: bool) -> tuple[int, str, bool]:
    """Exit code, output (when quiet) and whether time was up."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        process_group=0,
        preexec_fn=end_with_parent(signal.SIGINT),
    )
    try:
        output, _ = process.communicate(timeout=PART_SECONDS)
        return process.returncode, output or "", False
    except subprocess.TimeoutExpired:
        return 1, "", True
    finally:
        _end_group(process)


def end_orphans(known: set[int]) -> list[str]:
    """End what a part left behind; their names."""
    left = [child for child in psutil.Process().children() if child.pid not in known]
    for orphan in list(left):
        with contextlib.suppress(psutil.NoSuchProcess):
            left += orphan.children(recursive=True)
    names = []
    for child in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                names.append(child.name())
            child.kill()
    psutil.wait_procs(left, timeout=5)
    return names


def counts(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped of a JUnit report."""
    if not report.exists():
        return 0, 0, 0
    tree = ElementTree.parse(report)  # noqa: S314 (written a moment ago by our own pytest)
    passed = failed = skipped = 0
    for suite in tree.iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        left_out = int(suite.get("skipped", 0))
        failed += bad
        skipped += left_out
        passed += int(suite.get("tests", 0)) - bad - left_out
    return passed, failed, skipped


def run_part(part: Part, machine: Machine, folder: Path) -> Result:
    """Run it, or say why not."""
    result = Result(part)
    reasons = [reason for need in part.needs if (reason := machine.lacks(need))]
    if reasons:
        result.not_run = "; ".join(reasons)
        return result
    print(f"\n== {part.name}", flush=True)
    report = folder / f"{part.name}.xml"
    environment = machine.environment(part.database) if part.is_pytest else dict(os.environ)
    command = [*part.command, f"--junitxml={report}"] if part.is_pytest else part.command
    known = {child.pid for child in psutil.Process().children()}
    began = time.monotonic()
    code, output, late = execute(command, environment, quiet=not part.is_pytest)
    result.seconds = time.monotonic() - began
    if code and output:
        print(output.rstrip()[-8000:], flush=True)
    if part.is_pytest:
        result.passed, result.failed, result.skipped = counts(report)
        if code == 5:
            result.notes.append("no test found")
    else:
        result.passed = int(code == 0)
    if code and not result.failed:
        result.failed = 1
    if late:
        result.notes.append(f"stopped after {PART_SECONDS // 60} minutes")
    left = end_orphans(known)
    if left:
        result.notes.append(f"left running, and ended now: {', '.join(sorted(set(left)))}")
    return result


def summary(results: list[Result], ci: bool) -> int:
    """Print it; the exit code."""
    print("\nSummary")
    passed = failed = skipped = 0
    for result in results:
        if result.not_run:
            failed += ci
            skipped += not ci
            print(f"  {'FAILED ' if ci else 'not run'}  {result.part.name}: {result.not_run}")
            continue
        passed, failed, skipped = passed + result.passed, failed + result.failed, skipped + result.skipped
        figures = ""
        if result.part.is_pytest:
            figures = f"{result.passed} passed, {result.failed} failed, {result.skipped} skipped"
        line = f"  {'FAILED ' if result.failed else 'passed '}  {result.part.name:<20} {figures:<38}"
        print(f"{line} {result.seconds:6.1f} s  {'; '.join(result.notes)}".rstrip())
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


def chosen_parts(arguments: list[str]) -> list[Part]:
    """The whole, the checks, or one run of pytest with these arguments."""
    if not arguments:
        return [*CHECKS, *TESTS]
    if arguments == ["--checks"]:
        return CHECKS
    # Browser and fault tests are written for PostgreSQL.
    wants = any(name in argument for argument in arguments for name in ("tests/browser", "tests/faults"))
    database = os.environ.get("DB") or ("postgres" if wants else "sqlite")
    if database not in ("sqlite", "postgres"):
        sys.exit(f"DB={database}: write sqlite or postgres.")
    needs = ("postgres",) if database == "postgres" else ()
    return [Part(f"tests on {database}", [PYTHON, "-m", "pytest", *arguments], database, needs)]


@contextlib.contextmanager
def _one_interrupt() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a lost terminal end the run once; the cleaning up is not interrupted."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in numbers:
        signal.signal(number, interrupt)
    yield


def main(arguments: list[str]) -> int:
    """The program; its exit code."""
    os.chdir(ROOT)
    adopt_orphans()
    compile_changed()
    results: list[Result] = []
    parts = chosen_parts(arguments)
    stopped = False
    try:
        with _one_interrupt(), contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="consult-test-")))
            machine = Machine(stack)
            for part in parts:
                results.append(run_part(part, machine, folder))
    except KeyboardInterrupt:
        stopped = True
    code = summary(results, ci=os.environ.get("CI") == "true")
    if stopped:
        print("Stopped before the end.", file=sys.stderr)
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
