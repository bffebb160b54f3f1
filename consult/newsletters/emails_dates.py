"""The mail about other days of a stage, to those who get the newsletter."""

from dataclasses import dataclass

from flask_babel import gettext as _

from consult import clock
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.i18n import format_day
from consult.invitations.models import Subscription, SubscriptionState
from consult.meetings import calendar, feeds
from consult.newsletters import dates, subscribing
from consult.outbox.kinds import Guarantee, Mail, mail_kind, shared
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage
from consult.processes.models import Days, Process, ProcessState, Stage
from consult.processes.words import period
from consult.weighing.stopping import headers_for


@dataclass(frozen=True)
class _News:
    """What one mail says."""

    subscription: Subscription
    process: Process
    stage: Stage
    former: Days


def _news(message: OutboxMessage) -> _News | None:
    """None where there is nothing to say any more, or not to this person."""
    stage = db.session.get(Stage, message.subject_id)
    if stage is None:
        return None
    process = db.session.get_one(Process, stage.process_id)
    subscription = subscribing.of_person(process, message.recipient_id)
    if process.state != ProcessState.published or subscription is None:
        return None
    if subscription.state != SubscriptionState.confirmed:
        return None
    told = shared((dates.DATES, stage.id), lambda: dates.told_of(stage.id))
    former = dates.former_days(message, subscription.confirmed_at, told)
    # Moved back before anybody heard of it: nothing happened.
    if former is None or former == Days(stage.starts_at, stage.ends_at):
        return None
    return _News(subscription, process, stage, former)


def still_wanted(message: OutboxMessage) -> bool:
    """They still follow the process, the days are still others than those they knew, and no newer change is told."""
    return _news(message) is not None


# Errs on the side of silence, as newsletters do: the new days stand on the pages and in the calendars.
@mail_kind(dates.DATES, Guarantee.at_most_once, still_wanted, title=_l("Other dates of a stage"))
def dates_changed(message: OutboxMessage) -> Mail:
    """The days until now and the new ones; calendars move the entry."""
    news = _news(message)
    if news is None:
        raise LookupError(f"nothing to tell in message {message.id}")
    process, stage = news.process, news.stage
    until_now, now = period(news.former, process.zone), period(stage, process.zone)
    stop = subscribing.stop_address(news.subscription)
    days = [_("Until now: %(days)s", days=until_now), _("New: %(days)s", days=now)]
    parts = [
        _("Good day,"),
        _("a stage of “%(process)s” has other dates:", process=escape_markdown(process.title)),
        f"**{escape_markdown(stage.title)}**",
        "\n".join(f"- {escape_markdown(line)}" for line in days),
        _("The attachment is an entry for your calendar. If the stage is there already, it moves to the new days."),
        linked(_("See the timeline"), link("processes.timeline", slug=process.slug)),
        linked(_("Stop this newsletter"), stop),
    ]
    since = format_day(news.subscription.confirmed_at or news.subscription.created_at)
    return Mail(
        subject=_("Other dates: %(title)s, %(when)s", title=stage.title, when=now),
        body="\n\n".join(parts),
        why=_("You get this mail because you subscribed to the newsletter of “%(title)s” on %(day)s.",
              title=process.title, day=since),
        secrets=(stop,),
        calendar=calendar.span_entry(feeds.span_of(process, stage, clock.now())),
        calendar_method=calendar.PUBLISH,
        headers=headers_for(stop),
    )  # fmt: skip
