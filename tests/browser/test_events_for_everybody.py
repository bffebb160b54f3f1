"""Events without scripts, and without a mouse: each way is gone once with each."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken
from consult.extensions import db
from consult.groups.models import Group
from consult.invitations import operations as inviting
from consult.invitations.lists import Row
from consult.invitations.models import Campaign, CampaignState, Invitation, Subscription
from consult.meetings.models import CheckIn, Meeting, Registration, RegistrationState, Reminder
from consult.newsletters import subscribing
from consult.outbox.models import OutboxMessage, State
from consult.processes.models import Function, Process
from consult.signing import new_nonce
from tests import factories
from tests.browser.conftest import Visitor
from tests.browser.filling import text_of
from tests.browser.hands import Hands, Keys, Plain, focus, refused
from tests.browser.scenery import invitation_link
from tests.browser.town import Town
from tests.browser.trips import Event, guest_of, let_it_begin, new_address, new_event, state_of

Take = Callable[..., Hands]
SEND = "main form.form button.primary"


@pytest.fixture(params=["keyboard", "no scripts"])
def take(request: pytest.FixtureRequest, visit: Callable[..., Visitor]) -> Take:
    """`take(person_id)`: the hands of a visitor who has a keyboard alone, or no scripts."""
    if request.param == "keyboard":
        return lambda person=None: Keys(visit(person))
    return lambda person=None: Plain(visit(person, java_script_enabled=False))


def token_for(here: Town, purpose: LinkPurpose) -> str:
    """The newest link for this, as it stands in the mail."""
    with here.inside():
        newest = select(LinkToken).where(LinkToken.purpose == purpose).order_by(LinkToken.id.desc()).limit(1)
        return tokens.link_of(db.session.scalars(newest).one())


def test_registering_as_a_guest_and_stepping_back(here: Town, take: Take) -> None:
    event, address, hands = new_event(here), new_address(), take()
    hands.visitor.go(event.base)
    hands.follow("main a[href$='/register']")
    hands.follow(SEND)
    refused(hands)
    hands.write("name", "Gerda Gast")
    hands.write("email", address)
    hands.pick("needs", "interpreter")
    hands.write("needs_language", "Arabisch")
    hands.follow(SEND)
    assert hands.page.url.endswith("/register/sent")
    hands.visitor.go(f"/registration/confirm/{token_for(here, LinkPurpose.register)}")
    hands.follow(SEND)
    assert state_of(here, event, address) == RegistrationState.coming
    hands.open("details.details > summary")
    hands.write("needs_note", "Mit Kinderwagen")
    hands.follow("form[action$='/change'] button.primary")
    hands.open("details.confirm > summary")
    hands.follow("form[action$='/cancel'] button")
    assert state_of(here, event, address) == RegistrationState.declined


def test_answering_an_invitation_in_every_way(here: Town, take: Take) -> None:
    event, address, hands = new_event(here), new_address(), take()
    with here.inside():
        meeting = db.session.get_one(Meeting, event.meeting_id)
        inviting.invite(meeting, rows=[Row(1, "Gerda Gast", address)], by=None)
        link = invitation_link(db.session.scalars(select(Invitation).where(Invitation.meeting_id == meeting.id)).one())
    hands.visitor.go(f"/i/{link}")
    hands.follow("button[formaction$='/maybe']")
    assert state_of(here, event, address) == RegistrationState.maybe
    hands.write("message", "Ich freue mich.")
    hands.follow(SEND)
    assert state_of(here, event, address) == RegistrationState.coming
    hands.follow("button[formaction$='/decline']")
    assert state_of(here, event, address) == RegistrationState.declined
    hands.follow("main a[href$='/deputy']")
    hands.follow(SEND)
    refused(hands)
    hands.write("name", "Vera Vertretung")
    hands.write("email", new_address())
    hands.follow(SEND)
    hands.follow("form[action$='/deputy/back'] button")
    with here.inside():
        states = select(Invitation.state).where(Invitation.meeting_id == event.meeting_id).order_by(Invitation.id)
        assert list(db.session.scalars(states)) == ["open", "revoked"]


def test_getting_the_newsletter_and_stopping_it(here: Town, take: Take) -> None:
    event, hands = new_event(here), take()

    def mine() -> Subscription:
        of_process = select(Subscription).join(Process, Process.id == Subscription.process_id)
        return db.session.scalars(of_process.where(Process.slug == event.slug)).one()

    hands.visitor.go(f"/p/{event.slug}/newsletter")
    hands.follow(SEND)
    refused(hands)
    hands.write("email", new_address())
    hands.follow(SEND)
    hands.visitor.go(f"/newsletter/confirm/{token_for(here, LinkPurpose.subscribe)}")
    hands.follow("main form button.primary")
    with here.inside():
        assert mine().state == "confirmed"
        link = subscribing.stop_link(mine())
    hands.visitor.go(f"/newsletter/stop/{link}")
    hands.follow("main form button.primary")
    with here.inside():
        assert mine().state == "ended"


def circle_of(here: Town, event: Event) -> int:
    """A group of two in the process of this event: its id."""
    with here.inside():
        process = db.session.query(Process).filter_by(slug=event.slug).one()
        members = [factories.make_person(email=new_address()) for _n in range(2)]
        circle: Group = factories.make_group(process, Function.working, *members, name="Kreis Quartier")
        return circle.id


def test_a_campaign_is_written_looked_at_and_sent(here: Town, take: Take) -> None:
    event = new_event(here)
    circle = circle_of(here, event)
    hands = take(event.lead)
    hands.visitor.go(f"{event.base}/invitations")
    hands.follow("form[action$='/campaigns'] button")
    hands.pick("segment", f"group {circle}")
    hands.follow("form[action$='/segments'] button")
    hands.follow("main a[href$='/edit']")
    hands.write("per_hour", "0")
    hands.follow(SEND)
    refused(hands)
    hands.write("per_hour", "500")
    hands.write("note", "Es gibt Suppe.")
    hands.follow(SEND)
    hands.follow("main a[href$='/preview']")
    assert "Es gibt Suppe." in text_of(hands.page)
    hands.follow("main a[href*='/campaigns/']:not([href*='people'])")
    hands.follow(SEND)
    with here.inside():
        campaign = db.session.scalars(select(Campaign).where(Campaign.meeting_id == event.meeting_id)).one()
        assert campaign.state in ("scheduled", "running", "done")
        assert campaign.per_hour == 500


def mailing(here: Town, event: Event, state: CampaignState) -> int:
    """A mailing to one person, whose mail left long ago and who is silent: its id."""
    with here.inside():
        meeting = db.session.get_one(Meeting, event.meeting_id)
        guest, lead = factories.make_person("Sina Still", email=new_address(), account=False), event.lead
        campaign: Campaign = factories.flushed(
            Campaign(
                process_id=meeting.process_id, meeting_id=meeting.id, subject="Kommen Sie?", state=state,
                started_at=clock.now(), created_by_id=lead,
            )
        )  # fmt: skip
        invitation: Invitation = factories.flushed(
            Invitation(campaign_id=campaign.id, meeting_id=meeting.id, person_id=guest.id, nonce=new_nonce())
        )
        factories.flushed(
            OutboxMessage(
                kind=inviting.INVITATION, subject_id=invitation.id, recipient_id=guest.id, period="", state=State.sent,
                process_id=meeting.process_id, campaign_id=campaign.id, sent_at=clock.now(),
            )
        )  # fmt: skip
        return campaign.id


def test_the_silent_are_reminded_by_hand(here: Town, take: Take) -> None:
    event = new_event(here)
    ident = mailing(here, event, CampaignState.done)
    hands = take(event.lead)
    hands.visitor.go(f"/p/{event.slug}/campaigns/{ident}")
    hands.open("details.confirm:has(form[action$='/remind']) > summary")
    hands.follow("form[action$='/remind'] button")
    with here.inside():
        asked = select(Invitation.reminded_at).where(Invitation.campaign_id == ident)
        assert db.session.scalars(asked).one() is not None
        promised = select(func.count()).where(
            OutboxMessage.campaign_id == ident, OutboxMessage.kind == inviting.REMINDER
        )
        assert db.session.scalar(promised) == 1


def test_a_mailing_is_held_and_stopped_for_good(here: Town, take: Take) -> None:
    event = new_event(here)
    ident = mailing(here, event, CampaignState.paused)
    hands = take(event.lead)
    hands.visitor.go(f"/p/{event.slug}/campaigns/{ident}")
    # A press on what opens the question stops nothing.
    hands.open("details.confirm:has(form[action$='/stop']) > summary")
    with here.inside():
        assert db.session.get_one(Campaign, ident).state == CampaignState.paused
    hands.follow("form[action$='/stop'] button")
    with here.inside():
        assert db.session.get_one(Campaign, ident).state == CampaignState.stopped
    expect(hands.page.locator("form[action$='/stop'], form[action$='/remind']")).to_have_count(0)


def test_a_mail_before_the_meeting_is_planned_and_removed(here: Town, take: Take) -> None:
    event = new_event(here)
    hands = take(event.lead)

    def planned() -> int:
        with here.inside():
            of_meeting = select(func.count()).select_from(Reminder).where(Reminder.meeting_id == event.meeting_id)
            return db.session.scalar(of_meeting) or 0

    hands.visitor.go(f"{event.base}/reminders")
    hands.follow("form[action$='/reminders/day_before'] button")
    assert planned() == 1
    hands.open("main details.details > summary")
    hands.write("number", "3")
    hands.write("note", "Bitte eine Tasse mitbringen.")
    hands.follow(SEND)
    assert planned() == 2
    hands.follow("form[action$='/remove'] button")
    assert planned() == 1


def test_people_are_checked_in_at_the_door(here: Town, take: Take) -> None:
    event = new_event(here)
    for name in ("Ada Anders", "Bo Berg"):
        guest_of(here, event, name)
    let_it_begin(here, event, timedelta(minutes=-5))
    with here.inside():
        rows = db.session.scalars(
            select(Registration).where(Registration.meeting_id == event.meeting_id).order_by(Registration.id)
        )
        (ada, code), (bo, _code) = [(row.id, row.code) for row in rows]

    def there(number: int) -> None:
        hands.page.locator(f"[data-count=there]:text-is('{number}')").wait_for()
        if isinstance(hands, Keys):
            # Also once the server has answered, and the list is written anew.
            hands.page.locator("[data-waiting][hidden]").wait_for(state="attached")
            focus(hands.page)

    hands = take(event.lead)
    hands.visitor.go(f"{event.base}/door")
    hands.write("q", code)
    hands.do(".door-find [type=submit]")
    if isinstance(hands, Plain):
        hands.do(f"[data-guest='{ada}'] [data-act=came]")
    there(1)
    hands.do(f"[data-guest='{bo}'] [data-act=came]")
    there(2)
    hands.do(f"[data-guest='{bo}'] [data-act=undo]")
    there(1)
    hands.open("details:has([data-walk-in]) > summary")
    hands.write("name", "Eva Neu")
    hands.do("[data-walk-in] [type=submit]")
    there(2)
    with here.inside():
        counted = select(func.count()).select_from(CheckIn).where(CheckIn.meeting_id == event.meeting_id)
        assert db.session.scalar(counted) == 2
