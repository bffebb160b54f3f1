"""The part of a form that names contributions as sources: found by number or words, each with the words it changed.

Everything chosen travels in the form itself, so that searching needs no script and loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import request
from flask_babel import gettext as _
from wtforms import Field

from consult.concept import queries
from consult.concept.models import Element
from consult.contributions import finding
from consult.contributions.finding import Found
from consult.contributions.sources import find_passage
from consult.forms import entered, one_line
from consult.html import clean_line
from consult.processes.models import Process
from consult.weighing.queries import decisions_on

#: Contributions offered before anybody searched, and looked at for it.
OFFERED = 8
_LOOKED_AT = 40
_PASSAGE = 1000


@dataclass
class Row:
    """One contribution in the list."""

    found: Found
    chosen: bool = False
    #: Words of the new text that it changed; empty when the whole change is meant.
    passage: str = ""
    error: str = ""
    #: The words are found by comparing the texts; nobody has to name them.
    automatic: bool = False

    @property
    def excerpt(self) -> str:
        return queries.excerpt("", self.found.body or "", 240)


@dataclass
class Choice:
    """What was chosen, and what else is offered: what a search found, or what still waits on this element."""

    chosen: list[Row] = field(default_factory=list)
    offered: list[Row] = field(default_factory=list)
    searched: str = ""
    #: Numbers typed that no contribution has.
    missing: list[int] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        return [row.found.number for row in self.chosen]

    @property
    def passages(self) -> dict[int, str]:
        return {row.found.number: row.passage for row in self.chosen if row.passage and not row.automatic}

    def drop(self, number: int) -> None:
        """Choose this one no longer."""
        self.chosen = [row for row in self.chosen if row.found.number != number]

    def check(self, title: str, markdown: str) -> bool:
        """Whether all passages stand in the new words; says at each row where not."""
        for row in self.chosen:
            if not row.passage or row.automatic:
                continue
            try:
                find_passage(title, markdown, row.passage)
            except ValueError:
                row.error = _("These words are not in the new text. Please copy them exactly, or leave this empty.")
        return not any(row.error for row in self.chosen)


def _sent() -> list[int]:
    return [int(value) for value in request.form.getlist("source") if value.isdecimal() and len(value) < 10]


def _passage(number: int) -> str:
    return (one_line(request.form.get(f"passage-{number}")) or "")[:_PASSAGE]


def choose(process: Process, element: Element, typed_in: Field, known: Sequence[tuple[int, str]] = ()) -> Choice:
    """What the request chose, and what to offer.

    `typed_in`: the field for numbers or words; numbers that exist move from it to what is chosen. `known`: numbers
    with passages that are chosen before anybody sends the form. Three queries at most.
    """
    passages = dict(known) if request.method == "GET" else {number: _passage(number) for number in _sent()}
    typed = clean_line(entered(typed_in))
    named = finding.as_numbers(typed) if typed else []
    found = finding.by_numbers(process, [*passages, *(named or [])])
    missing = sorted(set(named or []) - {one.number for one in found})
    if named and not missing:
        typed_in.data = ""
    choice = Choice([Row(one, True, passages.get(one.number, "")) for one in found], missing=missing)
    chosen = {one.id for one in found}
    if named is None:
        choice.searched = typed
        offered = finding.with_words(process, typed)
    else:
        offered = _waiting(process, element)
    choice.offered = [Row(one) for one in offered if one.id not in chosen]
    return choice


def _waiting(process: Process, element: Element) -> list[Found]:
    """What was said to this element and what it came from, and neither changed it nor was decided about."""
    found = finding.not_yet_named(process, queries.origins_of(element.id), _LOOKED_AT)
    decided = decisions_on([one.id for one in found])
    return [one for one in found if one.id not in decided][:OFFERED]


def settled(choice: Choice, typed_in: Field, *, saving: bool) -> bool:
    """Whether every number was found and, before saving, a search led to a choice; says so at the field.

    Call it after the form was validated, which forgets what was said at fields before.
    """
    if choice.missing:
        numbers = ", ".join(map(str, choice.missing))
        typed_in.errors = [_("There is no contribution %(numbers)s.", numbers=numbers)]
    elif choice.searched and saving and not choice.chosen:
        typed_in.errors = [_("Please choose from what was found, or empty this field.")]
    return not typed_in.errors
