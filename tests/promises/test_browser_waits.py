"""Browser tests wait for what they look for, and read nothing that a script may still change."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure
FILES = sorted((Path(__file__).parents[1] / "browser").glob("*.py"))
#: Where something is asked again and again until it holds.
LOOPS = {"filling.py": "wait_for_timeout", "trips.py": "time.sleep"}
#: What depends on how quick a machine is, and what to write instead.
FORBIDDEN = {
    r"\.wait_for_function\(": "until(page, ...): our policy forbids what this compiles",
    r"(wait_for_timeout|time\.sleep)\(": "wait for the thing itself",
    r"networkidle": "wait for the thing itself",
    r"assert .*\.is_(visible|hidden|checked|enabled|disabled)\(\)": "expect(...), which waits",
    r"assert .*document\.activeElement": "expect(...).to_be_focused(), which waits",
    r"timeout=\d[\d_]{2}": "every wait has the same patience: SECONDS",
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_depends_on_how_quick_the_machine_is(file: Path) -> None:
    found = [
        f"{file.name}:{number}: {line.strip()} -> {instead}"
        for number, line in enumerate(file.read_text().splitlines(), 1)
        for pattern, instead in FORBIDDEN.items()
        if re.search(pattern, line) and f"{LOOPS.get(file.name)}(" not in line
    ]
    assert found == []
