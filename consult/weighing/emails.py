"""The one mail that tells an author what became of a contribution."""

from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from consult.accounts.models import Person
from consult.concept.queries import names_of
from consult.contributions.models import Contribution, ContributionText, State
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.moderation.models import Gathered
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process, ProcessState
from consult.weighing import stopping
from consult.weighing.models import Disposition, DispositionRelease
from consult.weighing.operations import ANSWERED
from consult.weighing.queries import led_to
from consult.weighing.stopping import Switch
from consult.weighing.words import disposition_sentences

#: So much of one's own words reminds one of them.
_OWN_WORDS = 280
#: Changes that are named one by one.
_CHANGES = 5


def _answered(message: OutboxMessage) -> tuple[Disposition, list[Contribution]]:
    """The decision, and the recipient's public contributions it is about: theirs, and those gathered under it that
    have no decision of their own.
    """
    disposition = db.session.get_one(Disposition, message.subject_id)
    own = aliased(Disposition)
    gathered = select(Gathered.contribution_id).where(Gathered.head_id == disposition.contribution_id)
    decided = (
        select(own.contribution_id)
        .join(DispositionRelease, DispositionRelease.disposition_id == own.id)
        .where(own.contribution_id == Contribution.id)
    )
    contributions = db.session.scalars(
        select(Contribution)
        .where(
            or_(
                Contribution.id == disposition.contribution_id,
                Contribution.id.in_(gathered) & ~decided.exists(),
            ),
            Contribution.author_id == message.recipient_id,
            Contribution.state == State.published,
        )
        .order_by(Contribution.number)
    ).all()
    return disposition, list(contributions)


def still_counts(message: OutboxMessage) -> bool:
    """The author still wants to be told, the decision is public and still the one that counts, and what it is about
    is neither withdrawn nor held back.
    """
    person = db.session.get_one(Person, message.recipient_id)
    if person.erased_at is not None or not person.email or not person.tell_answers:
        return False
    disposition, contributions = _answered(message)
    if not contributions:
        return False
    process = db.session.get_one(Process, contributions[0].process_id)
    latest = db.session.scalar(
        select(func.max(Disposition.id))
        .join(DispositionRelease, DispositionRelease.disposition_id == Disposition.id)
        .where(Disposition.contribution_id == disposition.contribution_id)
    )
    return process.state != ProcessState.draft and latest == disposition.id


@mail_kind(ANSWERED, Guarantee.at_least_once, still_counts, title=_l("Answer to a contribution"))
def answered(message: OutboxMessage) -> Mail:
    """What became of it, in plain words: to the author, and to every author of what was answered together with it."""
    disposition, contributions = _answered(message)
    first = contributions[0] if contributions else db.session.get_one(Contribution, disposition.contribution_id)
    process = db.session.get_one(Process, first.process_id)
    labels = ", ".join(f"{process.code}-{one.number}" for one in contributions or [first])
    parts = [
        _(
            "there is an answer to your contribution %(number)s to “%(title)s”.",
            number=escape_markdown(labels),
            title=escape_markdown(process.title),
        )
    ]
    parts[0] = _("Good day,") + "\n\n" + parts[0]
    words = _words_of(first)
    if words:
        parts.append(_("You wrote:") + "\n\n" + _quoted(words))
    parts.append(_("What became of it:") + f" **{escape_markdown(disposition_sentences().get(disposition.kind, ''))}**")
    if disposition.plain_reason:
        parts.append(escape_markdown(disposition.plain_reason))
    if disposition.reason and disposition.reason != disposition.plain_reason:
        parts.append(_("The reason:") + "\n\n" + _quoted(disposition.reason))
    parts += _changes(first, disposition, process)
    address = link("contributions.show", slug=process.slug, number=first.number)
    parts.append(linked(_("To your contribution"), address))
    stop = stopping.address_for(message.recipient_id, Switch.answers)
    if stop:
        parts.append(_("You do not want such mails?") + " " + linked(_("Stop them with one click"), stop))
    return Mail(
        _("What became of your contribution %(number)s", number=labels),
        "\n\n".join(parts),
        _("You get this mail because you have written a contribution to “%(title)s”.", title=process.title),
        secrets=(stop,) if stop else (),
        headers=stopping.headers_for(stop),
    )


def _quoted(text: str) -> str:
    return "\n".join(f"> {escape_markdown(line)}" for line in text.splitlines() if line.strip())


def _words_of(contribution: Contribution) -> str:
    """The author's own words in short."""
    body = db.session.scalar(
        select(ContributionText.body).where(
            ContributionText.contribution_id == contribution.id, ContributionText.revision == contribution.revision
        )
    )
    words = " ".join((body or "").split())
    return words if len(words) <= _OWN_WORDS else words[: _OWN_WORDS - 1].rsplit(" ", 1)[0] + " …"


def _changes(contribution: Contribution, disposition: Disposition, process: Process) -> list[str]:
    """The places in the text it changed, each with a link to the place and to the difference; public ones only."""
    found = led_to([contribution.id, disposition.contribution_id])
    changes = {change.change_id: change for each in found.values() for change in each}
    names = names_of(process, {change.element_id for change in changes.values()}, None)
    lines = []
    for change in list(changes.values())[-_CHANGES:]:
        place = names.get(change.element_id)
        name = escape_markdown(place.heading if place is not None else change.element_key)
        line = "- " + linked(name, link("concept.element", slug=process.slug, key=change.element_key))
        values = change.difference_values()
        if values:
            address = link("concept.element_difference", slug=process.slug, **values)
            line += " – " + linked(_("What changed"), address)
        lines.append(line)
    return [_("It changed the text here:"), "\n".join(lines)] if lines else []
