"""The newsletter: asked for, proven, written, sent to those who want it, and stopped with one click."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import Consent, LinkPurpose, Person
from consult.contacts import merging
from consult.errors import Refused
from consult.extensions import db
from consult.i18n import in_language
from consult.invitations import campaigns
from consult.invitations.campaigns import Texts
from consult.invitations.models import Campaign, CampaignState, Subscription, SubscriptionState
from consult.newsletters import issues, subscribing
from consult.newsletters.words import agreed_to
from consult.outbox import delivery
from consult.outbox.models import OutboxMessage, State
from tests.factories import make_person
from tests.meetings.factories import Circle, make_circle
from tests.sink import Sink


@pytest.fixture
def circle(session) -> Circle:
    circle = make_circle()
    session.commit()
    return circle


def page(circle: Circle, rest: str = "") -> str:
    return f"/p/{circle.process.slug}/newsletter{rest}"


def readers(circle: Circle, number: int) -> list[Person]:
    """So many people who get the newsletter, without accounts."""
    people = [make_person("", account=False) for _n in range(number)]
    for person in people:
        subscribing.subscribe(circle.process, person, "de")
    return people


def written(circle: Circle, subject: str = "Neues", note: str = "Der Entwurf ist **da**.") -> Campaign:
    """An issue that says something, saved by the moderator."""
    issue = issues.draft(circle.process, circle.moderator)
    campaigns.change_texts(issue, Texts(subject, note), 0, circle.moderator)
    return issue


def deliver_all() -> None:
    for ident in db.session.scalars(select(OutboxMessage.id).order_by(OutboxMessage.id)).all():
        delivery.deliver(ident)


def state_of(person: Person) -> str | None:
    db.session.expire_all()
    return db.session.scalar(select(Subscription.state).where(Subscription.person_id == person.id))


def test_an_address_is_proven_by_a_click_and_the_consent_is_kept(circle, browser, sink: Sink):
    browser.submit(page(circle), {"email": "Leserin@Example.org"})
    person = db.session.scalars(select(Person).where(Person.email == "leserin@example.org")).one()
    assert state_of(person) == SubscriptionState.pending
    deliver_all()
    [mail] = sink.messages
    [link] = {one.removeprefix("http://consult.test") for one in mail.links if "/newsletter/confirm/" in one}
    # A mail scanner that opens every link changes nothing.
    browser.get(link)
    browser.get(link)
    assert state_of(person) == SubscriptionState.pending
    assert db.session.scalar(select(func.count()).select_from(Consent)) == 0
    browser.submit(link, {})
    assert state_of(person) == SubscriptionState.confirmed
    consent = db.session.scalars(select(Consent)).one()
    assert (consent.person_id, consent.text_version) == (person.id, subscribing.TEXT_VERSION)
    assert consent.source == "double opt-in"
    # Used up, for everybody.
    assert browser.client.get(link).status_code == 410


def test_a_known_and_an_unknown_address_get_the_same_answer(circle, browser):
    [known] = readers(circle, 1)
    seen = []
    for email in (known.email, "niemand@example.org"):
        answer = browser.submit(page(circle), {"email": email})
        seen.append((answer.status, answer.location, answer.response.data))
    assert seen[0] == seen[1]
    # Whoever gets it keeps getting it, and the first consent counts.
    assert state_of(known) == SubscriptionState.confirmed


def test_somebody_signed_in_needs_one_press(circle, browser_of):
    visitor = browser_of(circle.citizen)
    visitor.submit(page(circle), {})
    assert state_of(circle.citizen) == SubscriptionState.confirmed
    assert [a for a in visitor.get(page(circle)).html.find_all("a") if "newsletter/stop/" in a["href"]]


def test_an_issue_goes_to_those_who_want_it_in_one_mail_each_with_one_click_to_stop(circle, session, sink: Sink):
    wanting, [pending], [ended] = readers(circle, 3), [make_person("", account=False)], readers(circle, 1)
    subscribing.ask(circle.process, pending.email, "de")
    subscribing.end(subscribing.of_person(circle.process, ended.id))
    issue = written(circle)
    assert issues.hand_in(issue, issue.revision, circle.moderator)
    session.commit()
    assert issues.run(issue.id) == 3
    # A second worker, a poke too many: nobody gets it twice.
    assert issues.run(issue.id) == 0
    deliver_all()
    news = [mail for mail in sink.messages if mail.message["Subject"] == "Neues"]
    assert sorted(mail.recipients[0] for mail in news) == sorted(person.email or "" for person in wanting)
    for mail in news:
        assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail.message["List-Unsubscribe"].startswith("<http://consult.test/newsletter/stop/")
        assert "Der Entwurf ist" in mail.text
    kept = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == issues.ISSUE)).first()
    assert "newsletter/stop" not in kept.sent_text
    issues.tick(clock.now())
    db.session.expire_all()
    assert db.session.get_one(Campaign, issue.id).state == CampaignState.done


def test_the_button_of_a_mail_program_stops_it_without_a_form(circle, browser):
    [person] = readers(circle, 1)
    link = f"/newsletter/stop/{subscribing.stop_link(subscribing.of_person(circle.process, person.id))}"
    browser.get(link)
    assert state_of(person) == SubscriptionState.confirmed
    answer = browser.client.post(link, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, state_of(person)) == (200, SubscriptionState.ended)
    consent = db.session.scalars(select(Consent).where(Consent.person_id == person.id)).one()
    assert consent.withdrawn_at is not None
    # The same page takes it up again, with a consent of its own.
    browser.submit(link, {"wish": "on"})
    assert state_of(person) == SubscriptionState.confirmed
    assert db.session.scalar(select(func.count()).where(Consent.person_id == person.id)) == 2


def test_the_link_in_a_newsletter_stops_it_after_two_entries_became_one(circle, browser):
    [twice] = readers(circle, 1)
    link = f"/newsletter/stop/{subscribing.stop_link(subscribing.of_person(circle.process, twice.id))}"
    person = make_person("Amira", account=False)
    merging.merge_people(person, twice, circle.moderator)
    db.session.commit()
    assert state_of(person) == SubscriptionState.confirmed
    assert browser.client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert state_of(person) == SubscriptionState.ended


def test_links_of_others_stop_nothing(circle, browser):
    one, two = readers(circle, 2)
    first, second = (subscribing.of_person(circle.process, person.id) for person in (one, two))
    forged = f"{second.id}.{subscribing.stop_link(first).partition('.')[2]}"
    assert browser.client.post(f"/newsletter/stop/{forged}", data={"List-Unsubscribe": "One-Click"}).status_code == 410
    assert state_of(two) == SubscriptionState.confirmed
    token = tokens.issue(LinkPurpose.reset, one.id, first.id)
    assert subscribing.find(tokens.link_of(token)) is None


@pytest.mark.parametrize("leaves", ["ends", "erased", "paused"])
def test_who_left_between_the_button_and_the_mail_gets_none(circle, session, sink: Sink, leaves):
    staying, going = readers(circle, 2)
    issue = written(circle)
    issues.hand_in(issue, issue.revision, circle.moderator)
    session.commit()
    issues.run(issue.id)
    if leaves == "ends":
        subscribing.end(subscribing.of_person(circle.process, going.id))
    elif leaves == "erased":
        going.email, going.erased_at = None, clock.now()
    else:
        going.mail_paused_at = clock.now()
    session.commit()
    deliver_all()
    assert [mail.recipients[0] for mail in sink.messages] == [staying.email]


def test_many_readers_need_a_second_person_who_agrees_to_what_was_looked_at(circle, session):
    circle.process.confirm_above = 1
    readers(circle, 2)
    issue = written(circle)
    assert issues.hand_in(issue, issue.revision, circle.moderator) is False
    session.commit()
    assert issues.run(issue.id) == 0
    with pytest.raises(Refused):
        issues.agree(issue, issue.revision, circle.moderator)
    with pytest.raises(Refused):
        issues.agree(issue, issue.revision - 1, circle.lead)
    issues.agree(issue, issue.revision, circle.lead)
    session.commit()
    assert issues.run(issue.id) == 2


def test_a_time_is_waited_for_and_a_stopped_issue_never_leaves(circle, session, at, sink: Sink):
    now = at(clock.now())
    readers(circle, 2)
    later, stopped = written(circle, "Später"), written(circle, "Nie")
    issues.hand_in(later, later.revision, circle.moderator, now + timedelta(hours=2))
    issues.hand_in(stopped, stopped.revision, circle.moderator, now + timedelta(hours=2))
    campaigns.stop(stopped, circle.moderator)
    session.commit()
    issues.tick(now + timedelta(hours=1))
    assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 0
    at(now + timedelta(hours=2))
    issues.tick(clock.now())
    deliver_all()
    assert {mail.message["Subject"] for mail in sink.messages} == {"Später"}


def test_a_pause_holds_and_a_throttle_spreads(circle, session):
    readers(circle, 4)
    issue = written(circle)
    campaigns.change_texts(issue, Texts("Neues", "Text", None, 60), issue.revision, circle.moderator)
    issues.hand_in(issue, issue.revision, circle.moderator)
    session.commit()
    issues.run(issue.id)
    due = db.session.scalars(select(OutboxMessage.due_at).order_by(OutboxMessage.due_at)).all()
    assert [round((one - due[0]).total_seconds()) for one in due] == [0, 60, 120, 180]
    campaigns.pause(issue, circle.moderator)
    session.commit()
    deliver_all()
    assert set(db.session.scalars(select(OutboxMessage.state))) == {State.paused}


def test_an_issue_without_words_or_readers_does_not_leave(circle):
    empty = issues.draft(circle.process, circle.moderator)
    with pytest.raises(Refused):
        issues.hand_in(empty, empty.revision, circle.moderator)
    issue = written(circle)
    with pytest.raises(Refused):
        issues.hand_in(issue, issue.revision, circle.moderator)


def test_two_who_write_one_issue_both_keep_their_text(circle, browser_of):
    issue = written(circle)
    db.session.commit()
    address = f"/p/{circle.process.slug}/newsletters/{issue.id}/write"
    visitor = browser_of(circle.moderator)
    fields = {"subject": "Meins", "note": "Mein Text", "per_hour": "", "revision": "0"}
    answer = visitor.submit(address, fields, status=409)
    assert "Mein Text" in answer.text
    assert "Der Entwurf ist" in answer.text


def test_what_somebody_writes_is_inert_in_page_and_mail(circle, browser_of, session, sink: Sink):
    readers(circle, 1)
    issue = written(circle, "Neu\r\nBcc: fremd@example.org", "<script>alert(1)</script>\n\n[x](javascript:alert(1))")
    issues.hand_in(issue, issue.revision, circle.moderator)
    session.commit()
    shown = browser_of(circle.moderator).get(f"/p/{circle.process.slug}/newsletters/{issue.id}").html
    assert "alert(1)" not in " ".join(script.text for script in shown.find_all("script"))
    assert not [a for a in shown.find_all("a") if a["href"].startswith("javascript")]
    issues.run(issue.id)
    deliver_all()
    [mail] = sink.messages
    assert mail.message["Bcc"] is None
    assert "<script>" not in mail.message.get_body(("html",)).get_content()


def test_the_pages_need_few_queries(circle, browser_of, count_queries):
    readers(circle, 12)
    for n in range(25):
        written(circle, f"Ausgabe {n}")
    db.session.commit()
    visitor = browser_of(circle.moderator)
    newest = db.session.scalar(select(func.max(Campaign.id)))
    first = visitor.get(f"/p/{circle.process.slug}/newsletters")
    assert [a for a in first.html.find_all("a") if "before=" in a["href"]]
    for rest in ("newsletters", f"newsletters/{newest}", f"newsletters/{newest}/write", "newsletter"):
        with count_queries() as sent:
            visitor.get(f"/p/{circle.process.slug}/{rest}")
        assert len(sent) <= 12, (rest, len(sent), sent)


def test_a_request_is_kept_as_long_as_its_newest_link(circle):
    subscribing.ask(circle.process, "leserin@example.org", "de", clock.now())
    later = clock.now() + timedelta(days=29)
    subscribing.ask(circle.process, "leserin@example.org", "de", later)
    assert subscribing.forget_unproven(later + timedelta(days=2) - timedelta(days=30)) == 0
    assert subscribing.forget_unproven(later + timedelta(days=1)) == 1


def test_the_words_beside_the_button_are_those_the_consent_names(circle, browser):
    shown = browser.get(page(circle), headers={"Accept-Language": "en"})
    with in_language("en"):
        said = agreed_to(subscribing.TEXT_VERSION)
    assert len(said) == 2
    assert all(words in shown.text for words in said)
