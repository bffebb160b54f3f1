"""What the documents say exists: files, commands, addresses, settings, buttons."""

import re
from pathlib import Path

import click
import pytest
from babel.messages.pofile import read_po
from flask import Flask

from consult import features
from consult.cli import COMMANDS

ROOT = Path(__file__).parents[2]
ENGLISH = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
GERMAN = sorted((ROOT / "docs" / "user").glob("*.md"))
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
#: Made by running something; not in the repository.
MADE = ("bench-results/", "drill-results/", "var/")
#: Where the short names of docs/architecture.md and docs/patterns.md are looked for.
HOMES = (ROOT, ROOT / "docs", ROOT / "consult")
#: A name in backticks that ends so is a file or a folder.
ENDINGS = (".py", ".md", ".yaml", ".toml", ".txt", ".example", ".css", ".js", ".html", "/")


def quoted(document: Path) -> list[str]:
    """What stands in `backticks`, code blocks left out."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
    return re.findall(r"`([^`\n]+)`", text)


def ids(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def is_there(name: str) -> bool:
    """A path from the root, docs/ or consult/; a bare name may be a file that features have."""
    if any((home / name).exists() for home in HOMES):
        return True
    return "/" not in name and any(ROOT.glob(f"consult/*/{name}"))


@pytest.mark.parametrize("document", [*ENGLISH, *GERMAN], ids=ids)
def test_files_that_are_named_exist(document):
    named = [name for name in quoted(document) if re.fullmatch(r"[\w./-]+", name) and name.endswith(ENDINGS)]
    named = [name for name in named if not name.startswith(("/", *MADE))]
    assert [name for name in named if not is_there(name)] == []


@pytest.mark.parametrize("document", [*ENGLISH, *GERMAN], ids=ids)
def test_links_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    assert [t for t in targets if "://" not in t and not (document.parent / t).exists()] == []


@pytest.mark.parametrize("document", ENGLISH, ids=ids)
def test_commands_that_are_named_exist(document, app: Flask):
    text = document.read_text(encoding="utf-8")
    targets = set(re.findall(r"`make (\w+)", text))
    assert targets <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for words in re.findall(r"flask --app wsgi ([a-z -]+)", text):
        assert_command(app, words.split())


def test_each_command_stands_in_operations(app: Flask):
    table = OPERATIONS.split("## Commands")[1].split("\n## ")[0]
    cells = " ".join(re.findall(r"^\| ([^|]+)\|", table, re.M))
    named = [words.split() for words in re.findall(r"`([a-z][a-z -]+)(?: SLUG)?`", cells)]
    for words in named:
        assert_command(app, words)
    assert {command.name for command in COMMANDS} <= {words[0] for words in named}


def assert_command(app: Flask, words: list[str]) -> None:
    """The words begin with a command, and with one of its parts where it has some."""
    command: click.Command = app.cli
    for word in words:
        if not isinstance(command, click.Group):
            break
        assert word in command.commands, words
        command = command.commands[word]


def test_addresses_that_are_named_exist(app: Flask):
    rules = {re.sub(r"<[^>]+>", "", rule.rule) for rule in app.url_map.iter_rules()}
    for document in (ROOT / "README.md", ROOT / "docs" / "operations.md"):
        for name in quoted(document):
            if re.fullmatch(r"/[a-z/-]+", name) and not name.startswith(("/etc", "/opt", "/var")):
                assert name in rules, (document.name, name)


def test_each_setting_stands_in_operations():
    code = (ROOT / "config.py").read_text(encoding="utf-8")
    settings = set(re.findall(r"""env\.get\(["'](\w+)|env_(?:int|bool)\(env, "(\w+)""", code))
    names = {first or second for first, second in settings}
    assert "DATABASE_URL" in names
    assert "TIMEZONE" in names
    table = OPERATIONS.split("## Settings")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.M)) == names


def test_each_feature_stands_in_the_architecture():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = {path.parent.name for path in (ROOT / "consult").glob("*/__init__.py")}
    assert {blueprint.name for blueprint in features.blueprints()} <= folders
    assert [name for name in sorted(folders) if f"`{name}`" not in text] == []


def test_the_changelog_has_the_agreed_form():
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("## ")][0] == "## Unreleased"
    sections = {line.removeprefix("### ") for line in lines if line.startswith("### ")}
    assert sections <= {"Added", "Changed", "Fixed", "Security"}
    entries = [line for line in lines if line.startswith("- ")]
    assert entries
    assert [line for line in entries if not line.endswith(".")] == []


@pytest.mark.parametrize("document", GERMAN, ids=ids)
def test_buttons_that_are_named_exist(document):
    with (ROOT / "translations/de/LC_MESSAGES/messages.po").open("rb") as file:
        catalogue = read_po(file)
    shown = [
        text for m in catalogue for text in ([m.string] if isinstance(m.string, str) else m.string) if m.id and text
    ]
    text = re.sub(r"\s+", " ", document.read_text(encoding="utf-8"))
    named = re.findall("„([^“]+)“", text)
    assert named
    assert [label for label in named if not any(label in text for text in shown)] == []
