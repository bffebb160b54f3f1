"""Wording proposals: a part of the text as somebody wants it to read, against the words they had in front of them.

What is kept is the whole text and the wording it was made against, so a proposal stays what it was - a difference -
whatever becomes of the text. Titles and fields of measures are not proposed.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import and_, column, select, table
from sqlalchemy.orm import aliased

from consult import clock
from consult.concept.difference import Piece, PieceKind, word_difference
from consult.concept.merging import APART
from consult.concept.models import Placement, ProcessConcept, Version, VersionAudience, Wording
from consult.concept.queries import origins_of
from consult.concept.word_changes import Teller, Words
from consult.concept.working import Text, new_wording
from consult.contributions.arrival import seen_by
from consult.contributions.models import Contribution, ContributionText, Kind, State
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_text
from consult.processes.models import Process

#: A proposal may be so much longer than the text it is about: who has more to say writes a part of its own.
MORE = 10_000
#: Unchanged text shown around what a proposal changes.
AROUND = 160
#: Other proposals compared with one, the newest first, and places remembered for them.
COMPARED = 100
_REMEMBERED = 2_000

_TOUCHING, _APART = Markup("</del><ins>"), Markup("</del> <ins>")

#: Where a text was changed: characters of it, half-open; both the same where words were only put in.
Place = tuple[int, int]

#: Decisions stand to the right of contributions: the tables are named, not imported.
_disposition = table("disposition", column("id"), column("contribution_id"))
_release = table("disposition_release", column("disposition_id"))


def checked(base: Wording, proposed: str) -> str:
    """The proposed text as it is stored: under the rules for an editor's text, and not the present one.

    Raises `Refused` with what to do instead.
    """
    text = clean_text(proposed).strip()
    if not text:
        raise Refused(_("Nothing is left of the text. If it should go as a whole, please say so in a comment."))
    if text == clean_text(base.markdown).strip():
        raise Refused(_("The text is still as it was. Please change in it what should read differently."))
    over = len(text) - len(base.markdown) - MORE
    if over > 0:
        raise Refused(
            _("The text has grown by too much: please shorten it by %(number)s characters. Nothing is lost.",
              number=over)
        )  # fmt: skip
    # The same checks, by the same words: length, signs that cannot be stored, facts and pictures that do not exist.
    new_wording(base.element_id, Text(base.title, text, base.details, base.lang), base.id, None)
    return text


@dataclass(frozen=True)
class Proposal:
    """What somebody proposes, checked: ready to be stored."""

    text: str
    #: Version and wording it is made against.
    seen: tuple[int, int]
    lang: str
    #: The words it puts in: what rules of arrival look at beside the reason.
    put_in: str


def against(
    process: Process,
    element_id: int | None,
    seen: tuple[int, int] | None,
    proposed: str | None,
    moment: datetime | None = None,
) -> Proposal:
    """The proposal against the public words its author had in front of them; asked for when the door does not know.

    `moment`: when it was written, if not now. Raises `Refused` where there is no text, or nothing is proposed.
    """
    version_id, wording_id = seen or (None, None)
    if wording_id is None and element_id is not None:
        version_id, wording_id = seen_by(None, process, element_id, moment or clock.now())
    base = db.session.get(Wording, wording_id) if wording_id is not None else None
    if base is None or version_id is None or base.element_id != element_id:
        raise Refused(_("There is no published text here for which other words could be proposed."))
    text = checked(base, proposed or "")
    return Proposal(text, (version_id, base.id), base.lang, _put_in(base.markdown, text))


def edited(contribution: Contribution, body: str, proposed: str | None) -> tuple[str | None, str]:
    """(the text proposed after an edit, what rules of arrival look at). `proposed`: None where it stays as it was."""
    if contribution.kind != Kind.wording_proposal or contribution.wording_id is None:
        return None, body
    base = db.session.get_one(Wording, contribution.wording_id)
    text = newest_proposed(contribution) if proposed is None else checked(base, proposed)
    return text, body if text is None else f"{body}\n{_put_in(base.markdown, text)}"


def _put_in(base: str, text: str) -> str:
    return "\n".join(piece.text for piece in word_difference(base, text) if piece.kind == PieceKind.inserted)


def words_seen(process: Process, element_id: int, wording_id: int) -> tuple[int, Wording] | None:
    """(version, wording) if these words of the element stood in a public version, the newest such one.

    A wording named in a form is not believed: a proposal shows the words it was made against to everybody.
    """
    row = db.session.execute(
        select(Placement.version_id, Wording)
        .join(Wording, Wording.id == Placement.wording_id)
        .join(Version, Version.id == Placement.version_id)
        .join(ProcessConcept, ProcessConcept.concept_id == Version.concept_id)
        .where(
            ProcessConcept.process_id == process.id,
            Placement.element_id == element_id,
            Placement.wording_id == wording_id,
            Version.number.is_not(None),
            Version.audience == VersionAudience.public,
        )
        .order_by(Version.number.desc())
        .limit(1)
    ).first()
    return (row[0], row[1]) if row is not None else None


def as_difference(base: str, proposed: str, around: int | None = AROUND) -> Markup | None:
    """The proposal as insertions and deletions in the text, in the language of the page; None when nothing differs.

    Remembered with the differences of wordings, by the texts themselves.
    """
    before, after = Words(0, "", base, {}, ""), Words(0, "", proposed, {}, "")
    found = Teller(around=around).change(before, after).text
    # Lines stay lines, and what was put in stands apart from what was taken out, also where no rule of a page says so.
    return found[0].replace("\n", Markup("<br>")).replace(_TOUCHING, _APART) if found else None


def newest_proposed(contribution: Contribution) -> str | None:
    """The text proposed now; None when it was erased, or is none."""
    return db.session.scalar(
        select(ContributionText.proposed).where(
            ContributionText.contribution_id == contribution.id,
            ContributionText.revision == contribution.revision,
        )
    )


# Which words a proposal changes


class _Places:
    """Where texts were changed lately, by the texts: a few numbers each."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[int, int, int, int], tuple[Place, ...]] = OrderedDict()
        self._lock = Lock()

    def of(self, base: str, text: str) -> tuple[Place, ...]:
        key = (hash(base), len(base), hash(text), len(text))
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        places = tuple(_places(word_difference(base, text)))
        with self._lock:
            self._found[key] = places
            while len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return places


_remembered = _Places()


def _places(pieces: Sequence[Piece]) -> Iterator[Place]:
    at = start = 0
    changed = False
    for piece in pieces:
        if piece.kind == PieceKind.same:
            if changed:
                yield start, at
            at += len(piece.text)
            start, changed = at, False
        else:
            changed = True
            at += len(piece.text) if piece.kind == PieceKind.deleted else 0
    if changed:
        yield start, at


def changes_same_words(base: str, one: str, other: str) -> bool:
    """Whether two proposals for the same words change the same ones, or ones with no word between them."""
    if one == other:
        return True
    mine, theirs = _remembered.of(base, one), _remembered.of(base, other)
    return any(_touch(base, a, b) for a in mine for b in theirs)


def _touch(base: str, a: Place, b: Place) -> bool:
    first, second = sorted((a, b))
    return second[0] < first[1] or not APART.search(base, first[1], second[0])


@dataclass(frozen=True)
class Rival:
    """Another open proposal that changes the same words."""

    number: int
    base: str
    proposed: str

    @property
    def change(self) -> Markup | None:
        return as_difference(self.base, self.proposed)


def rivals_of(contribution: Contribution, base: str, proposed: str) -> list[Rival]:
    """Other public proposals without a public decision that change the same words of the same wording. One query."""
    if contribution.element_id is None or contribution.wording_id is None:
        return []
    other = aliased(Contribution)
    decided = (
        select(_disposition.c.id)
        .join(_release, _release.c.disposition_id == _disposition.c.id)
        .where(_disposition.c.contribution_id == other.id)
        .exists()
    )
    rows = db.session.execute(
        select(other.number, ContributionText.proposed)
        .join(
            ContributionText,
            and_(ContributionText.contribution_id == other.id, ContributionText.revision == other.revision),
        )
        .where(
            other.element_id == contribution.element_id,
            other.process_id == contribution.process_id,
            other.state == State.published,
            other.kind == Kind.wording_proposal,
            other.wording_id == contribution.wording_id,
            other.id != contribution.id,
            ContributionText.proposed.is_not(None),
            ~decided,
        )
        .order_by(other.number.desc())
        .limit(COMPARED)
    )
    found = [
        Rival(number or 0, base, text) for number, text in rows if text and changes_same_words(base, proposed, text)
    ]
    return found[::-1]


def open_for(process_id: int, element_ids: Sequence[int], limit: int) -> list[tuple[int, str, str]]:
    """(number, words it was made against, proposed) of public proposals nobody decided about, the newest first."""
    decided = select(_disposition.c.id).where(_disposition.c.contribution_id == Contribution.id).exists()
    rows = db.session.execute(
        select(Contribution.number, Wording.markdown, ContributionText.proposed)
        .join(
            ContributionText,
            and_(
                ContributionText.contribution_id == Contribution.id,
                ContributionText.revision == Contribution.revision,
            ),
        )
        .join(Wording, Wording.id == Contribution.wording_id)
        .where(
            Contribution.element_id.in_(list(element_ids)),
            Contribution.process_id == process_id,
            Contribution.state == State.published,
            Contribution.kind == Kind.wording_proposal,
            ContributionText.proposed.is_not(None),
            ~decided,
        )
        .order_by(Contribution.number.desc())
        .limit(limit)
    )
    return [(number or 0, base, proposed or "") for number, base, proposed in rows]


# Where a proposal's words stand in the text that was made of it


def surviving(base: str, proposed: str, saved: str) -> Place | None:
    """From the first to the last of the words a proposal put in that stand in the text saved, as half-open offsets.

    Words that are far apart are no passage: then the longest stretch of them. None when nothing of it is left, or
    when the proposal only took words out.
    """
    inserted = list(_inserted(word_difference(base, proposed)))
    spans: list[Place] = []
    at = new = 0
    for piece in word_difference(proposed, saved):
        if piece.kind == PieceKind.inserted:
            new += len(piece.text)
            continue
        end = at + len(piece.text)
        if piece.kind == PieceKind.same:
            for start, stop in inserted:
                a, b = max(start, at), min(stop, end)
                if a < b:
                    spans.append(_without_spaces(saved, new + a - at, new + b - at))
            new += len(piece.text)
        at = end
    spans = [(start, stop) for start, stop in spans if stop > start]
    if not spans:
        return None
    whole = spans[0][0], spans[-1][1]
    kept = sum(stop - start for start, stop in spans)
    if whole[1] - whole[0] <= max(2 * kept, 80):
        return whole
    return max(spans, key=lambda span: span[1] - span[0])


def _inserted(pieces: Sequence[Piece]) -> Iterator[Place]:
    at = 0
    for piece in pieces:
        if piece.kind == PieceKind.deleted:
            continue
        if piece.kind == PieceKind.inserted:
            yield at, at + len(piece.text)
        at += len(piece.text)


def _without_spaces(text: str, start: int, stop: int) -> Place:
    while start < stop and text[start].isspace():
        start += 1
    while stop > start and text[stop - 1].isspace():
        stop -= 1
    return start, stop


def belongs_to(contribution: Contribution, element_id: int) -> bool:
    """Whether the proposal is about this element, or about one it descends from."""
    return contribution.element_id in origins_of(element_id)
