"""Mails before and after: when they are due, that they are promised once, who gets them, what stands in them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from sqlalchemy import select, update

from consult.i18n import in_language
from consult.invitations.dates import on_paper
from consult.invitations.lists import parse_text
from consult.invitations.operations import invite
from consult.meetings import materials, operations, reminders, survey
from consult.meetings.models import Meeting, Minutes, Registration, Reminder, SurveyQuestion
from consult.meetings.reminders import DAY
from consult.outbox.delivery import deliver
from consult.outbox.kinds import Mail, kind
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.factories import flushed, make_person
from tests.meetings.factories import BEFORE, SATURDAY, ZONE, Circle, make_circle, make_meeting, plan, refused

COMING = ("coming",)


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    made = make_circle(online_url="https://video.example.org/kreis")
    session.commit()
    return made


def guest(circle: Circle, state: str = "coming", email: str | None = None, **fields: Any) -> Registration:
    person = make_person(f"Gast {state}", email=email) if email else make_person(f"Gast {state}")
    made: Registration = flushed(Registration(meeting_id=circle.meeting.id, person_id=person.id, state=state, **fields))
    return made


def run(moment: datetime) -> int:
    return reminders.run_due(moment, on_paper)


def promised(session: Any) -> list[tuple[str, int]]:
    return [
        (row[0], row[1])
        for row in session.execute(
            select(OutboxMessage.kind, OutboxMessage.recipient_id).where(OutboxMessage.kind.like("meeting_%"))
        )
    ]


def mail(session: Any) -> Mail:
    """The one that is promised, as its kind writes it."""
    message = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()
    with in_language("en"):
        return kind(message.kind).render(message)


def still_wanted(session: Any) -> bool:
    message = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()
    return kind(message.kind).wanted(message)


def test_the_day_before_is_the_same_hour_of_the_day_when_clocks_change_between(session: Any) -> None:
    circle = make_circle()
    for day in (datetime(2026, 3, 29, 18, 0), datetime(2026, 10, 25, 18, 0)):  # noqa: DTZ001
        meeting = operations.create(circle.process, plan(wall_start=day, wall_end=day.replace(hour=20)), None)
        moment = reminders.moment_of(meeting, -DAY).astimezone(ZoneInfo(ZONE))
        assert moment.replace(tzinfo=None) == day - timedelta(days=1)


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, 3, 0), datetime(2026, 10, 25, 2, 30)])  # noqa: DTZ001
def test_around_a_meeting_in_the_night_of_the_change_everything_is_due_once_and_in_order(
    session: Any, day: datetime
) -> None:
    circle = make_circle()
    meeting = operations.create(circle.process, plan(wall_start=day, wall_end=day.replace(hour=6)), None)
    moments = [reminders.moment_of(meeting, minutes) for minutes in (-3 * DAY, -DAY, -60, 60, DAY)]
    assert moments == sorted(set(moments))
    assert moments[2] < meeting.starts_at < meeting.ends_at < moments[3]


def test_where_only_the_day_is_known_nobody_is_woken_up(session: Any) -> None:
    circle = make_circle()
    day = SATURDAY.replace(hour=0)
    meeting = operations.create(
        circle.process, plan(wall_start=day, wall_end=day + timedelta(days=1), time_known=False), None
    )
    before, after = (reminders.moment_of(meeting, m).astimezone(ZoneInfo(ZONE)) for m in (-DAY, DAY))
    assert before.strftime("%d %H") == "01 09"
    assert after.strftime("%d %H") == "03 18"


def test_a_reminder_is_promised_when_its_moment_comes_and_only_once(session: Any, circle: Circle) -> None:
    first, second = guest(circle), guest(circle)
    guest(circle, "declined")
    guest(circle, "waiting")
    reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead)
    session.commit()
    moment = circle.meeting.starts_at - timedelta(days=1)
    assert run(moment - timedelta(minutes=1)) == 0
    assert run(moment) == 2
    assert run(moment + timedelta(minutes=1)) == 0
    assert sorted(promised(session)) == [("meeting_reminder", first.person_id), ("meeting_reminder", second.person_id)]


def test_two_schedulers_that_both_found_it_due_promise_it_once(session: Any, circle: Circle) -> None:
    guest(circle)
    reminder = reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead)
    session.commit()
    moment = circle.meeting.starts_at - timedelta(hours=20)
    assert reminders._promise(reminder.id, circle.meeting.id, moment, on_paper) == 1
    # Whoever comes second promises nothing, also not to somebody who registered in between.
    guest(circle)
    assert reminders._promise(reminder.id, circle.meeting.id, moment, on_paper) == 0
    # Even when the mark was lost, the outbox takes each mail once.
    session.execute(update(Reminder).values(queued_at=None))
    session.commit()
    assert run(moment) == 1
    assert len(promised(session)) == len(set(promised(session))) == 2


@pytest.mark.parametrize(
    ("minutes", "late", "many"),
    [
        (-3 * DAY, timedelta(hours=23), 1), (-3 * DAY, timedelta(hours=25), 0), (-60, timedelta(minutes=59), 1),
        (-60, timedelta(minutes=60), 0), (DAY, timedelta(days=3), 1), (DAY, timedelta(days=8), 0),
    ],
)  # fmt: skip
def test_a_machine_that_was_off_sends_what_still_makes_sense(
    session: Any, circle: Circle, minutes: int, late: timedelta, many: int
) -> None:
    guest(circle)
    kind_of = "reminder" if minutes < 0 else "thanks"
    reminders.add(circle.meeting, kind_of, minutes, COMING, circle.lead)
    session.commit()
    assert run(reminders.moment_of(circle.meeting, minutes) + late) == many


def test_a_meeting_that_moves_takes_its_reminders_along_and_reminds_again(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    guest(circle)
    reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead)
    session.commit()
    assert run(at(circle.meeting.starts_at - timedelta(hours=20))) == 1
    old = session.scalars(select(OutboxMessage)).one()
    later = SATURDAY + timedelta(days=7)
    operations.change(
        circle.meeting, plan(wall_start=later, wall_end=later.replace(hour=13), group_id=circle.group.id), circle.lead
    )
    session.commit()
    # What was promised for the old day and has not left yet is dropped.
    assert kind(old.kind).wanted(old) is False
    assert run(circle.meeting.starts_at - timedelta(days=3)) == 0
    assert run(at(circle.meeting.starts_at - timedelta(hours=20))) == 1
    assert still_wanted(session)


def test_a_cancelled_meeting_reminds_nobody(session: Any, circle: Circle, at: Callable[[datetime], Any]) -> None:
    guest(circle)
    reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead)
    reminders.add(circle.meeting, "thanks", DAY, COMING, circle.lead)
    session.commit()
    moment = at(circle.meeting.starts_at - timedelta(hours=20))
    assert run(moment) == 1
    operations.cancel(circle.meeting, circle.lead, moment)
    session.commit()
    assert still_wanted(session) is False
    assert run(circle.meeting.ends_at + timedelta(days=1)) == 0


@pytest.mark.parametrize("what", ["declined", "removed", "begun", "address"])
def test_who_gets_it_is_asked_again_just_before_sending(
    session: Any, circle: Circle, at: Callable[[datetime], Any], what: str
) -> None:
    registration = guest(circle)
    reminder = reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead)
    session.commit()
    run(at(circle.meeting.starts_at - timedelta(hours=20)))
    assert still_wanted(session)
    if what == "declined":
        registration.state = "declined"
    elif what == "removed":
        reminders.remove(circle.meeting, reminder.id, circle.lead)
    elif what == "begun":
        at(circle.meeting.starts_at)
    else:
        circle.meeting.state = "cancelled"
    session.flush()
    session.expire_all()
    assert still_wanted(session) is False


@pytest.mark.parametrize("what", ["thanks", "survey"])
def test_after_the_meeting_mails_go_to_those_who_were_there(
    session: Any, circle: Circle, at: Callable[[datetime], Any], what: str
) -> None:
    if what == "survey":
        session.add(SurveyQuestion(meeting_id=circle.meeting.id, position=0, kind="text", label="Wie war es?"))
        session.flush()
    there, not_there, absent = guest(circle), guest(circle), guest(circle)
    chosen = ("absent", "coming", "attended") if what == "thanks" else ("coming", "attended")
    reminders.add(circle.meeting, what, DAY, chosen, circle.lead)
    there.state, absent.state = "attended", "absent"
    session.commit()
    assert run(at(circle.meeting.ends_at + timedelta(hours=25))) == 1
    message = session.scalars(select(OutboxMessage)).one()
    assert message.recipient_id == there.person_id
    assert not_there.state == "coming"
    assert kind(message.kind).wanted(message) is True


def test_where_nobody_was_checked_in_all_who_said_that_they_come_are_thanked_and_nobody_else(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    ones, absent, declined = [guest(circle), guest(circle)], guest(circle), guest(circle)
    planned = reminders.add(circle.meeting, "thanks", DAY, ("absent",), circle.lead)
    # One of an earlier time, when absent people could be chosen.
    planned.states = "absent declined"
    absent.state, declined.state = "absent", "declined"
    session.commit()
    assert run(at(circle.meeting.ends_at + timedelta(hours=25))) == 2
    messages = session.scalars(select(OutboxMessage).order_by(OutboxMessage.recipient_id)).all()
    assert [message.recipient_id for message in messages] == [one.person_id for one in ones]
    # A device at the door that was offline all evening: now it is known who was there.
    ones[0].state = "attended"
    session.commit()
    assert [kind(message.kind).wanted(message) for message in messages] == [True, False]


def test_the_page_says_who_is_thanked(
    session: Any, circle: Circle, browser_of: Callable[..., Browser], at: Callable[[datetime], Any]
) -> None:
    rows = [guest(circle) for _n in range(3)]
    reminders.add(circle.meeting, "thanks", DAY, COMING, circle.lead)
    session.commit()
    staff, where = browser_of(circle.moderator), circle.meeting_path("/reminders")
    said = staff.get(where, headers={"Accept-Language": "en"}).text
    assert "whoever was there; where nobody was checked in, whoever said that they come (3 people now)" in said
    rows[0].state = "attended"
    session.commit()
    assert "(1 person now)" in staff.get(where, headers={"Accept-Language": "en"}).text


def test_people_without_an_address_and_those_who_get_letters_get_no_mail(session: Any, circle: Circle) -> None:
    silent, letter = guest(circle), guest(circle)
    silent.person_id = make_person("Ohne").id
    session.flush()
    session.execute(update(type(circle.lead)).where(type(circle.lead).id == silent.person_id).values(email=None))
    invite(circle.meeting, rows=parse_text("brief@example.org; Brief; ; ; Brief").rows, by=circle.lead)
    by_letter = on_paper(circle.meeting.id)
    if not by_letter:
        pytest.fail("nobody is written to on paper")
    letter.person_id = by_letter.pop()
    reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead)
    session.commit()
    assert run(circle.meeting.starts_at - timedelta(hours=20)) == 0


@pytest.mark.parametrize(
    ("kind_of", "minutes", "states", "words"),
    [
        ("reminder", DAY, COMING, "before a meeting"), ("thanks", -DAY, COMING, "before a meeting"),
        ("reminder", -61 * DAY, COMING, "60 days"), ("reminder", -20 * DAY, COMING, "passed already"),
        ("reminder", -DAY, ("declined",), "who gets it"), ("reminder", -DAY, (), "who gets it"),
        ("survey", DAY, COMING, "questions of the survey first"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_plain_words(
    session: Any, circle: Circle, kind_of: str, minutes: int, states: tuple[str, ...], words: str
) -> None:
    with refused(words):
        reminders.add(circle.meeting, kind_of, minutes, states, circle.lead)


def test_the_same_mail_at_the_same_time_is_planned_once(session: Any, circle: Circle) -> None:
    reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead)
    with refused("already"):
        reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead)


def test_the_reminder_says_where_how_and_what_to_read_and_brings_the_date(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    registration = guest(circle)
    circle.meeting.accessibility = "Aufzug\r\nhinten"
    materials.add_link(circle.meeting, "https://example.org/papier", circle.lead, title="Papier", internal=True)
    reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead, note="Bitte *Beispiele* mitbringen.\n\n# Nein")
    session.commit()
    run(at(circle.meeting.starts_at - timedelta(hours=20)))
    written = mail(session)
    assert "4. Treffen" in written.subject
    for words in ("video.example.org/kreis", "Aufzug hinten", "[Papier](", r"\*Beispiele\*", r"\# Nein"):
        assert words in written.body, words
    assert materials.link_for(registration) in written.secrets
    event = Calendar.from_ical(written.calendar).walk("VEVENT")[0]
    assert "video.example.org/kreis" in str(event["description"])


def test_who_only_thinks_about_it_gets_no_link_for_taking_part_from_home(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    guest(circle, "maybe")
    reminders.add(circle.meeting, "reminder", -DAY, ("maybe",), circle.lead)
    session.commit()
    run(at(circle.meeting.starts_at - timedelta(hours=20)))
    written = mail(session)
    assert "video.example.org" not in written.body
    assert b"video.example.org" not in (written.calendar or b"")


def test_thanks_lead_to_the_minutes_only_when_the_reader_may_read_them(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    guest(circle, "attended")
    minutes: Minutes = flushed(Minutes(meeting_id=circle.meeting.id, revision=1, state="circulated"))
    reminders.add(circle.meeting, "thanks", DAY, ("attended",), circle.lead)
    session.commit()
    assert run(at(circle.meeting.ends_at + timedelta(days=1))) == 1
    assert "as soon as they are approved" in mail(session).body
    minutes.state, minutes.approved_at = "approved", datetime(2026, 5, 3, tzinfo=UTC)
    session.flush()
    assert "#minutes" in mail(session).body


def test_the_survey_is_not_sent_to_somebody_who_has_answered(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    survey.set_questions(circle.meeting, survey.preset(), True, circle.lead)
    done, open_ = guest(circle, "attended", surveyed_at=circle.meeting.ends_at), guest(circle, "attended")
    reminders.add(circle.meeting, "survey", DAY, ("attended",), circle.lead)
    session.commit()
    assert run(at(circle.meeting.ends_at + timedelta(days=1))) == 1
    assert promised(session) == [("meeting_survey", open_.person_id)]
    assert survey.link_for(open_) in mail(session).body
    open_.surveyed_at = done.surveyed_at
    session.flush()
    assert still_wanted(session) is False


def test_it_arrives(session: Any, circle: Circle, at: Callable[[datetime], Any]) -> None:
    guest(circle, email="gast@example.org")
    reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead)
    session.commit()
    run(at(circle.meeting.starts_at - timedelta(hours=20)))
    message = session.scalars(select(OutboxMessage)).one()
    deliver(message.id)
    session.expire_all()
    assert message.state == "sent"
    assert "http" not in (message.sent_text or "").split("Papier")[0] or "guest/" not in (message.sent_text or "")


def test_organisers_plan_by_one_button_and_with_their_own_words(
    session: Any, circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    visitor, page = browser_of(circle.moderator), circle.meeting_path("/reminders")
    guest(circle)
    session.commit()
    for preset in ("three_days", "day_before", "thanks"):
        visitor.submit(f"{page}/{preset}", form_at=page)
    visitor.submit(page, {"number": "5", "unit": "hours", "states": "coming", "note": "Bis gleich"})
    planned = session.scalars(select(Reminder).order_by(Reminder.minutes)).all()
    assert [(one.kind, one.minutes) for one in planned] == [
        ("reminder", -3 * DAY), ("reminder", -DAY), ("reminder", -300), ("thanks", DAY),
    ]  # fmt: skip
    shown = visitor.get(page)
    assert "Bis gleich" in shown.text
    visitor.submit(f"{page}/{planned[0].id}/remove", form_at=page)
    assert len(session.scalars(select(Reminder)).all()) == 3
    token = shown.form_fields(page)["csrf_token"]
    visitor.post(f"{page}/unknown", {"csrf_token": token}, 404)
    # Without questions there is nothing to ask.
    visitor.post(f"{page}/survey", {"csrf_token": token}, 409)


def test_a_reminder_of_another_meeting_is_not_removed_here(
    session: Any, circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    other = make_meeting(circle.process)
    foreign = reminders.add(other, "reminder", -DAY, COMING, circle.lead)
    session.commit()
    visitor, page = browser_of(circle.moderator), circle.meeting_path("/reminders")
    token = visitor.get(page).form_fields(page)["csrf_token"]
    visitor.post(f"{page}/{foreign.id}/remove", {"csrf_token": token}, 409)
    assert session.get(Reminder, foreign.id) is not None


def test_the_page_asks_the_same_number_of_questions_with_one_and_twenty_mails(
    session: Any, circle: Circle, browser_of: Callable[..., Browser], count_queries: Any
) -> None:
    visitor, figures = browser_of(circle.lead), []
    visitor.get(circle.meeting_path("/reminders"))
    for start, many in ((1, 1), (2, 20)):
        for number in range(start, start + many):
            reminders.add(circle.meeting, "reminder", -60 * number, COMING, circle.lead)
        session.commit()
        with count_queries() as asked:
            visitor.get(circle.meeting_path("/reminders"))
        figures.append(len(asked))
    assert figures[0] == figures[1] <= 15


def test_the_meeting_of_a_reminder_is_loaded_anew(session: Any, circle: Circle) -> None:
    """Somebody moved the meeting between finding it due and promising its mails."""
    guest(circle)
    reminder = reminders.add(circle.meeting, "reminder", -DAY, COMING, circle.lead)
    session.commit()
    moment = circle.meeting.starts_at - timedelta(hours=20)
    later = circle.meeting.starts_at + timedelta(days=7)
    session.execute(
        update(Meeting)
        .values(starts_at=later, ends_at=later + timedelta(hours=3))
        .execution_options(synchronize_session=False)
    )
    session.commit()
    assert reminders._promise(reminder.id, circle.meeting.id, moment, on_paper) == 0


def test_nobody_is_thanked_twice_when_the_hour_is_put_right_afterwards(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    guest(circle)
    reminders.add(circle.meeting, "thanks", DAY, COMING, circle.lead)
    session.commit()
    after = at(circle.meeting.ends_at + timedelta(days=2))
    assert run(after) == 1
    earlier = plan(
        wall_start=SATURDAY - timedelta(minutes=30), wall_end=SATURDAY + timedelta(hours=1), group_id=circle.group.id
    )
    operations.change(circle.meeting, earlier, circle.lead)
    session.commit()
    assert run(after) == 0


def test_who_asked_for_a_place_gets_no_links_that_do_not_open(
    session: Any, circle: Circle, at: Callable[[datetime], Any]
) -> None:
    registration = guest(circle, "asked")
    materials.add_link(circle.meeting, "https://example.org/intern", circle.lead, title="Internes", internal=True)
    reminders.add(circle.meeting, "reminder", -DAY, ("asked",), circle.lead)
    session.commit()
    run(at(circle.meeting.starts_at - timedelta(hours=20)))
    assert materials.meeting_behind(materials.link_for(registration)) is None
    assert "Internes" not in mail(session).body
