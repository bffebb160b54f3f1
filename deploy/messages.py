"""Catalogues of the interface's texts: `python -m deploy.messages update|check|compile`.

Compiled catalogues are not kept in the repository: `./run`, `./test` and `make messages` compile what
changed.
"""

import os
import sys
import tempfile
from pathlib import Path

from babel.messages.frontend import BaseError, CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import config

TRANSLATIONS = config.ROOT / "translations"
_KEYWORDS = ("_l", "lazy_gettext", "lazy_ngettext:1,2", "lazy_pgettext:1c,2")


def compile_changed() -> None:
    """Compile every catalogue that is newer than its compiled form; safe beside other processes."""
    for source in TRANSLATIONS.glob("*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parts[-3])
        with tempfile.NamedTemporaryFile(dir=source.parent, suffix=".tmp", delete=False) as target:
            write_mo(target, catalogue)
        Path(target.name).chmod(0o644)
        Path(target.name).replace(compiled)


def _babel(command: str, *options: str) -> None:
    CommandLineInterface().run(["pybabel", "-q", command, *options])


def extract(template: Path) -> None:
    """Write all texts of code and templates to `template`."""
    keywords = [part for keyword in _KEYWORDS for part in ("-k", keyword)]
    names = ["--project", "Consult", "--copyright-holder", "the Consult contributors"]
    _babel(
        "extract",
        "-F",
        "pyproject.toml",
        *keywords,
        *names,
        "--sort-output",
        "--no-location",
        "-o",
        str(template),
        ".",
    )


def _merge(*options: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "messages.pot"
        extract(template)
        fixed = ["-d", str(TRANSLATIONS), "--no-fuzzy-matching", "--ignore-obsolete", "--no-wrap"]
        fixed += ["--ignore-pot-creation-date"]  # otherwise every minute would be a difference
        _babel("update", "-i", str(template), *fixed, *options)


def update() -> None:
    """Bring the catalogues up to date with code and templates, and compile them."""
    _merge()
    compile_changed()


def check() -> int:
    """Exit code 1 when a text of the code is missing in a catalogue, or is there no more."""
    try:
        _merge("--check")
    except BaseError as error:
        print(f"{error} `make messages` updates them.", file=sys.stderr)
        return 1
    return 0


def main(arguments: list[str]) -> int:
    """The program; its exit code."""
    os.chdir(config.ROOT)
    match arguments:
        case ["update"]:
            update()
        case ["check"]:
            return check()
        case ["compile"]:
            compile_changed()
        case _:
            print("python -m deploy.messages update|check|compile", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
