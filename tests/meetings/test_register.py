"""Registering for a meeting: without an account by a proven address, with one by one press; always one's own."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import vobject
from icalendar import Calendar
from sqlalchemy import func, select

from consult import retention
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.i18n import in_language
from consult.meetings import approving, door, registering, survey, unconfirmed
from consult.meetings.models import Registration, RegistrationMode, RegistrationState, SurveyReply
from consult.meetings.registering import Given
from consult.meetings.words import Need, Needs
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from consult.signing import sign
from consult.web import FormAnswer
from tests.client import Browser
from tests.factories import make_organisation, make_person
from tests.meetings.factories import AFTER, BEFORE, Circle, refused
from tests.meetings.registrants import MIGRANTS, come, link_of, of, public_meeting, share


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    made = public_meeting()
    session.commit()
    return made


FORM = {"name": "Amira B.", "email": "Amira@Example.org", "organisation": "Frauentreff"}


def mails(name: str) -> list[OutboxMessage]:
    return list(db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == name).order_by(OutboxMessage.id)))


def confirm_link() -> str:
    token = db.session.scalars(
        select(LinkToken).where(LinkToken.purpose == LinkPurpose.register).order_by(LinkToken.id.desc())
    ).first()
    assert token is not None
    return f"/registration/confirm/{tokens.link_of(token)}"


def test_somebody_without_an_account_registers_and_holds_a_place_only_after_the_button(
    circle: Circle, browser: Browser
) -> None:
    organisation = make_organisation("Frauentreff")
    circle.meeting.capacity = 3
    db.session.commit()
    where = circle.meeting_path("/register")
    sent = browser.submit(where, {**FORM, "needs": "childcare", "needs_note": "zwei Kinder"})
    browser.follow(sent)
    waiting = of("amira@example.org")
    assert waiting is not None
    assert (waiting.state, waiting.organisation_id) == ("unconfirmed", organisation.id)
    assert registering.places_left(circle.meeting) == 3
    address = confirm_link()
    for _ in range(2):
        page = browser.get(address)
        assert "3 places are left" in page.text or "3 Plätze" in page.text
    assert of("amira@example.org").state == "unconfirmed"
    done = browser.submit(address, {"name": "Amira Beispiel"})
    page = browser.follow(done)
    mine = of("amira@example.org")
    assert (mine.state, Needs.load(mine.needs)) == ("coming", Needs((Need.childcare,), "zwei Kinder"))
    assert db.session.get_one(Person, mine.person_id).name == "Amira Beispiel"
    assert mine.code in page.text
    assert page.html.select_one("svg.qr title").text == mine.code
    # With a size of its own the picture would be cut off by the style sheet instead of shrinking.
    drawn = page.html.select_one("svg.qr")
    assert drawn.has_attr("viewbox") or drawn.has_attr("viewBox")
    assert not drawn.has_attr("width")
    assert len(mails("registration_confirmed")) == 1
    browser.get(address, 410)


def test_known_and_unknown_addresses_get_the_same_answer(circle: Circle, browser: Browser) -> None:
    known = make_person("Ben", email="ben@example.org")
    come(circle.meeting, known)
    make_person("Cem", email="cem@example.org", account=False)
    db.session.commit()
    where = circle.meeting_path("/register")
    answers = []
    for address in ("ben@example.org", "cem@example.org", "neu@example.org"):
        page = browser.submit(where, {**FORM, "email": address})
        answers.append((page.status, page.location, browser.follow(page).text))
    assert len(set(answers)) == 1
    assert of("ben@example.org").state == "coming"
    assert [mail.kind for mail in mails("registration_known")] == ["registration_known"]
    assert len(mails("confirm_registration")) == 2
    assert db.session.get_one(Person, known.id).name == "Ben"


def test_the_mail_says_what_the_button_leads_to_as_things_stand(circle: Circle, browser: Browser) -> None:
    browser.submit(circle.meeting_path("/register"), FORM)
    (message,) = mails("confirm_registration")

    def says() -> str:
        db.session.expire_all()
        with in_language("en"):
            return kind(message.kind).render(message).body

    assert "Only then is a place kept for you" in says()
    circle.meeting.capacity = 1
    for _n in range(3):
        come(circle.meeting)
    db.session.commit()
    told = says()
    assert "All places are taken at the moment" in told
    assert "as number 3" in told
    assert "a place kept for you" not in told
    # One place is left, but not for people like them.
    circle.meeting.capacity = 2
    share(circle.meeting, MIGRANTS, reserved=1)
    db.session.commit()
    assert "All places are taken at the moment" in says()
    circle.meeting.approval = True
    db.session.commit()
    told = says()
    assert "The organisers then look at your registration" in told
    assert "no place is kept for you before that" in told
    assert "number 3" not in told


def test_what_a_stranger_types_in_changes_nothing_of_somebody_who_is_on_the_list(
    circle: Circle, browser: Browser
) -> None:
    known = make_person("Ben", email="ben@example.org")
    come(circle.meeting, known, given=Given(needs=Needs((Need.wheelchair,))))
    db.session.commit()
    browser.submit(circle.meeting_path("/register"), {**FORM, "email": "ben@example.org", "needs_note": "nichts"})
    assert Needs.load(of("ben@example.org").needs) == Needs((Need.wheelchair,))


def test_one_mailbox_is_not_buried_in_mails(circle: Circle, browser: Browser) -> None:
    for number in range(8):
        page = browser.submit(circle.meeting_path("/register"), {**FORM, "email": f"amira+{number}@gmail.com"})
        assert page.location.endswith("/register/sent")
    assert len(mails("confirm_registration")) == 5


def test_signed_in_one_press_is_enough_and_a_second_one_changes_nothing(
    circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of(circle.citizen)
    where = circle.meeting_path("/register")
    fields = browser.get(where).form_fields(where)
    page = browser.follow(browser.post(where, fields))
    assert "code" in page.text.lower()
    browser.post(where, {**fields, "form_id": "again"})
    assert db.session.scalar(select(func.count(Registration.id))) == 1
    assert len(mails("registration_confirmed")) == 1
    assert browser.get(where, 303).location == link_of(db.session.scalars(select(Registration)).one())


def test_the_answer_kept_for_a_form_sent_twice_holds_no_personal_link_that_can_be_read(
    circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    browser, where = browser_of(circle.citizen), circle.meeting_path("/register")
    form = browser.get(where).form_fields(where)
    first = browser.post(where, form)
    link = (first.location or "").removeprefix("/registration/")
    assert link
    assert not [kept for kept in db.session.scalars(select(FormAnswer.location)) if link in kept or "/" in kept]
    assert browser.post(where, form).location == first.location
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 1


def test_fields_nobody_offered_are_ignored(circle: Circle, browser_of: Callable[..., Browser]) -> None:
    circle.meeting.approval = True
    db.session.commit()
    other = make_person()
    browser_of(circle.citizen).submit(
        circle.meeting_path("/register"),
        {
            "state": "coming", "code": "AAAAAAAA", "person_id": str(other.id), "origin": "staff", "beyond": "y",
            "organisation_kind": "politics", "organisation_id": "1", "approval": "", "capacity": "999",
        },
    )  # fmt: skip
    made = db.session.scalars(select(Registration)).one()
    assert (made.person_id, made.state, made.origin) == (circle.citizen.id, "asked", "registration")
    assert (made.organisation_kind, made.organisation_id) == (None, None)
    assert made.code != "AAAAAAAA"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"registration": RegistrationMode.invited}, "invited"),
        ({"registration": RegistrationMode.nobody}, "without registering"),
        ({"registration_opens_at": BEFORE + timedelta(days=1)}, "begins"),
        ({"registration_closes_at": BEFORE - timedelta(days=1)}, "closed"),
        ({"state": "cancelled"}, "cancelled"),
    ],
)
def test_where_registration_is_not_open_the_page_says_why(
    circle: Circle, browser_of: Callable[..., Browser], fields: dict[str, Any], words: str
) -> None:
    browser = browser_of(circle.citizen)
    where = circle.meeting_path("/register")
    token = browser.get(where).form_fields(where)
    for name, value in fields.items():
        setattr(circle.meeting, name, value)
    db.session.commit()
    page = browser.get(where, headers={"Accept-Language": "en"})
    assert words in page.text
    assert page.html.select("form.form") == []
    browser.post(where, token, 422)
    assert db.session.scalar(select(func.count(Registration.id))) == 0


def test_links_made_for_something_else_are_not_found(circle: Circle, browser: Browser) -> None:
    mine, theirs = come(circle.meeting), come(circle.meeting)
    db.session.commit()
    genuine = link_of(mine)
    mac = genuine.partition(".")[2]
    for bad in (
        f"/registration/{theirs.id}.{mac}", genuine[:-1], genuine + "x",
        genuine.replace("/registration/", "/registration/0"),
        f"/registration/{sign('respond', mine.id, mine.code)}",
        f"/registration/{sign('register', mine.id, mine.code)}",
        f"/registration/{sign('registration', mine.id, theirs.code)}", "/registration/1", "/registration/x",
        f"/i/{sign('registration', mine.id, mine.code)}", f"/registration/confirm/{genuine.rpartition('/')[2]}",
    ):  # fmt: skip
        browser.get(bad, 410 if "/confirm/" in bad else 404)
    mine.code = "NEWCODE2"
    db.session.commit()
    browser.get(genuine, 404)
    browser.get(link_of(mine))


def test_a_confirming_link_is_single_use_expires_and_is_replaced_by_a_newer_one(
    circle: Circle, browser: Browser, at: Callable[[datetime], Any]
) -> None:
    where = circle.meeting_path("/register")
    browser.submit(where, FORM)
    first = confirm_link()
    browser.submit(where, FORM)
    second = confirm_link()
    browser.get(first, 410)
    browser.get(second)
    at(BEFORE + timedelta(days=3))
    browser.get(second, 410)
    assert of("amira@example.org").state == "unconfirmed"


def test_unproven_registrations_are_deleted(circle: Circle, browser: Browser) -> None:
    browser.submit(circle.meeting_path("/register"), FORM)
    come(circle.meeting)
    db.session.commit()
    assert retention.unproven_registrations(BEFORE + timedelta(days=3)) == 0
    assert retention.unproven_registrations(BEFORE + timedelta(days=5)) == 1
    assert of("amira@example.org") is None


def test_somebody_changes_and_cancels_what_they_gave_and_comes_back(circle: Circle, browser: Browser) -> None:
    mine = come(circle.meeting)
    db.session.commit()
    where = link_of(mine)
    browser.submit(where + "/change", {"needs": "diet", "needs_note": "vegan", "named": "y"}, form_at=where)
    db.session.refresh(mine)
    assert (Needs.load(mine.needs), mine.named) == (Needs((Need.diet,), "vegan"), True)
    browser.submit(where + "/cancel", form_at=where)
    db.session.refresh(mine)
    assert (mine.state, mine.needs) == ("declined", None)
    assert browser.get(where).html.select(".qr") == []
    browser.submit(where + "/come", form_at=where)
    db.session.refresh(mine)
    assert mine.state == "coming"
    states = db.session.scalars(
        select(AuditEntry.facts).where(AuditEntry.action == "meetings.registration.changed").order_by(AuditEntry.id)
    ).all()
    assert [facts["state"] for facts in states] == ["coming", "coming", "declined", "coming"]


def test_looking_at_ones_registration_changes_nothing_and_is_not_stored(circle: Circle, browser: Browser) -> None:
    mine = come(circle.meeting)
    db.session.commit()
    before = (mine.state, mine.updated_at)
    for rest in ("", "/meeting.ics"):
        headers = browser.get(link_of(mine, rest)).response.headers
        assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    db.session.refresh(mine)
    assert (mine.state, mine.updated_at) == before


def test_after_the_close_nothing_changes_but_one_can_still_cancel(
    circle: Circle, browser: Browser, at: Callable[[datetime], Any]
) -> None:
    mine = come(circle.meeting)
    db.session.commit()
    where = link_of(mine)
    fields = browser.get(where).form_fields(where + "/change")
    circle.meeting.registration_closes_at = BEFORE + timedelta(days=1)
    db.session.commit()
    at(BEFORE + timedelta(days=2))
    assert browser.get(where).html.select("form.form") == []
    browser.post(where + "/change", fields, 422)
    browser.submit(where + "/cancel", form_at=where)
    at(AFTER)
    browser.get(where)


def test_the_confirmation_carries_a_date_two_libraries_read(circle: Circle) -> None:
    mine = come(circle.meeting)
    message = mails("registration_confirmed")[0]
    made = kind(message.kind)
    assert made.wanted(message)
    mail = made.render(message)
    assert mine.code in mail.body
    assert mail.calendar is not None
    entry = Calendar.from_ical(mail.calendar)
    assert entry["method"] == "REQUEST"
    assert str(entry.walk("VEVENT")[0]["uid"]) == str(vobject.readOne(mail.calendar.decode()).vevent.uid.value)
    # What the door takes is blanked in the copy that is kept.
    assert mine.code in mail.secrets
    registering.step_back(circle.meeting, mine.person, now=BEFORE)
    assert not made.wanted(message)


def test_the_organisers_decide_where_they_want_to(circle: Circle, browser_of: Callable[..., Browser]) -> None:
    circle.meeting.approval, circle.meeting.capacity = True, 1
    one, two, three = (come(circle.meeting) for _ in range(3))
    db.session.commit()
    assert {one.state, two.state, three.state} == {"asked"}
    desk = browser_of(circle.moderator)
    where = circle.meeting_path("/registrations")
    desk.submit(f"{where}/{one.id}/approve", form_at=where)
    desk.submit(f"{where}/{two.id}/approve", form_at=where)
    page = desk.submit(f"{where}/{three.id}/refuse", {"reason": ""}, form_at=f"{where}/{three.id}", status=422)
    assert page.html.select(".error-summary")
    desk.submit(f"{where}/{three.id}/refuse", {"reason": "Diesmal nur Träger."}, form_at=f"{where}/{three.id}")
    for row in (one, two, three):
        db.session.refresh(row)
    assert [one.state, two.state, three.state] == ["coming", "waiting", "refused"]
    message = mails("registration_refused")[0]
    assert "Diesmal nur Träger" in kind(message.kind).render(message).body
    with refused("declined"):
        come(circle.meeting, db.session.get_one(Person, three.person_id))
    with refused("decided"):
        approving.approve(circle.meeting, one, circle.moderator, BEFORE)


@pytest.mark.parametrize("state", ["coming", "waiting", "declined"])
def test_why_somebody_was_refused_is_not_kept_when_they_may_come_after_all(circle: Circle, state: str) -> None:
    circle.meeting.approval = True
    entry = come(circle.meeting)
    approving.refuse(circle.meeting, entry, "Diesmal nur Träger.", circle.moderator, BEFORE)
    assert "Diesmal" in (entry.needs or "")
    approving.set_state(circle.meeting, entry, RegistrationState(state), circle.moderator, now=BEFORE)
    db.session.commit()
    assert (entry.state, entry.needs) == (state, None)


def test_organisers_add_somebody_and_put_states_right_with_a_record(
    circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    circle.meeting.capacity = 1
    db.session.commit()
    desk = browser_of(circle.moderator)
    where = circle.meeting_path("/registrations")
    desk.submit(f"{where}/add", {"name": "Frau Anruf"})
    desk.submit(f"{where}/add", {"name": "Zweite", "email": "zwei@example.org"})
    desk.submit(f"{where}/add", {"name": "Dritte", "beyond": "y"})
    rows = db.session.scalars(select(Registration).order_by(Registration.id)).all()
    assert [(row.state, row.origin) for row in rows] == [("coming", "staff"), ("waiting", "staff"), ("coming", "staff")]
    second = f"{where}/{rows[1].id}"
    desk.submit(f"{second}/state", {"state": "coming"}, form_at=second, status=422)
    desk.submit(f"{second}/state", {"state": "coming", "beyond": "y"}, form_at=second)
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.actor_id, entry.facts["state"]) == (circle.moderator.id, "coming")
    desk.submit(f"{second}/state", {"state": "declined"}, form_at=second)
    message = mails("registration_ended")[0]
    assert kind(message.kind).render(message).calendar_method == "CANCEL"


@pytest.mark.parametrize("which", ["register", "mine", "confirm"])
def test_the_pages_ask_few_questions(
    circle: Circle, browser: Browser, count_queries: Callable[[], Any], which: str
) -> None:
    browser.submit(circle.meeting_path("/register"), FORM)
    mine = come(circle.meeting)
    db.session.commit()
    address = {"register": circle.meeting_path("/register"), "mine": link_of(mine), "confirm": confirm_link()}[which]
    browser.get(address)
    with count_queries() as asked:
        browser.get(address)
    assert len(asked) <= 10, asked


def test_a_registration_is_kept_as_long_as_its_newest_link(circle: Circle, at: Callable[[datetime], Any]) -> None:
    unconfirmed.ask(circle.meeting, "amira@example.org", "Amira", Given(), "de", BEFORE)
    later = BEFORE + timedelta(days=3, hours=12)
    at(later)
    assert unconfirmed.ask(circle.meeting, "amira@example.org", "Amira", Given(), "de", later)
    assert unconfirmed.forget_unconfirmed(later + timedelta(days=1)) == 0
    assert unconfirmed.forget_unconfirmed(later + timedelta(days=5)) == 1


def test_nobody_is_thanked_for_a_place_the_organisers_declined_meanwhile(circle: Circle, browser: Browser) -> None:
    browser.submit(circle.meeting_path("/register"), FORM)
    address = confirm_link()
    of("amira@example.org").state = RegistrationState.refused
    db.session.commit()
    page = browser.get(browser.submit(address).location, headers={"Accept-Language": "en"})
    assert "could not give you a place" in page.text
    assert "You have a place" not in page.text


def test_states_put_right_by_hand_and_the_list_at_the_door_agree(circle: Circle) -> None:
    first, second = come(circle.meeting), come(circle.meeting)
    evening = circle.meeting.starts_at + timedelta(minutes=5)
    door.take_in(circle.meeting, [door.Entry("k" * 8, door.Act.came, evening, first.id)], circle.lead, now=evening)
    for entry, state in ((first, RegistrationState.declined), (second, RegistrationState.attended)):
        approving.set_state(circle.meeting, registering.of_person(circle.meeting.id, entry.person_id), state,
                              circle.lead, now=evening)  # fmt: skip
    assert {guest.id for guest in door.guests(circle.meeting.id) if guest.at} == {second.id}
    assert door.close(circle.meeting, circle.lead, AFTER) == (1, 0)
    approving.set_state(circle.meeting, second, RegistrationState.absent, circle.lead, now=AFTER)
    assert circle.meeting.present == 0


def test_somebody_who_began_the_survey_can_be_taken_off_the_list_and_who_sent_it_stays(circle: Circle) -> None:
    survey.set_questions(circle.meeting, survey.preset(), False, circle.lead)
    begun, sent = come(circle.meeting), come(circle.meeting)
    for entry, send in ((begun, False), (sent, True)):
        sheet = survey.opened(survey.link_for(entry))
        survey.save(sheet, {sheet.questions[0].id: "4"}, send=send, now=AFTER)
    for entry in (begun, sent):
        registering.remove(circle.meeting, entry.person_id, AFTER)
    assert db.session.scalars(select(Registration.id)).all() == [sent.id]
    assert db.session.scalars(select(SurveyReply.registration_id)).all() == [sent.id]
