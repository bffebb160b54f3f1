"""Plain words for kinds, states, needs and times of meetings."""

import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel.dates import format_time
from flask_babel import gettext as _

from consult.i18n import format_weekday, language
from consult.meetings.models import LineKind, Meeting, MeetingKind, Origin, RegistrationState


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


def registration_names() -> dict[str, str]:
    return {
        RegistrationState.unconfirmed: _("Address not proven"),
        RegistrationState.asked: _("To be decided"),
        RegistrationState.maybe: _("Perhaps"),
        RegistrationState.coming: _("Is coming"),
        RegistrationState.declined: _("Is not coming"),
        RegistrationState.waiting: _("Waiting list"),
        RegistrationState.offered: _("Place offered"),
        RegistrationState.refused: _("Declined by us"),
        RegistrationState.attended: _("Was there"),
        RegistrationState.absent: _("Was not there"),
    }


def origin_names() -> dict[str, str]:
    return {
        Origin.invitation: _("Invitation"),
        Origin.registration: _("Registered"),
        Origin.deputy: _("Deputy"),
        Origin.walk_in: _("Came along"),
        Origin.staff: _("Entered by us"),
    }


class Need(StrEnum):
    """What somebody needs in order to come; asked for in the answer to an invitation."""

    interpreter = "interpreter"
    sign_language = "sign_language"
    childcare = "childcare"
    wheelchair = "wheelchair"
    diet = "diet"


def need_names() -> dict[str, str]:
    return {
        Need.interpreter: _("Interpreter"),
        Need.sign_language: _("Sign language interpreter"),
        Need.childcare: _("Childcare"),
        Need.wheelchair: _("Access with a wheelchair"),
        Need.diet: _("Special food"),
    }


@dataclass(frozen=True)
class Needs:
    """What a registration says about needs. Kept as one text, because it is purged as one."""

    words: tuple[str, ...] = ()
    note: str = ""
    #: Which language an interpreter should speak.
    language: str = ""
    #: Of a registration that was turned down: why. It is shown to the person and purged with the needs.
    reason: str = ""

    def dump(self) -> str | None:
        """For the column; None when nothing is needed."""
        if not (self.words or self.note or self.language or self.reason):
            return None
        more = {"language": self.language, "reason": self.reason}
        stored = {"needs": list(self.words), "note": self.note, **{key: value for key, value in more.items() if value}}
        return json.dumps(stored, ensure_ascii=False)

    @classmethod
    def load(cls, value: str | None) -> "Needs":
        """From the column."""
        if not value:
            return cls()
        stored = json.loads(value)
        return cls(tuple(stored["needs"]), stored["note"], stored.get("language", ""), stored.get("reason", ""))

    def same_as(self, other: "Needs") -> bool:
        """Whether both say the same, in whatever order."""
        mine, theirs = (set(needs.words) for needs in (self, other))
        return (mine, self.note, self.language) == (theirs, other.note, other.language)

    def text(self) -> str:
        """One line for the organisers."""
        names = need_names()
        said = [names.get(word, word) for word in self.words]
        if self.language:
            said = [
                f"{name} ({self.language})" if word == Need.interpreter else name
                for word, name in zip(self.words, said, strict=True)
            ]
            if Need.interpreter not in self.words:
                said.append(f"{names[Need.interpreter]} ({self.language})")
        return "; ".join([*said, *([self.note] if self.note else [])])


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
