"""Campaigns: counted with reasons, agreed by two, sent once, held and stopped for real."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from consult import clock
from consult.accounts.models import Affiliation, NetworkMember, OrganisationKind, Person, Representation
from consult.errors import Conflict
from consult.extensions import db
from consult.groups.models import Membership, SeatHolder
from consult.i18n import in_language
from consult.invitations import campaigns, counting, operations, sending
from consult.invitations.audience import Segment, SegmentKind
from consult.invitations.campaigns import Texts
from consult.invitations.lists import Row, parse_file
from consult.invitations.models import Campaign, CampaignRecipient, Invitation, InvitationState
from consult.invitations.operations import INVITATION, REMINDER
from consult.invitations.queries import PURPOSE
from consult.meetings.models import Registration, RegistrationState
from consult.outbox import mailings
from consult.outbox.delivery import deliver
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage, State
from consult.processes.models import Function
from consult.signing import sign
from tests.factories import flushed, make_group, make_member, make_organisation, make_person, make_process
from tests.invitations.factories import invite
from tests.meetings.factories import BEFORE, Circle, make_circle, make_meeting, refused


@pytest.fixture(autouse=True)
def _two_weeks_before(at: Callable[[datetime], Any], request: pytest.FixtureRequest) -> None:
    if "own_app" not in request.fixturenames:
        at(BEFORE)


def rows(number: int) -> list[Row]:
    return [Row(n, f"Gast {n}", f"gast{n}@example.org") for n in range(1, number + 1)]


def drafted(circle: Circle, number: int = 3, **texts: Any) -> Campaign:
    """A draft to so many people of a list."""
    campaign = campaigns.draft(circle.meeting, circle.moderator, "Kommen Sie")
    if texts:
        campaigns.change_texts(campaign, Texts("Kommen Sie", "", **texts), campaign.revision, circle.moderator)
    campaigns.add_list(campaign, rows(number), "Fachliste", circle.moderator)
    return campaign


def sent(circle: Circle, number: int = 3, **texts: Any) -> Campaign:
    """The same, handed in and brought to promised mails."""
    campaign = drafted(circle, number, **texts)
    campaigns.hand_in(campaign, campaign.revision, circle.moderator)
    sending.run(campaign.id)
    return campaign


def states(campaign: Campaign, name: str = INVITATION) -> list[str]:
    statement = select(OutboxMessage.state).where(OutboxMessage.campaign_id == campaign.id, OutboxMessage.kind == name)
    return list(db.session.scalars(statement.order_by(OutboxMessage.id)))


def left_out(campaign: Campaign) -> dict[str, str]:
    found = db.session.execute(
        select(Person.name, CampaignRecipient.left_out)
        .join(Person, Person.id == CampaignRecipient.person_id)
        .where(CampaignRecipient.campaign_id == campaign.id, CampaignRecipient.left_out.is_not(None))
    )
    return {row[0]: row[1] for row in found}


# The audience


def test_the_first_segment_that_names_somebody_wins_and_politics_is_shown_apart(session: Any) -> None:
    circle = make_circle()
    party = make_organisation("Fraktion", kind=OrganisationKind.politics)
    seat = flushed(Membership(group_id=circle.group.id, organisation_id=party.id, starts_at=clock.now()))
    council = make_person("Ratsfrau")
    flushed(SeatHolder(membership_id=seat.id, person_id=council.id, starts_at=clock.now()))
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    campaigns.add_segment(campaign, Segment(SegmentKind.group, circle.group.id), circle.moderator)
    campaigns.add_segment(campaign, Segment(SegmentKind.politics), circle.moderator)
    group, politics = counting.counted(campaign).segments
    assert (group.mails, group.politics) == (2, 1)
    assert politics.included == 0, "counted with the group already"
    assert counting.counted(campaign).total.politics == 1


def test_everybody_left_out_has_a_reason(session: Any) -> None:
    circle = make_circle()
    invite(circle, "schon@example.org\nnein@example.org")
    session.execute(
        update(Invitation)
        .where(Invitation.person_id.in_(select(Person.id).where(Person.email == "nein@example.org")))
        .values(state=InvitationState.declined)
    )
    people = {
        "schon": session.scalars(select(Person).where(Person.email == "schon@example.org")).one(),
        "nein": session.scalars(select(Person).where(Person.email == "nein@example.org")).one(),
        "weg": make_person("weg", erased_at=clock.now()),
        "pause": make_person("pause", mail_paused_at=clock.now()),
        "stumm": make_person("stumm", email=None),
        "brief": make_person("brief", email=None, postal_address="Markt 1\n52062 Aachen"),
        "ja": make_person("ja"),
    }
    for name, person in people.items():
        person.name = name
        make_member(circle.group, person)
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    campaigns.add_segment(campaign, Segment(SegmentKind.group, circle.group.id), circle.moderator)
    assert left_out(campaign) == {
        "schon": "invited_already", "nein": "said_no", "weg": "erased", "pause": "mail_paused", "stumm": "no_address"
    }  # fmt: skip
    total = counting.counted(campaign).total
    assert (total.mails, total.letters, total.out) == (2, 1, 5)


def test_earlier_guests_by_what_became_of_them(session: Any) -> None:
    circle = make_circle()
    before = make_meeting(circle.process, title="Auftakt")
    came, wanted = make_person("Kam"), make_person("Wartete")
    flushed(Registration(meeting_id=before.id, person_id=came.id, state=RegistrationState.attended))
    flushed(Registration(meeting_id=before.id, person_id=wanted.id, state=RegistrationState.waiting))
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    campaigns.add_segment(campaign, Segment(SegmentKind.meeting, before.id, "attended"), circle.moderator)
    assert counting.counted(campaign).total.mails == 1
    campaigns.add_segment(campaign, Segment(SegmentKind.meeting, before.id, "waiting"), circle.moderator)
    assert counting.counted(campaign).total.mails == 2


def test_networks_umbrellas_and_kinds_of_organisations_bring_their_people(session: Any) -> None:
    circle = make_circle()
    network = make_organisation("Netz", kind=OrganisationKind.network)
    roof = make_organisation("Dach")
    part = make_organisation("Teil", kind=OrganisationKind.sport_culture_health)
    under = make_organisation("Unten", umbrella_id=roof.id)
    flushed(NetworkMember(network_id=network.id, organisation_id=part.id))
    for body in (part, under):
        flushed(Affiliation(person_id=make_person(body.name).id, organisation_id=body.id, source="staff"))
    speaker = make_person("Sprecherin")
    flushed(Representation(person_id=speaker.id, organisation_id=roof.id))
    ended = make_person("Früher")
    before = BEFORE - timedelta(days=9)
    flushed(Representation(person_id=ended.id, organisation_id=roof.id, starts_at=before, ends_at=BEFORE))
    expected = {f"network {network.id}": 1, f"umbrella {roof.id}": 2, "organisations welfare": 2,
                "organisations sport_culture_health": 1, f"organisation {under.id}": 1}  # fmt: skip
    for value, number in expected.items():
        campaign = campaigns.draft(circle.meeting, circle.moderator)
        campaigns.add_segment(campaign, Segment.parse(value), circle.moderator)
        assert counting.counted(campaign).total.mails == number, value


def test_nothing_of_another_process_can_be_chosen(session: Any) -> None:
    circle = make_circle()
    other = make_process()
    group = make_group(other, Function.working, make_person())
    meeting = make_meeting(other)
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    for segment in (Segment(SegmentKind.group, group.id), Segment(SegmentKind.meeting, meeting.id, "attended")):
        with refused("cannot be chosen"):
            campaigns.add_segment(campaign, segment, circle.moderator)
    assert counting.counted(campaign).total.included == 0


def test_whoever_is_taken_out_by_hand_stays_out_when_counted_anew(session: Any) -> None:
    circle = make_circle()
    campaign = drafted(circle)
    one = session.scalars(select(CampaignRecipient).where(CampaignRecipient.campaign_id == campaign.id)).first()
    campaigns.take_out(campaign, one, circle.moderator)
    campaigns.count_again(campaign, circle.moderator)
    assert list(left_out(campaign).values()) == ["by_hand"]
    again = session.scalars(select(CampaignRecipient).where(CampaignRecipient.left_out == "by_hand")).one()
    campaigns.put_in(campaign, again, circle.moderator)
    assert left_out(campaign) == {}


def test_an_audience_is_counted_in_few_statements(session: Any, count_queries: Callable[[], Any]) -> None:
    circle = make_circle()
    campaign = drafted(circle, 40)
    with count_queries() as queries:
        campaigns.count_again(campaign, circle.moderator)
    assert len(queries) <= 10


def test_an_excel_list_is_read_and_what_looks_like_a_formula_is_text() -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet()
    table = [
        ["Fachliste 2026"],
        ["Name", "E-Mail", "Organisation"],
        ["=1+1", "a@example.org", "TU"],
        ["Nie", "kaputt", ""],
    ]
    for number, row in enumerate(table):
        for column, cell in enumerate(row):
            sheet.write_string(number, column, cell)
    book.close()
    out.seek(0)
    parsed = parse_file(out)
    assert [(row.name, row.address, row.organisation) for row in parsed.rows] == [("=1+1", "a@example.org", "TU")]
    assert [line.text for line in parsed.bad] == ["Nie; kaputt"]


# Agreement


def test_a_large_mailing_needs_another_person_and_exactly_what_was_seen(session: Any) -> None:
    circle = make_circle()
    circle.process.confirm_above = 2
    campaign = drafted(circle)
    assert not campaigns.hand_in(campaign, campaign.revision, circle.moderator)
    sending.run(campaign.id)
    assert (campaign.state, states(campaign)) == ("to_confirm", [])
    with refused("Somebody else"):
        campaigns.agree(campaign, campaign.revision, circle.moderator)
    with refused("changed since"):
        campaigns.agree(campaign, campaign.revision - 1, circle.lead)
    campaigns.agree(campaign, campaign.revision, circle.lead)
    sending.run(campaign.id)
    assert states(campaign) == ["queued"] * 3


def test_a_revision_nobody_looked_at_is_not_sent(session: Any) -> None:
    circle = make_circle()
    campaign = drafted(circle)
    seen = campaign.revision
    campaigns.change_texts(campaign, Texts("Anders", ""), seen, circle.lead)
    with refused("changed since"):
        campaigns.hand_in(campaign, seen, circle.moderator)


def test_two_editors_notice_each_other(session: Any) -> None:
    circle = make_circle()
    campaign = drafted(circle)
    seen = campaign.revision
    campaigns.change_texts(campaign, Texts("Von Anna", ""), seen, circle.lead)
    with pytest.raises(Conflict) as conflict:
        campaigns.change_texts(campaign, Texts("Von Ben", ""), seen, circle.moderator)
    assert (conflict.value.theirs, conflict.value.yours) == ("Von Anna", "Von Ben")


# Sending


def test_running_twice_invites_nobody_twice(session: Any) -> None:
    circle = make_circle()
    campaign = sent(circle)
    assert sending.run(campaign.id) == 0
    assert len(states(campaign)) == 3
    assert session.scalar(select(func.count()).select_from(Invitation)) == 3


def test_whoever_was_erased_or_invited_meanwhile_gets_nothing(session: Any) -> None:
    circle = make_circle()
    campaign = drafted(circle)
    campaigns.hand_in(campaign, campaign.revision, circle.moderator)
    gone = session.scalars(select(Person).where(Person.email == "gast1@example.org")).one()
    gone.erased_at = clock.now()
    invite(circle, "gast2@example.org")
    session.commit()
    sending.run(campaign.id)
    assert left_out(campaign) == {"Gast 1": "erased", "Gast 2": "invited_already"}
    assert len(states(campaign)) == 1


def test_paused_mails_never_leave_and_resumed_ones_do(session: Any, sink: Any) -> None:
    circle = make_circle()
    campaign = sent(circle)
    campaigns.pause(campaign, circle.lead)
    session.commit()
    messages = session.scalars(select(OutboxMessage.id)).all()
    assert {deliver(ident) for ident in messages} == {"paused"}
    assert sink.messages == []
    campaigns.resume(campaign, circle.lead)
    session.commit()
    assert {deliver(ident) for ident in messages} == {"sent"}
    sending.tick(clock.now())
    assert session.get(Campaign, campaign.id).state == "done"


def test_stop_really_stops(session: Any, sink: Any) -> None:
    circle = make_circle()
    campaign = sent(circle)
    campaigns.stop(campaign, circle.lead)
    session.commit()
    for ident in session.scalars(select(OutboxMessage.id)).all():
        assert deliver(ident) == "dropped"
    sending.tick(clock.now())
    sending.run(campaign.id)
    assert (sink.messages, set(states(campaign))) == ([], {"dropped"})
    with refused("not paused"):
        campaigns.resume(campaign, circle.lead)


@pytest.mark.parametrize(("press", "state"), [(campaigns.pause, "paused"), (campaigns.stop, "dropped")])
def test_a_mail_that_was_in_a_workers_hands_does_not_leave_later(session: Any, press: Any, state: str) -> None:
    circle = make_circle()
    campaign = sent(circle, 1)
    session.execute(update(OutboxMessage).values(state=State.sending))
    press(campaign, circle.lead)
    # The server was away: it is to be tried again.
    session.execute(update(OutboxMessage).values(state=State.retry))
    session.commit()
    sending.tick(clock.now())
    assert states(campaign) == [state]


def test_so_many_an_hour_and_after_a_pause_from_then_on(session: Any, at: Callable[[datetime], Any]) -> None:
    circle = make_circle()
    campaign = sent(circle, 4, per_hour=60)
    due = select(OutboxMessage.due_at).order_by(OutboxMessage.id)
    assert session.scalars(due).all() == [BEFORE + timedelta(minutes=n) for n in range(4)]
    campaigns.pause(campaign, circle.lead)
    later = at(BEFORE + timedelta(hours=5))
    campaigns.resume(campaign, circle.lead)
    assert session.scalars(due).all() == [later + timedelta(minutes=n) for n in range(4)]


def test_a_planned_mailing_begins_at_its_time_by_the_tick(session: Any, poked: list[Any]) -> None:
    circle = make_circle()
    campaign = drafted(circle)
    campaigns.hand_in(campaign, campaign.revision, circle.moderator, BEFORE + timedelta(hours=2))
    session.commit()
    assert sending.run(campaign.id) == 0
    assert sending.tick(BEFORE + timedelta(hours=1)) == 0
    assert sending.tick(BEFORE + timedelta(hours=3)) == 1
    assert poked[-1][1] == (campaign.id,)
    assert sending.run(campaign.id, BEFORE + timedelta(hours=3)) == 3


def test_only_the_silent_are_reminded_and_nobody_twice_in_three_days(
    session: Any, at: Callable[[datetime], Any]
) -> None:
    circle = make_circle()
    campaign = sent(circle, 4)
    session.execute(update(OutboxMessage).values(state=State.sent))
    first, second, third, _fourth = session.scalars(select(Invitation).order_by(Invitation.id)).all()
    first.state, second.state, third.state = InvitationState.accepted, InvitationState.declined, InvitationState.maybe
    assert campaigns.remind(campaign, circle.moderator) == 2
    with refused("nobody to remind"):
        campaigns.remind(campaign, circle.moderator)
    assert states(campaign, REMINDER) == ["queued"] * 2
    at(BEFORE + timedelta(days=4))
    assert campaigns.remind(campaign, circle.moderator) == 2


def test_the_reminder_asks_with_the_same_link_and_only_as_long_as_it_is_open(session: Any) -> None:
    circle = make_circle()
    campaign = sent(circle, 1)
    session.execute(update(OutboxMessage).values(state=State.sent))
    campaigns.remind(campaign, circle.moderator)
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == REMINDER)).one()
    invitation = session.scalars(select(Invitation)).one()
    with in_language("en"):
        mail = kind(REMINDER).render(message)
    assert "do not know yet whether you are coming" in mail.body
    assert f"/i/{sign(PURPOSE, invitation.id, invitation.nonce)}" in mail.filled(mail.body)
    assert kind(REMINDER).wanted(message)


@pytest.mark.parametrize("state", [InvitationState.accepted, InvitationState.declined, InvitationState.revoked])
def test_a_reminder_that_is_answered_before_its_turn_does_not_leave(session: Any, state: InvitationState) -> None:
    circle = make_circle()
    campaign = sent(circle, 1)
    session.execute(update(OutboxMessage).values(state=State.sent))
    campaigns.remind(campaign, circle.moderator)
    session.execute(update(Invitation).values(state=state))
    session.commit()
    ident = session.scalars(select(OutboxMessage.id).where(OutboxMessage.kind == REMINDER)).one()
    assert deliver(ident) == "dropped"


def test_who_was_not_reached_yet_is_not_reminded(session: Any) -> None:
    circle = make_circle()
    campaign = sent(circle)
    with refused("nobody to remind"):
        campaigns.remind(campaign, circle.moderator)


def test_the_first_mail_somebody_ever_gets_is_in_two_languages(session: Any) -> None:
    circle = make_circle()
    campaign = sent(circle, 2, second_lang="en")
    known = session.scalars(select(Person).where(Person.email == "gast1@example.org")).one()
    session.add(OutboxMessage(kind="confirm", subject_id=1, recipient_id=known.id, state=State.sent))
    session.flush()
    mails = {
        message.recipient_id: kind(INVITATION).render(message)
        for message in session.scalars(select(OutboxMessage).where(OutboxMessage.campaign_id == campaign.id))
    }
    assert mails.pop(known.id).below is None
    (fresh,) = mails.values()
    assert fresh.below is not None
    assert fresh.below[0] == "en"
    assert "Accept or decline" in fresh.below[1]


def test_ten_times_as_many_people_are_a_few_statements_per_wave(session: Any, count_queries: Callable[[], Any]) -> None:
    circle = make_circle()
    circle.process.confirm_above = 5000
    campaign = drafted(circle, 900)
    campaigns.hand_in(campaign, campaign.revision, circle.moderator)
    with count_queries() as queries:
        assert sending.run(campaign.id) == 900
    assert len(queries) <= 40


def test_twenty_presses_at_once_are_one_start_and_one_mail_each(own_app: Flask) -> None:
    circle = make_circle(starts_at=clock.now() + timedelta(days=9), ends_at=clock.now() + timedelta(days=9, hours=2))
    campaign = drafted(circle, 30)
    ident, revision, actor = campaign.id, campaign.revision, circle.moderator.id
    db.session.commit()
    db.session.remove()
    ready = threading.Barrier(20)
    outcomes: list[str] = []

    def press() -> None:
        with own_app.app_context():
            ready.wait()
            try:
                campaigns.hand_in(db.session.get(Campaign, ident), revision, db.session.get(Person, actor))
                db.session.commit()
                outcomes.append("sent")
            except Exception as error:
                db.session.rollback()
                outcomes.append(type(error).__name__)
            sending.run(ident)
            db.session.remove()

    threads = [threading.Thread(target=press) for _n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Refused"] * 19 + ["sent"]
    assert db.session.scalar(select(func.count()).select_from(Invitation)) == 30
    assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 30


def test_two_thousand_people_are_queued_within_seconds(own_app: Flask) -> None:
    circle = make_circle(starts_at=clock.now() + timedelta(days=9), ends_at=clock.now() + timedelta(days=9, hours=2))
    circle.process.confirm_above = 5000
    campaign = drafted(circle, 2000)
    campaigns.hand_in(campaign, campaign.revision, circle.moderator)
    db.session.commit()
    started = time.perf_counter()
    assert sending.run(campaign.id) == 2000
    assert time.perf_counter() - started < 6
    assert mailings.progress_of_campaign(campaign.id).waiting == 2000


def test_a_mail_that_is_held_is_not_sent_a_second_time_by_hand(session: Any) -> None:
    circle = make_circle()
    campaign = sent(circle, 1)
    campaigns.pause(campaign, circle.moderator)
    invitation = session.scalars(select(Invitation).where(Invitation.campaign_id == campaign.id)).one()
    with refused("under way"):
        operations.send_again(invitation, circle.meeting, circle.moderator)
