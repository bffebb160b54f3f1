"""Every mail about accounts: German and English, a link where one belongs, and no name can forge one."""

import re
from typing import Any

import pytest

from consult.accounts import operations, staff, tokens
from consult.accounts.models import LinkPurpose, Person
from consult.outbox.kinds import Guarantee, all_kinds, kind
from consult.outbox.models import OutboxMessage
from consult.outbox.operations import queue
from tests.accounts.factories import make_member, queued, rendered, wanted
from tests.factories import make_person

KINDS = [
    "confirm",
    "account_exists",
    "sign_in_link",
    "reset",
    "change_email",
    "email_changed_notice",
    "staff_invitation",
]
#: Kinds that carry a link which opens something.
SECRET = set(KINDS) - {"account_exists", "email_changed_notice"}


def make_message(name: str, host: str = "Frau Amt") -> OutboxMessage:
    """A queued mail of this kind, brought about in the way it comes about in real life."""
    email = "lindenblatt@example.org"
    if name == "confirm":
        operations.register(name="Lindenblatt", email=email, password_hash=None, locale="de")
    elif name == "staff_invitation":
        staff.invite_staff(make_member(name=host).id, email=email, name="Lindenblatt", locale="de")
    else:
        person = make_member(email=email)
        if name == "account_exists":
            operations.register(name="Lindenblatt", email=email, password_hash=None, locale="de")
        elif name == "sign_in_link":
            operations.ask_for_sign_in_link(email)
        elif name == "reset":
            operations.ask_for_reset(email)
        else:
            operations.ask_to_change_email(person, "neu@example.org")
            if name == "email_changed_notice":
                token = tokens.find(_open_link(person), LinkPurpose.change_email)
                assert token is not None
                operations.change_email(token, person)
    return queued(name)[-1]


def _open_link(person: Person) -> str:
    return tokens.link_of(tokens.issue(LinkPurpose.change_email, person.id, new_email="neu@example.org"))


def test_all_kinds_are_registered_and_promised_at_least_once(session: Any) -> None:
    for name in KINDS:
        assert kind(name).guarantee == Guarantee.at_least_once
    ours = {k.name for k in all_kinds().values() if k.render.__module__ == "consult.accounts.emails"}
    assert ours == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("lang", ["de", "en"])
def test_it_renders_outside_of_requests_with_a_full_address(session: Any, name: str, lang: str) -> None:
    message = make_message(name)
    assert wanted(message)
    mail = rendered(message, lang)
    urls = re.findall(r"\((http[^)]*)\)", mail.body)
    assert len(urls) == 1
    assert urls[0].startswith("http://consult.test/")
    assert f"lang={lang}" in urls[0]
    assert mail.secrets == ((urls[0],) if name in SECRET else ())
    assert mail.subject
    assert mail.why
    assert "\n" not in mail.subject


@pytest.mark.parametrize("name", sorted(SECRET))
def test_its_link_opens(session: Any, browser: Any, name: str) -> None:
    mail = rendered(make_message(name))
    browser.get(mail.secrets[0].removeprefix("http://consult.test"))


@pytest.mark.parametrize("name", sorted(SECRET))
def test_it_is_not_sent_when_its_link_is_used_up(session: Any, name: str) -> None:
    message = make_message(name)
    token = tokens.find(rendered(message).secrets[0].rsplit("/", 1)[1].partition("?")[0], _purpose(name))
    assert token is not None
    assert tokens.consume(token)
    assert not wanted(message)


def _purpose(name: str) -> LinkPurpose:
    return LinkPurpose.sign_in if name == "sign_in_link" else LinkPurpose(name)


def test_a_name_makes_no_link_in_the_mail(session: Any) -> None:
    mail = rendered(make_message("staff_invitation", host="[Bank](https://evil.example)\n# Alarm"))
    assert "[Bank](" not in mail.body
    assert "\n# Alarm" not in mail.body


def test_a_mail_about_nothing_is_dropped(session: Any) -> None:
    person = make_person()
    for name in SECRET:
        queue(name, 999_999, person.id)
    assert not any(wanted(message) for message in queued())
