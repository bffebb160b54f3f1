"""What stands in the town: the small town of the promises, and states that only a browser comes to see."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyotp
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from consult import clock, signing
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.concept import operations as concept_operations
from consult.concept.models import (
    Concept,
    ConceptKind,
    Draft,
    DraftState,
    Element,
    ElementHeir,
    ElementKind,
    Placement,
    ProcessConcept,
    Version,
    VersionAudience,
)
from consult.concept.operations import Part, Text
from consult.concept.queries import element_or_404
from consult.contributions import guests
from consult.contributions import operations as contributions
from consult.contributions.models import Contribution, Kind, ModerationReason, Stance, State
from consult.digests.models import Digest
from consult.extensions import db
from consult.invitations import answering
from consult.invitations import operations as invitations
from consult.invitations.lists import Row
from consult.invitations.models import Campaign, Invitation
from consult.invitations.queries import PURPOSE
from consult.meetings.models import Meeting, MeetingKind, MeetingState, Minutes, MinutesState
from consult.moderation import erasing
from consult.moderation import operations as deciding
from consult.newsletters import subscribing
from consult.processes.models import Activity, Function, Moderation, Process
from tests import factories
from tests.browser.events import asked
from tests.browser.registering import registered
from tests.browser.town import DEMO, Town
from tests.meetings.factories import make_meeting
from tests.promises.world import World, build

#: Who is who of the demonstration's cast.
CAST = {
    "demo_lead": "leitung@demo.invalid",
    "demo_moderator": "moderation@demo.invalid",
    "demo_steering": "steuerung@demo.invalid",
    "demo_citizen": "buergerin@demo.invalid",
    "demo_operator": "betrieb@demo.invalid",
}


@dataclass(frozen=True)
class Scene:
    """Ids and links by name, and who is who; plain values, so that no session is needed to read them."""

    #: Arguments of addresses of the process "offen".
    offen: dict[str, Any]
    #: The same of the demonstration.
    demo: dict[str, Any]
    #: The same of a process in which nothing has happened yet.
    empty: dict[str, Any]
    #: Personal links.
    links: dict[str, str]
    #: Role -> id of the person.
    cast: dict[str, int]
    totp: str


def _link(purpose: LinkPurpose, person: Person, **more: Any) -> str:
    return tokens.link_of(tokens.issue(purpose, person.id, **more))


def _unclaimed(world: World) -> int:
    """Id of what somebody wrote without an account, with an address nobody has proven yet."""
    return guests.submit(world.process, text="Wem das gehört?", stance=Stance.question, code="0000-0000-0000-0001").id


def _newsletters(world: World) -> dict[str, str]:
    """Links of somebody who asked for the newsletter, gets it, and has stopped it."""
    asked, reader, former = (factories.make_person("", account=False) for _n in range(3))
    subscribing.ask(world.process, asked.email or "", "de")
    token = db.session.scalars(select(LinkToken).where(LinkToken.person_id == asked.id)).one()
    for person in (reader, former):
        subscribing.subscribe(world.process, person, "de")
    rows = {person: subscribing.of_person(world.process, person.id) for person in (reader, former)}
    subscribing.end(rows[former])
    return {
        "newsletter_asked": tokens.link_of(token),
        "newsletter_reader": subscribing.stop_link(rows[reader]),
        "newsletter_former": subscribing.stop_link(rows[former]),
    }


def _links(world: World) -> dict[str, str]:
    begun, guest = factories.make_person("Neu"), factories.make_person("Geladen")
    begun.account.confirmed_at = guest.account.confirmed_at = None
    citizen = world.cast["citizen"]
    preview = tokens.issue(
        LinkPurpose.preview, None, subject_id=world.draft.id, expires_at=clock.now() + timedelta(days=7)
    )
    return {
        "confirm": _link(LinkPurpose.confirm, begun),
        "sign_in": _link(LinkPurpose.sign_in, citizen),
        "reset": _link(LinkPurpose.reset, citizen),
        "change_email": _link(LinkPurpose.change_email, citizen, new_email="anders@example.org"),
        "staff": _link(LinkPurpose.staff_invitation, guest, created_by_id=world.cast["operator"].id),
        "preview": tokens.link_of(preview),
        "claim": _link(LinkPurpose.claim, factories.make_person("", account=False), subject_id=_unclaimed(world)),
        "stop": _link(LinkPurpose.stop_mail, citizen, subject_id=1, expires_at=clock.now() + timedelta(days=7)),
        **_newsletters(world),
        "stopped": _link(LinkPurpose.stop_mail, citizen, subject_id=2, expires_at=clock.now() + timedelta(days=7)),
    }


def invitation_link(invitation: Invitation) -> str:
    """What stands in the mail to this guest."""
    return signing.sign(PURPOSE, invitation.id, invitation.nonce)


def _proposed(world: World, words: str) -> Contribution:
    """Other words for the goal, waiting for a moderator."""
    goal = element_or_404(world.process.id, world.arguments["key"])
    return contributions.submit(
        world.process, actor=world.cast["author"], text="Das sagt mehr.", stance=Stance.change, element_id=goal.id,
        kind=Kind.wording_proposal, proposed=words,
    )  # fmt: skip


def _invited(world: World) -> dict[str, str]:
    """A personal link for each state of a meeting and of an answer."""
    links = {}
    for state in ("open", "accepted", "declined", "over", "cancelled"):
        starts = clock.now() + timedelta(days=20)
        meeting = make_meeting(
            world.process, kind=MeetingKind.kickoff, title="Auftakt", starts_at=starts,
            ends_at=starts + timedelta(hours=3), wall_start=starts.strftime("%Y-%m-%dT%H:%M:%S"),
        )  # fmt: skip
        invitations.invite(meeting, rows=[Row(1, "Gast", f"gast-{state}@example.org")], by=world.cast["lead"])
        invitation = db.session.scalars(
            select(Invitation).where(Invitation.meeting_id == meeting.id).options(joinedload(Invitation.person))
        ).one()
        if state in ("accepted", "declined"):
            answering.answer(invitation, meeting, answering.Answer(coming=state == "accepted"))
        if state == "over":
            meeting.starts_at -= timedelta(days=30)
            meeting.ends_at -= timedelta(days=30)
        if state == "cancelled":
            meeting.state = MeetingState.cancelled
        links[f"guest_{state}"] = invitation_link(invitation)
        links[f"meeting_{state}"] = str(meeting.id)
    return links


def _taken_out(world: World) -> str:
    """The key of a part that editors took out of the working text again."""
    concept = db.session.scalars(
        select(Concept)
        .join(ProcessConcept, ProcessConcept.concept_id == Concept.id)
        .where(ProcessConcept.process_id == world.process.id, Concept.kind == ConceptKind.concept)
    ).one()
    by: dict[str, Any] = {"actor": world.cast["lead"], "process": world.process}
    element = concept_operations.add(
        concept, ElementKind.theme, Part("th-weg", Text("Ein Thema, das doch keines ist"), "9"), parent=None,
        reason="Vorschlag aus dem Kreis", **by,
    ).element  # fmt: skip
    concept_operations.retire(element, reason="Steht schon unter einem anderen Thema.", **by)
    return element.key


def _empty(lead: Person) -> dict[str, Any]:
    """A process that was made a minute ago, led by this person."""
    process = factories.make_process(slug="leer", code="LE", title="Leeres Verfahren")
    group = factories.make_group(process, Function.lead, lead)
    factories.make_stage(process, Activity.comment, moderation=Moderation.pre, title="Rückmeldungen")
    return {"slug": process.slug, "group_id": group.id}


def _second_factors(world: World) -> tuple[dict[str, int], str]:
    """Somebody who has one, and somebody who is setting it up."""
    secret = pyotp.random_base32()
    has, begins = factories.make_person("Zwei Stufen"), factories.make_person("Richtet ein")
    has.account.totp_secret, has.account.totp_confirmed_at = secret, clock.now()
    begins.account.totp_secret = pyotp.random_base32()
    return {"second_factor": has.id, "setting_up": begins.id}, secret


def read_demo() -> dict[str, Any]:
    """What the demonstration has at its richest."""
    process = db.session.scalars(select(Process).where(Process.slug == DEMO)).one()
    busiest = db.session.scalars(
        select(Element)
        .join(Contribution, Contribution.element_id == Element.id)
        .where(
            Element.kind == ElementKind.goal,
            Contribution.process_id == process.id,
            Contribution.state == State.published,
            Element.id.not_in(select(ElementHeir.element_id).where(ElementHeir.heir_id != ElementHeir.element_id)),
        )
        .group_by(Element.id)
        .order_by(func.count().desc(), Element.id)
        .limit(1)
    ).one()
    reply = db.session.scalars(
        select(Contribution).where(
            Contribution.process_id == process.id, Contribution.depth > 0, Contribution.state == State.published
        )
    ).first()
    waiting = db.session.scalars(
        select(Contribution.number).where(Contribution.process_id == process.id, Contribution.state == State.pending)
    ).all()
    invited = db.session.scalars(
        select(Invitation.meeting_id).group_by(Invitation.meeting_id).order_by(func.count().desc()).limit(1)
    ).one()
    minutes = dict(
        db.session.execute(
            select(Minutes.state, Minutes.meeting_id).join(Meeting).where(Meeting.process_id == process.id)
        ).all()
    )
    versions = dict(
        db.session.execute(
            select(Concept.kind, func.max(Version.number))
            .join(Version, Version.concept_id == Concept.id)
            .join(ProcessConcept, ProcessConcept.concept_id == Concept.id)
            .where(ProcessConcept.process_id == process.id, Version.audience == VersionAudience.public)
            .group_by(Concept.kind)
        ).all()
    )
    digest = db.session.scalars(select(Digest.id).where(Digest.process_id == process.id).order_by(Digest.id.desc()))
    theme, sealed_at = db.session.execute(
        select(Element.key, Version.sealed_at)
        .join(Placement, Placement.element_id == Element.id)
        .join(Version, Version.id == Placement.version_id)
        .join(ProcessConcept, ProcessConcept.concept_id == Version.concept_id)
        .where(
            ProcessConcept.process_id == process.id,
            Version.audience == VersionAudience.public,
            Element.kind == ElementKind.theme,
        )
        .order_by(Version.number.desc(), Placement.position)
        .limit(1)
    ).one()
    ahead = db.session.scalars(
        select(Meeting.id).where(Meeting.process_id == process.id, Meeting.starts_at > clock.now())
    ).first()
    drafts = {draft.state: draft for draft in db.session.scalars(select(Draft).where(Draft.process_id == process.id))}
    return {
        "slug": DEMO,
        **{f"draft_{state}": draft.id for state, draft in drafts.items()},
        "draft_id": drafts[DraftState.submitted].id,
        "group_id": drafts[DraftState.submitted].group_id,
        "key": busiest.key,
        "number": reply.number,
        "waiting": list(waiting),
        "invited": invited,
        "meeting_id": minutes[MinutesState.approved],
        "campaign_id": db.session.scalars(
            select(Campaign.id).where(Campaign.process_id == process.id, Campaign.meeting_id == invited)
        ).first(),
        "circulated": minutes[MinutesState.circulated],
        "ahead": ahead,
        "digest_id": digest.first(),
        "version": versions[ConceptKind.concept],
        "charter_version": versions[ConceptKind.charter],
        "theme": theme,
        # As clocks at the place say, not where the tests run.
        "day": clock.local_date(sealed_at, process.zone).isoformat(),
    }


def make_scene(town: Town) -> Scene:
    """Put everything there, committed."""
    with town.inside():
        demo = read_demo()
        world = build()
        cast = {role: person.id for role, person in world.cast.items()}
        links = {**_links(world), **_invited(world), **registered(world), **asked(world)}
        empty = _empty(world.cast["lead"])
        more, totp = _second_factors(world)
        editable = contributions.submit(world.process, actor=world.cast["author"], text="Wartet noch.", stance=None)
        refused = contributions.submit(world.process, actor=world.cast["author"], text="Zu laut.", stance=None)
        reason = db.session.get_one(ModerationReason, world.arguments["reason_id"])
        deciding.hide(refused, world.cast["moderator"], reason)
        erasing.request(refused, world.cast["moderator"], reason, "Bitte ohne Namen.")
        proposals = [_proposed(world, words) for words in ("Begegnung wird immer gefördert.", "Begegnung.")]
        deciding.approve(proposals[1], world.cast["moderator"])
        arguments = {
            **world.arguments,
            "waiting": editable.number,
            "refused": refused.number,
            "proposal": proposals[0].number,
            "proposal_public": proposals[1].number,
            "taken_out": _taken_out(world),
        }
        closed = factories.make_process(slug="zu", code="ZU", title="Geschlossenes Verfahren")
        factories.make_stage(closed, title="Nur lesen")
        # Nobody leads it.
        arguments["process_id"] = closed.id
        world.cast["suspended"].account.suspended_at = clock.now()
        db.session.flush()
    cast |= more | {role: town.person(email) for role, email in CAST.items()}
    return Scene(arguments, demo, empty, links, cast, totp)
