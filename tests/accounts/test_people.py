"""Operators: invite staff, suspend, restore, make and unmake operators. Each act leaves its entry."""

from typing import Any

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.accounts import operations, passwords, staff
from consult.accounts.models import LinkPurpose, Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.errors import Refused
from consult.extensions import db
from consult.groups.models import Membership
from tests.accounts.factories import account_of, make_lead, make_member, path_of, queued, rendered, token_of, wanted
from tests.client import Browser
from tests.factories import PASSWORD, make_group, make_person

POSTS = ["suspend", "restore", "operator", "operator/revoke", "second-factor/remove"]


def press(browser: Browser, person: Person, verb: str, status: int = 303) -> Any:
    token = browser.get("/account/profile").form_fields()["csrf_token"]
    return browser.post(f"/people/{person.id}/{verb}", {"csrf_token": token}, status)


def last_entry() -> AuditEntry:
    entry = db.session.scalar(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1))
    assert entry is not None
    return entry


@pytest.mark.parametrize("verb", POSTS)
def test_only_operators_press_these_buttons(browser_of: Any, verb: str) -> None:
    target = make_member()
    for person in (make_member(), make_lead()):
        press(browser_of(person), target, verb, 403)
    assert account_of(target).suspended_at is None
    assert not account_of(target).operator


@pytest.mark.parametrize("verb", POSTS)
def test_nobody_is_not_found(browser_of: Any, verb: str) -> None:
    browser = browser_of(make_member(operator=True))
    press(browser, make_person(account=False), verb, 404)


def test_suspending_keeps_out_at_once_and_restoring_lets_in(browser_of: Any, browser: Browser) -> None:
    target, operator = make_member(), make_member(operator=True)
    there, desk = browser_of(target), browser_of(operator)
    press(desk, target, "suspend")
    there.get("/account", 303)
    browser.submit("/sign-in", {"email": target.email, "password": PASSWORD}, status=200)
    entry = last_entry()
    assert (entry.action, entry.actor_id, entry.subject_id) == (Action.account_suspended, operator.id, target.id)
    press(desk, target, "suspend")
    press(desk, target, "restore")
    assert last_entry().action == Action.account_restored
    there.get("/account", 303)
    browser.submit("/sign-in", {"email": target.email, "password": PASSWORD})


def test_no_mail_about_the_account_reaches_a_suspended_or_erased_person(session: Any) -> None:
    operator, first, second = make_member(operator=True), make_member(), make_member()
    for person in (first, second):
        operations.ask_for_reset(person.email or "")
    assert all(wanted(message) for message in queued())
    staff.suspend(operator.id, account_of(first))
    second.erased_at = clock.now()
    db.session.flush()
    assert not any(wanted(message) for message in queued())


def test_operators_do_not_suspend_themselves(browser_of: Any) -> None:
    operator = make_member(operator=True)
    make_member(operator=True)
    press(browser_of(operator), operator, "suspend", 409)


def test_one_operator_stays(browser_of: Any) -> None:
    operator = make_member(operator=True)
    press(browser_of(operator), operator, "operator/revoke", 409)
    assert account_of(operator).operator
    with pytest.raises(Refused):
        staff.suspend(make_member().id, account_of(operator))


def test_a_suspended_or_unconfirmed_operator_is_none(session: Any) -> None:
    operator, suspended, pending = (make_member(operator=True) for _n in range(3))
    account_of(suspended).suspended_at = clock.now()
    account_of(pending).confirmed_at = None
    db.session.flush()
    with pytest.raises(Refused):
        staff.revoke_operator(operator.id, account_of(operator))


def test_making_and_unmaking_an_operator(browser_of: Any) -> None:
    target, operator = make_member(), make_member(operator=True)
    desk = browser_of(operator)
    press(desk, target, "operator")
    assert account_of(target).operator
    assert (last_entry().action, last_entry().actor_id) == (Action.account_operator_granted, operator.id)
    press(desk, target, "operator/revoke")
    assert not account_of(target).operator
    assert last_entry().action == Action.account_operator_revoked


def test_only_accounts_in_use_become_operators(browser_of: Any) -> None:
    target = make_member()
    account_of(target).confirmed_at = None
    press(browser_of(make_member(operator=True)), target, "operator", 409)


def test_an_invited_person_sets_up_the_account_and_is_in(browser_of: Any, browser: Browser) -> None:
    operator = make_member(operator=True, name="Frau Amt")
    group = make_group()
    desk = browser_of(operator)
    data = {"name": "Neue Kraft", "email": "neu@example.org", "locale": "de", "group": str(group.id)}
    desk.submit("/people/invite", data)
    person = db.session.scalar(select(Person).where(Person.email == "neu@example.org"))
    assert person is not None
    (message,) = queued()
    mail = rendered(message)
    assert message.kind == "staff_invitation"
    assert "Frau Amt" in mail.body
    assert db.session.scalar(select(Membership.group_id).where(Membership.person_id == person.id)) == group.id
    actions = set(db.session.scalars(select(AuditEntry.action).where(AuditEntry.actor_id == operator.id)))
    assert {Action.staff_invited, Action.member_added} <= actions
    url = path_of(token_of(person, LinkPurpose.staff_invitation))
    browser.submit(url, {"name": "Neue Kraft", "new_password": PASSWORD})
    browser.get("/account")
    assert passwords.fits(account_of(person).password_hash, PASSWORD)


def test_inviting_again_sends_a_new_link(browser_of: Any, browser: Browser) -> None:
    desk = browser_of(make_member(operator=True))
    data = {"name": "Neue Kraft", "email": "neu@example.org"}
    desk.submit("/people/invite", data)
    person = db.session.scalar(select(Person).where(Person.email == "neu@example.org"))
    assert person is not None
    first = path_of(token_of(person, LinkPurpose.staff_invitation))
    desk.submit("/people/invite", data)
    browser.get(first, 410)
    assert [wanted(message) for message in queued()] == [False, True]
    assert db.session.scalar(select(func.count()).where(Person.email == "neu@example.org")) == 1


def test_people_with_an_account_are_not_invited(browser_of: Any) -> None:
    known, suspended = make_member(), make_member()
    account_of(suspended).suspended_at = clock.now()
    desk = browser_of(make_member(operator=True))
    for person in (known, suspended):
        page = desk.submit("/people/invite", {"name": "X", "email": person.email}, status=200)
        assert page.html.find(id="email-error")
    assert queued() == []


def test_a_password_somebody_else_chose_does_not_survive_the_invitation(browser_of: Any, browser: Browser) -> None:
    """Somebody registered the address before with a password of their own."""
    browser.submit("/register", {"name": "A", "email": "neu@example.org", "new_password": "des Angreifers Wort"})
    browser_of(make_member(operator=True)).submit("/people/invite", {"name": "B", "email": "neu@example.org"})
    person = db.session.scalar(select(Person).where(Person.email == "neu@example.org"))
    assert person is not None
    browser.submit(path_of(token_of(person, LinkPurpose.staff_invitation)), {"name": "B", "new_password": ""})
    assert account_of(person).password_hash is None


def test_citizens_and_leads_invite_no_staff(browser_of: Any) -> None:
    for person in (make_member(), make_lead()):
        browser = browser_of(person)
        token = browser.get("/account/profile").form_fields()["csrf_token"]
        browser.post("/people/invite", {"csrf_token": token, "name": "X", "email": "x@example.org"}, 403)
    assert queued() == []


def test_extra_fields_of_the_invitation_change_nothing(browser_of: Any) -> None:
    desk = browser_of(make_member(operator=True))
    extra = {"operator": "1", "confirmed_at": "2020-01-01", "password_hash": "x", "id": "99", "function": "lead"}
    desk.submit("/people/invite", {"name": "X", "email": "neu@example.org", **extra})
    person = db.session.scalar(select(Person).where(Person.email == "neu@example.org"))
    assert person is not None
    account = account_of(person)
    assert (account.operator, account.confirmed_at, account.password_hash) == (False, None, None)
