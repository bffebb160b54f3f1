"""The monthly mail, for those who have switched it on."""

from functools import partial

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from consult import clock
from consult.accounts.models import Person
from consult.digests import monthly
from consult.digests.monthly import News
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.i18n import format_day, format_month
from consult.meetings.words import when_words
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage
from consult.processes.models import Audience
from consult.processes.words import activity_sentence, day_before, is_offered, period
from consult.weighing import stopping
from consult.weighing.stopping import Switch
from consult.weighing.words import disposition_names

MONTHLY = "monthly"
#: Of each kind of news at most so many lines per process.
_LINES = 5


def _news(message: OutboxMessage) -> list[News]:
    zone = current_app.config["TIMEZONE"]
    return monthly.of_month(monthly.month_of(message.period), zone, clock.now())


def still_wanted(message: OutboxMessage) -> bool:
    """The switch is still on, and there still is something to tell."""
    person = db.session.get_one(Person, message.recipient_id)
    if person.erased_at is not None or not person.email or not person.tell_monthly:
        return False
    return bool(_news(message))


# Errs on the side of silence: what a lost mail told of stands on the pages.
@mail_kind(MONTHLY, Guarantee.at_most_once, still_wanted, title=_l("The month in short"))
def the_month(message: OutboxMessage) -> Mail:
    """New texts, stages, decisions and dates of all processes, once a month."""
    month = format_month(monthly.month_of(message.period))
    parts = [_("Good day,"), _("this is the most important of %(month)s.", month=escape_markdown(month))]
    for news in _news(message):
        parts += _about(news)
    stop = stopping.address_for(message.recipient_id, Switch.monthly)
    if stop:
        parts.append(_("You do not want such mails?") + " " + linked(_("Stop them with one click"), stop))
    return Mail(
        _("The most important of %(month)s", month=month),
        "\n\n".join(parts),
        _("You get this mail because you have switched it on: once a month, the most important."),
        secrets=(stop,) if stop else (),
        headers=stopping.headers_for(stop),
    )


def _about(news: News) -> list[str]:
    """A heading with a link to the process, and a list of what is new in it."""
    process = news.process
    here = partial(link, slug=process.slug)
    title = escape_markdown(process.title)
    lines = [
        linked(
            _("New version %(number)s: %(title)s", number=number, title=escape_markdown(name)),
            here("concept.version", number=number, which=which),
        )
        for number, name, which in news.versions[:_LINES]
    ]
    lines += [_("Begun: %(title)s", title=escape_markdown(stage.title)) for stage in news.opened[:_LINES]]
    lines += [
        _(
            "Other dates: %(title)s, %(when)s",
            title=escape_markdown(stage.title),
            when=escape_markdown(period(stage, process.zone)),
        )
        for stage in news.moved[:_LINES]
    ]
    lines += [
        _(
            "Ends soon: %(title)s, last day %(date)s",
            title=escape_markdown(stage.title),
            date=escape_markdown(format_day(day_before(stage.ends_at, process.zone))),
        )
        for stage in news.closing[:_LINES]
        if stage.ends_at is not None
    ]
    if news.decisions:
        lines.append(_decisions(news))
    lines += [
        linked(
            _("Coming: %(title)s, %(when)s", title=escape_markdown(meeting.title),
              when=escape_markdown(when_words(meeting))),
            here("meetings.show", meeting_id=meeting.id),
        )
        for meeting in news.meetings[:_LINES]
    ]  # fmt: skip
    parts = ["## " + linked(title, here("processes.overview")), "\n".join(f"- {line}" for line in lines)]
    can = [
        activity_sentence(activity, audience)
        for activity, opening in news.open_now.items()
        for audience in Audience
        if audience == Audience.public and audience in opening.audiences and is_offered(activity, audience)
    ]
    if can:
        parts.append(_("Open now:") + " " + escape_markdown(" ".join(can)))
    return parts


def _decisions(news: News) -> str:
    """How many, and some of them by number."""
    names = disposition_names()
    process = news.process
    examples = ", ".join(
        linked(
            f"{escape_markdown(f'{process.code}-{number}')}: {escape_markdown(names.get(kind, kind))}",
            link("contributions.show", slug=process.slug, number=number),
        )
        for number, kind in news.examples
    )
    sentence = ngettext("%(num)s contribution was answered", "%(num)s contributions were answered", news.decisions)
    return f"{escape_markdown(sentence)} ({examples})" if examples else escape_markdown(sentence)
