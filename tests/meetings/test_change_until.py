"""Until when people who are registered change what they said: a date of its own, whichever way they came."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.i18n import in_language
from consult.invitations import answering
from consult.invitations.answering import Answer
from consult.meetings import deadlines, fields, operations, registering, series
from consult.meetings.fields import Question
from consult.meetings.models import FieldKind, Origin, Registration, RegistrationMode
from consult.meetings.operations import plan_of
from consult.meetings.registering import Given
from consult.meetings.series import Every
from consult.meetings.words import Need, Needs
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.factories import make_person
from tests.invitations.factories import invitation_of, invite
from tests.invitations.factories import link_of as invited_link
from tests.meetings.factories import BEFORE, SATURDAY, Circle, make_circle, plan, refused
from tests.meetings.registrants import come, link_of, public_meeting

ENGLISH = {"Accept-Language": "en"}
DAY = timedelta(days=1)
#: Midnight at the place, by the clock in Berlin in summer: the end of 21 April, and of 25 April.
CLOSES = datetime(2026, 4, 21, 22, 0, tzinfo=UTC)
UNTIL = datetime(2026, 4, 25, 22, 0, tzinfo=UTC)


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    """Registration closes on 21 April, what was said may be changed until 25 April; they meet on 2 May."""
    at(BEFORE)
    made = public_meeting(registration_closes_at=CLOSES, changes_until=UNTIL)
    fields.set_fields(made.meeting, [Question(FieldKind.line, "Haltestelle?")], None)
    session.commit()
    return made


def needs_of(registration: Registration) -> str:
    db.session.refresh(registration)
    return Needs.load(registration.needs).note


def typed(page: Any, action: str, note: str) -> dict[str, str]:
    """The form as it is filled on the page, with another note about needs."""
    return {**page.form_fields(action), "needs_note": note}


# -- what organisers say ----------------------------------------------------------------------------------------------

FORM = {
    "title": "Forum", "day": "2026-05-02", "begin": "10:00", "end": "13:00", "registration": "everybody",
    "opens_on": "2026-04-10", "closes_on": "2026-04-21",
}  # fmt: skip


@pytest.mark.parametrize(
    ("entered", "stored"),
    [
        ("", None),
        # Before and after the last day of registration.
        ("2026-04-20", datetime(2026, 4, 20, 22, 0, tzinfo=UTC)),
        ("2026-04-25", UNTIL),
        # On the day itself until it begins.
        ("2026-05-02", datetime(2026, 5, 2, 8, 0, tzinfo=UTC)),
    ],
)
def test_the_organisers_say_the_last_day_for_changes_and_find_it_again(
    circle: Circle, browser_of: Callable[..., Browser], entered: str, stored: datetime | None
) -> None:
    desk = browser_of(circle.moderator)
    where = circle.meeting_path("/edit")
    desk.submit(where, {**FORM, "changes_on": entered})
    db.session.refresh(circle.meeting)
    assert circle.meeting.changes_until == stored
    assert desk.get(where).form_fields(where)["changes_on"] == entered
    # Saved once more it is the same, and nothing is written down.
    count = db.session.query(AuditEntry).count()
    desk.submit(where, {})
    assert db.session.query(AuditEntry).count() == count
    assert circle.meeting.changes_until == stored


@pytest.mark.parametrize(
    ("fields_", "says"),
    [
        ({"changes_on": "2026-04-09"}, "Last day for changes: This day lies before registration opens."),
        ({"changes_on": "2026-05-03"}, "Last day for changes: This day lies after the meeting."),
        ({"changes_on": "2026-05-02", "begin": "", "end": ""}, "Last day for changes: While the hour of the meeting"),
        ({"changes_on": "0026-04-25"}, "Last day for changes: Please give the day"),
    ],
)
def test_a_day_that_cannot_be_is_named_and_nothing_is_lost(
    circle: Circle, browser_of: Callable[..., Browser], fields_: dict[str, str], says: str
) -> None:
    desk = browser_of(circle.moderator)
    where = circle.meeting_path("/edit")
    sent = {**desk.get(where).form_fields(where), **FORM, "title": "Anders", **fields_}
    page = desk.post(where, sent, 422, headers=ENGLISH)
    assert says in page.html.select_one(".error-summary").get_text()
    assert page.form_fields(where)["title"] == "Anders"
    db.session.refresh(circle.meeting)
    assert (circle.meeting.title, circle.meeting.changes_until) == ("4. Treffen", UNTIL)


def test_the_operation_refuses_what_the_form_would(session: Any) -> None:
    circle = make_circle()
    opens = datetime(2026, 4, 10, tzinfo=UTC)
    with refused("before registration opens"):
        operations.create(circle.process, plan(registration_opens_at=opens, changes_until=opens), None)
    with refused("after the beginning"):
        operations.create(circle.process, plan(changes_until=circle.meeting.starts_at + timedelta(minutes=1)), None)
    operations.create(circle.process, plan(changes_until=circle.meeting.starts_at), None)


def test_a_change_of_the_day_is_in_the_record_and_no_matter_for_calendars(circle: Circle) -> None:
    said = plan_of(circle.meeting)
    assert said.changes_until == UNTIL
    moved = operations.change(circle.meeting, plan(registration=said.registration, group_id=said.group_id,
        registration_closes_at=CLOSES, changes_until=UNTIL + DAY), circle.lead)  # fmt: skip
    assert not moved
    (entry,) = db.session.query(AuditEntry).filter_by(action=Action.meeting_changed).all()
    assert entry.actor_id == circle.lead.id


def test_in_a_series_each_meeting_has_its_own_day(session: Any, at: Callable[[datetime], Any]) -> None:
    at(BEFORE)
    made = make_circle()
    first, second, third = series.announce(made.process, plan(changes_until=UNTIL), Every.week, 3, made.lead, BEFORE)
    assert [m.changes_until for m in (first, second, third)] == [UNTIL, UNTIL + 7 * DAY, UNTIL + 14 * DAY]
    week = timedelta(days=7)
    later = plan(wall_start=SATURDAY + week, wall_end=SATURDAY.replace(hour=13) + week, changes_until=UNTIL + 9 * DAY)
    series.change_with_following(second, later, made.lead, BEFORE)
    assert [m.changes_until for m in (first, second, third)] == [UNTIL, UNTIL + 9 * DAY, UNTIL + 16 * DAY]


# -- who is registered ------------------------------------------------------------------------------------------------


def test_who_is_registered_changes_it_after_the_close_and_newcomers_do_not_come_in(
    circle: Circle, browser: Browser, at: Callable[[datetime], Any]
) -> None:
    mine = come(circle.meeting)
    db.session.commit()
    at(CLOSES + DAY)
    where = link_of(mine)
    page = browser.get(where, headers=ENGLISH)
    assert "until Saturday, 25 April 2026, 23:59." in page.text
    browser.submit(where + "/change", {"needs_note": "zwei Kinder"}, form_at=where)
    assert needs_of(mine) == "zwei Kinder"
    with refused("not open"):
        registering.register(circle.meeting, make_person(), origin=Origin.registration, now=CLOSES + DAY)


def test_afterwards_the_page_says_why_and_loses_nothing_that_was_typed(
    circle: Circle, browser: Browser, at: Callable[[datetime], Any]
) -> None:
    asked = fields.fields_of(circle.meeting.id)[0]
    given = Given(needs=Needs((Need.childcare,), "ein Kind"), answers={asked.id: "Bahnhof"})
    mine = come(circle.meeting, given=given)
    db.session.commit()
    where = link_of(mine)
    form = typed(browser.get(where), where + "/change", "zwei Kinder") | {f"own_{asked.id}": "Marktplatz"}
    at(UNTIL)
    page = browser.post(where + "/change", form, 422, headers=ENGLISH)
    told = page.html.select_one(".callout.tone-danger")
    for words in ("until Saturday, 25 April 2026", "write to the organisers", "zwei Kinder", "Marktplatz"):
        assert words in told.get_text()
    assert told.select_one("a")["href"].startswith("/contact")
    assert needs_of(mine) == "ein Kind"
    # Looking at it: what stands, why, and the way out that stays.
    page = browser.get(where, headers=ENGLISH)
    for words in ("What you entered stays as it is", "25 April 2026", "ein Kind", "Bahnhof"):
        assert words in page.text
    assert page.html.select(f"form[action$='{where}/change']") == []
    browser.submit(where + "/cancel", form_at=where)
    db.session.refresh(mine)
    assert mine.state == "declined"


def test_a_day_before_the_close_holds_for_who_is_registered_and_newcomers_are_told(
    circle: Circle, browser: Browser, at: Callable[[datetime], Any]
) -> None:
    circle.meeting.changes_until = datetime(2026, 4, 19, 22, 0, tzinfo=UTC)
    mine = come(circle.meeting)
    db.session.commit()
    register = circle.meeting_path("/register")
    page = browser.get(register, headers=ENGLISH)
    assert (
        "register until Tuesday, 21 April 2026, 23:59, and change what you entered until Sunday, 19 April 2026"
        in page.text
    )
    at(datetime(2026, 4, 20, 8, 0, tzinfo=UTC))
    assert "can no longer be changed here afterwards" in browser.get(register, headers=ENGLISH).text
    with refused("could be changed until Sunday, 19 April 2026"):
        registering.change(circle.meeting, mine, Given(needs=Needs(note="zwei Kinder")), mine.person_id)
    come(circle.meeting, given=Given(needs=Needs(note="neu dabei")), now=datetime(2026, 4, 20, 8, 0, tzinfo=UTC))


def recorded() -> list[int]:
    entries = select(AuditEntry.subject_id).where(AuditEntry.action == Action.registration_changed)
    return list(db.session.scalars(entries.order_by(AuditEntry.id)))


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=30)], ids=["before the meeting", "long after it"])
def test_that_one_may_be_named_is_taken_back_at_any_time(
    circle: Circle, at: Callable[[datetime], Any], browser: Browser, later: timedelta
) -> None:
    registration = come(circle.meeting, given=Given(named=True))
    db.session.commit()
    link, before = link_of(registration), recorded()
    at(UNTIL + later)
    page = browser.get(link, headers=ENGLISH).check()
    assert "You can take that back at any time." in page.text
    assert browser.submit(f"{link}/unnamed", form_at=link).status == 303
    db.session.refresh(registration)
    assert registration.named is False
    assert "take that back" not in browser.get(link, headers=ENGLISH).text
    assert recorded() == before + [registration.id]


def test_without_a_day_of_its_own_it_is_the_close(circle: Circle) -> None:
    meeting = circle.meeting
    meeting.changes_until = None
    assert deadlines.changes_end_at(meeting) == CLOSES
    meeting.registration_closes_at = None
    assert deadlines.changes_end_at(meeting) == meeting.starts_at
    # A meeting put forward ends it, whatever the day says.
    meeting.changes_until = meeting.starts_at + DAY
    assert deadlines.changes_end_at(meeting) == meeting.starts_at


def test_the_page_of_the_meeting_and_the_mail_say_until_when(
    circle: Circle, browser: Browser, at: Callable[[datetime], Any]
) -> None:
    sentence = "Who is registered can change what they entered until Saturday, 25 April 2026, 23:59."
    assert sentence in browser.get(circle.meeting_path(), headers=ENGLISH).text
    come(circle.meeting)
    message = db.session.query(OutboxMessage).filter_by(kind="registration_confirmed").one()
    with in_language("en"):
        assert "can be changed until Saturday, 25 April 2026, 23:59." in kind(message.kind).render(message).body
        at(UNTIL)
        assert "can no longer be changed afterwards" in kind(message.kind).render(message).body
        circle.meeting.changes_until = circle.meeting.registration_closes_at = None
        db.session.flush()
        assert "changed" not in kind(message.kind).render(message).body


# -- who is invited ---------------------------------------------------------------------------------------------------


@pytest.fixture
def invited(circle: Circle) -> Circle:
    """Amira is invited and has said that she comes, and with what; Ben has not answered."""
    circle.meeting.registration = RegistrationMode.invited
    invite(circle)
    answering.answer(invitation_of("amira@example.org"), circle.meeting, Answer(True, needs=Needs(note="ein Kind")))
    db.session.commit()
    return circle


def amira() -> Registration:
    found = registering.of_person(
        invitation_of("amira@example.org").meeting_id or 0, invitation_of("amira@example.org").person_id
    )
    assert found is not None
    return found


def test_by_the_link_of_an_invitation_the_same_day_counts_and_nothing_is_lost(
    invited: Circle, browser: Browser, at: Callable[[datetime], Any]
) -> None:
    where = invited_link(invitation_of("amira@example.org"))
    at(CLOSES + DAY)
    page = browser.get(where, headers=ENGLISH)
    assert "until Saturday, 25 April 2026" in page.text
    browser.submit(where + "/accept", {"needs_note": "zwei Kinder"}, form_at=where)
    assert needs_of(amira()) == "zwei Kinder"
    form = typed(browser.get(where), where + "/accept", "drei Kinder") | {"message": "Bitte um Rückruf"}
    at(UNTIL)
    page = browser.post(where + "/accept", form, 409, headers=ENGLISH)
    assert "drei Kinder" in page.html.select_one(".callout.tone-danger").get_text()
    assert page.form_fields(where + "/accept")["message"] == "Bitte um Rückruf"
    assert needs_of(amira()) == "zwei Kinder"


def test_the_answer_itself_changes_until_the_meeting_begins_and_takes_nothing_along(
    invited: Circle, browser: Browser, at: Callable[[datetime], Any]
) -> None:
    where = invited_link(invitation_of("amira@example.org"))
    at(UNTIL)
    page = browser.get(where, headers=ENGLISH)
    assert "ein Kind" in page.text
    assert "needs_note" not in page.form_fields(where + "/accept")
    # A message and a yes once more: what was said stays.
    browser.submit(where + "/accept", {"message": "Ich freue mich."}, form_at=where)
    assert (invitation_of("amira@example.org").message, needs_of(amira())) == ("Ich freue mich.", "ein Kind")
    browser.post(where + "/maybe", browser.get(where).form_fields(where + "/accept"))
    assert (amira().state, needs_of(amira())) == ("maybe", "ein Kind")
    # No place was held any more: who comes after all says anew what they need.
    browser.submit(where + "/accept", {"needs_note": "zwei Kinder"}, form_at=where)
    assert (amira().state, needs_of(amira())) == ("coming", "zwei Kinder")
    browser.post(where + "/decline", browser.get(where).form_fields(where + "/accept"))
    assert (amira().state, needs_of(amira())) == ("declined", "")


def test_who_answers_for_the_first_time_after_that_day_says_what_they_need(
    invited: Circle, browser: Browser, at: Callable[[datetime], Any]
) -> None:
    at(UNTIL)
    ben = invitation_of("ben@example.org")
    browser.submit(invited_link(ben, "/accept"), {"needs_note": "Rollstuhl"}, form_at=invited_link(ben))
    found = registering.of_person(invited.meeting.id, ben.person_id)
    assert found is not None
    assert needs_of(found) == "Rollstuhl"


def test_who_takes_over_a_place_in_the_queue_may_still_say_what_they_need(
    invited: Circle, at: Callable[[datetime], Any]
) -> None:
    meeting = invited.meeting
    meeting.capacity = 1
    ben = invitation_of("ben@example.org")
    waiting = answering.answer(ben, meeting, Answer(True))
    assert waiting.state == "waiting"
    theirs = answering.name_deputy(ben, meeting, "Cem", "cem@example.org", "de")
    at(UNTIL)
    row = answering.answer(theirs, meeting, Answer(True, needs=Needs(note="Gebärdensprache")))
    assert (row.state, needs_of(row)) == ("waiting", "Gebärdensprache")


def test_organisers_put_it_down_for_them_whenever_they_are_told(circle: Circle) -> None:
    mine = come(circle.meeting)
    given = Given(needs=Needs(note="angerufen: zwei Kinder"))
    registering.register(circle.meeting, mine.person, given, origin=Origin.staff, now=UNTIL + DAY)
    assert needs_of(mine) == "angerufen: zwei Kinder"
