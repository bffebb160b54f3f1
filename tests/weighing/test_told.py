"""The one mail about what became of a contribution: its words, whom it reaches, when it is no longer sent."""

import pytest
from sqlalchemy import select

from consult import clock
from consult.accounts.models import LinkPurpose, LinkToken
from consult.contributions import operations as contributions
from consult.contributions.models import State
from consult.extensions import db
from consult.outbox.delivery import deliver
from consult.outbox.mime import plain_text
from consult.outbox.models import OutboxMessage
from consult.outbox.models import State as MailState
from consult.personal import erase
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide, release, tell_gathered
from tests.contributions.factories import make_town
from tests.factories import make_person
from tests.weighing.factories import Draft, gather, is_wanted, rendered, told


@pytest.fixture
def town(session):
    return make_town(title="Integrationskonzept", slug="integration", code="IK")


def say(town, one, **fields):
    fields.setdefault("plain_reason", "Wir stellen drei Bänke auf.")
    return decide(one, DispositionKind.adopt, fields.pop("reason", "Der Platz reicht."), actor=town.steering, **fields)


def test_it_says_everything_in_the_recipients_language(town):
    draft = Draft(town)
    one = town.write("Bitte mehr Bänke.\nUnd *Schatten*.")
    change = draft.change(one)
    version = draft.publish()
    say(town, one, change=change)
    [message] = told()
    mail = rendered(message)
    assert f"IK-{one.number}" in mail.subject
    text = plain_text(mail.body)
    for words in (
        "Bitte mehr Bänke. Und *Schatten*.",
        "Your wish has been taken up",
        "Wir stellen drei Bänke auf.",
        "Der Platz reicht.",
        f"/p/integration/contributions/{one.number}",
        f"/p/integration/e/{draft.goal.key}",
        f"/p/integration/e/{draft.goal.key}/difference?from={version.number - 1}&to={version.number}",
    ):
        assert words in text, words
    assert "lang=en" in mail.body
    assert rendered(message, "de").body != mail.body


def test_a_change_that_is_not_public_yet_is_not_told(town):
    draft = Draft(town)
    one = town.write()
    draft.change(one, reason="Nadel im Arbeitstext.")
    say(town, one)
    assert "/difference" not in rendered(told()[0]).body
    assert f"/e/{draft.goal.key}" not in rendered(told()[0]).body


def test_every_gathered_author_gets_it_once_with_their_own_words(town):
    third = make_person("Dritte")
    head = town.write("Bänke")
    like, again = town.write("Mehr Bänke!", actor=third), town.write("Ich sagte: Bänke", actor=third)
    own = town.write("Bänke, grün", actor=town.neighbour)
    gather(town, head, like, again, own)
    say(town, own)
    made = say(town, head)
    by = {m.recipient_id: m for m in told() if m.subject_id == made.id}
    assert set(by) == {town.citizen.id, third.id, town.neighbour.id}
    mail = rendered(by[third.id])
    assert "Mehr Bänke" in mail.body
    assert f"IK-{like.number}, IK-{again.number}" in mail.subject
    assert "Mehr Bänke" not in rendered(by[town.citizen.id]).body
    # Who has an answer of their own is not told that of the head entry.
    assert is_wanted(by[third.id])
    assert not is_wanted(by[town.neighbour.id])


def test_who_is_gathered_later_gets_the_answer_that_is_there(town):
    head, like = town.write("Bänke"), town.write("Mehr Bänke", actor=town.neighbour)
    made = say(town, head)
    gather(town, head, like)
    assert tell_gathered(like) == 1
    assert tell_gathered(like) == 0
    assert [(m.subject_id, m.recipient_id) for m in told()][-1] == (made.id, town.neighbour.id)


def test_nobody_is_told_without_an_address_or_a_wish(town):
    town.citizen.tell_answers = False
    town.neighbour.email = None
    guest = make_person("Gast", account=False, email="gast@example.org")
    ones = [town.write(f"{n}", actor=who) for n, who in enumerate((town.citizen, town.neighbour, guest))]
    for one in ones:
        say(town, one)
    assert [message.recipient_id for message in told()] == [guest.id]


def test_a_decision_about_what_nobody_signed_tells_nobody(town):
    one = town.write()
    one.author_id = None
    say(town, one)
    assert told() == []


def later_decision(town, one):
    decide(one, DispositionKind.reject, "Doch nicht.", actor=town.lead)


def held_decision(town, one):
    decide(one, DispositionKind.reject, "Doch nicht.", actor=town.lead, held=True)


def withdraw(town, one):
    contributions.withdraw(one, town.citizen)


def hide(town, one):
    one.state = State.hidden


def switch_off(town, one):
    town.citizen.tell_answers = False


def forget(town, one):
    erase(town.citizen, town.citizen)


def draft_again(town, one):
    town.process.state = "draft"


@pytest.mark.parametrize("meanwhile", [later_decision, withdraw, hide, switch_off, forget, draft_again])
def test_just_before_sending_it_is_asked_once_more(town, meanwhile):
    one = town.write()
    say(town, one)
    [message] = told()
    assert is_wanted(message)
    meanwhile(town, one)
    db.session.flush()
    assert not is_wanted(message)


def test_a_newer_decision_that_is_held_does_not_stop_it(town):
    one = town.write()
    say(town, one)
    held_decision(town, one)
    assert is_wanted(told()[0])


def test_an_erased_author_gets_nothing_and_nothing_is_kept_of_them(town):
    one = town.write()
    say(town, one)
    [message] = told()
    ident, person_id = message.id, town.citizen.id
    erase(town.citizen, town.citizen)
    db.session.commit()
    assert deliver(ident) in (MailState.dropped, "gone")
    assert not db.session.scalars(
        select(LinkToken).where(LinkToken.purpose == LinkPurpose.stop_mail, LinkToken.person_id == person_id)
    ).all()
    say(town, one)
    assert [m for m in told() if m.subject_id != message.subject_id] == []


def test_pressing_twice_or_releasing_twice_promises_one_mail(town):
    draft = Draft(town)
    one = town.write()
    say(town, one, held=True)
    version = draft.publish()
    release(town.process, version, town.lead)
    release(town.process, version, town.lead)
    assert len(told()) == 1


def test_mail_programs_get_their_button_and_the_kept_copy_no_link(town):
    one = town.write()
    say(town, one)
    [message] = told()
    mail = rendered(message)
    address = mail.headers["List-Unsubscribe"].strip("<>")
    assert address.startswith("http://consult.test/mails/stop/")
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert address in mail.body
    assert address in mail.secrets
    db.session.commit()
    assert deliver(message.id) == MailState.sent
    kept = db.session.scalars(
        select(OutboxMessage).where(OutboxMessage.id == message.id).execution_options(populate_existing=True)
    ).one()
    assert kept.sent_text is not None
    assert "/mails/stop/" not in kept.sent_text or address.rpartition("/")[2].partition("?")[0] not in kept.sent_text
    assert clock.now() >= kept.sent_at


def test_markdown_of_people_makes_no_links(town):
    one = town.write("[Gewinn](https://evil.example)")
    say(town, one, reason="[Reason](https://evil.example)", plain_reason="![x](https://evil.example)")
    body = rendered(told()[0]).body
    assert "](https://evil.example)" not in body
