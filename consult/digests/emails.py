"""The mail that says a feedback digest is there. Figures and one link: no text of citizens goes by mail."""

from collections.abc import Iterable

from flask_babel import gettext as _
from flask_babel import ngettext

from consult.accounts.models import Person
from consult.digests import reading, words
from consult.digests.models import Digest
from consult.digests.reading import Report
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link
from consult.outbox.models import OutboxMessage
from consult.processes.models import Function, Process, ProcessState
from consult.processes.queries import people_with


def still_steering(message: OutboxMessage) -> bool:
    """Still in the steering group (deputies included), not erased, and the process is not gone from view."""
    digest = db.session.get_one(Digest, message.subject_id)
    process = db.session.get_one(Process, digest.process_id)
    person = db.session.get_one(Person, message.recipient_id)
    return (
        person.erased_at is None
        and process.state != ProcessState.draft
        and person.id in people_with(process.id, Function.steering)
    )


# Errs on the side of silence: what a lost mail told of stands on the page, and in the figures of the next one.
@mail_kind("steering_digest", Guarantee.at_most_once, still_steering, title=_l("Digest for the steering group"))
def steering_digest(message: OutboxMessage) -> Mail:
    """To each member of the steering group, the morning after something happened."""
    digest = db.session.get_one(Digest, message.subject_id)
    process = db.session.get_one(Process, digest.process_id)
    url = link("digests.show", slug=process.slug, digest_id=digest.id)
    return compose(reading.of_digest(process, digest), url)


def compose(report: Report, url: str) -> Mail:
    """The mail for a report; `flask digest preview` prints the same."""
    process, content = report.process, report.content
    parts = [
        _("Good day,"),
        _(
            "this is what came in for “%(title)s”. %(period)s:",
            title=escape_markdown(process.title),
            period=escape_markdown(words.period(report)),
        ),
        _list(words.headline(report)),
    ]
    events = words.events(report)
    if events:
        parts += [_("What else happened:"), _list(events)]
    if report.lively:
        parts += [
            _("Where most was written:"),
            _list(f"{words.part_name(part)}: {words.news_of(process, part)}" for part in report.lively),
        ]
    if report.contested:
        parts += [
            _("Contested:"),
            _list(f"{words.part_name(part)}: {words.both_sides(process, part)}" for part in report.contested),
        ]
    parts += [
        _("The digest has at most two pages, with all figures in an annex:"),
        f"<{url}>",
    ]
    subject = ngettext(
        "Feedback digest: %(num)s new contribution to “%(title)s”",
        "Feedback digest: %(num)s new contributions to “%(title)s”",
        content["new"],
        title=process.title,
    )
    why = _("You get this mail because you belong to the steering group of “%(title)s”.", title=process.title)
    return Mail(subject, "\n\n".join(parts), why)


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {escape_markdown(sentence)}" for sentence in sentences)
