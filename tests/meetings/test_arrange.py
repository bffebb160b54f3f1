"""Announcing, changing and cancelling meetings; local times in the nights when clocks change."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.invitations import operations as invitations
from consult.invitations.lists import parse_text
from consult.meetings import operations, queries
from consult.meetings.models import AgendaItem, Meeting
from consult.meetings.operations import AgendaPoint
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.meetings.factories import AFTER, BEFORE, SATURDAY, make_circle, make_meeting, plan, refused


def test_a_meeting_stands_in_utc_and_as_the_clock_at_the_place_shows_it(session: Any) -> None:
    circle = make_circle()
    meeting = operations.create(circle.process, plan(), circle.lead)
    assert meeting.starts_at == datetime(2026, 5, 2, 8, 0, tzinfo=UTC)
    assert meeting.wall_start == "2026-05-02T10:00:00"
    assert meeting.sequence == 0


def test_ten_in_the_morning_is_another_moment_in_winter(session: Any) -> None:
    circle = make_circle()
    winter = SATURDAY.replace(month=1)
    meeting = operations.create(circle.process, plan(wall_start=winter, wall_end=winter.replace(hour=13)), None)
    assert meeting.starts_at == datetime(2026, 1, 2, 9, 0, tzinfo=UTC)


def test_a_time_the_clock_skips_in_spring_is_refused(session: Any) -> None:
    circle = make_circle()
    skipped = datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001
    with refused("does not exist"):
        operations.create(circle.process, plan(wall_start=skipped, wall_end=skipped.replace(hour=5)), None)


def test_an_hour_that_comes_twice_in_autumn_means_its_first_coming(session: Any) -> None:
    circle = make_circle()
    twice = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001
    meeting = operations.create(circle.process, plan(wall_start=twice, wall_end=twice.replace(hour=4)), None)
    assert meeting.starts_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert meeting.ends_at == datetime(2026, 10, 25, 3, 30, tzinfo=UTC)


def test_an_end_before_the_beginning_is_refused(session: Any) -> None:
    circle = make_circle()
    with refused("after the beginning"):
        operations.create(circle.process, plan(wall_end=SATURDAY), None)


def test_only_changes_that_matter_to_guests_raise_the_sequence(session: Any) -> None:
    circle = make_circle()
    meeting = operations.create(circle.process, plan(), circle.lead)
    assert operations.change(meeting, plan(description="Bitte klingeln."), circle.lead) is False
    assert meeting.sequence == 0
    assert operations.change(meeting, plan(place="Rathaus", description="Bitte klingeln."), circle.lead) is True
    assert meeting.sequence == 1


def test_saving_the_same_again_changes_and_records_nothing(session: Any) -> None:
    circle = make_circle()
    meeting = operations.create(circle.process, plan(), circle.lead)
    before = len(session.scalars(select(AuditEntry)).all())
    assert operations.change(meeting, plan(), circle.lead) is False
    assert len(session.scalars(select(AuditEntry)).all()) == before


def test_cancelling_raises_the_sequence_and_happens_once(session: Any) -> None:
    circle = make_circle()
    operations.cancel(circle.meeting, circle.lead, BEFORE)
    assert (circle.meeting.state, circle.meeting.sequence) == ("cancelled", 1)
    with refused("cancelled already"):
        operations.cancel(circle.meeting, circle.lead, BEFORE)
    with refused("was cancelled"):
        operations.change(circle.meeting, plan(title="Doch"), circle.lead)


def test_a_meeting_that_is_over_cannot_be_cancelled(session: Any) -> None:
    circle = make_circle()
    with refused("over"):
        operations.cancel(circle.meeting, circle.lead, AFTER)


def test_the_next_meetings_leave_out_cancelled_and_past_ones(session: Any) -> None:
    circle = make_circle()
    make_meeting(circle.process, title="Fällt aus", state="cancelled")
    assert [m.id for m in queries.upcoming(circle.process.id, now=BEFORE)] == [circle.meeting.id]
    assert queries.upcoming(circle.process.id, now=AFTER) == []
    assert len(queries.all_of(circle.process.id)) == 2


def test_the_agenda_keeps_its_items_when_they_change_places(session: Any) -> None:
    circle = make_circle()
    operations.set_agenda(circle.meeting, [AgendaPoint("Räume"), AgendaPoint("Geld", internal=True)], circle.lead)
    first, second = queries.agenda_of(circle.meeting.id, with_internal=True)
    operations.set_agenda(
        circle.meeting,
        [
            AgendaPoint("Geld", internal=True, id=second.id),
            AgendaPoint("Räume am Abend", id=first.id),
            AgendaPoint("Neu"),
        ],
        circle.lead,
    )
    session.expire_all()
    items = queries.agenda_of(circle.meeting.id, with_internal=True)
    assert [(item.id, item.title) for item in items[:2]] == [(second.id, "Geld"), (first.id, "Räume am Abend")]
    assert [item.title for item in queries.agenda_of(circle.meeting.id, with_internal=False)] == [
        "Räume am Abend",
        "Neu",
    ]


def test_an_item_id_of_another_meeting_is_not_touched(session: Any) -> None:
    circle = make_circle()
    other = make_meeting(circle.process)
    operations.set_agenda(other, [AgendaPoint("Fremd")], circle.lead)
    foreign = queries.agenda_of(other.id, with_internal=True)[0]
    operations.set_agenda(circle.meeting, [AgendaPoint("Meins", id=foreign.id)], circle.lead)
    session.expire_all()
    assert session.get(AgendaItem, foreign.id).title == "Fremd"
    assert [item.title for item in queries.agenda_of(circle.meeting.id, True)] == ["Meins"]


def test_a_moderator_announces_a_meeting_in_the_browser(
    session: Any, browser_of: Callable[..., Browser], at: Callable[[datetime], Any]
) -> None:
    at(BEFORE)
    circle = make_circle()
    page = browser_of(circle.moderator).submit(
        circle.path("/new"),
        {
            "title": "Fachforum", "kind": "public_dialogue", "day": "2026-05-05", "begin": "18:00", "end": "20:30",
            "place": "Beispielsaal", "capacity": "120", "group_id": str(circle.group.id),
        },
    )  # fmt: skip
    meeting = session.scalar(select(Meeting).where(Meeting.title == "Fachforum"))
    assert page.location.endswith(circle.path(f"/{meeting.id}"))
    assert meeting.starts_at == datetime(2026, 5, 5, 16, 0, tzinfo=UTC)


def test_without_times_only_the_day_is_known(
    session: Any, browser_of: Callable[..., Browser], at: Callable[[datetime], Any]
) -> None:
    at(BEFORE)
    circle = make_circle()
    browser_of(circle.lead).submit(
        circle.path("/new"), {"title": "Auftakt", "day": "2026-05-09", "begin": "", "end": ""}
    )
    meeting = session.scalar(select(Meeting).where(Meeting.title == "Auftakt"))
    assert meeting.time_known is False
    assert meeting.starts_at == datetime(2026, 5, 8, 22, 0, tzinfo=UTC)


def test_an_evening_may_end_after_midnight(
    session: Any, browser_of: Callable[..., Browser], at: Callable[[datetime], Any]
) -> None:
    at(BEFORE)
    circle = make_circle()
    lead = browser_of(circle.lead)
    lead.submit(circle.path("/new"), {"title": "Lange Nacht", "day": "2026-05-09", "begin": "19:30", "end": "01:00"})
    meeting = session.scalar(select(Meeting).where(Meeting.title == "Lange Nacht"))
    assert (meeting.ends_at - meeting.starts_at, meeting.ends_at.hour) == (timedelta(hours=5, minutes=30), 23)
    edit = circle.path(f"/{meeting.id}/edit")
    assert lead.get(edit).form_fields(edit)["end"] == "01:00"
    lead.submit(edit, {"place": "Rathaus"})
    session.refresh(meeting)
    assert (meeting.place, meeting.ends_at - meeting.starts_at) == ("Rathaus", timedelta(hours=5, minutes=30))
    # As long as a day of work, on one day; as long only because of a slip of the keys.
    lead.submit(edit, {"begin": "08:00", "end": "22:00"})
    assert lead.submit(edit, {"begin": "18:00", "end": "08:00"}, status=422).html.select(".error-summary li")


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""}, {"day": "kein Tag"}, {"begin": "18:00", "end": ""}, {"begin": "18:00", "end": "17:00"},
        {"capacity": "0"}, {"kind": "party"}, {"group_id": "999999"},
        {"day": "2026-03-29", "begin": "02:30", "end": "05:00"}, {"day": "0001-01-01"},
        {"day": "9999-12-31", "begin": "", "end": ""}, {"closes_on": "9999-12-31"}, {"opens_on": "0001-01-01"},
    ],
)  # fmt: skip
def test_a_form_with_a_mistake_comes_back_with_everything_typed(
    session: Any, browser_of: Callable[..., Browser], at: Callable[[datetime], Any], wrong: dict[str, str]
) -> None:
    at(BEFORE)
    circle = make_circle()
    typed = {"title": "Fachforum", "day": "2026-05-05", "begin": "18:00", "end": "20:30", "place": "Saal", **wrong}
    page = browser_of(circle.lead).submit(circle.path("/new"), typed, status=422)
    assert page.form_fields(circle.path("/new"))["place"] == "Saal"
    assert page.html.select(".error-summary li")


def test_moving_and_cancelling_tell_those_who_are_invited(
    session: Any, browser_of: Callable[..., Browser], at: Callable[[datetime], Any]
) -> None:
    at(BEFORE)
    circle = make_circle()
    invitations.invite(circle.meeting, rows=parse_text("a@example.org\nb@example.org").rows, by=circle.lead)
    session.commit()
    visitor = browser_of(circle.moderator)
    visitor.submit(circle.meeting_path("/edit"), {"place": "Rathaus"})
    told = select(OutboxMessage.kind, OutboxMessage.period)
    assert session.execute(told.where(OutboxMessage.kind == "meeting_changed")).all() == [("meeting_changed", "1")] * 2
    visitor.submit(circle.meeting_path("/edit"), {"description": "Mit Kaffee"})
    assert len(session.execute(told.where(OutboxMessage.kind == "meeting_changed")).all()) == 2
    visitor.submit(circle.meeting_path("/cancel"), form_at=circle.meeting_path())
    assert len(session.execute(told.where(OutboxMessage.kind == "meeting_cancelled")).all()) == 2


@pytest.mark.parametrize("who", ["citizen", "member", "stranger"])
@pytest.mark.parametrize("rest", ["/new", "/{id}/edit", "/{id}/agenda", "/{id}/minutes", "/{id}/cards"])
def test_nobody_else_organises(session: Any, browser_of: Callable[..., Browser], who: str, rest: str) -> None:
    circle = make_circle()
    browser_of(getattr(circle, who)).get(circle.path(rest.format(id=circle.meeting.id)), 403)


def test_a_meeting_of_another_process_is_not_found_here(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle, other = make_circle(), make_circle()
    visitor = browser_of(circle.moderator)
    for ident in (other.meeting.id, 0, 10**9, 10**30):
        visitor.get(circle.path(f"/{ident}"), 404)
        visitor.get(circle.path(f"/{ident}/edit"), 404)
        visitor.get(circle.path(f"/{ident}/meeting.ics"), 404)


def test_the_meeting_page_asks_the_same_number_of_questions_with_one_and_forty_items(
    session: Any, browser_of: Callable[..., Browser], count_queries: Callable[[], Any]
) -> None:
    circle = make_circle()
    visitor, address = browser_of(circle.moderator), circle.meeting_path()
    figures = []
    for many in (1, 40):
        points = [AgendaPoint(f"Punkt {n}", circle.theme.id) for n in range(many)]
        operations.set_agenda(circle.meeting, points, circle.lead)
        db.session.commit()
        with count_queries() as asked:
            visitor.get(address)
        figures.append(len(asked))
    assert figures[0] == figures[1] <= 15


def test_the_list_of_meetings_asks_the_same_number_of_questions_with_one_and_sixty(
    session: Any, browser: Browser, count_queries: Callable[[], Any]
) -> None:
    circle = make_circle()
    address, figures = circle.path(), []
    for many in (0, 59):
        for _ in range(many):
            make_meeting(circle.process, group_id=circle.group.id)
        session.commit()
        with count_queries() as asked:
            browser.get(address)
        figures.append(len(asked))
    assert figures[0] == figures[1] <= 8
