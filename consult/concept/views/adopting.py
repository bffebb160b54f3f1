"""Taking a wording proposal over into the text: the form filled with it, and what saving it says about it."""

from dataclasses import dataclass

from flask import request
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import and_, select

from consult.accounts.models import Person
from consult.concept import queries
from consult.concept.merging import merge
from consult.concept.models import Change, Element, Wording
from consult.concept.views.choosing import Choice
from consult.concept.views.conflict import ConflictView, conflict_view
from consult.concept.working import as_fields
from consult.contributions import proposals, sources
from consult.contributions.models import Contribution, ContributionText, Kind, State
from consult.contributions.shown import Shown, rows, show
from consult.contributions.threads import reader_of
from consult.errors import Conflict, Refused, Sides
from consult.extensions import db
from consult.i18n import language
from consult.processes.models import Process
from consult.weighing.models import DispositionKind
from consult.weighing.operations import CHANGING, Verdict, decide_together
from consult.weighing.policy import can_decide
from consult.weighing.queries import decisions_on, latest_ids

#: Open proposals listed beside a form.
LISTED = 20
_PASSAGE = 1000


def _number(name: str) -> int:
    typed = request.values.get(name, "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0


def number_asked() -> int:
    """Number of the proposal that the address or the form names; 0 for none."""
    return _number("proposal")


@dataclass
class Adoption:
    """A proposal that is being taken over."""

    process: Process
    contribution: Contribution
    base: Wording
    proposed: str
    #: The proposal as pages show it.
    item: Shown
    #: The latest decision about it when the form was made, public or not; 0 for none.
    decided: int
    #: It is taken over already: saving names it as a source again, and decides nothing.
    is_adopted: bool
    #: Saving decides about it, because this person may.
    decides: bool
    #: What its words in the text were when the form was filled.
    offered: str = ""

    @property
    def number(self) -> int:
        return self.contribution.number or 0

    @property
    def label(self) -> str:
        return f"{self.process.code}-{self.number}"

    @property
    def change(self) -> Markup | None:
        return proposals.as_difference(self.base.markdown, self.proposed, None)

    @property
    def rivals(self) -> list[proposals.Rival]:
        return proposals.rivals_of(self.contribution, self.base.markdown, self.proposed)

    def is_of(self, conflict: ConflictView | None) -> bool:
        """Whether a conflict shown is the one between the proposal and what changed in the text since."""
        return conflict is not None and conflict.began_id == self.base.id

    def conflict_with(self, element: Element, placed: queries.Placed) -> ConflictView | None:
        """The proposal and what changed in the text since, side by side; None when nothing did."""
        if placed.markdown == self.base.markdown:
            return None
        base = as_fields(self.base)
        now = db.session.get_one(Wording, placed.wording_id)
        sides = Sides(base, as_fields(now), base | {"markdown": self.proposed})
        return conflict_view(element, self.base.id, placed.wording_id, sides)

    def mark(self, choice: Choice, markdown: str) -> None:
        """Its words in the text need not be named: they are found again in whatever is saved."""
        row = next((row for row in choice.chosen if row.found.number == self.number), None)
        if request.method == "GET":
            place = proposals.surviving(self.base.markdown, self.proposed, markdown)
            self.offered = " ".join(markdown[slice(*place)].split())[:_PASSAGE] if place else ""
            if row is not None:
                row.passage = self.offered
        else:
            self.offered = " ".join(request.form.get("offered", "").split())[:_PASSAGE]
        if row is not None and row.passage in ("", self.offered):
            row.automatic = True

    def settle(self, change: Change, before: str, saved: str, reason: str, actor: Person, choice: Choice) -> None:
        """Name it as a source of the change, and say that it was taken over, as it was or with changes.

        Raises `Refused` when it was withdrawn or held back, or decided about, since the form was made.
        """
        contribution = db.session.scalar(
            select(Contribution)
            .where(Contribution.id == self.contribution.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        if contribution is None or contribution.state != State.published:
            raise Refused(gone(self.label))
        passage = choice.passages.get(self.number, "")
        span = None if passage else proposals.surviving(self.base.markdown, self.proposed, saved)
        sources.add_source(change, contribution, passage, span)
        if not self.decides or self.is_adopted:
            return
        as_it_is = saved in (self.proposed, merge(self.base.markdown, before, self.proposed).text)
        kind = DispositionKind.adopt if as_it_is else DispositionKind.adopt_in_part
        verdict = Verdict(kind, reason, element_id=change.element_id, change=change, held=True)
        try:
            decide_together(self.process, [(contribution.id, self.decided)], verdict, actor)
        except Conflict:
            raise Refused(
                _("Somebody decided about %(number)s meanwhile. Nothing was saved; please look at it and save again.",
                  number=self.label)
            ) from None  # fmt: skip

    def as_it_is_now(self, element: Element, person: Person) -> "Adoption | None":
        """The same after something happened to it meanwhile; None when it is not public any more."""
        now = adoption_of(self.process, element, person)
        if now is not None:
            now.offered = self.offered
            now.decided = latest_ids([now.contribution.id]).get(now.contribution.id, 0)
        return now


def gone(label: str) -> str:
    """What an editor is told whose proposal was taken back."""
    return _(
        "%(number)s was withdrawn or held back meanwhile. Your words are kept: save again, and they are saved without "
        "naming it.",
        number=label,
    )


def adoption_of(process: Process, element: Element, person: Person) -> Adoption | None:
    """The proposal that the address or the form names; None when it is none for this element, or not public."""
    number = number_asked()
    if not number:
        return None
    row = db.session.execute(
        select(Contribution, Wording, ContributionText.proposed)
        .join(
            ContributionText,
            and_(
                ContributionText.contribution_id == Contribution.id,
                ContributionText.revision == Contribution.revision,
            ),
        )
        .join(Wording, Wording.id == Contribution.wording_id)
        .where(
            Contribution.process_id == process.id,
            Contribution.number == number,
            Contribution.kind == Kind.wording_proposal,
            Contribution.state == State.published,
            ContributionText.proposed.is_not(None),
        )
    ).first()
    if row is None or not proposals.belongs_to(row[0], element.id):
        return None
    contribution, base, proposed = row
    shown = db.session.execute(rows(None, language()).where(Contribution.id == contribution.id)).one()
    known = decisions_on([contribution.id], with_held=True).get(contribution.id)
    # A form that comes in says what its writer saw; a fresh one, and one shown again, what is the case now.
    return Adoption(
        process, contribution, base, proposed or "", show(process, shown, reader_of(process, None)),
        _number("decided") if request.method == "POST" else latest_ids([contribution.id]).get(contribution.id, 0),
        known is not None and known.kind in CHANGING,
        can_decide(person, process),
    )  # fmt: skip


@dataclass(frozen=True)
class Open:
    """A proposal that waits for an answer."""

    number: int
    change: Markup | None


def open_ones(process: Process, element: Element) -> list[Open]:
    """Public proposals for this element, and for what it came from, that nobody decided about; two queries."""
    found = proposals.open_for(process.id, queries.origins_of(element.id), LISTED)
    return [Open(number, proposals.as_difference(base, proposed)) for number, base, proposed in found]
