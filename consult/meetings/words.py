"""Plain words for kinds, states, needs and times of meetings."""

import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel.dates import format_time
from flask_babel import gettext as _

from consult.i18n import format_weekday, language
from consult.meetings.models import LineKind, Meeting, MeetingKind


def kind_names() -> dict[str, str]:
    return {
        MeetingKind.kickoff: _("Opening event"),
        MeetingKind.public_dialogue: _("Public dialogue"),
        MeetingKind.expert_talk: _("Expert talk"),
        MeetingKind.group_session: _("Group session"),
    }


def line_names() -> dict[str, str]:
    return {
        LineKind.information: _("Information"),
        LineKind.result: _("Result"),
        LineKind.suggestion: _("Suggestion"),
        LineKind.task: _("Task"),
        LineKind.question: _("Question"),
        LineKind.dissent: _("Dissent"),
    }


class Need(StrEnum):
    """What somebody needs in order to come; asked for in the answer to an invitation."""

    interpreter = "interpreter"
    childcare = "childcare"
    wheelchair = "wheelchair"


def need_names() -> dict[str, str]:
    return {
        Need.interpreter: _("Interpreter"),
        Need.childcare: _("Childcare"),
        Need.wheelchair: _("Access with a wheelchair"),
    }


@dataclass(frozen=True)
class Needs:
    """What a registration says about needs. Kept as one text, because it is purged as one."""

    words: tuple[str, ...] = ()
    note: str = ""

    def dump(self) -> str | None:
        """For the column; None when nothing is needed."""
        if not self.words and not self.note:
            return None
        return json.dumps({"needs": list(self.words), "note": self.note}, ensure_ascii=False)

    @classmethod
    def load(cls, value: str | None) -> "Needs":
        """From the column."""
        if not value:
            return cls()
        stored = json.loads(value)
        return cls(tuple(stored["needs"]), stored["note"])

    def text(self) -> str:
        """One line for the organisers."""
        names = need_names()
        return "; ".join([*(names.get(word, word) for word in self.words), *([self.note] if self.note else [])])


def day_words(meeting: Meeting) -> str:
    """ "Samstag, 5. Mai 2018": the day in the meeting's own zone, wherever the reader is."""
    return format_weekday(meeting.starts_at.astimezone(ZoneInfo(meeting.zone)))


def when_words(meeting: Meeting) -> str:
    """ "Samstag, 5. Mai 2018, 10:00 - 13:00 Uhr"; the day alone where no more is known."""
    zone = ZoneInfo(meeting.zone)
    start, end = meeting.starts_at.astimezone(zone), meeting.ends_at.astimezone(zone)
    if not meeting.time_known:
        last = end - timedelta(microseconds=1)
        first = format_weekday(start)
        return first if last.date() == start.date() else f"{first} – {format_weekday(last)}"
    begin, finish = (format_time(m, "HH:mm", locale=language()) for m in (start, end))
    if start.date() == end.date():
        return _("%(day)s, %(begin)s – %(end)s", day=format_weekday(start), begin=begin, end=finish)
    return f"{format_weekday(start)}, {begin} – {format_weekday(end)}, {finish}"
