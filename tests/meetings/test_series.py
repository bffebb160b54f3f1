"""Meetings that repeat: days and hours that do not exist, changing and cancelling one or all that follow."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from consult.meetings import operations, series
from consult.meetings.models import Meeting, MeetingSeries, Registration
from consult.meetings.operations import plan_of
from consult.meetings.series import Every
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.factories import flushed, make_person
from tests.meetings.factories import BEFORE, SATURDAY, ZONE, Circle, make_circle, make_meeting, plan, refused


def announced(circle: Circle, every: Every = Every.week, times: int = 4, **fields: Any) -> list[Meeting]:
    return series.announce(circle.process, plan(**fields), every, times, circle.lead, BEFORE)


def walls(meetings: list[Meeting]) -> list[str]:
    return [m.starts_at.astimezone(ZoneInfo(ZONE)).strftime("%m-%d %H:%M") for m in meetings]


def test_every_two_weeks_at_the_same_hour_on_the_clock_in_summer_and_in_winter(session: Any) -> None:
    start = datetime(2026, 10, 10, 18, 0)  # noqa: DTZ001
    meetings = announced(make_circle(), Every.two_weeks, 3, wall_start=start, wall_end=start.replace(hour=20))
    assert walls(meetings) == ["10-10 18:00", "10-24 18:00", "11-07 18:00"]
    assert [m.starts_at.hour for m in meetings] == [16, 16, 17]
    assert len({m.series_id for m in meetings}) == 1
    assert session.get(MeetingSeries, meetings[0].series_id).title == "4. Treffen"


def test_every_month_names_the_months_that_have_no_such_day_and_writes_nothing(session: Any) -> None:
    circle = make_circle()
    start = datetime(2026, 8, 31, 18, 0)  # noqa: DTZ001
    with refused("no day 31: 9/2026, 11/2026"):
        announced(circle, Every.month, 4, wall_start=start, wall_end=start.replace(hour=20))
    assert session.scalars(select(Meeting).where(Meeting.series_id.is_not(None))).all() == []
    assert session.scalars(select(MeetingSeries)).all() == []


def test_a_month_goes_on_into_the_next_year() -> None:
    assert series.days_of(date(2026, 11, 5), Every.month, 3) == [date(2026, 11, 5), date(2026, 12, 5), date(2027, 1, 5)]


def test_an_hour_the_clock_skips_on_one_day_is_named_before_anything_is_saved(session: Any) -> None:
    start = datetime(2026, 3, 22, 2, 30)  # noqa: DTZ001
    with refused("29 March 2026"):
        announced(make_circle(), Every.week, 2, wall_start=start, wall_end=start.replace(hour=5))
    assert session.scalars(select(MeetingSeries)).all() == []


def test_half_past_two_meets_on_both_nights_of_the_autumn(session: Any) -> None:
    start = datetime(2026, 10, 18, 2, 30)  # noqa: DTZ001
    meetings = announced(make_circle(), Every.week, 3, wall_start=start, wall_end=start.replace(hour=4))
    assert walls(meetings) == ["10-18 02:30", "10-25 02:30", "11-01 02:30"]
    assert meetings[1].starts_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("times", [0, 1, 53])
def test_a_series_has_two_to_fifty_two_meetings(session: Any, times: int) -> None:
    with refused("2 to 52"):
        announced(make_circle(), times=times)


def test_registration_opens_and_closes_as_long_before_each_meeting(session: Any) -> None:
    closes = datetime(2026, 4, 30, 22, 0, tzinfo=UTC)
    meetings = announced(make_circle(), times=2, registration_closes_at=closes)
    assert [m.registration_closes_at for m in meetings] == [closes, closes + timedelta(weeks=1)]


def test_this_and_all_following_take_over_what_was_changed_and_nothing_else(session: Any, at: Any) -> None:
    at(BEFORE)
    circle = make_circle()
    first, second, third, fourth = announced(circle)
    operations.change(third, plan(place="Garten", wall_start=SATURDAY + timedelta(days=14),
                                  wall_end=SATURDAY.replace(hour=13) + timedelta(days=14)), circle.lead)  # fmt: skip
    later = SATURDAY + timedelta(days=8, hours=1)
    changed = plan(title="Neu", wall_start=later, wall_end=later.replace(hour=14))
    told = series.change_with_following(second, changed, circle.lead, BEFORE)
    assert [m.id for m in told] == [second.id, third.id, fourth.id]
    assert walls([first, second, third, fourth]) == ["05-02 10:00", "05-10 11:00", "05-17 11:00", "05-24 11:00"]
    assert [m.title for m in (first, second, third, fourth)] == ["4. Treffen", "Neu", "Neu", "Neu"]
    assert [m.place for m in (second, third, fourth)] == ["Quartiersbüro", "Garten", "Quartiersbüro"]


def test_a_change_that_cannot_be_for_one_of_them_changes_none(session: Any, at: Any) -> None:
    at(datetime(2026, 3, 1, tzinfo=UTC))
    circle = make_circle()
    start = datetime(2026, 3, 22, 12, 0)  # noqa: DTZ001
    meetings = series.announce(
        circle.process, plan(wall_start=start, wall_end=start.replace(hour=15)), Every.week, 2, None
    )
    night = plan(wall_start=start.replace(hour=2, minute=30), wall_end=start.replace(hour=15))
    with refused("29 March"):
        series.change_with_following(meetings[0], night, circle.lead)
    assert walls(meetings) == ["03-22 12:00", "03-29 12:00"]


def test_cancelling_this_and_all_following_leaves_those_before(session: Any) -> None:
    circle = make_circle()
    meetings = announced(circle)
    gone = series.cancel_with_following(meetings[2], circle.lead, BEFORE)
    assert [m.id for m in gone] == [m.id for m in meetings[2:]]
    assert [m.state for m in meetings] == ["planned", "planned", "cancelled", "cancelled"]
    assert [m.sequence for m in meetings] == [0, 0, 1, 1]


def test_a_meeting_that_does_not_repeat_has_nothing_after_it(session: Any) -> None:
    circle = make_circle()
    make_meeting(circle.process)
    assert series.following(circle.meeting, BEFORE) == []


def test_the_plan_of_a_meeting_says_what_the_form_said(session: Any) -> None:
    said = plan(
        online_url="https://video.example.org/x", accessibility="Aufzug\nInduktionsschleife", registration="everybody",
        registration_opens_at=BEFORE, registration_closes_at=BEFORE + timedelta(days=3), approval=True, offer_hours=12,
        attendee_list="consenting", photo_notice="Das Presseamt fotografiert.", capacity=30, languages="Deutsch",
        description="Text",
    )  # fmt: skip
    assert plan_of(operations.create(make_circle().process, said, None)) == said


def test_a_series_is_announced_changed_and_cancelled_in_the_browser(
    session: Any, browser_of: Callable[..., Browser], at: Callable[[datetime], Any]
) -> None:
    at(BEFORE)
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    page = visitor.submit(
        circle.path("/new"),
        {"title": "Kreis", "day": "2026-05-05", "begin": "18:00", "end": "20:00", "repeat": "week", "times": "3"},
    )
    meetings = session.scalars(select(Meeting).where(Meeting.title == "Kreis").order_by(Meeting.starts_at)).all()
    assert len(meetings) == 3
    assert page.location.endswith(circle.path(f"/{meetings[0].id}"))
    visitor.submit(circle.path(f"/{meetings[1].id}/edit"), {"place": "Rathaus", "scope": "following"})
    visitor.submit(
        circle.path(f"/{meetings[1].id}/cancel"), {"scope": "following"}, form_at=circle.path(f"/{meetings[1].id}")
    )
    session.expire_all()
    assert [(m.place, m.state) for m in meetings] == [
        ("", "planned"), ("Rathaus", "cancelled"), ("Rathaus", "cancelled"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"repeat": "week"}, {"repeat": "week", "times": "1"}, {"repeat": "day", "times": "3"},
        {"repeat": "month", "times": "4", "day": "2026-08-31"}, {"online_url": "javascript:alert(1)"},
        {"online_url": "video.example.org"}, {"opens_on": "2026-05-04", "closes_on": "2026-05-01"},
        {"registration": "nobody at all"}, {"offer_hours": "0"}, {"attendee_list": "all"},
    ],
)  # fmt: skip
def test_mistakes_behind_more_open_it_and_keep_everything_typed(
    session: Any, browser_of: Callable[..., Browser], at: Callable[[datetime], Any], wrong: dict[str, str]
) -> None:
    at(BEFORE)
    circle = make_circle()
    typed = {"title": "Kreis", "day": "2026-05-05", "begin": "18:00", "end": "20:00", "place": "Saal", **wrong}
    page = browser_of(circle.lead).submit(circle.path("/new"), typed, status=422)
    assert page.form_fields(circle.path("/new"))["place"] == "Saal"
    assert page.html.select(".error-summary li")
    assert session.scalars(select(Meeting).where(Meeting.title == "Kreis")).all() == []


def test_the_link_for_taking_part_from_home_and_the_way_in_matter_to_guests(session: Any) -> None:
    circle = make_circle()
    meeting = operations.create(circle.process, plan(), circle.lead)
    assert operations.change(meeting, plan(online_url="https://video.example.org/neu"), circle.lead) is True
    assert operations.change(
        meeting, plan(online_url="https://video.example.org/neu", accessibility="Kein Aufzug"), circle.lead
    )
    assert meeting.sequence == 2
    assert session.scalars(select(OutboxMessage)).all() == []


def test_more_places_are_offered_to_those_who_wait_at_once(session: Any, at: Any) -> None:
    at(BEFORE)
    circle = make_circle(capacity=1, registration="everybody")
    for state in ("coming", "waiting"):
        person = make_person(state)
        flushed(
            Registration(
                meeting_id=circle.meeting.id, person_id=person.id, state=state,
                waiting_since=BEFORE if state == "waiting" else None,
            )
        )  # fmt: skip
    more = replace(plan_of(circle.meeting), capacity=2)
    assert operations.change(circle.meeting, more, circle.lead) is False
    assert sorted(session.scalars(select(Registration.state))) == ["coming", "offered"]
