"""What stands on paper: boxes where a font lacked a sign, and machines that have no fonts of their own."""

import io

import pypdf
import pytest
from pypdf.generic import ContentStream

from consult import paper


def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this machine had no fonts besides those of our dependencies."""
    fonts, lacking = paper._fonts, paper._not_in.__wrapped__
    monkeypatch.setattr(paper, "_fonts", lambda system: fonts(False))
    # What was asked before was asked on another machine.
    monkeypatch.setattr(paper, "_not_in", lacking)


def boxes(data: bytes) -> int:
    """How often a font was asked for a sign it lacks: glyph 0, which is drawn as a box."""
    found = 0
    for page in pypdf.PdfReader(io.BytesIO(data)).pages:
        for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
            shown = operands[0] if operator == b"TJ" else operands if operator == b"Tj" else []
            for one in shown:
                raw = getattr(one, "original_bytes", b"")
                found += sum(raw[i : i + 2] == b"\0\0" for i in range(0, len(raw), 2))
    return found
