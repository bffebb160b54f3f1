"""What is printed for the door: the sign-in sheet and the badges."""

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import segno
from flask_babel import gettext as _
from sqlalchemy import select

from consult import paper
from consult.extensions import db
from consult.html import clean_line, clean_text
from consult.meetings.door import Guest, guests, ticket_address
from consult.meetings.models import Meeting, Origin, Registration, RegistrationState
from consult.meetings.words import Needs, when_words
from consult.processes.models import Process

#: Whoever is printed: those who are expected, and who came.
PRINTED = (RegistrationState.coming, RegistrationState.offered, RegistrationState.attended, RegistrationState.absent)
#: More would be a book.
MAX_ROWS = 2000
MAX_LINES = 200
#: Badges with a code in one file: drawing a code takes most of the time.
CODES_AT_ONCE = 296
#: A word this long gets places to break, so that it stays in its column; in a narrow one sooner.
_LONG_WORD, _LONG_IN_NARROW = 24, 13
_CELL = 160


def _cell(value: str, limit: int = _CELL, longest: int = _LONG_WORD) -> str:
    """Text that fits into a cell: one line's worth, with places to break in what has none."""
    line = clean_line(value)
    line = line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
    return "".join(
        "\u00ad".join(word[i : i + longest] for i in range(0, len(word), longest)) for word in re.split(r"([ -])", line)
    )


def expected(meeting_id: int) -> list[Guest]:
    """Who is printed, by name."""
    return printed(guests(meeting_id, MAX_ROWS))


def printed(known: Iterable[Guest]) -> list[Guest]:
    """Who of these is printed, in the order of the sheet; who walked in signs on one of the empty lines."""
    return [g for g in known if g.state in PRINTED and g.origin != Origin.walk_in]


def _words_of(people: Sequence[Guest]) -> tuple[frozenset[str], list[tuple[int, Guest]]]:
    """Signs in their names that this machine cannot print, and who has such a name, by the number on the sheet."""
    signs = paper.lacking(guest.name for guest in people)
    return signs, [(number, g) for number, g in enumerate(people, start=1) if not signs.isdisjoint(g.name)]


def by_hand(meeting_id: int) -> list[tuple[int, Guest]]:
    """Whose names cannot be printed here, or only in part: to be written by hand. With the number on the sheet."""
    return _words_of(expected(meeting_id))[1]


def _name(value: str, signs: frozenset[str]) -> str:
    """What can be printed of a name: all of it, the part in other letters, or nothing."""
    if signs.isdisjoint(value):
        return value
    rest = " ".join("".join(" " if sign in signs else sign for sign in value).split())
    return rest if sum(sign.isalpha() for sign in rest) > 1 else ""


def _needs_of(meeting_id: int) -> dict[int, str]:
    rows = db.session.execute(
        select(Registration.id, Registration.needs).where(
            Registration.meeting_id == meeting_id, Registration.needs.is_not(None)
        )
    )
    return {ident: Needs.load(needs).text() for ident, needs in rows}


def sign_in_sheet(meeting: Meeting, *, needs: bool = False, large: bool = False, lines: int = 10) -> bytes:
    """The sheet as PDF. `needs`: with what people need, which is not for everybody who signs; `large`: large print."""
    told = _needs_of(meeting.id) if needs else {}
    longest = _LONG_IN_NARROW if large else _LONG_WORD
    people = expected(meeting.id)
    signs, _hands = _words_of(people)
    rows = [
        {
            "name": _cell(_name(g.name, signs) or _("(by hand)"), longest=longest),
            "organisation": _cell(g.organisation, longest=longest),
            "needs": _cell(told.get(g.id, ""), 300, longest),
        }
        for g in people
    ]
    rows += [{"name": "", "organisation": "", "needs": ""}] * min(max(lines, 0), MAX_LINES)
    return paper.pdf(
        "signin",
        {
            "title": _("Sign-in sheet"),
            "meeting": _cell(meeting.title, 300),
            "when": _cell(when_words(meeting)),
            "place": _cell(meeting.place, 300),
            "large": large,
            "needs_column": needs,
            "photo_notice": [
                _cell(part, 600) for part in clean_text(meeting.photo_notice)[:3000].split("\n") if part.strip()
            ],
            "rows": rows,
            "words": {
                "number": _("No."),
                "name": _("Name"),
                "organisation": _("Organisation"),
                "needs": _("Needs"),
                "signature": _("Signature"),
                "photos": _("Photographs"),
                "warning": _("Confidential: for the organisers only. Do not lay this sheet out."),
            },
        },
    )


def badges(process: Process, meeting: Meeting, *, codes: bool = False, part: int = 1) -> bytes:
    """Badges as PDF, eight on a sheet. `codes`: with the QR code that checks in; then in parts, counted from 1."""
    people = expected(meeting.id)
    signs, _hands = _words_of(people)
    numbered = list(enumerate(people, start=1))
    if codes:
        numbered = numbered[(part - 1) * CODES_AT_ONCE : part * CODES_AT_ONCE]
    rows: list[dict[str, Any]] = [
        {
            "name": _cell(_name(g.name, signs), 120),
            # Where a line is left for the name, it says whose it is.
            "number": "" if _name(g.name, signs) else _("No. %(number)s of the list", number=number),
            "organisation": _cell(g.organisation, 120),
            "qr": _qr(ticket_address(process, meeting, g.code)) if codes else "",
        }
        for number, g in numbered
    ]
    return paper.pdf(
        "badges",
        {
            "title": _("Badges"),
            "meeting": _cell(meeting.title, 80),
            "rows": rows,
            "words": {"code": _("Code for checking in")},
        },
    )


def _qr(address: str) -> str:
    # Any mask can be read; looking for the prettiest one takes longest.
    out = io.BytesIO()
    segno.make(address, error="m", micro=False, mask=0).save(out, kind="svg", xmldecl=False, border=2)
    return out.getvalue().decode()
