"""PDF files to print: letters, badges, lists. A layout of `templates/paper/NAME.typ` and data, nothing else.

Whatever people wrote goes in as data and never as Typst markup, so it cannot do anything there.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import typst
from flask import current_app

from consult.i18n import language

#: Languages of the path whose letters our fonts lack, each with one of them: the fonts weigh more than everything else.
_SAMPLES = {"zh": "汉"}
#: What typst says of a sign no font has.
_LACKING = re.compile(r'the text `"(.+?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
#: One sign after the other, each for itself.
_SIGNS = b"""#set document(title: "signs")
#set text(font: ("Noto Sans", "Noto Sans Arabic", "Noto Sans CJK SC"))
#for sign in json(bytes(sys.inputs.data)) [#sign #parbreak()]
"""


def language_on_paper(lang: str) -> str:
    """The language a paper for a reader of this one is in: the same, or the city's where we cannot print it."""
    return str(current_app.config["BABEL_DEFAULT_LOCALE"]) if lacking([_SAMPLES.get(lang, "")]) else lang


@cache
def _fonts(system: bool) -> typst.Fonts:
    """The fonts that come with our dependencies: the same paper on every machine. `system`: and what it has besides."""
    folders = [str(files(package) / "files") for package in ("fontpkg_noto_sans", "fontpkg_noto_sans_arabic")]
    return typst.Fonts(include_system_fonts=system, font_paths=folders)


@lru_cache(maxsize=200)
def _not_in(signs: frozenset[str], system: bool) -> frozenset[str]:
    """Those of these signs that the fonts lack: typst itself is asked, as it will set them."""
    try:
        typst.compile(
            _SIGNS, font_paths=_fonts(system), sys_inputs={"data": json.dumps(sorted(signs))}, format="pdf",
            pdf_standards="ua-1",
        )  # fmt: skip
    except typst.TypstError as error:
        told = "".join(_LACKING.findall(str(error.diagnostic)))
        return signs & frozenset(_ESCAPED.sub(lambda code: chr(int(code[1], 16)), told))
    return frozenset()


def _signs_of(texts: Iterable[str]) -> frozenset[str]:
    """What may be lacking: every sign beyond ASCII that is one."""
    return frozenset(
        sign for sign in set().union(*texts) if not sign.isascii() and unicodedata.category(sign) not in ("Cs", "Cn")
    )


def lacking(texts: Iterable[str]) -> frozenset[str]:
    """Signs of these texts that can be printed neither with our fonts nor with those of this machine."""
    signs = _signs_of(texts)
    ours = _not_in(signs, system=False) if signs else signs
    return _not_in(ours, system=True) if ours else ours


def without(text: str, signs: frozenset[str]) -> str:
    """The text without signs that cannot be printed; where letters are left out, "…" says so."""
    if signs.isdisjoint(text):
        return text
    kept = "".join(
        sign if sign not in signs else "\0" if unicodedata.category(sign)[0] in "LMN" else "" for sign in text
    )
    return re.sub("\0+", "…", kept)


def _strings(data: Any) -> Iterable[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list | tuple):
        for one in data.values() if isinstance(data, dict) else data:
            yield from _strings(one)


def _printed(data: Any, signs: frozenset[str]) -> Any:
    if isinstance(data, str):
        return without(data, signs)
    if isinstance(data, dict):
        return {name: _printed(value, signs) for name, value in data.items()}
    return [_printed(value, signs) for value in data] if isinstance(data, list | tuple) else data


def pdf(name: str, data: dict[str, Any]) -> bytes:
    """The PDF (tagged, PDF/UA-1) that the layout `name` makes of `data`, which must be plain JSON.

    The layout reads it by `json(bytes(sys.inputs.data))`; `lang` is added. Takes some 0.1 s and more for long lists:
    thousands of pages belong into the worker. Signs our fonts lack are set in those of the machine; what these lack as
    well is left out, never a box: ask `lacking` first where it matters. Raises `typst.TypstError` when the layout is
    wrong.
    """
    signs = _signs_of(_strings(data))
    ours = _not_in(signs, system=False) if signs else signs
    nowhere = _not_in(ours, system=True) if ours else ours
    told = json.dumps({"lang": language(), **(_printed(data, nowhere) if nowhere else data)}, ensure_ascii=False)
    try:
        return _compile(name, told, bool(ours), "ua-1")
    except typst.TypstError as error:
        # Halves of signs and the like, which nobody can read anyway.
        if "could not be displayed" not in str(error):
            raise
        return _compile(name, told, bool(ours), None)


def _compile(name: str, told: str, system: bool, standard: Literal["ua-1"] | None) -> bytes:
    source = Path(current_app.root_path).parent / "templates" / "paper" / f"{name}.typ"
    return typst.compile(
        source,
        root=source.parent,
        font_paths=_fonts(system),
        sys_inputs={"data": told},
        format="pdf",
        pdf_standards=standard,
    )
