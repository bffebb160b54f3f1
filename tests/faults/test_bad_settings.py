"""REL-C10: what is missing or wrong is said in one sentence, never by a traceback."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.stage import PATIENCE, ROOT, stage
from tests.services import free_port

pytestmark = pytest.mark.faults

WORKER = [sys.executable, "-m", "celery", "-A", "worker:celery", "worker", "-P", "threads", "-c", "1"]
COMMAND = [sys.executable, "-m", "flask", "--app", "wsgi", "outbox"]


def web() -> list[str]:
    return [sys.executable, "-m", "gunicorn", "wsgi:application", "-b", f"127.0.0.1:{free_port()}", "-w", "1"]


PROGRAMS: dict[str, Callable[[], list[str]]] = {"worker": lambda: WORKER, "command": lambda: COMMAND, "web": web}


def run(command: list[str], folder: Path, settings: dict[str, str], until: str = "") -> tuple[int | None, str]:
    """Exit code and everything it said; None for one that still ran when it had said `until`."""
    environment = {
        name: value for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "BROKER_URL", "MAIL_URL", "SECRET_KEY", "DATA_DIR", "CONSULT_ENV")
    }  # fmt: skip
    environment.update({"DATA_DIR": str(folder / "data"), "DEMO": "0"} | settings)
    log = folder / "said"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0
        )
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if until and until in log.read_text(errors="replace"):
            break
        time.sleep(0.1)
    code = process.poll()
    if code is None:
        os.killpg(process.pid, 9)
        process.wait()
    return code, log.read_text(errors="replace")


WRONG = [
    ("MAIL_URL", "mail.example.org", "MAIL_URL makes no sense"),
    ("MAIL_FROM", "Stadt Aachen", "MAIL_FROM is not a mail address"),
    ("BROKER_URL", "rabbit://hole", "BROKER_URL begins with"),
    ("DATA_DIR", "/dev/null/data", "DATA_DIR=/dev/null/data cannot be written"),
    ("CONSULT_ENV", "production", "CONSULT_ENV=production needs SECRET_KEY"),
]


@pytest.mark.parametrize("program", list(PROGRAMS))
@pytest.mark.parametrize(("name", "value", "sentence"), WRONG, ids=[wrong[0] for wrong in WRONG])
def test_a_wrong_setting_ends_the_start_with_a_sentence(
    tmp_path: Path, program: str, name: str, value: str, sentence: str
) -> None:
    code, said = run(PROGRAMS[program](), tmp_path, {name: value})
    assert code not in (0, None), said
    assert sentence in said
    assert "Traceback" not in said


def test_a_folder_that_became_read_only_is_named_by_the_worker(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    code, said = run(WORKER, tmp_path, {"SECRET_KEY": "x" * 40})
    assert code not in (0, None), said
    assert "cannot be written" in said
    assert "Traceback" not in said


def test_a_worker_without_its_broker_keeps_trying_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    # The second try shows that it does not give up after the first.
    code, said = run(WORKER, tmp_path, {"BROKER_URL": f"redis://127.0.0.1:{free_port()}/0"}, until="(2/")
    assert code is None, said
    assert "Cannot connect to redis" in said
    assert "Traceback" not in said


def test_mail_waits_for_a_mail_server_that_is_not_there(tmp_path: Path) -> None:
    with stage(tmp_path, None, MAIL_URL=f"smtp://127.0.0.1:{free_port()}") as here:
        here.start_worker(pool="threads")
        here.queue(here.people(2))
        here.wait_until(lambda: here.states() == {"retry": 2}, "mail put off")
        time.sleep(1)
        assert "Traceback" not in here.workers[0].said()
