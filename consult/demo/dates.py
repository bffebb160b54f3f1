"""The story's dates, moved to the present by whole weeks, so that weekdays stay right."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from babel.dates import format_date

from consult import clock

#: Time of day of whatever has none of its own.
USUAL_TIME = "10:00"


@dataclass(frozen=True)
class Dates:
    """`story_monday` becomes the Monday of the week in which `now` lies, in `zone`; everything else follows."""

    story_monday: date
    now: datetime
    zone: str

    @property
    def shift(self) -> timedelta:
        """How far the story is moved: a whole number of weeks."""
        today = clock.local_date(self.now, self.zone)
        return today - timedelta(days=today.weekday()) - self.story_monday

    def day(self, day: date) -> date:
        return day + self.shift

    def wall(self, day: date, at: str = USUAL_TIME) -> datetime:
        """What clocks in the city show then."""
        return datetime.combine(self.day(day), time.fromisoformat(at))

    def moment(self, day: date, at: str = USUAL_TIME) -> datetime:
        return clock.from_local(self.wall(day, at), self.zone)

    def until(self, text: str) -> datetime:
        """A moment written as one text: 2018-03-20T12:00."""
        day, _, at = text.partition("T")
        return self.moment(date.fromisoformat(day), at)

    def end_of(self, day: date) -> datetime:
        """The midnight after a last day."""
        return clock.end_of_day(self.day(day), self.zone)

    def ago(self, hours: str) -> datetime:
        """ "26 h" before the loading."""
        return self.now - timedelta(hours=int(hours.split()[0]))

    def month(self, text: str) -> str:
        """2018-09 as people say the month it is moved to; its middle decides."""
        return format_date(self.day(date.fromisoformat(f"{text}-15")), "LLLL y", locale="de")

    def in_words(self, day: date) -> str:
        """ "Samstag, 5. Mai"."""
        return format_date(self.day(day), "EEEE, d. MMMM", locale="de")
