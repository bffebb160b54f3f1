"""What somebody typed is never lost: the session ended, the stage closed, the account went, too much came at once."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consult import broker, clock, jobs, personal
from consult.accounts.models import SignIn
from consult.contributions.models import Contribution, RuleEffect, ScreeningRule, State
from consult.contributions.operations import newest_text
from consult.moderation import operations as deciding
from consult.outbox.models import OutboxMessage
from consult.processes.models import Activity, Audience, Moderation
from tests.contributions.factories import make_representation, make_town
from tests.contributions.guests import TYPED, how_many, newest
from tests.factories import flushed, make_organisation, make_stage

EN = {"Accept-Language": "en"}
LONG = "Ein langer Text, an dem jemand saß."


def end_session(visitor, session, *, cookie):
    """The sign-in is over on the server; with `cookie`, the browser has lost its cookie as well."""
    for row in session.query(SignIn):
        session.delete(row)
    session.commit()
    if cookie:
        visitor.client.delete_cookie("consult")


def forms_of(town):
    """Every form of this path that needs an account: (who, address, what is typed)."""
    return {
        "comment": ("citizen", town.path("/e/ankommen/comment"), {"stance": "concern", "text": LONG}),
        "comment on the whole": ("citizen", town.path("/comment"), {"stance": "concern", "text": LONG}),
        "for somebody": ("neighbour", town.path("/comment/for-somebody"), {"stance": "concern", "text": LONG}),
        "reply": ("neighbour", town.path("/contributions/1/reply"), {"text": LONG}),
        "edit": ("citizen", town.path("/contributions/1/edit"), {"text": LONG}),
    }


@pytest.mark.parametrize("cookie", [False, True], ids=["ended on the server", "cookie gone"])
@pytest.mark.parametrize("which", ["comment", "comment on the whole", "for somebody", "reply", "edit"])
def test_a_session_that_ended_keeps_the_text_on_every_form(browser_of, session, which, cookie):
    town = make_town()
    town.write()
    who, address, typed = forms_of(town)[which]
    visitor = browser_of(getattr(town, who))
    fields = visitor.get(address).form_fields(address)
    before = how_many(session)
    end_session(visitor, session, cookie=cookie)
    response = visitor.client.post(address, data={**fields, **typed}, headers=EN)
    page = response.get_data(as_text=True)
    assert response.status_code in (200, 403), "neither a redirect nor an error without the text"
    assert LONG in page
    assert "not signed in any more" in page or "session had ended" in page
    assert how_many(session) == before
    assert newest_text(newest(session)) != LONG


@pytest.mark.parametrize("which", ["reply", "edit"])
def test_who_signs_in_again_beside_it_sends_the_same_page(browser_of, session, which):
    town = make_town()
    town.write()
    who, address, typed = forms_of(town)[which]
    visitor = browser_of(getattr(town, who))
    fields = visitor.get(address).form_fields(address)
    end_session(visitor, session, cookie=False)
    kept = visitor.post(address, {**fields, **typed}, 403)
    assert kept.html.select_one("main a[href='/sign-in'][target='_blank']")
    again = browser_of(getattr(town, who))
    fields = kept.form_fields(address)
    stale = again.post(address, fields, 200)
    assert LONG in stale.html.find("textarea").get_text(), "the token is that of the old session"
    again.post(address, {**fields, **stale.form_fields(address)})
    assert LONG in session.scalars(select(func.coalesce(newest_body(), ""))).all()


def newest_body():
    texts = Contribution.__table__.metadata.tables["contribution_text"]
    return texts.c.body


def test_the_page_that_keeps_a_text_tells_nothing_about_what_is_not_public(browser, session):
    town = make_town(moderation=Moderation.pre)
    town.write()
    token = browser.get("/contact").form_fields("/contact")["csrf_token"]
    pages = {
        number: browser.post(town.path(f"/contributions/{number}/edit"), {"csrf_token": token, "text": LONG}, 403)
        for number in ("1", "999")
    }
    texts = {page.text.replace("999", "1") for page in pages.values()}
    assert len(texts) == 1
    browser.post(town.path("/contributions/1/edit"), {"csrf_token": token, "text": " "}, 404)


@pytest.mark.parametrize("opens_again", [True, False])
@pytest.mark.parametrize("who", ["guest", "citizen", "reply", "helper"])
def test_a_stage_that_closes_keeps_the_text_and_says_what_to_do(browser, browser_of, session, at, who, opens_again):
    town = make_town(open_now=False)
    now = at(clock.now())
    make_stage(town.process, Activity.comment, ends_at=now + timedelta(minutes=5))
    if opens_again:
        starts = now + timedelta(days=20)
        make_stage(town.process, Activity.comment, starts_at=starts, ends_at=starts + timedelta(days=1))
    town.write()
    visitor = {"guest": lambda: browser, "citizen": lambda: browser_of(town.citizen)}.get(
        who, lambda: browser_of(town.neighbour)
    )()
    address = town.path({"reply": "/contributions/1/reply", "helper": "/comment/for-somebody"}.get(who, "/comment"))
    fields = visitor.get(address).form_fields(address)
    at(now + timedelta(minutes=5))
    page = visitor.post(address, {**fields, "stance": "concern", "text": LONG}, 409, headers=EN)
    assert page.html.find("textarea").get_text().strip() == LONG
    assert page.html.find("button", attrs={"data-copy": LONG})
    assert page.html.find("form", attrs={"data-autosave": True}), "the browser keeps it, too"
    assert "It was closed while you were writing" in page.text
    assert ("You can send it from" in page.text) == opens_again
    assert ("No further round" in page.text) != opens_again
    assert page.html.find("a", href="/contact")
    assert how_many(session) == 1
    if opens_again:
        at(now + timedelta(days=20, hours=1))
        if who == "guest":
            visitor.post(address, {**page.form_fields(address), "stance": "concern"})
            assert newest_text(newest(session)) == LONG


def test_an_account_that_is_erased_while_its_text_waits(browser, session):
    """The text stays, without a name; a decision about it is no error and sends no mail."""
    town = make_town(moderation=Moderation.pre)
    first, second = town.write(LONG), town.write("Noch einer.")
    personal.erase(town.citizen, town.citizen)
    session.commit()
    deciding.approve(first, town.moderator)
    deciding.hide(second, town.moderator, town.reason)
    session.commit()
    page = browser.get(town.number_path(first), headers=EN)
    assert LONG in page.text
    assert "Deleted account" in page.text
    assert "Birke" not in page.text
    waiting = session.scalars(select(OutboxMessage).where(OutboxMessage.recipient_id == town.citizen.id)).all()
    assert all(message.sent_text is None for message in waiting)


def test_a_flood_is_stopped_with_the_broker_dead(app, browser, session, monkeypatch):
    """Limits stand in the database; that a mail could not be poked holds nobody up and loses nothing."""
    monkeypatch.setitem(app.config, "GUEST_CONTRIBUTIONS_PER_HOUR", 3)
    before = jobs.set_publisher(jobs.ThreadPublisher(broker.sender("redis://127.0.0.1:1/0")))
    town = make_town()
    try:
        began = time.monotonic()
        for number in range(3):
            browser.submit(town.path("/comment"), {**TYPED, "email": f"a{number}@example.org"})
        page = browser.submit(town.path("/comment"), TYPED, status=429)
        # Nobody waits for the broker: each try of it may take seconds.
        assert time.monotonic() - began < 10
    finally:
        jobs.set_publisher(before)
    assert page.html.find("textarea").get_text().strip() == TYPED["text"]
    assert how_many(session) == 3
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 3, "the sweeper sends them later"


def test_two_tabs_send_two_contributions_and_each_has_its_own_slip(browser, session):
    town = make_town()
    address = town.path("/comment")
    first, second = (browser.get(address).form_fields(address) for _tab in range(2))
    one = browser.post(address, {**first, **TYPED, "text": "Im ersten Fenster"})
    two = browser.post(address, {**second, **TYPED, "text": "Im zweiten Fenster"})
    codes = {browser.follow(page).html.select_one(".slip .code").get_text() for page in (one, two)}
    assert len(codes) == 2
    assert how_many(session) == 2


# What is said before sending, for everybody who may write.


@pytest.mark.parametrize("moderation", list(Moderation))
def test_before_sending_everybody_reads_what_happens_next(browser, browser_of, session, moderation):
    town = make_town(moderation=moderation)
    town.process.moderation_hours = 36
    make_representation(town.citizen, make_organisation("Sportverein"))
    town.write(actor=town.citizen)
    session.commit()
    pages = {
        "guest": browser.get(town.path("/comment"), headers=EN),
        "account": browser_of(town.neighbour).get(town.path("/comment"), headers=EN),
        "organisation": browser_of(town.citizen).get(town.path("/comment"), headers=EN),
        "helper": browser_of(town.neighbour).get(town.path("/comment/for-somebody"), headers=EN),
    }
    for who, page in pages.items():
        assert "Who reads this" in page.text, who
        assert "not shown and not passed on" in page.text, who
        assert "You advise; the council will decide." in page.text, who
        at_once = moderation == Moderation.post and who in ("account", "organisation")
        assert ("Your text appears at once. Moderators look at it afterwards." in page.text) == at_once, who
        assert ("as a rule within 36 hours on working days" in page.text) != at_once, who
        hint = page.html.find("textarea")["aria-describedby"].split()
        assert any("Who reads this" in page.html.find(id=ident).get_text() for ident in hint), "read out with the box"
    assert ("Once you press it, your text appears at once" in pages["guest"].text) == (moderation == Moderation.post)
    assert "counts as the opinion of the organisation" in pages["organisation"].text
    assert "counts as the opinion of the organisation" not in pages["account"].text
    assert "With it the person reads the answer" in pages["helper"].text


def test_members_who_write_in_their_own_stage_are_told_the_same(browser_of, session):
    town = make_town(open_now=False)
    make_stage(town.process, Activity.comment, audience=Audience.members)
    page = browser_of(town.steering).get(town.path("/comment"), headers=EN)
    assert "Your text appears at once" in page.text


def test_the_state_after_sending_is_the_one_announced(browser_of, session):
    for moderation, state in ((Moderation.pre, State.pending), (Moderation.post, State.published)):
        town = make_town(moderation=moderation)
        browser_of(town.citizen).submit(town.path("/comment"), {"stance": "support", "text": "Gut"})
        assert newest(session).state == state


def test_with_rules_of_arrival_nothing_is_promised_that_they_may_break(browser_of, session):
    town = make_town()
    flushed(ScreeningRule(process_id=town.process.id, conditions={"link": True}, effect=RuleEffect.wait))
    page = browser_of(town.citizen).get(town.path("/comment"), headers=EN)
    assert "unless one of the rules for contributions makes it wait" in page.text
