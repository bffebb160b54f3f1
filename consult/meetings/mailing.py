"""What all mails about meetings have in common: the facts, the sender's name, the guest's calendar entry."""

from datetime import datetime, time, timedelta
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from babel.dates import format_time
from flask import current_app
from flask_babel import gettext as _

from consult.accounts.models import Person
from consult.html import clean_line, escape_markdown
from consult.i18n import format_weekday, language
from consult.meetings import calendar
from consult.meetings.models import Meeting
from consult.meetings.words import when_words
from consult.outbox.links import link
from consult.processes.models import Process
from consult.site.queries import site_settings

#: What may stand in an address as it is; what would end a link of Markdown is not among it.
_IN_ADDRESSES = "/:?#[]@!$&'*+,;=%-._~"


def facts(meeting: Meeting, process: Process, comes: bool = False) -> str:
    """What, when and where, as a list; for somebody who comes also how to take part from home."""
    where = " · ".join(
        part for part in (escape_markdown(meeting.place), _online(meeting.online_url) if comes else "") if part
    )
    rows = [(_("When"), escape_markdown(when_words(meeting))), (_("Where"), where),
            (_("Languages"), escape_markdown(meeting.languages)),
            (_("Accessibility"), escape_markdown(clean_line(meeting.accessibility))),
            (_("Belongs to"), escape_markdown(process.title))]  # fmt: skip
    return "\n".join(f"- {name}: {value}" for name, value in rows if value)


def _online(address: str) -> str:
    """The link for taking part from home, told by its host."""
    if not address:
        return ""
    return f"[{escape_markdown(urlsplit(address).hostname or address)}]({quote(address, safe=_IN_ADDRESSES)})"


def sender() -> str:
    """In whose name they go out."""
    site = site_settings()
    return site.sender_name or site.city_name or site.platform_name


def entry_for(meeting: Meeting, process: Process, person: Person, method: str, comes: bool = False) -> bytes:
    """The calendar entry for one guest. Sent by mail it names this guest and nobody else; as a file to keep, nobody.

    For somebody who comes it holds the link for taking part from home.
    """
    site = site_settings()
    return calendar.entry(
        meeting,
        public_url=current_app.config["PUBLIC_URL"],
        page_url=link("meetings.show", slug=process.slug, meeting_id=meeting.id, lang=None),
        description=process.title,
        method=method,
        organiser=(site.reply_to or current_app.config["MAIL_FROM"], sender() or process.title),
        attendee=(person.email, person.name) if person.email and method != calendar.PUBLISH else None,
        online=comes,
    )


def greeting(person: Person) -> str:
    """The first line."""
    return _("Hello %(name)s,", name=escape_markdown(person.name)) if person.name else _("Hello,")


def moment_words(moment: datetime, meeting: Meeting) -> str:
    """ "Samstag, 5. Mai 2018, 10:00": by the clock at the place."""
    local = moment.astimezone(ZoneInfo(meeting.zone))
    return f"{format_weekday(local)}, {format_time(local, 'HH:mm', locale=language())}"


def until_words(moment: datetime, meeting: Meeting) -> str:
    """The same for the end of a time: midnight is said by the day that ends with it, "Freitag, 4. Mai 2018, 23:59"."""
    midnight = moment.astimezone(ZoneInfo(meeting.zone)).time() == time()
    return moment_words(moment - timedelta(minutes=1) if midnight else moment, meeting)
