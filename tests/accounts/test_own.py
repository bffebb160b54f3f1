"""Changing one's own name, language, address and password."""

from typing import Any

from flask import Flask
from sqlalchemy import func, select

from consult.accounts import passwords
from consult.accounts.models import LinkPurpose, LinkToken, Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from tests.accounts.factories import account_of, make_member, path_of, queued, rendered, token_of, wanted
from tests.client import Browser
from tests.factories import PASSWORD, make_person


def entries(action: Action) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


def ask_change(browser: Browser, email: str, password: str = PASSWORD, status: int = 303) -> Any:
    return browser.submit("/account/email", {"email": email, "password": password}, status=status)


def test_name_and_language_change_at_once(browser_of: Any) -> None:
    person = make_member(name="Alt")
    browser = browser_of(person)
    browser.submit("/account/profile", {"name": "  Linden\u200bblatt ", "locale": "en"})
    assert (person.name, person.locale) == ("Lindenblatt", "en")
    assert browser.get("/account").html.html["lang"] == "en"
    (entry,) = entries(Action.profile_changed)
    assert (entry.actor_id, entry.facts) == (person.id, {"fields": ["name", "locale"]})


def test_saving_the_same_again_leaves_no_trace(browser_of: Any) -> None:
    browser_of(make_member()).submit("/account/profile", {})
    assert entries(Action.profile_changed) == []


def test_a_name_is_needed_and_a_language_we_speak(browser_of: Any) -> None:
    browser = browser_of(make_member(name="Alt"))
    browser.submit("/account/profile", {"name": " \u200b "}, status=200)
    browser.submit("/account/profile", {"locale": "tlh"}, status=200)
    browser.submit("/account/profile", {"name": "x" * 81}, status=200)


def test_extra_fields_change_nothing(browser_of: Any) -> None:
    person, other = make_member(), make_member(name="Andere")
    extra = {
        "operator": "1", "email": "x@example.org", "id": str(other.id), "person_id": str(other.id), "erased_at": "x",
        "password_hash": "x", "confirmed_at": "", "suspended_at": "x", "totp_secret": "x",
    }  # fmt: skip
    browser = browser_of(person)
    before = (person.email, account_of(person).password_hash)
    browser.submit("/account/profile", {"name": "Neu", **extra})
    assert (person.email, account_of(person).password_hash) == before
    assert not account_of(person).operator
    assert person.erased_at is None
    assert other.name == "Andere"


def test_the_new_address_counts_when_its_link_is_used(browser_of: Any, app: Flask) -> None:
    person = make_member(email="alt@example.org")
    ask_change(browser_of(person), "NEU@example.org")
    (message,) = queued()
    mail = rendered(message)
    assert (message.kind, mail.to) == ("change_email", "neu@example.org")
    assert person.email == "alt@example.org"
    # The link itself is the proof: it works on the device where the mail is read.
    Browser(app).submit(path_of(token_of(person, LinkPurpose.change_email)), {})
    assert person.email == "neu@example.org"
    notice = queued("email_changed_notice")[0]
    assert wanted(notice)
    assert rendered(notice).to == "alt@example.org"
    assert "neu@example.org" not in rendered(notice).body
    (entry,) = entries(Action.email_changed)
    assert (entry.actor_id, entry.facts) == (person.id, {})


def test_an_address_in_use_gets_the_same_answer_and_no_mail(browser_of: Any) -> None:
    make_member(email="taken@example.org")
    make_person(account=False, email="guest@example.org")
    browser = browser_of(make_member())
    targets = {ask_change(browser, email).location for email in ("taken@example.org", "guest@example.org", "new@x.org")}
    assert targets == {"/account/email/sent"}
    assert [rendered(message).to for message in queued()] == ["new@x.org"]


def test_an_address_taken_meanwhile_is_refused(browser_of: Any, app: Flask) -> None:
    person = make_member(email="alt@example.org")
    ask_change(browser_of(person), "neu@example.org")
    make_person(account=False, email="neu@example.org")
    url = path_of(token_of(person, LinkPurpose.change_email))
    Browser(app).submit(url, {}, status=409)
    assert person.email == "alt@example.org"


def test_the_same_address_is_refused_in_words(browser_of: Any) -> None:
    person = make_member()
    ask_change(browser_of(person), person.email or "", status=409)


def test_a_newer_wish_replaces_the_older(browser_of: Any, app: Flask) -> None:
    person = make_member()
    browser = browser_of(person)
    ask_change(browser, "a@example.org")
    first = path_of(token_of(person, LinkPurpose.change_email))
    ask_change(browser, "b@example.org")
    Browser(app).get(first, 410)
    assert [wanted(message) for message in queued()] == [False, True]


def test_links_sent_to_the_old_address_are_closed_by_the_change(browser_of: Any, app: Flask) -> None:
    person = make_member()
    Browser(app).submit("/reset", {"email": person.email})
    old = path_of(token_of(person, LinkPurpose.reset))
    ask_change(browser_of(person), "neu@example.org")
    Browser(app).submit(path_of(token_of(person, LinkPurpose.change_email)), {})
    Browser(app).get(old, 410)


def test_address_and_password_need_the_present_password(browser_of: Any) -> None:
    person = make_member()
    browser = browser_of(person)
    before = account_of(person).password_hash
    ask_change(browser, "neu@example.org", "falsch falsch", 200)
    ask_change(browser, "neu@example.org", "", 200)
    for given in ("falsch falsch", ""):
        browser.submit("/account/password", {"password": given, "new_password": "ganz andere Worte"}, status=200)
    assert account_of(person).password_hash == before
    assert db.session.scalar(select(func.count()).select_from(LinkToken)) == 0


def test_without_a_password_none_is_asked_for(browser_of: Any) -> None:
    person = make_member(password=None)
    browser = browser_of(person)
    browser.submit("/account/password", {"new_password": "ganz andere Worte"})
    assert passwords.fits(account_of(person).password_hash, "ganz andere Worte")


def test_a_changed_password_is_recorded_without_facts(browser_of: Any) -> None:
    person = make_member()
    browser_of(person).submit("/account/password", {"password": PASSWORD, "new_password": "ganz andere Worte"})
    (entry,) = entries(Action.password_changed)
    assert (entry.actor_id, entry.facts) == (person.id, {})
    assert passwords.fits(account_of(person).password_hash, "ganz andere Worte")


def test_a_new_password_is_checked_against_the_own_name(browser_of: Any) -> None:
    browser = browser_of(make_member(name="Bartholomäus"))
    browser.submit("/account/password", {"password": PASSWORD, "new_password": "bartholomäus1"}, status=200)


def test_nobody_else_is_touched(browser_of: Any) -> None:
    other = make_member(name="Andere")
    before = (other.email, account_of(other).password_hash)
    browser = browser_of(make_member())
    browser.submit("/account/profile", {"name": "Neu"})
    browser.submit("/account/password", {"password": PASSWORD, "new_password": "ganz andere Worte"})
    assert (other.email, account_of(other).password_hash, other.name) == (*before, "Andere")
    assert db.session.scalar(select(func.count()).where(Person.name == "Neu")) == 1
