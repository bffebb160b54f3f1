"""Catalogues of the interface's texts: `python -m deploy.messages update|check|compile|missing LANG|path [LANG]`.

German holds every text; the languages of the citizen's path (`config.PATH_LANGUAGES`) those of the files named
in `deploy/path_texts.py` and of the templates these draw in. `missing` prints what a language lacks, to be filled
in, `path` all texts of the path. Compiled catalogues are not kept in the repository: `./run`, `./test` and
`make messages` compile what changed.
"""

import ast
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.frontend import BaseError, CommandLineInterface
from babel.messages.pofile import write_po
from jinja2 import Environment, meta

import config
from deploy import path_texts
from deploy.catalogues import TRANSLATIONS, catalogue_of, compile_changed, read

TEMPLATES = config.ROOT / "templates"
_KEYWORDS = ("_l", "lazy_gettext", "lazy_ngettext:1,2", "lazy_pgettext:1c,2")
#: The same for a single file.
_OF_ONE_FILE: dict[str, Any] = {
    "_": None, "gettext": None, "_l": None, "lazy_gettext": None, "ngettext": (1, 2), "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2), "lazy_pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip


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


def path_templates() -> list[str]:
    """The templates of the citizen's path, with what they extend, include and import."""
    found: set[str] = set()
    waiting = list(path_texts.TEMPLATES)
    environment = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            tree = environment.parse((TEMPLATES / name).read_text(encoding="utf-8"))
            waiting += [other for other in meta.find_referenced_templates(tree) if other]
    return sorted(found)


def _lines_of(source: Path, names: tuple[str, ...]) -> set[int]:
    """The lines of these classes, functions and constants; raises KeyError for one that is not there."""
    lines: dict[str, range] = {}
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
        for target in targets:
            name = getattr(target, "id", None) or getattr(target, "name", None)
            if name:
                lines[name] = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return {line for name in names for line in lines[name]}


def path_messages() -> Catalog:
    """The texts of the citizen's path, as a template to translate."""
    wanted = Catalog(project="Consult", copyright_holder="the Consult contributors", fuzzy=False)
    sources: list[tuple[str, Path, tuple[str, ...]]] = [
        *(("python", config.ROOT / name, parts) for name, parts in sorted(path_texts.MODULES.items())),
        *(("jinja2", TEMPLATES / name, ()) for name in path_templates()),
    ]
    options = {"trimmed": "true", "silent": "false"}
    for method, source, parts in sources:
        lines = _lines_of(source, parts) if parts else set()
        for line, ident, _comments, context in extract_from_file(method, source, _OF_ONE_FILE, options=options):
            if not parts or line in lines:
                wanted.add(ident, context=context)
    return wanted


def _in_order(catalogue: Catalog) -> Iterator[Message]:
    yield from sorted((m for m in catalogue if m.id), key=lambda m: (_key(m), m.context or ""))


def _key(message: Message) -> str:
    return str(message.id if isinstance(message.id, str) else message.id[0])


def _is_translated(message: Message, lang: str) -> bool:
    strings = message.string if isinstance(message.string, list | tuple) else (message.string,)
    forms = Catalog(locale=lang).num_plurals if message.pluralizable else 1
    return not message.fuzzy and len(strings) == forms and all(strings)


def _with_translations(lang: str, wanted: Catalog, known: Catalog) -> Catalog:
    """`wanted`, with the translations of `known` where there are any."""
    made = Catalog(
        locale=lang, project="Consult", copyright_holder="the Consult contributors", fuzzy=False,
        creation_date=known.creation_date, revision_date=known.revision_date, header_comment=known.header_comment,
    )  # fmt: skip
    for message in _in_order(wanted):
        old = known.get(message.id, message.context)
        string = old.string if old is not None and _is_translated(old, lang) else None
        made.add(message.id, string, context=message.context)
    return made


def _write(catalogue: Catalog, target: IO[bytes]) -> None:
    write_po(target, catalogue, width=0, sort_output=True, ignore_obsolete=True)


def missing(lang: str) -> list[Message]:
    """The texts of the path that this language lacks."""
    known = read(catalogue_of(lang))
    found = ((message, known.get(message.id, message.context)) for message in _in_order(path_messages()))
    return [message for message, old in found if old is None or not _is_translated(old, lang)]


def print_missing(lang: str) -> int:
    """What the language lacks, as entries to fill in; exit code 1 when there are any."""
    found = missing(lang)
    lacking = Catalog(locale=lang, fuzzy=False)
    for message in found:
        lacking.add(message.id, context=message.context)
    sys.stdout.buffer.write(b"" if not found else _bytes(lacking))
    print(f"{lang}: {len(found)} texts are missing.", file=sys.stderr)
    return 1 if found else 0


def _bytes(catalogue: Catalog) -> bytes:
    with tempfile.TemporaryFile() as file:
        _write(catalogue, file)
        file.seek(0)
        return file.read()


def print_path(lang: str | None) -> None:
    """All texts of the path, in one language or as a template."""
    wanted = path_messages()
    sys.stdout.buffer.write(_bytes(_with_translations(lang, wanted, read(catalogue_of(lang))) if lang else wanted))


def _merge(*options: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "messages.pot"
        extract(template)
        fixed = ["-d", str(TRANSLATIONS), "-l", "de", "--no-fuzzy-matching", "--ignore-obsolete", "--no-wrap"]
        fixed += ["--ignore-pot-creation-date"]  # otherwise every minute would be a difference
        _babel("update", "-i", str(template), *fixed, *options)


def _path_catalogues() -> Iterator[tuple[Path, Catalog, Catalog]]:
    """Per language of the path: its file, what it holds, what it should hold."""
    wanted = path_messages()
    for lang in config.PATH_LANGUAGES:
        source = catalogue_of(lang)
        known = read(source)
        yield source, known, _with_translations(lang, wanted, known)


def update() -> None:
    """Bring the catalogues up to date with code and templates, and compile them."""
    _merge()
    for source, _known, should in _path_catalogues():
        source.parent.mkdir(parents=True, exist_ok=True)
        with source.open("wb") as file:
            _write(should, file)
    compile_changed()


def check() -> int:
    """Exit code 1 when a text of the code is missing in a catalogue, or is there no more."""
    wrong = []
    try:
        _merge("--check")
    except BaseError as error:
        wrong.append(str(error))
    for source, known, should in _path_catalogues():
        if _texts(known) != _texts(should):
            wrong.append(f"Catalogue {source.relative_to(config.ROOT)} does not hold the texts of the citizen's path.")
        elif lacking := sum(not _is_translated(message, source.parts[-3]) for message in should if message.id):
            wrong.append(f"Catalogue {source.relative_to(config.ROOT)} lacks {lacking} translations.")
    if wrong:
        print("\n".join([*wrong, "`make messages` updates them."]), file=sys.stderr)
    return 1 if wrong else 0


def _texts(catalogue: Catalog) -> set[tuple[str, str]]:
    return {(str(message.id), message.context or "") for message in catalogue if message.id}


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
        case ["missing", lang] if lang in config.PATH_LANGUAGES:
            return print_missing(lang)
        case ["path", *lang] if len(lang) < 2:
            print_path(lang[0] if lang else None)
        case _:
            print("python -m deploy.messages update|check|compile|missing LANG|path [LANG]", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
