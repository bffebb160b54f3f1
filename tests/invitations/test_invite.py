"""Inviting: the dry run shows and loses nothing, the button invites each person once, many at once as well."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from consult.accounts.models import Person
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.groups.models import SeatHolder
from consult.invitations import operations, queries
from consult.invitations.lists import parse_text
from consult.invitations.models import Campaign, Invitation
from consult.jobs import Job
from consult.meetings.models import Meeting
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.factories import flushed, make_group, make_member, make_organisation, make_person
from tests.invitations.factories import invitation_of, invite
from tests.meetings.factories import AFTER, BEFORE, make_circle, refused


@pytest.fixture(autouse=True)
def _two_weeks_before(at: Callable[[datetime], Any], request: pytest.FixtureRequest) -> None:
    if "own_app" not in request.fixturenames:
        at(BEFORE)


def number_of(table: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_each_person_on_the_list_gets_an_invitation_and_a_mail_after_the_commit(
    session: Any, poked: list[tuple[Job, tuple[int, ...]]]
) -> None:
    circle = make_circle()
    organisation = make_organisation("Frauentreff")
    done = invite(circle, note="Bitte kommen Sie!")
    assert (done.invited, done.already) == (2, 0)
    amira = invitation_of("amira@example.org")
    assert (amira.organisation_id, amira.state, amira.by_letter) == (organisation.id, "open", False)
    assert session.get(Person, amira.person_id).name == "Amira Beispiel"
    assert poked == []
    session.commit()
    assert [job for job, _ids in poked] == [Job.deliver_due]
    messages = session.scalars(select(OutboxMessage)).all()
    assert {(m.kind, m.subject_id, m.recipient_id) for m in messages} == {
        ("invitation", i.id, i.person_id) for i in session.scalars(select(Invitation))
    }


def test_pressing_twice_makes_nothing_new_and_no_empty_campaign(session: Any) -> None:
    circle = make_circle()
    invite(circle)
    again = invite(circle)
    assert (again.invited, again.already, again.campaign_id) == (0, 2, None)
    assert (number_of(Invitation), number_of(OutboxMessage), number_of(Campaign)) == (2, 2, 1)


def test_one_audit_entry_says_how_many_and_names_nobody(session: Any) -> None:
    circle = make_circle()
    invite(circle)
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "invitations.campaign.sent")).all()
    assert [(entry.facts, entry.actor_id) for entry in entries] == [({"invited": 2}, circle.moderator.id)]


def test_somebody_we_know_keeps_their_name_and_language(session: Any) -> None:
    circle = make_circle()
    known = make_person("Wahlname", email="amira@example.org", locale="en")
    invite(circle, "Amtlicher Name; AMIRA@example.org; ; tr")
    assert (known.name, known.locale) == ("Wahlname", "en")
    assert invitation_of("amira@example.org").person_id == known.id


def test_members_of_groups_come_by_membership_and_by_seat_and_without_address_by_letter(session: Any) -> None:
    circle = make_circle()
    body = make_organisation("Wohlfahrtsverband")
    group = make_group(circle.process, None)
    make_member(group, make_person("Direkt", email="direkt@example.org"))
    make_member(group, make_person("Auf Papier", email=None, account=False))
    make_member(group, make_person("Früher", email="frueher@example.org"), ends_at=BEFORE)
    seat = make_member(group, make_person("x"))
    seat.person_id, seat.organisation_id = None, body.id
    holder = make_person("Sitz", email="sitz@example.org")
    flushed(SeatHolder(membership_id=seat.id, person_id=holder.id, starts_at=seat.starts_at))
    flushed(
        SeatHolder(membership_id=seat.id, person_id=make_person("Weg").id, starts_at=seat.starts_at, ends_at=BEFORE)
    )
    done = invite(circle, "direkt@example.org", members=queries.members_of([group.id]))
    assert done.invited == 3
    rows = session.execute(
        select(Person.name, Invitation.organisation_id, Invitation.by_letter)
        .join(Invitation.person)
        .order_by(Person.name)
    ).all()
    assert rows == [("Auf Papier", None, True), ("Direkt", None, False), ("Sitz", body.id, False)]
    assert number_of(OutboxMessage) == 2


def test_nobody_is_invited_to_what_is_cancelled_or_over(session: Any, at: Callable[[datetime], Any]) -> None:
    circle = make_circle()
    at(AFTER)
    with refused("over"):
        invite(circle)
    circle.meeting.state = "cancelled"
    with refused("cancelled"):
        invite(circle)


def test_two_thousand_people_are_invited_in_a_few_statements_and_under_three_seconds(
    session: Any, count_queries: Callable[[], Any]
) -> None:
    circle = make_circle()
    text = "\n".join(f"Person {n}; person{n}@demo.example; Verein {n % 40}" for n in range(2000))
    began = time.process_time()
    with count_queries() as asked:
        done = invite(circle, text)
        session.commit()
    assert done.invited == 2000
    assert time.process_time() - began < 3
    assert len(asked) < 40


def press(application: Flask, meeting_id: int, text: str, gate: threading.Barrier, errors: list[Exception]) -> None:
    """What one request does, on a connection of its own."""
    with application.app_context():
        try:
            gate.wait(30)
            meeting = db.session.get_one(Meeting, meeting_id)
            operations.invite(meeting, rows=parse_text(text).rows, by=None, now=BEFORE)
            db.session.commit()
        except Exception as error:
            errors.append(error)
        finally:
            db.session.remove()


def test_twenty_presses_at_once_make_one_invitation_and_one_mail_per_person(own_app: Flask) -> None:
    circle = make_circle()
    db.session.commit()
    lines = [f"Gast {n}; gast{n}@example.org" for n in range(400)]
    # Half of the lists are in the opposite order: the way to a deadlock, if rows were added as they come.
    texts = ["\n".join(lines[::-1] if n % 2 else lines) for n in range(20)]
    gate, errors = threading.Barrier(20), list[Exception]()
    threads = [threading.Thread(target=press, args=(own_app, circle.meeting.id, text, gate, errors)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    db.session.rollback()
    assert (number_of(Invitation), number_of(OutboxMessage)) == (400, 400)
    assert db.session.scalar(select(func.count(Person.id)).where(Person.email.like("gast%"))) == 400
    assert number_of(Campaign) == 1


# --- the pages ----------------------------------------------------------------------------------------


MIXED = "Anna; anna@example.org; Unbekannter Verein\nkein at\nanna@example.org\n=cmd|x; b@example.org\nnoch eine"


def test_the_dry_run_counts_names_each_bad_line_and_sends_nothing(
    session: Any, browser_of: Callable[..., Browser]
) -> None:
    circle = make_circle()
    invite(circle, "b@example.org")
    session.commit()
    page = browser_of(circle.moderator).submit(circle.meeting_path("/invite"), {"text": MIXED}, status=200)
    figures = [int(dd.get_text()) for dd in page.html.select("dl.stats dd")]
    assert figures == [1, 0, 1, 1, 2]
    assert "Unbekannter Verein" in page.text
    rows = [row.get_text(" ", strip=True) for row in page.html.select("tbody tr")]
    assert [row.split()[0] for row in rows] == ["2", "5"]
    assert "kein at" in rows[0]
    assert (number_of(Invitation), number_of(OutboxMessage)) == (1, 1)


def test_nothing_of_the_list_is_lost_between_the_fields(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    page = browser_of(circle.moderator).submit(
        circle.meeting_path("/invite"), {"text": MIXED, "subject": "Kommen Sie", "note": "Bitte!"}, status=200
    )
    fields = page.form_fields(circle.meeting_path("/invite/send"))
    assert fields["text"].splitlines() == [
        "Anna; anna@example.org; Unbekannter Verein", "anna@example.org", "=cmd|x; b@example.org",
    ]  # fmt: skip
    assert fields["fix"].splitlines() == ["kein at", "noch eine"]
    assert (fields["subject"], fields["note"]) == ("Kommen Sie", "Bitte!")


def test_bad_lines_are_put_right_in_place_and_checked_again(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    address = circle.meeting_path("/invite")
    fields = visitor.submit(address, {"text": MIXED}, status=200).form_fields(address + "/send")
    fields["fix"] = "kein@at.example\nnoch eine"
    again = visitor.post(address, fields, status=200).form_fields(address + "/send")
    assert again["fix"] == "noch eine"
    assert "kein@at.example" in again["text"]


def test_bad_lines_are_left_out_only_when_somebody_says_so(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    address = circle.meeting_path("/invite")
    fields = visitor.submit(address, {"text": MIXED}, status=200).form_fields(address + "/send")
    refused = visitor.post(address + "/send", fields, status=422)
    assert number_of(Invitation) == 0
    fields = refused.form_fields(address + "/send")
    assert fields["fix"].splitlines() == ["kein at", "noch eine"]
    visitor.post(address + "/send", {**fields, "leave_out": "y"})
    assert number_of(Invitation) == 2


def test_a_list_that_was_not_looked_at_is_shown_first(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    address = circle.meeting_path("/invite")
    fields = visitor.submit(address, {"text": "a@example.org"}, status=200).form_fields(address + "/send")
    shown = visitor.post(address + "/send", {**fields, "text": "a@example.org\nz@example.org"}, status=422)
    assert number_of(Invitation) == 0
    visitor.post(address + "/send", shown.form_fields(address + "/send"))
    assert number_of(Invitation) == 2


def test_a_csv_file_becomes_lines_of_the_same_list(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    address = circle.meeting_path("/invite")
    fields: dict[str, Any] = {**visitor.get(address).form_fields(address), "text": "a@example.org"}
    fields["file"] = (BytesIO("Name;E-Mail\nJürgen;j@example.org\nOhne;\n".encode("cp1252")), "liste.csv")
    page = visitor.post(address, fields, status=200, content_type="multipart/form-data")
    shown = page.form_fields(address + "/send")
    assert shown["text"].splitlines() == ["a@example.org", "Jürgen; j@example.org"]
    assert shown["fix"] == "Ohne;"


def test_the_same_form_sent_twice_has_one_effect(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    address = circle.meeting_path("/invite")
    fields = visitor.submit(address, {"text": "a@example.org"}, status=200).form_fields(address + "/send")
    answers = [visitor.post(address + "/send", fields).location for _ in range(3)]
    assert len(set(answers)) == 1
    assert (number_of(Invitation), number_of(Campaign)) == (1, 1)


def test_an_empty_list_is_sent_back(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    page = browser_of(circle.moderator).submit(circle.meeting_path("/invite"), {"text": " "}, status=422)
    assert page.html.select(".error-summary a")


def test_a_group_can_be_chosen_alone_and_foreign_groups_cannot(
    session: Any, browser_of: Callable[..., Browser]
) -> None:
    circle, other = make_circle(), make_circle()
    visitor = browser_of(circle.moderator)
    address = circle.meeting_path("/invite")
    page = visitor.submit(address, {"groups": str(circle.group.id)}, status=200)
    visitor.post(address + "/send", page.form_fields(address + "/send"))
    assert session.scalars(select(Invitation.person_id)).all() == [circle.member.id]
    visitor.submit(address, {"groups": str(other.group.id)}, status=422)


def test_the_button_on_the_page_of_a_session_invites_its_group(
    session: Any, browser_of: Callable[..., Browser]
) -> None:
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    button = visitor.get(circle.meeting_path()).html.find("a", class_="primary")
    assert button is not None
    assert str(button["href"]).startswith(circle.meeting_path("/circle"))


def test_more_people_than_one_may_write_to_alone_become_a_draft(
    session: Any, browser_of: Callable[..., Browser]
) -> None:
    circle = make_circle()
    circle.process.confirm_above = 1
    visitor = browser_of(circle.moderator)
    address = circle.meeting_path("/invite")
    page = visitor.submit(address, {"text": "a@example.org\nb@example.org", "note": "Bis bald"}, status=200)
    done = visitor.post(address + "/send", page.form_fields(address + "/send"))
    assert "/campaigns/" in done.location
    assert number_of(OutboxMessage) == 0
    campaign = session.scalars(select(Campaign)).one()
    assert (campaign.state, campaign.note) == ("draft", "Bis bald")


def test_a_stale_token_loses_nothing(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle = make_circle()
    visitor = browser_of(circle.moderator)
    address = circle.meeting_path("/invite")
    fields = {**visitor.get(address).form_fields(address), "text": "a@example.org", "csrf_token": "alt"}
    assert visitor.post(address, fields, status=422).form_fields(address)["text"] == "a@example.org"
    assert visitor.post(address + "/send", fields, status=422).form_fields(address)["text"] == "a@example.org"


@pytest.mark.parametrize("who", ["citizen", "member", "stranger"])
@pytest.mark.parametrize("rest", ["/invite", "/invitations", "/invitations.csv"])
def test_nobody_else_invites_or_sees_who_was_invited(
    session: Any, browser_of: Callable[..., Browser], who: str, rest: str
) -> None:
    circle = make_circle()
    browser_of(getattr(circle, who)).get(circle.meeting_path(rest), 403)


def test_guests_are_sent_to_the_sign_in_page(session: Any, browser: Browser) -> None:
    circle = make_circle()
    assert "/sign-in" in browser.get(circle.meeting_path("/invitations"), 303).location
