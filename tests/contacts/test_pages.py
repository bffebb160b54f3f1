"""The pages of one person and one organisation, and what can be put in order there."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from consult import clock
from consult.accounts import tokens
from consult.accounts.affiliations import Source, affiliate
from consult.accounts.models import Affiliation, Consent, LinkPurpose, LinkToken, NetworkMember, Person, Representation
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.groups.models import Membership, SeatHolder
from consult.invitations import answering
from consult.invitations.answering import Answer
from consult.invitations.lists import Row
from consult.invitations.models import Invitation
from consult.invitations.operations import invite
from consult.meetings.models import Origin
from consult.meetings.registering import Given, register
from consult.meetings.unconfirmed import ask
from consult.processes.models import Function
from tests.accounts.factories import make_lead
from tests.factories import flushed, make_group, make_organisation, make_person, make_process
from tests.meetings.factories import make_meeting as meeting_of

EN = {"Accept-Language": "en"}


def make_meeting(**fields: Any) -> Any:
    start = clock.now() + timedelta(days=3)
    return meeting_of(make_process(), starts_at=start, ends_at=start + timedelta(hours=3), **fields)


def make_contact(name: str | None = None, **fields: Any) -> Person:
    """Somebody of an organisation: a contact of the whole city."""
    person = make_person(name, **fields)
    affiliate(person.id, make_organisation().id, Source.list)
    return person


def affiliations() -> set[tuple[int, int, str]]:
    return {(row.person_id, row.organisation_id, row.source) for row in db.session.scalars(select(Affiliation))}


def test_a_page_shows_everything_about_a_person(browser_of: Any) -> None:
    lead, guest = make_lead(), make_person("Amira", account=False)
    body = make_organisation("Fraktion Mitte", kind="politics")
    meeting = make_meeting(title="Auftakt")
    affiliate(guest.id, body.id, Source.list, "Vorsitz")
    flushed(Representation(person_id=guest.id, organisation_id=body.id, confirmed_by_id=lead.id))
    group = make_group(name="Steuerungskreis")
    seat = flushed(Membership(group_id=group.id, organisation_id=body.id))
    flushed(SeatHolder(membership_id=seat.id, person_id=guest.id, starts_at=clock.now(), deputy=True))
    flushed(Consent(person_id=guest.id, purpose="newsletter", text_version="2026-03", source="page"))
    guest.mail_paused_at, guest.mail_paused_why, guest.postal_address = clock.now(), "5.1.1", "Linde 3"
    invite(meeting, rows=[Row(number=1, address=guest.email, name="")], by=lead)
    page = browser_of(lead).get(f"/contacts/people/{guest.id}", headers=EN)
    for words in ("Vorsitz", "Fraktion Mitte", "Steuerungskreis", "Auftakt", "2026-03", "5.1.1", "Linde 3", lead.name):
        assert words in page.text
    page = browser_of(lead).get(f"/contacts/organisations/{body.id}", headers=EN)
    for words in ("Amira", "Vorsitz", "Steuerungskreis", lead.name):
        assert words in page.text


def test_meetings_of_a_draft_are_seen_by_those_who_work_in_it(browser_of: Any) -> None:
    guest = make_contact(account=False)
    hidden = make_meeting(title="Geheimtreffen")
    db.session.get_one(type(hidden), hidden.id)
    process = make_process(state="draft")
    hidden.process_id = process.id
    invite(hidden, rows=[Row(number=1, address=guest.email, name="")], by=None)
    url = f"/contacts/people/{guest.id}"
    assert "Geheimtreffen" not in browser_of(make_lead()).get(url).text
    own = make_person()
    make_group(process, Function.lead, own)
    assert "Geheimtreffen" in browser_of(own).get(url).text


def test_a_contact_is_edited_until_it_has_an_account(browser_of: Any) -> None:
    lead, guest = make_lead(), make_contact("Amira", account=False, email="old@example.org")
    tokens.issue(LinkPurpose.claim, guest.id, subject_id=1)
    browser = browser_of(lead)
    url = f"/contacts/people/{guest.id}/edit"
    browser.submit(url, {"email": "New@example.org", "postal_address": "Linde 3\nStadt"})
    guest = db.session.get_one(Person, guest.id)
    assert (guest.email, guest.postal_address) == ("new@example.org", "Linde 3\nStadt")
    assert db.session.scalars(select(LinkToken.used_at)).one() is not None
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.contact_changed)).one()
    assert entry.facts == {"fields": ["email", "postal_address"]}
    make_person(email="taken@example.org")
    assert browser.submit(url, {"email": "taken@example.org"}, status=200).html.find(id="email-error")
    browser.get(f"/contacts/people/{make_contact().id}/edit", status=403)


def test_the_address_of_somebody_with_a_role_elsewhere_is_left_alone(browser_of: Any) -> None:
    """Whoever puts in their own address could take the account that the role comes with."""
    guest = make_contact(account=False)
    make_group(make_process(), Function.moderation, guest)
    browser_of(make_lead()).get(f"/contacts/people/{guest.id}/edit", status=403)
    browser_of(make_person(operator=True)).get(f"/contacts/people/{guest.id}/edit")


def test_where_somebody_works_is_put_in_order(browser_of: Any) -> None:
    guest, body = make_person(account=False), make_organisation("Frauentreff")
    browser = browser_of(make_person(operator=True))
    home = f"/contacts/people/{guest.id}"
    add = f"{home}/organisations"
    browser.submit(add, {"organisation": "Frauentreff", "position": "Leitung"}, form_at=home)
    row = db.session.scalars(select(Affiliation)).one()
    assert (row.organisation_id, row.position, row.source) == (body.id, "Leitung", "staff")
    assert browser.submit(add, {"organisation": "Nirgends"}, form_at=home, status=200).html.find(
        id="organisation-error"
    )
    browser.submit(f"{add}/{row.id}/remove", form_at=home)
    assert affiliations() == set()


def test_networks_gain_and_lose_members(browser_of: Any) -> None:
    network, body = make_organisation("Netz", kind="network"), make_organisation("Verein")
    browser = browser_of(make_lead())
    home = f"/contacts/organisations/{body.id}"
    browser.submit(f"{home}/networks", {"organisation": "Netz"}, form_at=home)
    browser.submit(f"{home}/networks", {"organisation": "Netz"}, form_at=home)
    row = db.session.scalars(select(NetworkMember)).one()
    assert (row.network_id, row.organisation_id) == (network.id, body.id)
    other = f"/contacts/organisations/{network.id}"
    browser.submit(f"{other}/networks/{network.id}/{body.id}/remove", form_at=other)
    assert db.session.scalar(select(NetworkMember.id)) is None
    make_organisation("Kein Netz")
    page = browser.submit(f"{home}/networks", {"organisation": "Kein Netz"}, form_at=home, status=200)
    assert page.html.find(id="organisation-error")


def test_mail_is_set_going_again(browser_of: Any) -> None:
    guest = make_contact(account=False, mail_paused_at=clock.now())
    home = f"/contacts/people/{guest.id}"
    browser_of(make_lead()).submit(f"{home}/mail", form_at=home)
    assert db.session.get_one(Person, guest.id).mail_paused_at is None


def test_lists_answers_and_registrations_say_where_people_work(session: Any) -> None:
    body = make_organisation("Verein")
    meeting = make_meeting(registration="everybody")
    invite(meeting, rows=[Row(number=1, address="list@example.org", name="L", organisation="Verein")], by=None)
    listed = db.session.scalars(select(Person).where(Person.email == "list@example.org")).one()
    assert affiliations() == {(listed.id, body.id, "list")}
    guest, answerer = make_person(account=False), make_person(account=False)
    register(meeting, guest, Given(organisation_name="Verein"), origin=Origin.registration)
    invite(meeting, rows=[Row(number=1, address=answerer.email, name="")], by=None)
    invitation = db.session.scalars(select(Invitation).where(Invitation.person_id == answerer.id)).one()
    invitation.organisation_id = body.id
    answering.answer(invitation, meeting, Answer(coming=True))
    assert affiliations() == {
        (listed.id, body.id, "list"), (guest.id, body.id, "registration"), (answerer.id, body.id, "reply"),
    }  # fmt: skip


def test_nobody_is_said_to_work_somewhere_by_an_unproven_address(session: Any) -> None:
    make_organisation("Verein")
    ask(make_meeting(registration="everybody"), "x@example.org", "X", Given(organisation_name="Verein"), "de")
    assert affiliations() == set()


def test_guests_of_a_process_are_the_business_of_those_who_lead_it(browser_of: Any) -> None:
    """People of organisations are contacts of the city; who was invited as a neighbour is not."""
    process, guest = make_process(), make_person("Nachbarin", account=False)
    own = make_person()
    make_group(process, Function.lead, own)
    meeting = make_meeting()
    meeting.process_id = process.id
    invite(meeting, rows=[Row(number=1, address=guest.email, name="")], by=None)
    url = f"/contacts/people/{guest.id}"
    for reader, finds in ((own, True), (make_person(operator=True), True), (make_lead(), False)):
        browser = browser_of(reader)
        for words in (guest.name, guest.email):
            assert bool(browser.get(f"/contacts?q={words}").html.find("a", href=url)) is finds
        for page in (url, f"{url}/edit", f"{url}/merge"):
            browser.get(page, status=200 if finds else 404)
