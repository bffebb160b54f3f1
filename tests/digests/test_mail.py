"""The mail to the steering group: its words, whom it reaches, what it never holds."""

from datetime import timedelta
from pathlib import Path

import pytest
from flask import current_app

from consult import clock
from consult.contributions import operations as contributions
from consult.digests import emails, reading
from consult.extensions import db
from consult.html import escape_markdown
from consult.i18n import in_language
from consult.outbox import kinds
from consult.outbox.mime import plain_text
from consult.outbox.models import OutboxMessage
from consult.processes.models import Moderation, ProcessState
from tests.conftest import MONDAY
from tests.digests.factories import hide, issued, make_council, make_digest

MAILS = Path(__file__).parent / "mails"
CATALOGUE = Path(__file__).parent.parent.parent / "translations" / "de" / "LC_MESSAGES" / "messages.mo"


@pytest.fixture
def council(session, at):
    at(MONDAY)
    return make_council(title="Integrationskonzept", slug="integration", code="IK")


def message_to(digest, person):
    return db.session.scalars(
        db.select(OutboxMessage).where(
            OutboxMessage.kind == "steering_digest",
            OutboxMessage.subject_id == digest.id,
            OutboxMessage.recipient_id == person.id,
        )
    ).one()


def rendered(message, lang):
    with current_app.test_request_context(base_url="http://consult.test"), in_language(lang):
        return emails.steering_digest(message)


def lively_week(council, at):
    """One digest before, then a window with something of most kinds."""
    town = council.town
    town.write("Gibt es Kurse am Abend?", stance="question")
    issued(make_digest(council.process))
    at(MONDAY + timedelta(days=6))
    for text, stance in (("Gut so.", "support"), ("Zu teuer?", "concern"), ("Bitte kürzer.", "change")):
        town.write(text, stance=stance)
    town.write("Zu allem: weiter so!", stance="support", element_id=None, actor=town.neighbour)
    town.write("Und am Samstag?", stance="question", actor=town.neighbour)
    root = town.write("Mehr Bänke!", actor=town.neighbour)
    town.write("Ja, vor der Bücherei.", reply_to=root)
    hide(town, town.write("Muss weg."))
    contributions.withdraw(town.write("Doch nicht."), town.citizen)
    contributions.capture(
        town.process, actor=town.moderator, text="Wartet noch.", stance=None, element_id=town.goal.id,
        created_at=clock.now() - timedelta(days=3, hours=2), state=contributions.State.pending,
    )  # fmt: skip
    return issued(make_digest(council.process))


@pytest.mark.parametrize(
    "lang",
    [
        pytest.param(
            "de", marks=pytest.mark.skipif(not CATALOGUE.exists(), reason="the German catalogue is not made yet")
        ),
        "en",
    ],
)
def test_the_mail_reads_as_it_is_stored(council, at, lang):
    digest = lively_week(council, at)
    mail = rendered(message_to(digest, council.deputy), lang)
    body = plain_text(mail.body).replace(f"/digests/{digest.id}?", "/digests/1?")
    assert f"{mail.subject}\n\n{body}\n{mail.why}\n" == (MAILS / f"steering_digest.{lang}.txt").read_text()


def test_page_and_mail_say_the_same_figures(council, at, browser_of):
    digest = lively_week(council, at)
    mail = plain_text(rendered(message_to(digest, council.deputy), "en").body)
    page = browser_of(council.town.steering).get(
        council.town.path(f"/digests/{digest.id}"), headers={"Accept-Language": "en"}
    )
    for key, label in (("unanswered", "Questions without an answer"), ("open", "Without a decision")):
        number = digest.content["stocks"][key]
        tile = next(dt for dt in page.html.find_all("dt") if dt.get_text().startswith(label))
        assert tile.find_next("dd").get_text() == str(number)
        assert f"- {number} " in mail
    assert f"{digest.content['new']} new contributions" in mail
    waiting = next(line for line in mail.splitlines() if "moderation" in line)
    assert waiting.removeprefix("- ") in page.text


def test_no_word_of_a_citizen_and_no_name_goes_by_mail(council, at):
    digest = lively_week(council, at)
    mail = rendered(message_to(digest, council.town.steering), "de")
    for needle in ("Gut so", "Zu teuer", "Mehr", "Muss weg", "Doch nicht", "Wartet noch", "Birke", "Ahorn"):
        assert needle not in mail.subject + mail.body


def test_titles_cannot_put_links_into_the_mail(council):
    council.process.title = "[Klick](https://evil.test) *fett*"
    council.town.write()
    mail = rendered(message_to(issued(make_digest(council.process)), council.town.steering), "de")
    assert "](https://evil" not in mail.body
    assert escape_markdown(council.process.title) in mail.body


def test_it_errs_on_the_side_of_silence(session):
    assert kinds.kind("steering_digest").guarantee == kinds.Guarantee.at_most_once


def test_members_and_deputies_are_asked_again_just_before_sending(council):
    town = council.town
    town.write()
    digest = issued(make_digest(council.process))
    to_member, to_deputy = message_to(digest, town.steering), message_to(digest, council.deputy)
    wanted = kinds.kind("steering_digest").wanted
    assert wanted(to_member)
    assert wanted(to_deputy)
    council.deputy_seat.ends_at = clock.now() - timedelta(minutes=1)
    assert not wanted(to_deputy)
    town.steering.erased_at = clock.now()
    assert not wanted(to_member)


def test_who_has_left_before_the_digest_gets_none_and_who_has_come_gets_it(council, session):
    town = council.town
    town.write()
    council.membership.ends_at = clock.now() - timedelta(minutes=1)
    session.flush()
    digest = issued(make_digest(council.process))
    assert message_to(digest, town.steering)
    assert session.scalars(
        db.select(OutboxMessage).where(OutboxMessage.recipient_id == council.deputy.id)
    ).all() == []  # fmt: skip


def test_nothing_leaves_for_a_process_that_was_taken_out_of_view(council):
    council.town.write()
    message = message_to(issued(make_digest(council.process)), council.town.steering)
    council.process.state = ProcessState.draft
    assert not kinds.kind("steering_digest").wanted(message)


def test_the_first_digest_with_nothing_new_still_says_what_waits(session):
    council = make_council(moderation=Moderation.pre)
    council.town.write()
    digest = issued(make_digest(council.process, MONDAY))
    report = reading.of_digest(council.process, digest)
    with in_language("en"):
        mail = emails.compose(report, "http://consult.test/")
    assert "- 0 new contributions\n" in mail.body.replace("\\", "")
    assert "- 1 contribution waits for moderation, the oldest since" in mail.body.replace("\\", "")
