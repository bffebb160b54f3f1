"""Personal links: one use, one purpose, one person, one hour; never stored; a look at them uses nothing up."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from consult import clock, signing
from consult.accounts import operations, tokens
from consult.accounts.models import LinkPurpose
from consult.extensions import db
from tests.accounts.factories import (
    LINK_KINDS,
    account_of,
    make_link,
    make_member,
    path_of,
    queued,
    rendered,
    token_of,
)
from tests.client import Browser
from tests.conftest import MONDAY

PURPOSES = list(LINK_KINDS)
#: What a person enters on the page of a link.
ENTERED = {
    LinkPurpose.confirm: {"name": "Lindenblatt"},
    LinkPurpose.sign_in: {},
    LinkPurpose.reset: {"new_password": "ganz andere Worte"},
    LinkPurpose.change_email: {},
    LinkPurpose.staff_invitation: {"name": "Lindenblatt"},
}


def use(browser: Browser, url: str, purpose: LinkPurpose, status: int = 303) -> Any:
    if status == 303:
        return browser.submit(url, ENTERED[purpose])
    token = browser.get("/reset").form_fields("/reset")["csrf_token"]
    return browser.post(url, {**ENTERED[purpose], "csrf_token": token}, status)


def is_used(purpose: LinkPurpose, person: Any) -> bool:
    return token_of(person, purpose).used_at is not None


@pytest.mark.parametrize("purpose", PURPOSES)
def test_it_works_once(app: Flask, browser: Browser, purpose: LinkPurpose) -> None:
    url = make_link(purpose, make_member(), new_email="new@example.org")
    use(browser, url, purpose)
    other = Browser(app)
    other.get(url, 410)
    use(other, url, purpose, 410)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_looking_at_it_uses_nothing_up(browser: Browser, purpose: LinkPurpose) -> None:
    """Scanners of mail gateways open every link, some of them twice."""
    person = make_member()
    url = make_link(purpose, person, new_email="new@example.org")
    for _time in range(3):
        browser.get(url)
        assert browser.client.head(url).status_code == 200
    assert not is_used(purpose, person)
    assert browser.client.get("/account").status_code == 303
    use(browser, url, purpose)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_it_ends_at_its_time_and_not_before(browser: Browser, at: Any, purpose: LinkPurpose) -> None:
    at(MONDAY)
    url = make_link(purpose, make_member(), new_email="new@example.org")
    at(MONDAY + tokens.LIFETIMES[purpose] - timedelta(seconds=1))
    browser.get(url)
    at(MONDAY + tokens.LIFETIMES[purpose])
    browser.get(url, 410)
    use(browser, url, purpose, 410)


@pytest.mark.parametrize(("other", "purpose"), list(permutations(PURPOSES, 2)))
def test_it_opens_no_other_door(browser: Browser, purpose: LinkPurpose, other: LinkPurpose) -> None:
    person = make_member()
    link = make_link(purpose, person, new_email="new@example.org").rsplit("/", 1)[1]
    browser.get(LINK_KINDS[other] + link, 410)
    use(browser, LINK_KINDS[other] + link, other, 410)
    assert not is_used(purpose, person)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_signature_opens_no_other_persons_link(browser: Browser, purpose: LinkPurpose) -> None:
    mine, theirs = make_member(), make_member()
    own = make_link(purpose, mine, new_email="new@example.org").rsplit("/", 1)[1]
    foreign = tokens.issue(purpose, theirs.id, new_email="other@example.org")
    forged = f"{foreign.id}.{own.split('.')[1]}"
    browser.get(LINK_KINDS[purpose] + forged, 410)
    use(browser, LINK_KINDS[purpose] + forged, purpose, 410)
    assert foreign.used_at is None


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_newer_one_replaces_it(browser: Browser, purpose: LinkPurpose) -> None:
    person = make_member()
    old = make_link(purpose, person, new_email="new@example.org")
    new = make_link(purpose, person, new_email="new@example.org")
    browser.get(old, 410)
    browser.get(new)


def test_the_links_of_others_and_of_other_purposes_stay_open(session: Any) -> None:
    person, other = make_member(), make_member()
    kept = [tokens.issue(LinkPurpose.reset, other.id), tokens.issue(LinkPurpose.sign_in, person.id)]
    tokens.issue(LinkPurpose.reset, person.id)
    assert [tokens.find(tokens.link_of(token), LinkPurpose(token.purpose)) for token in kept] == kept


def test_links_about_different_rows_live_side_by_side(session: Any) -> None:
    person, soon = make_member(), clock.now() + timedelta(days=1)
    first = tokens.issue(LinkPurpose.respond, person.id, 1, expires_at=soon)
    second = tokens.issue(LinkPurpose.respond, person.id, 2, expires_at=soon)
    third = tokens.issue(LinkPurpose.respond, person.id, 2, expires_at=soon)
    assert [token.used_at is None for token in (first, second, third)] == [True, False, True]


def test_links_that_are_handed_on_replace_none(session: Any) -> None:
    soon = clock.now() + timedelta(days=1)
    first = tokens.issue(LinkPurpose.preview, None, 7, expires_at=soon)
    tokens.issue(LinkPurpose.preview, None, 7, expires_at=soon)
    assert first.used_at is None


def test_a_purpose_without_a_lifetime_needs_an_end(session: Any) -> None:
    with pytest.raises(ValueError, match="needs an end"):
        tokens.issue(LinkPurpose.preview, None, 7)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_it_is_stored_nowhere(session: Any, purpose: LinkPurpose) -> None:
    """Neither the link nor its signature stands in any table: who reads a backup can open nothing."""
    person = make_member()
    link = make_link(purpose, person, new_email="new@example.org").rsplit("/", 1)[1]
    operations.ask_for_reset(person.email or "")
    for table in db.metadata.sorted_tables:
        for row in db.session.execute(text(f'SELECT * FROM "{table.name}"')):  # noqa: S608  names from our own tables
            assert link not in str(tuple(row))
            assert link.split(".")[1] not in str(tuple(row))


@pytest.mark.parametrize(
    "link", ["", "x", ".", "0.x", "1.", "-1.x", "1e9.x", "999999999999.abc", "9" * 40 + ".x", "1.ä", "%00", "١.x"]
)
def test_nonsense_is_answered_like_a_used_one(browser: Browser, link: str) -> None:
    make_link(LinkPurpose.reset, make_member())
    assert browser.client.get(f"/reset/with/{link}").status_code in (400, 404, 410)


def test_the_raw_row_id_with_the_nonce_is_not_enough(session: Any) -> None:
    token = tokens.issue(LinkPurpose.reset, make_member().id)
    assert tokens.find(f"{token.id}.{token.nonce}", LinkPurpose.reset) is None
    assert tokens.find(signing.sign("sign_in", token.id, token.nonce), LinkPurpose.reset) is None


def test_two_at_the_same_moment_use_it_once(session: Any) -> None:
    token = tokens.issue(LinkPurpose.reset, make_member().id)
    assert tokens.consume(token)
    token.used_at = None
    db.session.expunge(token)
    assert not tokens.consume(token)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_suspending_closes_it(browser: Browser, purpose: LinkPurpose) -> None:
    person = make_member()
    url = make_link(purpose, person, new_email="new@example.org")
    account_of(person).suspended_at = clock.now()
    browser.get(url, 410)
    use(browser, url, purpose, 410)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_erasing_closes_it(browser: Browser, purpose: LinkPurpose) -> None:
    person = make_member()
    url = make_link(purpose, person, new_email="new@example.org")
    person.erased_at = clock.now()
    browser.get(url, 410)


def test_a_changed_password_closes_links_around_it(browser_of: Any) -> None:
    person = make_member(password=None)
    browser = browser_of(person)
    reset, sign_in = make_link(LinkPurpose.reset, person), make_link(LinkPurpose.sign_in, person)
    browser.submit("/account/password", {"new_password": "ganz andere Worte"})
    browser.get(reset, 410)
    browser.get(sign_in, 410)


def test_the_mail_carries_the_link_and_names_it_secret(session: Any) -> None:
    person = make_member()
    operations.ask_for_reset(person.email or "")
    (message,) = queued("reset")
    mail = rendered(message)
    url = "http://consult.test" + path_of(token_of(person, LinkPurpose.reset)) + "?lang=en"
    assert url in mail.body
    assert mail.secrets == (url,)


@pytest.mark.parametrize("purpose", [LinkPurpose.confirm, LinkPurpose.staff_invitation])
def test_what_begins_an_account_does_nothing_to_one_in_use(browser: Browser, purpose: LinkPurpose) -> None:
    """A forgotten invitation must not set a password two weeks later."""
    person = make_member()
    url = make_link(purpose, person)
    account_of(person).confirmed_at = clock.now()
    browser.get(url, 410)
    use(browser, url, purpose, 410)
