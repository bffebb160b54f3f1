"""PDF files to print: letters, badges, lists. A layout of `templates/paper/NAME.typ` and data, nothing else.

Whatever people wrote goes in as data and never as Typst markup, so it cannot do anything there.
"""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import typst
from flask import current_app

from consult.i18n import language

#: Languages of the path whose letters our fonts lack: their fonts weigh more than everything else together.
_NOT_PRINTED = frozenset({"zh"})


def language_on_paper(lang: str) -> str:
    """The language a paper for a reader of this one is in: the same, or the city's where we cannot print it."""
    return str(current_app.config["BABEL_DEFAULT_LOCALE"]) if lang in _NOT_PRINTED else lang


@cache
def _fonts() -> typst.Fonts:
    """The fonts that come with our dependencies: the same paper on every machine."""
    folders = [str(files(package) / "files") for package in ("fontpkg_noto_sans", "fontpkg_noto_sans_arabic")]
    return typst.Fonts(include_system_fonts=False, font_paths=folders)


def pdf(name: str, data: dict[str, Any]) -> bytes:
    """The PDF (tagged, PDF/UA-1) that the layout `name` makes of `data`, which must be plain JSON.

    The layout reads it by `json(bytes(sys.inputs.data))`; `lang` is added. Takes some 0.1 s and more for long lists:
    thousands of pages belong into the worker. Signs our fonts lack are printed as boxes, and then the file does not
    claim to be PDF/UA. Raises `typst.TypstError` when the layout is wrong.
    """
    told = json.dumps({"lang": language(), **data}, ensure_ascii=False)
    try:
        return _compile(name, told, "ua-1")
    except typst.TypstError as error:
        if "could not be displayed" not in str(error):
            raise
        return _compile(name, told, None)


def _compile(name: str, told: str, standard: Literal["ua-1"] | None) -> bytes:
    source = Path(current_app.root_path).parent / "templates" / "paper" / f"{name}.typ"
    return typst.compile(
        source,
        root=source.parent,
        font_paths=_fonts(),
        sys_inputs={"data": told},
        format="pdf",
        pdf_standards=standard,
    )
