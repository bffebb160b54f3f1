"""A small town with everything in it, for the promises about all routes: one row of each kind, a cast for each role."""

import io
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from PIL import Image

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import Affiliation, LinkPurpose, NetworkMember, Person, Representation
from consult.audit.operations import head, seal
from consult.concept import drafts, facts, operations
from consult.concept.models import LifeTopic, Placement
from consult.concept.pictures import Rewritten
from consult.contributions import guests, screening, translating, trust
from consult.contributions import operations as contributions
from consult.contributions.models import ModerationReason, RuleEffect, Stance, TrustLevel
from consult.digests import operations as digests
from consult.extensions import db
from consult.groups.models import Membership, SeatHolder
from consult.invitations import campaigns, long_lists
from consult.invitations import operations as invitations
from consult.invitations.lists import Row
from consult.invitations.models import CampaignRecipient, Invitation, ListState
from consult.meetings import cards, materials, photos, reminders
from consult.meetings.models import (
    LineKind,
    Meeting,
    MeetingKind,
    MinuteLine,
    Minutes,
    Origin,
    Registration,
    RegistrationState,
    ReminderKind,
)
from consult.meetings.words import Needs
from consult.moderation import appeals, duty, reports
from consult.moderation import operations as deciding
from consult.moderation.notes import add_note
from consult.newsletters import issues
from consult.outbox.models import OutboxMessage
from consult.processes.models import Activity, Function, Moderation, Process, ProcessState
from consult.site.models import ContactMessage
from tests import factories
from tests.concept.factories import make_concept, make_picture, publish
from tests.concept.tables import make_sheets

#: Texts that must never be seen by those they are not for, each with the roles that may see it.
NEEDLES = {
    "pending": "Nadel-wartet-7341",
    "hidden": "Nadel-verborgen-7342",
    "note": "Nadel-Hinweis-7343",
    "working": "Nadel-Arbeitstext-7344",
    "steering": "Nadel-Steuerung-7345",
    "draft": "Nadel-Entwurf-7346",
    "needs": "Nadel-Bedarf-7347",
    "internal": "Nadel-intern-7348",
    "minutes": "Nadel-Niederschrift-7349",
    "address": "nadel-7350@example.org",
    "answer": "Nadel-Antwort-7351",
    "group_draft": "Nadel-Kreis-7352",
    "dissent": "Nadel-Dissens-7353",
    "guest": "Nadel-ohne-Konto-7354",
    "report": "Nadel-Meldung-7355",
    "appeal": "Nadel-Einspruch-7356",
    "trust": "Nadel-Vertrauen-7357",
    "colleagues": "Nadel-Kollegium-7359",
    "newsletter": "Nadel-Rundbrief-7360",
}


@dataclass
class World:
    """The rows, by name; `cast` by role."""

    process: Process
    draft: Process
    archive: Process
    elsewhere: Process
    cast: dict[str, Person]
    arguments: dict[str, Any] = field(default_factory=dict)


def _meeting(process: Process, group_id: int, **fields: Any) -> Meeting:
    starts = clock.now() + timedelta(days=5)
    meeting: Meeting = factories.flushed(
        Meeting(
            process_id=process.id,
            group_id=group_id,
            kind=MeetingKind.group_session,
            title="Sitzung",
            starts_at=starts,
            ends_at=starts + timedelta(hours=2),
            wall_start=starts.strftime("%Y-%m-%dT%H:%M:%S"),
            **fields,
        )
    )
    return meeting


def _wall_photo(meeting: Meeting, by: Person) -> int:
    """A picture of a pinboard, which only organisers see."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, "PNG")
    return photos.add(meeting, Rewritten("image/png", 8, 8, out.getvalue()), "", by, clock.now()).id


def _card(process: Process, meeting: Meeting, by: Person) -> int | None:
    """A card of that pinboard."""
    return cards.capture_card(process, meeting, by, text="Eine Karte.", place=cards.Place(table="4")).number


def build() -> World:
    """Everything once; flushes and commits through the test's session."""
    process = factories.make_process(slug="offen", code="OF", title="Offenes Verfahren")
    elsewhere = factories.make_process(slug="anderswo", code="AW", title="Anderes Verfahren")
    draft = factories.make_process(
        slug="entwurf", code="EN", title=NEEDLES["draft"], state=ProcessState.draft, published_at=None
    )
    archive = factories.make_process(slug="archiv", code="AR", title="Altes Verfahren", state=ProcessState.archived)
    cast = {
        name: factories.make_person(name.capitalize())
        for name in (
            "citizen", "author", "member", "moderator", "steering", "editor", "lead", "moderator_elsewhere",
            "lead_elsewhere", "suspended", "expired",
        )
    }  # fmt: skip
    cast["operator"] = factories.make_person("Operator", operator=True)
    groups = {
        function: factories.make_group(process, function, cast[role])
        for role, function in (
            ("member", Function.working), ("moderator", Function.moderation), ("steering", Function.steering),
            ("editor", Function.editing), ("lead", Function.lead),
        )
    }  # fmt: skip
    factories.make_group(elsewhere, Function.moderation, cast["moderator_elsewhere"])
    factories.make_group(elsewhere, Function.lead, cast["lead_elsewhere"])
    for one in (process, elsewhere, draft, archive):
        factories.make_stage(one, Activity.comment, Activity.propose, Activity.react, moderation=Moderation.pre)

    author, moderator, lead = cast["author"], cast["moderator"], cast["lead"]
    concept, goal = make_concept(process, lead)
    facts.add(concept, facts.Figure("Menschen", "1.200", "Stadt"), actor=lead, process=process)
    make_picture(concept, process, lead)
    placement = db.session.query(Placement).filter_by(element_id=goal.id).first()
    operations.edit(
        goal, placement.wording_id, operations.Text(markdown="Begegnung für [[F1]].\n\n![Ein Platz](picture:1)"),
        reason="r", actor=lead, process=process,
    )  # fmt: skip
    factories.flushed(LifeTopic(process_id=process.id, key=goal.key, title="Wohnen"))
    publish(concept, process, lead)
    placement = db.session.query(Placement).filter_by(element_id=goal.id).first()
    operations.edit(
        goal, placement.wording_id, operations.Text(markdown=NEEDLES["steering"]), reason="r", actor=lead,
        process=process,
    )  # fmt: skip
    publish(concept, process, lead, audience="steering", title="Arbeitsstand")
    placement = db.session.query(Placement).filter_by(element_id=goal.id).order_by(Placement.wording_id.desc()).first()
    operations.edit(
        goal, placement.wording_id, operations.Text(markdown=NEEDLES["working"]), reason="r", actor=lead,
        process=process,
    )  # fmt: skip
    circle = groups[Function.working]
    drafts.change_mandate(circle, [goal.id], actor=lead, process=process)
    written, _new = drafts.begin(circle, goal, actor=cast["member"], process=process)
    drafts.save(
        written, written.wording_id, operations.Text(markdown=NEEDLES["group_draft"]), reason="r",
        dissent=NEEDLES["dissent"], actor=cast["member"], process=process,
    )  # fmt: skip
    drafts.submit(written, actor=cast["member"], process=process)
    sheet, sheet_done = make_sheets(concept, process, lead)
    for other in (draft, archive, elsewhere):
        other_concept, _goal = make_concept(other, lead)
        publish(other_concept, other, lead)

    reason = factories.flushed(ModerationReason(process_id=process.id, key="r-person", text="Beleidigt eine Person"))
    factories.flushed(ModerationReason(process_id=process.id, key="r-last", text="Einer bleibt immer"))

    def say(text: str) -> Any:
        return contributions.submit(process, actor=author, text=text, stance=Stance.change, element_id=goal.id)

    public, pending, hidden = say("Ein offener Beitrag."), say(NEEDLES["pending"]), say(NEEDLES["hidden"])
    act = deciding.approve(public, moderator)
    translation_id = translating.translate(public, actor=None, lang="en", body="An open contribution.")
    deciding.hide(hidden, moderator, reason, NEEDLES["note"])
    guests.submit(process, text=NEEDLES["guest"], stance=Stance.change, code="7K3M-Q0TW-94XA-B2ZR", element_id=goal.id)

    appeal_id = appeals.make(hidden, author, NEEDLES["appeal"])
    reports.make(public, reporter=cast["citizen"], reason=reason, note=NEEDLES["report"])
    trust.decide(process, author.id, TrustLevel.watched, NEEDLES["trust"], moderator)
    for noted in (public, pending, hidden):
        add_note(noted, moderator, NEEDLES["colleagues"])
    rule = screening.add_rule(process, moderator, {"words": ["quatsch"]}, RuleEffect.point_out)
    # Where the process is: for an hour or two each evening that is tomorrow by the server's clock.
    today = clock.local_date(clock.now(), process.zone)
    turn = duty.add(process, lead, moderator.id, lead.id, today, today)

    meeting = _meeting(process, groups[Function.working].id)
    material = materials.add_link(meeting, "https://example.org/papier", lead, title="Papier")
    reminder = reminders.add(meeting, ReminderKind.reminder, -120, [RegistrationState.coming], lead)
    minutes = factories.flushed(Minutes(meeting_id=meeting.id))
    factories.flushed(
        MinuteLine(minutes_id=minutes.id, position=1, kind=LineKind.result, text=NEEDLES["minutes"], element_id=goal.id)
    )
    invitations.invite(meeting, rows=[Row(number=1, address=NEEDLES["address"], name="Gast")], by=lead)
    invitation = db.session.query(Invitation).filter_by(meeting_id=meeting.id).one()
    invitation.message = NEEDLES["answer"]
    campaign = campaigns.draft(meeting, lead, "Einladung")
    campaigns.add_list(campaign, [Row(number=1, address=NEEDLES["address"], name="Gast")], "", lead)
    long_list = long_lists.send_in(campaign, b"name;email\nGast;" + NEEDLES["address"].encode(), "Liste", lead)
    long_list.state = ListState.read
    issue = issues.draft(process, lead)
    issue.subject, issue.note = "Neues", NEEDLES["newsletter"]
    recipient = db.session.query(CampaignRecipient).filter_by(campaign_id=campaign.id).first()
    registration = factories.flushed(
        Registration(
            meeting_id=meeting.id, person_id=cast["author"].id, state=RegistrationState.asked, organisation_name="",
            named=False, code="REGISTER", origin=Origin.registration, needs=Needs(note=NEEDLES["answer"]).dump(),
        )
    )  # fmt: skip
    organisation = factories.make_organisation("Verein Beispiel")
    speaker = factories.flushed(Representation(person_id=author.id, organisation_id=organisation.id))
    network = factories.make_organisation("Netz Beispiel", kind="network")
    factories.flushed(NetworkMember(network_id=network.id, organisation_id=organisation.id))
    works_at = factories.flushed(
        Affiliation(person_id=cast["citizen"].id, organisation_id=organisation.id, source="staff")
    )
    seats = factories.make_group(process, Function.working)
    seat = factories.flushed(Membership(group_id=seats.id, organisation_id=organisation.id, starts_at=clock.now()))
    holder = factories.flushed(SeatHolder(membership_id=seat.id, person_id=cast["member"].id, starts_at=clock.now()))
    seal()
    digest = digests.compile(process, head(), clock.now())
    assert digest is not None
    preview = tokens.issue(LinkPurpose.preview, None, subject_id=process.id, expires_at=clock.now() + timedelta(days=7))
    contact = factories.flushed(ContactMessage(topic="barrier", body=NEEDLES["internal"], email=NEEDLES["address"]))
    message = db.session.query(OutboxMessage).filter_by(process_id=process.id).first()
    stage_id = factories.make_stage(process).id
    db.session.commit()
    return World(
        process, draft, archive, elsewhere, cast,
        {
            "slug": process.slug, "key": goal.key, "number": public.number, "meeting_id": meeting.id,
            "person_id": cast["citizen"].id, "organisation_id": organisation.id, "representation_id": speaker.id,
            "group_id": seats.id, "membership_id": seat.id, "holder_id": holder.id, "stage_id": stage_id,
            "digest_id": digest.id, "reason_id": reason.id, "token_id": preview.id, "message_id": message.id,
            "photo_id": _wall_photo(meeting, moderator), "card_number": _card(process, meeting, moderator),
            "contact_id": contact.id, "invitation_id": invitation.id, "registration_id": registration.id,
            "draft_id": written.id, "sign_in_id": 999_999,
            "slip": "a" * 24, "campaign_id": campaign.id, "recipient_id": recipient.id, "suffix": "xlsx",
            "list_id": long_list.id, "other_id": cast["author"].id,
            "issue_id": issue.id,
            "material_id": material.id, "reminder_id": reminder.id, "preset": "day_before",
            "link": f"1.{'A' * 24}", "name": "nothing.eml", "lang": "de", "filename": "css/consult.css", "kind": "goal",
            "act": act.id, "pending": pending.number, "hidden": hidden.number, "day": today.isoformat(),
            "sheet_id": sheet.id, "sheet_done": sheet_done.id, "translation_id": translation_id,
            "network_id": network.id, "member_id": organisation.id, "affiliation_id": works_at.id,
            "guest_id": invitation.person_id, "appeal_id": appeal_id,
            "rule_id": rule.id, "duty_id": turn.id, "author_id": author.id, "process_id": process.id,
        },
    )  # fmt: skip
