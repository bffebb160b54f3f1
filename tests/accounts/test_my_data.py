"""Taking one's data along, and being forgotten."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, or_, select

from consult import clock, personal
from consult.accounts.models import Account, Person, RecoveryCode, SignIn
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.contributions import operations as contributions
from consult.contributions import trust
from consult.contributions.models import ContributionText, State, TrustLevel
from consult.db import Base
from consult.errors import Refused
from consult.groups.models import Membership
from consult.meetings import materials, registrations, survey
from consult.meetings.models import CheckIn, FieldAnswer, MeetingField, Registration, RegistrationState, SurveyReply
from consult.moderation import operations as deciding
from consult.moderation.models import Report
from consult.outbox.models import OutboxMessage
from consult.processes.models import Function, Moderation
from tests.accounts.factories import make_member
from tests.contributions.factories import make_town
from tests.factories import PASSWORD, flushed, make_group
from tests.meetings.factories import make_meeting

DELETE = "/account/delete"


def mentions(session, needle):
    """Every table and column of text that holds these characters."""
    found = []
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.type.python_type in (str, dict, list):
                rows = session.execute(select(column)).scalars()
                if any(needle in json.dumps(value, ensure_ascii=False, default=str) for value in rows if value):
                    found.append(f"{table.name}.{column.name}")
    return found


def register_for(meeting, person, needs="Gebärdensprache"):
    return flushed(
        Registration(meeting_id=meeting.id, person_id=person.id, state=RegistrationState.coming, needs=needs)
    )


def test_the_file_holds_every_row_that_names_the_person(session, browser_of):
    town = make_town()
    person = town.citizen
    written = town.write("Mein Wort")
    contributions.react(town.write("Anderes", actor=town.neighbour), person)
    register_for(make_meeting(town.process), person)
    session.flush()
    answer = browser_of(person).get("/account/data/download").response
    data = json.loads(answer.data)["data"]
    assert data["person"][0]["email"] == person.email
    assert data["contribution"][0]["number"] == written.number
    assert data["contribution_text"][0]["body"] == "Mein Wort"
    assert data["registration"][0]["needs"] == "Gebärdensprache"
    assert data["reaction"][0]["kind"] == "agree"
    for table, links in personal._links():
        mine = or_(*(link == person.id for link in links))
        if session.scalar(select(func.count()).select_from(table).where(mine)):
            assert table.name in data
    assert not personal.SECRETS & {key for rows in data.values() for row in rows for key in row}
    assert answer.headers["Cache-Control"] == "no-store"
    assert "attachment" in answer.headers["Content-Disposition"]


def test_the_file_holds_nothing_of_others(session, browser_of):
    town = make_town()
    town.write("Geheimnis der Nachbarin", actor=town.neighbour)
    town.neighbour.name = "Nachbarin-Name"
    session.flush()
    body = browser_of(town.citizen).get("/account/data/download").response.get_data(as_text=True)
    assert "Nachbarin" not in body


def test_who_decides_about_others_takes_along_that_they_did_and_not_what_others_wrote(session):
    town = make_town()
    written = town.write("Unter Beobachtung")
    report = flushed(
        Report(
            process_id=town.process.id, contribution_id=written.id, reporter_id=town.neighbour.id,
            note="Das hat mich gekränkt", closed_by_id=town.moderator.id, closed_at=clock.now(), outcome="kept",
        )
    )  # fmt: skip
    [mine] = personal.everything_about(town.moderator)["report"]
    assert mine["closed_by_id"] == town.moderator.id
    assert {"closed_at", "id"} <= set(mine)
    assert not {"note", "reporter_id", "outcome"} & set(mine)
    [theirs] = personal.everything_about(town.neighbour)["report"]
    assert theirs["note"] == report.note


def test_the_name_and_the_address_are_nowhere_afterwards(session):
    town = make_town()
    person = town.citizen
    person.name, person.email = "Xaveria Zwölfmalklug", "xaveria@zwoelfmalklug.example"
    written = town.write("Bleibt stehen")
    written.author_name = "Xaveria Zwölfmalklug"
    soon = clock.now() + timedelta(days=3)
    register_for(make_meeting(town.process, starts_at=soon, ends_at=soon + timedelta(hours=2)), person)
    group = make_group(town.process, Function.working, person)
    row = flushed(
        OutboxMessage(
            kind="x", subject_id=1, recipient_id=person.id, state="sent", sent_text="Liebe Xaveria Zwölfmalklug"
        )
    )
    personal.erase(person, person)
    session.flush()
    session.expire_all()
    assert mentions(session, "Zwölfmalklug") == []
    assert mentions(session, "zwoelfmalklug") == []
    body = select(ContributionText.body).where(ContributionText.contribution_id == written.id)
    assert session.scalars(body).one() == "Bleibt stehen"
    assert written.author_id == person.id
    assert session.get(Account, person.id) is None
    registration = session.scalars(select(Registration).where(Registration.person_id == person.id)).one()
    assert (registration.state, registration.needs) == (RegistrationState.declined, None)
    membership = session.scalars(
        select(Membership).where(Membership.group_id == group.id, Membership.person_id == person.id)
    ).one()
    assert membership.ends_at <= clock.now()
    assert row.sent_text is None
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == Action.account_erased)).one()


def test_the_page_asks_for_password_and_a_tick_and_signs_out(session, browser, browser_of):
    person = make_member(name="Ahorn")
    visitor = browser_of(person)
    visitor.submit(DELETE, {"password": "falsch-falsch", "sure": "y"}, form_at=DELETE, status=200)
    visitor.submit(DELETE, {"password": PASSWORD, "sure": None}, form_at=DELETE, status=200)
    assert session.get_one(Person, person.id, populate_existing=True).erased_at is None
    assert visitor.submit(DELETE, {"password": PASSWORD, "sure": "y"}, form_at=DELETE).location == "/"
    assert session.get_one(Person, person.id, populate_existing=True).erased_at is not None
    assert session.scalar(select(func.count()).where(SignIn.person_id == person.id)) == 0
    assert visitor.get("/account", status=303).location.startswith("/sign-in")


def test_people_without_a_password_are_not_asked_for_one(session, browser_of):
    person = make_member(password=None)
    visitor = browser_of(person)
    assert "password" not in visitor.get(DELETE).form_fields(DELETE)
    visitor.submit(DELETE, {"sure": "y"}, form_at=DELETE)
    assert session.get_one(Person, person.id, populate_existing=True).erased_at is not None


def test_the_address_can_register_again_as_somebody_new(session):
    person = make_member()
    address = person.email
    personal.erase(person, person)
    session.flush()
    again = make_member(email=address)
    assert again.id != person.id


def test_the_last_operator_and_the_only_lead_must_name_another_first(session):
    operator = make_member(operator=True)
    with pytest.raises(Refused):
        personal.erase(operator, operator)
    town = make_town()
    with pytest.raises(Refused):
        personal.erase(town.lead, town.lead)
    make_group(town.process, Function.lead, make_member())
    personal.erase(town.lead, town.lead)
    assert town.lead.erased_at is not None


def test_what_moderators_noted_about_somebody_goes_with_them(session):
    town = make_town()
    town.write()
    trust.decide(town.process, town.citizen.id, TrustLevel.watched, "Nadelwort-4711", town.moderator)
    personal.erase(town.citizen, town.citizen)
    assert mentions(session, "Nadelwort-4711") == []


def test_erasing_twice_changes_nothing(session):
    person = make_member()
    moment = clock.now() - timedelta(days=1)
    personal.erase(person, person, moment)
    personal.erase(person, person)
    assert person.erased_at == moment


def test_what_waits_for_moderation_stays_in_the_queue_and_nobody_is_told(session, browser_of):
    town = make_town(moderation=Moderation.pre)
    waiting = town.write("Wartet noch")
    assert waiting.state == State.pending
    personal.erase(town.citizen, town.citizen)
    deciding.approve(waiting, town.moderator)
    session.flush()
    assert waiting.state == State.published
    messages = session.scalars(select(OutboxMessage).where(OutboxMessage.recipient_id == town.citizen.id)).all()
    assert [m.state for m in messages if m.state != "dropped"] in ([], ["queued"])
    page = browser_of(town.neighbour).get(town.number_path(waiting))
    assert "Wartet noch" in page.text


def test_operators_forget_somebody_who_asks_by_letter(session, browser_of):
    operator, person = make_member(operator=True), make_member(name="Brief")
    visitor = browser_of(operator)
    visitor.submit(f"/people/{person.id}/erase", form_at=f"/people/{person.id}")
    assert session.get_one(Person, person.id, populate_existing=True).name == ""
    fields = visitor.get("/account/profile").form_fields("/account/profile")
    visitor.post(f"/people/{operator.id}/erase", fields, status=404)


def test_deleting_twice_at_once_is_one(session, browser_of):
    person = make_member(password=None)
    visitor = browser_of(person)
    fields = {**visitor.get(DELETE).form_fields(DELETE), "sure": "y"}
    visitor.post(DELETE, fields)
    visitor.post(DELETE, fields)
    assert session.scalar(select(func.count()).where(RecoveryCode.person_id == person.id)) == 0


def test_the_pages_need_few_queries(session, browser_of, count_queries):
    town = make_town()
    for n in range(30):
        town.write(f"Nummer {n}")
    visitor = browser_of(town.citizen)
    # One question per table that names people, and a few for the page itself.
    tables = sum(1 for _table in personal._links())
    for address, most in (("/account/data", 8), (DELETE, 8), ("/account/data/download", tables + 8)):
        with count_queries() as sent:
            visitor.get(address)
        assert len(sent) <= most, (address, len(sent))


def asked_at(town, person):
    """Somebody was at a meeting, answered a question of the organisers and began its survey."""
    meeting = make_meeting(town.process)
    survey.set_questions(meeting, survey.preset(), True, town.lead)
    registration = register_for(meeting, person)
    registration.state = RegistrationState.attended
    field = flushed(MeetingField(meeting_id=meeting.id, position=0, kind="line", label="Was essen Sie?"))
    flushed(FieldAnswer(registration_id=registration.id, field_id=field.id, value="Vegan"))
    flushed(
        CheckIn(
            meeting_id=meeting.id, registration_id=registration.id, client_key="schluessel", at=meeting.starts_at,
            actor_id=town.moderator.id,
        )
    )  # fmt: skip
    sheet = survey.opened(survey.link_for(registration))
    survey.save(sheet, {sheet.questions[2].id: "Mehr Zeit"}, send=False, now=meeting.ends_at)
    return registration


def test_what_somebody_answered_around_a_meeting_is_theirs_to_take_along(session):
    town = make_town()
    asked_at(town, town.citizen)
    data = personal.everything_about(town.citizen)
    assert data["field_answer"][0]["value"] == "Vegan"
    assert data["check_in"][0]["at"]
    assert "actor_id" not in data["check_in"][0]
    assert "field_answer" not in personal.everything_about(town.neighbour)


def test_personal_links_are_dead_and_what_was_begun_is_gone_afterwards(session):
    town = make_town()
    registration = asked_at(town, town.citizen)
    links = [registrations.link_to(registration), survey.link_for(registration), materials.link_for(registration)]
    held = flushed(OutboxMessage(kind="x", subject_id=1, recipient_id=town.citizen.id, state="paused"))
    assert survey.opened(links[1])
    assert materials.meeting_behind(links[2])
    personal.erase(town.citizen, town.citizen)
    session.flush()
    session.expire_all()
    assert survey.opened(links[1]) is None
    assert materials.meeting_behind(links[2]) is None
    assert registrations.link_to(registration) not in links
    assert session.scalars(select(SurveyReply)).all() == []
    assert held.state == "dropped"
