"""Dependencies are locked with hashes, and every setting is in the example file."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

ROOT = Path(__file__).parent.parent.parent
LOCKS = ["requirements.txt", "requirements-dev.txt", "requirements-servers.txt"]


def pins(lock: str) -> dict[str, str]:
    """Package and version of each entry; fails on an entry without hash."""
    found = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip()):
        if not entry.startswith("#"):
            match = re.match(r"([a-z0-9-]+)==(\S+)", entry)
            assert match, f"not pinned: {entry[:60]}"
            assert "--hash=sha256:" in entry, f"without hash: {entry[:60]}"
            found[match[1]] = match[2]
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_versions_and_hashes_and_no_address(lock: str) -> None:
    assert pins(lock)
    assert "://" not in (ROOT / lock).read_text()


def test_tests_run_with_the_versions_of_the_application() -> None:
    application, tests = pins("requirements.txt"), pins("requirements-dev.txt")
    assert application.items() <= tests.items()


@pytest.mark.parametrize("lock", ["requirements", "requirements-dev", "requirements-servers"])
def test_what_is_asked_for_is_locked(lock: str) -> None:
    locked = pins(f"{lock}.txt")
    for line in (ROOT / f"{lock}.in").read_text().splitlines():
        name = re.match(r"[A-Za-z][\w.-]*", line)
        if name:
            assert re.sub(r"[._]", "-", name[0]).lower() in locked


def test_the_example_file_names_every_setting_and_no_other() -> None:
    code = (ROOT / "config.py").read_text() + (ROOT / "deploy/supervise.py").read_text()
    read = set(re.findall(r"""(?:env|given)\.get\(\s*"([A-Z_]+)\"""", code))
    read |= set(re.findall(r"""env_\w+\(\s*env,\s*"([A-Z_]+)\"""", code))
    example = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    for_developers = {"SQL_ECHO"}
    assert read - for_developers == named
