"""What the forms about meetings take."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from consult import clock
from consult.concept.queries import Placed
from consult.contributions.models import MAX_LENGTH
from consult.forms import Form, _l, one_line, sensible_day, several_lines
from consult.meetings.event_words import ONE, every_names, list_names, registration_names, scope_names
from consult.meetings.models import AttendeeList, LineKind, MeetingKind, RegistrationMode
from consult.meetings.operations import AgendaPoint, Arrangement
from consult.meetings.series import MOST
from consult.meetings.words import kind_names, line_names

#: Blank rows offered beyond what is stored.
SPARE_ROWS = 3
#: Items of an agenda.
MOST_ITEMS = 100
#: How long a place from the waiting list is kept, where the organisers say nothing else.
OFFER_HOURS = 48
#: Others are mistakes of typing.
YEARS = range(1900, 2200)
#: An end before the beginning is on the next day, for meetings of at most this length; else it is a slip of the keys.
INTO_THE_NIGHT = timedelta(hours=12)
Choices = list[tuple[str, Any]]


def about_choices(elements: Sequence[Placed], nothing: Any) -> Choices:
    """Elements as a list offers them, the process itself first."""
    return [("", nothing), *((str(row.element_id), row.heading) for row in elements)]


def _id(value: str | None) -> int | None:
    return int(value) if value else None


class MeetingForm(Form):
    """A meeting as it is announced: times as on the clock at the place."""

    #: What stood there when somebody began to change it.
    base = HiddenField()
    kind = SelectField(_l("Kind of meeting"))
    title = StringField(
        _l("Title"), [DataRequired(_l("Please give the meeting a title.")), Length(max=200)], filters=[one_line]
    )
    day = DateField(_l("Day"), [InputRequired(_l("Please give the day, for example 2026-05-09."))])
    begin = TimeField(_l("Begins at"), [Optional()])
    end = TimeField(_l("Ends at"), [Optional()])
    place = StringField(_l("Place"), [Optional(), Length(max=300)], filters=[one_line])
    group_id = SelectField(_l("Group that meets or invites"))
    element_id = SelectField(_l("What it is about"))
    description = TextAreaField(_l("What people should know"), [Optional(), Length(max=8000)], filters=[several_lines])
    languages = StringField(_l("Languages"), [Optional(), Length(max=200)], filters=[one_line])
    capacity = IntegerField(
        _l("Places"), [Optional(), NumberRange(1, 100_000, _l("Please give a number of at least 1."))]
    )
    online_url = StringField(_l("Link for taking part online"), [Optional(), Length(max=300)], filters=[one_line])
    accessibility = TextAreaField(_l("Accessibility"), [Optional(), Length(max=2000)], filters=[several_lines])
    registration = RadioField(_l("Who may register?"), default=RegistrationMode.invited)
    opens_on = DateField(_l("Registration opens on"), [Optional()])
    closes_on = DateField(_l("Last day of registration"), [Optional()])
    changes_on = DateField(_l("Last day for changes"), [Optional()])
    approval = BooleanField(_l("We look at each registration before it counts"))
    offer_hours = IntegerField(
        _l("Hours to take a place that became free"),
        [Optional(), NumberRange(1, 720, _l("Please give a number from 1 to 720."))],
        default=OFFER_HOURS,
    )
    attendee_list = RadioField(_l("What the public sees of who comes"), default=AttendeeList.organisations)
    photo_notice = TextAreaField(
        _l("Notice about photographs"), [Optional(), Length(max=2000)], filters=[several_lines]
    )
    repeat = SelectField(_l("Repeat"), default="")
    times = IntegerField(
        _l("How many meetings in all"),
        [Optional(), NumberRange(2, MOST, _l("Please give a number from 2 to 52."))],
    )
    scope = RadioField(_l("What do you change?"), default=ONE)

    def offer(self, groups: dict[int, str], elements: Sequence[Placed]) -> None:
        """Fill the lists; call before validating."""
        self.kind.choices = list(kind_names().items())
        self.group_id.choices = [("", _l("Nobody in particular")), *((str(i), name) for i, name in groups.items())]
        self.element_id.choices = about_choices(elements, _l("The process as a whole"))
        self.registration.choices = list(registration_names().items())
        self.attendee_list.choices = list(list_names().items())
        self.repeat.choices = [("", _l("not")), *every_names().items()]
        self.scope.choices = list(scope_names().items())

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if self.repeat.data and self.times.data is None and not self.times.errors:
            self.times.errors = [_l("Please say how many meetings the series has.")]
            valid = False
        for field in (self.day, self.opens_on, self.closes_on, self.changes_on):
            if field.data is not None and field.data.year not in YEARS:
                field.errors = [_l("Please give the day, for example 2026-05-09.")]
                valid = False
        opens, closes = self.opens_on.data, self.closes_on.data
        if opens and closes and closes < opens:
            self.closes_on.errors = [_l("Registration must open before it closes.")]
            valid = False
        wrong = self._wrong_with_changes()
        if wrong is not None and not self.changes_on.errors:
            self.changes_on.errors = [wrong]
            valid = False
        begin, end = self.begin.data, self.end.data
        if self.begin.errors or self.end.errors:
            return valid
        if (begin is None) != (end is None):
            self.end.errors = [_l("Please give both times, or none when only the day is known.")]
        elif begin is not None and end is not None and end <= begin and _length(begin, end) > INTO_THE_NIGHT:
            self.end.errors = [_l("The end must come after the beginning.")]
        return valid and not self.end.errors

    def _wrong_with_changes(self) -> Any:
        """Why people cannot change what they entered until that day; None where they can, or where it is not said."""
        last, day, opens = self.changes_on.data, self.day.data, self.opens_on.data
        if last is None:
            return None
        if opens and last < opens:
            return _l("This day lies before registration opens. Please choose a later one, or leave it empty.")
        if day and last > day:
            return _l("This day lies after the meeting. Please choose an earlier one, or leave it empty.")
        if day and last == day and self.begin.data is None:
            return _l("While the hour of the meeting is not known, this must be a day before it.")
        return None

    def _changes_until(self, wall_start: datetime, zone: str) -> datetime | None:
        """The end of the day; on the day of the meeting its beginning."""
        last = self.changes_on.data
        if last is None:
            return None
        if last == wall_start.date():
            return clock.from_local(wall_start, zone)
        return clock.end_of_day(last, zone)

    def plan(self, zone: str) -> Arrangement:
        """What was entered; call after validating."""
        day = self.day.data
        assert day is not None  # noqa: S101 (InputRequired)
        begin, end = self.begin.data, self.end.data
        known = begin is not None and end is not None
        wall_start = datetime.combine(day, begin or time())
        wall_end = wall_start + (_length(begin, end) if begin is not None and end is not None else timedelta(days=1))
        return Arrangement(
            kind=MeetingKind(self.kind.data),
            title=self.title.data or "",
            wall_start=wall_start,
            wall_end=wall_end,
            zone=zone,
            time_known=known,
            place=self.place.data or "",
            description=self.description.data or "",
            languages=self.languages.data or "",
            capacity=self.capacity.data,
            group_id=_id(self.group_id.data),
            element_id=_id(self.element_id.data),
            online_url=self.online_url.data or "",
            accessibility=self.accessibility.data or "",
            registration=RegistrationMode(self.registration.data),
            registration_opens_at=clock.start_of_day(self.opens_on.data, zone) if self.opens_on.data else None,
            registration_closes_at=clock.end_of_day(self.closes_on.data, zone) if self.closes_on.data else None,
            changes_until=self._changes_until(wall_start, zone),
            approval=bool(self.approval.data),
            offer_hours=self.offer_hours.data or OFFER_HOURS,
            attendee_list=AttendeeList(self.attendee_list.data),
            photo_notice=self.photo_notice.data or "",
        )


def _length(begin: time, end: time) -> timedelta:
    """Between two times of one day, or of an evening and the next morning."""
    length = datetime.combine(date.min, end) - datetime.combine(date.min, begin)
    return length if length > timedelta(0) else length + timedelta(days=1)


class AgendaRow(FlaskForm):
    """One item of the agenda; an empty title means no item."""

    class Meta:
        csrf = False

    ident = HiddenField()
    title = StringField(_l("Title"), [Optional(), Length(max=300)], filters=[one_line])
    element_id = SelectField(_l("About"), validate_choice=True)
    internal = BooleanField(_l("Not shown to the public"))


class AgendaForm(Form):
    """All items; rows with a title count."""

    #: Which items the editor began from.
    base = HiddenField()
    items = FieldList(FormField(AgendaRow), max_entries=MOST_ITEMS)

    def offer(self, elements: Sequence[Placed]) -> None:
        choices = about_choices(elements, _l("nothing in particular"))
        for row in self.items:
            row.form.element_id.choices = choices

    def points(self) -> list[AgendaPoint]:
        return [
            AgendaPoint(
                row.form.title.data,
                _id(row.form.element_id.data),
                bool(row.form.internal.data),
                _id(row.form.ident.data if (row.form.ident.data or "").isdecimal() else None),
            )
            for row in self.items
            if row.form.title.data
        ]


class LineRow(FlaskForm):
    """One line of the minutes; an empty text means no line."""

    class Meta:
        csrf = False

    kind = SelectField(_l("Kind"), default=LineKind.information)
    text = TextAreaField(_l("Text"), [Optional(), Length(max=MAX_LENGTH)], filters=[several_lines])
    element_id = SelectField(_l("About"))
    agenda_item_id = SelectField(_l("Item of the agenda"))
    owner_id = SelectField(_l("Whose task"))
    due_on = DateField(_l("Until"), [Optional(), sensible_day])


class MinutesForm(Form):
    """The whole minutes; `base_revision` says which state was in front of the writer."""

    base_revision = IntegerField(validators=[NumberRange(0)], default=0)
    lines = FieldList(FormField(LineRow), max_entries=200)
    markdown = TextAreaField(_l("Further notes"), [Optional(), Length(max=100_000)], filters=[several_lines])

    def offer(self, elements: Sequence[Placed], agenda: Choices, owners: Choices) -> None:
        kinds = list(line_names().items())
        about = about_choices(elements, _l("The process as a whole"))
        for row in self.lines:
            row.form.kind.choices = kinds
            row.form.element_id.choices = about
            row.form.agenda_item_id.choices = agenda
            row.form.owner_id.choices = owners


class CirculateForm(Form):
    """Until when the group may object."""

    base_revision = IntegerField(validators=[NumberRange(0)])
    objections_until = DateField(_l("Objections until"), [Optional(), sensible_day])
