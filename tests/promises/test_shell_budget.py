"""The shell stays small, needs nothing from elsewhere and mirrors for right-to-left languages."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "consult" / "static"
STYLESHEET = STATIC / "css" / "consult.css"
PAGES = sorted(p for p in (ROOT / "templates").rglob("*.html") if "emails" not in p.parts)

PHYSICAL = re.compile(
    r"(?:margin|padding|border|inset)-(?:left|right|top|bottom)\b|(?:text-align|float|clear):\s*(?:left|right)"
    r"|[{;]\s*(?:left|right|top|bottom|width|height|min-width|max-width|min-height|max-height):"
)
INLINE = re.compile(r"<style\b|\sstyle=|<script(?![^>]*\bsrc=)|\son[a-z]+=\"|javascript:|[\"']data:", re.IGNORECASE)


def test_the_stylesheet_stays_within_thirty_kilobytes() -> None:
    assert STYLESHEET.stat().st_size <= 30_000


def test_the_scripts_stay_within_twenty_kilobytes() -> None:
    assert sum(p.stat().st_size for p in (STATIC / "js").glob("*.js")) <= 20_000


def test_the_page_at_the_door_stays_small_for_the_network_of_a_hall() -> None:
    """What it begins with; the camera and the worker that keeps it come afterwards."""
    door = STATIC / "js" / "door"
    assert sum((door / name).stat().st_size for name in ("door.js", "kept.js")) <= 11_500
    assert sum(p.stat().st_size for p in door.iterdir()) <= 15_100


def test_the_stylesheet_uses_logical_properties_only() -> None:
    assert PHYSICAL.findall(STYLESHEET.read_text()) == []


def test_static_files_load_nothing_from_elsewhere() -> None:
    for path in STATIC.rglob("*.*"):
        if path.suffix in {".css", ".js"}:
            text = path.read_text()
            assert not re.search(r"https?://|url\(|data:image", text), path.name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT / "templates")))
def test_pages_have_no_inline_script_or_style(page: Path) -> None:
    assert INLINE.findall(page.read_text()) == []


def test_each_icon_that_is_asked_for_exists() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons" / "icons.svg").read_text()))
    asked = {
        name
        for page in PAGES
        for name in re.findall(r"(?:icon\(|icon_name=)'([\w-]+)'(?! ~)", page.read_text())
        if not name.endswith("-")
    }
    assert asked - drawn == set()
