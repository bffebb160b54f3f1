"""A contribution without an account finds its author: by an address proven once, or by an account with its code."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consult import clock, personal, retention
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, LinkToken
from consult.audit.models import AuditEntry
from consult.contributions import claims, guests, trust
from consult.contributions.models import Channel, ModerationAct, RuleEffect, ScreeningRule, State, TrustLevel
from consult.errors import Refused
from consult.moderation import operations as deciding
from consult.moderation.queue import DeskList, queue
from consult.outbox.kinds import kind
from consult.processes.models import Activity, Audience, Moderation
from tests.client import Browser
from tests.contributions.claiming import ADDRESS, EN, link_in, mails, person_with, rendered, send
from tests.contributions.factories import make_town
from tests.contributions.guests import TYPED, code_on, how_many, newest, open_with, write
from tests.factories import flushed, make_person, make_stage

CODE = "7K3M-Q0TW-94XA-B2ZR"


def long_town():
    """A town in which a stage is open for months."""
    town = make_town(open_now=False)
    day = timedelta(days=1)
    make_stage(town.process, Activity.comment, starts_at=clock.now() - 90 * day, ends_at=clock.now() + 90 * day)
    return town


def acts(session):
    return session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()


# An address typed in.


def test_with_an_address_a_mail_asks_whose_it_is_and_until_then_it_is_nobodys(browser, session):
    town = make_town()
    slip = send(browser, town)
    sent, person = newest(session), person_with(session)
    assert (sent.author_id, sent.state, sent.channel) == (None, State.pending, Channel.guest)
    assert (person.name, person.account) == ("", None)
    assert code_on(slip), "the code is there as well"
    [message] = mails(session)
    assert message.recipient_id == person.id
    mail = rendered(message)
    assert TYPED["text"] not in mail.body + mail.subject, "anybody can enter any address: no word of theirs is mailed"
    assert TYPED["author_name"] not in mail.body + mail.subject
    assert any(secret in mail.body for secret in mail.secrets)


def test_a_link_that_is_only_looked_at_changes_nothing(browser, session):
    """Scanners of mail gateways open every link."""
    town = make_town()
    send(browser, town)
    link = link_in(mails(session)[0])
    for _time in range(3):
        page = browser.get(link)
    assert page.response.headers["Referrer-Policy"] == "no-referrer"
    assert page.response.headers["Cache-Control"] == "no-store"
    assert "Waiting for moderation" in browser.get(link, headers=EN).text
    assert newest(session).author_id is None
    assert tokens.find(link.rpartition("/")[2], LinkPurpose.claim) is not None


def test_what_nobody_has_let_appear_is_shown_to_whoever_has_the_code_and_not_to_the_address(app, browser, session):
    """Anybody can type in any address: whoever gets the mail is not yet whoever wrote."""
    town = make_town()
    slip = send(browser, town)
    link, stranger = link_in(mails(session)[0]), Browser(app)

    def reads(visitor):
        page = visitor.get(link, headers=EN)
        assert f"{town.process.code}-{newest(session).number}" in page.text
        return TYPED["text"] in page.text and TYPED["author_name"] in page.text

    for held in (False, True):
        if held:
            deciding.hide(newest(session), town.moderator, town.reason)
            session.commit()
        assert not reads(stranger)
        assert TYPED["author_name"] not in stranger.get(link).text
    open_with(browser, code_on(slip))
    assert reads(browser)
    # Everybody may read it: then there is nothing to keep from them.
    deciding.undo(session.scalars(select(ModerationAct)).one(), town.moderator)
    deciding.approve(newest(session), town.moderator)
    session.commit()
    assert reads(stranger)


@pytest.mark.parametrize(("moderation", "state"), [(Moderation.post, State.published), (Moderation.pre, State.pending)])
def test_the_button_makes_it_theirs_and_it_follows_the_stage(browser, session, moderation, state):
    town = make_town(moderation=moderation)
    send(browser, town)
    person = person_with(session)
    page = browser.submit(link_in(mails(session)[0]))
    sent = newest(session)
    assert (sent.author_id, sent.state) == (person.id, state)
    assert (sent.published_at is not None) == (state == State.published)
    assert "contributions.contribution.claimed" in acts(session)
    assert ("contributions.contribution.published" in acts(session)) == (state == State.published)
    assert TYPED["text"] in browser.follow(page).text
    public = browser.get(town.number_path(sent), 200 if state == State.published else 404)
    assert ("Wetterhahn" in public.text) == (state == State.published)


def test_what_appears_by_a_link_is_on_the_list_of_what_nobody_has_looked_at(browser, session):
    town = make_town()
    send(browser, town)
    browser.submit(link_in(mails(session)[0]))
    sent = newest(session)
    assert sent.state == State.published
    unseen = [item.shown.id for item in queue(town.process, town.moderator, DeskList.unseen).items]
    assert unseen == [sent.id]
    deciding.approve(sent, town.moderator)
    assert not queue(town.process, town.moderator, DeskList.unseen).items


def test_what_a_moderator_has_looked_at_does_not_appear_by_a_link(browser, session):
    town = make_town()
    send(browser, town)
    sent = newest(session)
    deciding.undo(deciding.approve(sent, town.moderator), town.moderator)
    session.commit()
    assert newest(session).state == State.pending
    browser.submit(link_in(mails(session)[0]))
    assert newest(session).author_id is not None
    assert newest(session).state == State.pending


def test_what_was_held_back_stays_so_and_its_author_hears_of_it_by_the_code(browser, session):
    town = make_town()
    send(browser, town)
    browser.submit(link_in(mails(session)[0]))
    deciding.hide(newest(session), town.moderator, town.reason)
    [message] = mails(session, "contribution_hidden")
    mail = rendered(message)
    assert "http://consult.test/receipt" in mail.body
    assert town.number_path(newest(session)) not in mail.body, "without an account its page would not be found"


def test_rules_of_arrival_and_the_moderators_word_count_for_it_too(browser, session):
    town = make_town()
    flushed(ScreeningRule(process_id=town.process.id, conditions={"link": True}, effect=RuleEffect.wait))
    send(browser, town, text="Siehe www.example.org")
    browser.submit(link_in(mails(session)[0]))
    assert newest(session).state == State.pending
    trust.decide(town.process, person_with(session).id, TrustLevel.watched, "", town.moderator)
    session.commit()
    send(browser, town, email=None, text="Ohne Adresse im Text")
    assert (newest(session).author_id, newest(session).state) == (person_with(session).id, State.pending)


def test_a_link_in_a_mail_opens_no_stage_for_members(browser, session):
    town = make_town(open_now=False)
    make_stage(town.process, Activity.comment, audience=Audience.members)
    insider = town.moderator
    with pytest.raises(Refused):
        guests.submit(town.process, text="Text", stance="change", code="x", author=insider)
    contribution = write(make_town())
    contribution.process_id = town.process.id
    session.commit()
    claims.keep(contribution, insider)
    assert (contribution.author_id, contribution.state) == (insider.id, State.pending)


def test_a_link_works_once_and_only_as_made(browser, session, at):
    town = make_town()
    now = at(clock.now())
    send(browser, town)
    link = link_in(mails(session)[0])
    fields = browser.get(link).form_fields(link)
    forged = link[:-1] + ("B" if link.endswith("A") else "A")
    for other in (forged, "/claim/1.abc", "/claim/x", link.replace("/claim/", "/claim/9")):
        browser.get(other, 410)
        browser.post(other, fields, 410)
    assert newest(session).author_id is None
    browser.post(link, {**fields, "form_id": "one"})
    browser.post(link, {**fields, "form_id": "two"}, 410)
    browser.submit("/receipt/forget", form_at=town.path("/comment"))
    send(browser, town, email="andere@example.org")
    late = link_in(mails(session)[1])
    at(now + timedelta(days=7, seconds=1))
    assert "receipt code" in browser.get(late, 410, headers=EN).text
    browser.post(late, fields, 410)
    assert newest(session).author_id is None


def test_of_two_who_claim_it_one_is_the_author_and_the_other_is_told(browser, session):
    town = make_town()
    send(browser, town)
    claims.keep(newest(session), town.neighbour)
    session.commit()
    page = browser.follow(browser.submit(link_in(mails(session)[0])))
    assert newest(session).author_id == town.neighbour.id
    assert page.html.select_one("[data-flash='info']")


def test_the_mail_is_not_sent_when_it_is_of_no_use_any_more(browser, session):
    town = make_town()
    send(browser, town)
    [message] = mails(session)
    wanted = kind("confirm_contribution").wanted
    assert wanted(message)
    claims.keep(newest(session), town.neighbour)
    assert not wanted(message)


# Nobody learns whose address is known; nobody is buried in mails.


def addresses(session):
    known = make_person(email="konto@example.org")
    make_person(email="gast@example.org", account=False)
    suspended = make_person(email="gesperrt@example.org")
    suspended.account.suspended_at = clock.now()
    session.commit()
    return {"account": known.email, "guest": "gast@example.org", "suspended": suspended.email, "new": "neu@example.org"}


def test_the_answer_is_the_same_for_every_address(browser, session, count_queries):
    town = make_town()
    answers, costs = set(), {}
    for which, email in addresses(session).items():
        address = town.path("/e/ankommen/comment")
        fields = {**browser.get(address).form_fields(address), **TYPED, "email": email}
        with count_queries() as queries:
            sent = browser.post(address, fields)
        costs[which] = len(queries)
        slip = browser.follow(sent)
        text = re.sub(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}|P\d+-\d+|\d\d:\d\d", "", slip.text)
        answers.add((sent.status, re.sub(r"slip/\w+", "", sent.location), text))
        assert email not in slip.text
    assert len(answers) == 1, answers
    assert len(set(costs.values())) == 1, costs


def test_who_is_suspended_gets_no_mail_and_no_contribution(browser, session):
    town = make_town()
    send(browser, town, email=addresses(session)["suspended"])
    [message] = mails(session)
    assert not kind("confirm_contribution").wanted(message)
    browser.get(link_in(message), 410)


def test_at_most_three_mails_an_hour_to_one_mailbox_and_the_answer_stays_the_same(browser, session):
    town = make_town()
    local = ("Birke", "birke+1", "bir.ke", "birke", "birke+2")
    spellings = [f"{one}@example.org" for one in local]
    slips = [send(browser, town, email=email) for email in spellings]
    assert how_many(session) == 5, "what they wrote has arrived all the same"
    assert len(mails(session)) == 3
    hints = {str(slip.html.select(".slip ol li")[0]) for slip in slips}
    assert len(hints) == 1


def test_the_same_form_sent_twice_sends_one_mail(browser, session):
    town = make_town()
    address = town.path("/comment")
    fields = {**browser.get(address).form_fields(address), **TYPED, "email": ADDRESS}
    assert browser.post(address, fields).location == browser.post(address, fields).location
    assert (how_many(session), len(mails(session))) == (1, 1)


@pytest.mark.parametrize("typed", ["keine Adresse", "a@b", "x@" + "y" * 300 + ".org", "a@example.org\r\nBcc: a@b.org"])
def test_what_is_no_address_comes_back_with_everything_typed(browser, session, typed):
    town = make_town()
    page = browser.submit(town.path("/comment"), {**TYPED, "email": typed}, status=200)
    assert page.html.find(class_="error-summary")
    assert page.html.find("textarea").get_text().strip() == TYPED["text"]
    assert (how_many(session), len(mails(session))) == (0, 0)


# The browser in which it was confirmed.


def test_the_next_contribution_from_this_browser_needs_no_mail_until_it_forgets(browser, session):
    town = make_town()
    send(browser, town)
    browser.submit(link_in(mails(session)[0]))
    page = browser.get(town.path("/comment"))
    assert "b…@example.org" in page.text
    assert ADDRESS not in page.text, "others may look at this screen"
    assert not page.html.find("input", type="email")
    slip = send(browser, town, email=None, address="/comment")
    second = newest(session)
    assert (second.author_id, second.state) == (person_with(session).id, State.published)
    assert len(mails(session)) == 1
    assert code_on(slip), "the code is there as well"
    assert "Everybody can read the text now" in browser.get(slip.response.request.path, headers=EN).text
    send(browser, town, email=None, address="/comment", connect=None)
    assert (newest(session).author_id, newest(session).state) == (None, State.pending), "or not, if they like"
    browser.submit("/receipt/forget", form_at=town.path("/comment"))
    assert browser.get(town.path("/comment")).html.find("input", type="email")
    send(browser, town, email=None, address="/comment")
    assert newest(session).author_id is None


def test_being_known_signs_nobody_in(browser, session):
    town = make_town()
    send(browser, town, email=town.moderator.email)
    browser.submit(link_in(mails(session)[0]))
    assert browser.get("/account", 303).location.startswith("/sign-in")
    assert browser.get(town.path("/moderation"), 303).location.startswith("/sign-in")
    send(browser, town, email=None, author_name="")
    sent = newest(session)
    assert sent.author_id == town.moderator.id
    page = browser.get(town.number_path(sent), headers=EN)
    assert "Without a name" in page.text
    assert town.moderator.name not in page.html.find("article").get_text(), "the name of the account is not told"


def test_pages_for_reading_set_no_cookie_for_known_browsers_either(browser, session):
    town = make_town()
    send(browser, town)
    link = link_in(mails(session)[0])
    browser.submit(link, {"longer": "y"})
    browser.get("/receipt/contribution")
    for address in ("/e/ankommen", "/contributions", ""):
        assert "Set-Cookie" not in browser.get(town.path(address)).response.headers


def test_a_browser_is_known_for_thirty_days_and_longer_than_it_is_open_only_if_wanted(browser, session, at):
    town = long_town()
    now = at(clock.now())
    send(browser, town)
    answer = browser.submit(link_in(mails(session)[0]))
    assert "Expires" not in answer.response.headers["Set-Cookie"]
    browser.submit("/receipt/forget", form_at=town.path("/comment"))
    send(browser, town)
    answer = browser.submit(link_in(mails(session)[1]), {"longer": "y"})
    assert "Expires" in answer.response.headers["Set-Cookie"]
    at(now + timedelta(days=20))
    # Whatever else the browser does in between makes it known no longer.
    open_with(browser, code_on(send(browser, town, email=None)))
    at(now + timedelta(days=30, minutes=1))
    assert browser.get(town.path("/comment")).html.find("input", type="email")


@pytest.mark.parametrize("happened", ["erased", "suspended", "another address"])
def test_a_browser_forgets_who_is_not_there_any_more(browser, session, happened):
    town = make_town()
    send(browser, town, email=town.citizen.email)
    browser.submit(link_in(mails(session)[0]))
    address = town.path("/comment")
    fields = {**browser.get(address).form_fields(address), **TYPED}
    if happened == "erased":
        personal.erase(town.citizen, town.citizen)
    elif happened == "suspended":
        town.citizen.account.suspended_at = clock.now()
    else:
        town.citizen.email = "neue@example.org"
    session.commit()
    before = how_many(session)
    page = browser.post(address, fields, 200)
    assert TYPED["text"] in page.html.find("textarea").get_text(), "they are told before anything is sent"
    assert page.html.find(class_="error-summary")
    assert how_many(session) == before


def test_at_a_shared_computer_closing_forgets_the_address_too(browser, session):
    town = make_town()
    slip = send(browser, town)
    browser.submit(link_in(mails(session)[0]))
    browser.submit("/receipt/close", form_at=slip.response.request.path)
    assert browser.get(town.path("/comment")).html.find("input", type="email")


def test_somebody_known_is_limited_like_everybody(app, browser, session, monkeypatch):
    town = make_town()
    send(browser, town)
    browser.submit(link_in(mails(session)[0]))
    monkeypatch.setitem(app.config, "CONTRIBUTIONS_PER_HOUR", 2)
    send(browser, town, email=None)
    browser.submit(town.path("/comment"), {**TYPED, "email": None}, status=429)


def test_the_holder_corrects_what_appeared_at_once_for_a_while(browser, session, at):
    town = make_town()
    now = at(clock.now())
    send(browser, town)
    browser.submit(link_in(mails(session)[0]))
    assert newest(session).state == State.published
    browser.submit("/receipt/contribution/edit", {"text": "Eine andere Treppe."})
    assert (newest(session).state, newest(session).revision) == (State.published, 1)
    at(now + timedelta(minutes=31))
    assert not guests.is_editable(newest(session))


# Helpers.


def test_the_code_gets_nothing_past_moderators_who_watch_its_author(session):
    town = make_town()
    one = guests.submit(
        town.process, text="Bänke", stance="change", code=CODE, element_id=town.goal.id, author=town.citizen
    )
    trust.decide(town.process, town.citizen.id, TrustLevel.watched, "", town.moderator)
    assert one.state == State.published
    guests.edit(one, "Ganz anderes", 0)
    assert one.state == State.pending


def test_the_mail_goes_to_the_person_who_was_helped(browser, browser_of, session):
    town = make_town()
    helper = browser_of(town.neighbour)
    send(helper, town, address="/e/ankommen/comment/for-somebody")
    browser.submit(link_in(mails(session)[0]))
    sent = newest(session)
    assert (sent.author_id, sent.entered_by_id) == (person_with(session).id, town.neighbour.id)
    assert sent.state == State.pending, "what a helper typed in is looked at before it appears"
    assert helper.get(town.path("/comment/for-somebody")).html.find("input", type="email"), "the helper is not known"


# Accounts.


def test_unproven_addresses_go_after_thirty_days_and_nobody_else(browser, session, at):
    town = long_town()
    now = at(clock.now() - timedelta(days=31))
    send(browser, town, email="niemand@example.org")
    send(browser, town, email="bewiesen@example.org")
    browser.submit(link_in(mails(session)[1]))
    invited = make_person(email="eingeladen@example.org", account=False)
    account = make_person(email="konto@example.org")
    session.commit()
    browser.submit("/receipt/forget", form_at=town.path("/comment"))
    send(browser, town, email=account.email)
    at(now + timedelta(days=30))
    send(browser, town, email="frisch@example.org")
    at(now + timedelta(days=31))
    assert retention.unproven_guests(clock.now()) == 1
    assert person_with(session, "niemand@example.org") is None
    for email in ("bewiesen@example.org", invited.email, account.email, "frisch@example.org"):
        assert person_with(session, email) is not None, email
    assert session.scalar(select(func.count()).select_from(LinkToken).where(LinkToken.person_id.is_(None))) == 0
    assert how_many(session) == 4, "what was written stays"
    assert retention.unproven_guests(clock.now()) == 0


def test_somebody_who_used_the_same_address_again_lately_stays(browser, session, at):
    town = long_town()
    now = at(clock.now() - timedelta(days=31))
    send(browser, town)
    at(now + timedelta(days=31))
    send(browser, town)
    assert retention.unproven_guests(clock.now()) == 0


def test_pages_about_claims_ask_few_questions(browser, session, count_queries):
    town = make_town()
    send(browser, town)
    link = link_in(mails(session)[0])
    with count_queries() as queries:
        browser.get(link)
    assert len(queries) <= 8
    browser.submit(link)
    with count_queries() as queries:
        browser.get(town.path("/e/ankommen/comment"))
    assert len(queries) <= 10
