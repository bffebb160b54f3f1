"""People who register: a personal link for each state of a registration, and the meeting they come to."""

from datetime import timedelta

from sqlalchemy import select

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkToken, OrganisationKind
from consult.extensions import db
from consult.meetings import approving, fields, quotas, registering, registrations, unconfirmed
from consult.meetings.fields import Question
from consult.meetings.models import FieldKind, MeetingKind, Origin, RegistrationMode, RegistrationState
from consult.meetings.quotas import Share
from consult.meetings.registering import Given
from consult.meetings.words import Needs
from tests import factories
from tests.meetings.factories import make_meeting
from tests.promises.world import World


def registered(world: World) -> dict[str, str]:
    """By state; `register` proves an address, `meeting_public` is the id of the meeting."""
    starts, lead = clock.now() + timedelta(days=20), world.cast["lead"]
    meeting = make_meeting(
        world.process, kind=MeetingKind.public_dialogue, title="Offener Abend", starts_at=starts, capacity=3,
        ends_at=starts + timedelta(hours=3), wall_start=starts.strftime("%Y-%m-%dT%H:%M:%S"),
        registration=RegistrationMode.everybody, photo_notice="Das Presseamt fotografiert.",
    )  # fmt: skip
    asked = [
        Question(FieldKind.yes_no, "Kommen Sie mit dem Bus?"),
        Question(FieldKind.line, "Ab welcher Haltestelle?", depends_on=0),
        Question(FieldKind.choices, "Welche Tische?", choices="Wohnen\nArbeit"),
    ]
    fields.set_fields(meeting, asked, lead)
    quotas.set_quotas(meeting, [Share(OrganisationKind.migrant_organisation, 1, 2)], lead)
    bus = fields.fields_of(meeting.id)[0].id
    people = [factories.make_person() for _n in range(6)]
    given = Given(needs=Needs(("interpreter",), "", "Arabisch"), answers={bus: "no"}, organisation_name="Nähtreff")
    rows = [registering.register(meeting, person, given, origin=Origin.registration) for person in people[:4]]
    # One of the two with a place leaves: the next one is offered it.
    registering.step_back(meeting, people[1])
    meeting.approval = True
    rows += [registering.register(meeting, person, given, origin=Origin.registration) for person in people[4:]]
    approving.refuse(meeting, rows[5], "Diesmal nur für Träger.", lead)
    guest = unconfirmed.ask(meeting, "neu-dabei@example.org", "Neu Dabei", given, "de")
    token = db.session.scalars(select(LinkToken).where(LinkToken.id == (guest.id if guest else 0))).one()
    states = [
        RegistrationState.coming, RegistrationState.declined, RegistrationState.offered, RegistrationState.waiting,
        RegistrationState.asked, RegistrationState.refused,
    ]  # fmt: skip
    assert [row.state for row in rows] == states
    links = {f"registered_{row.state}": registrations.link_to(row) for row in rows}
    return {**links, "register": tokens.link_of(token), "meeting_public": str(meeting.id)}
