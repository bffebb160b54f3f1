"""Writing without an account, or for somebody else: what is sent, when, and the slip with the receipt code."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from consult import clock
from consult.audit.models import AuditEntry
from consult.contributions import receipts
from consult.contributions.models import Channel, ContributionText, State
from consult.errors import Refused
from consult.moderation import operations as deciding
from consult.outbox.models import OutboxMessage
from consult.personal import everything_about
from consult.processes.models import Activity, Audience, Moderation, ProcessState
from consult.web import FormAnswer
from tests.contributions.factories import make_town
from tests.contributions.guests import TYPED, code_on, how_many, newest, open_with, send, write
from tests.factories import make_stage

# Sending.


def test_a_guest_writes_without_account_and_address_and_gets_a_code(browser, session):
    town = make_town()
    page = browser.get(town.path("/e/ankommen/comment"), headers={"Accept-Language": "en"})
    assert "We do not ask who you are" in page.text
    assert "within 24 hours" in page.text, "says before sending when it will appear"
    assert not page.html.find("input", type="email").has_attr("required")
    slip = send(browser, town)
    sent = newest(session)
    assert (sent.channel, sent.state, sent.author_id, sent.entered_by_id) == (Channel.guest, State.pending, None, None)
    assert (sent.author_name, sent.stance, sent.element_id) == ("Wetterhahn", "concern", town.goal.id)
    assert (sent.version_id, sent.wording_id) == (town.version.id, town.wording.id)
    assert f"{town.process.code}-{sent.number}" in slip.h1
    assert receipts.find(code_on(slip)).id == sent.id
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.action, entry.actor_id) == ("contributions.contribution.submitted", None)


def test_neither_database_nor_address_nor_cookie_holds_the_code(browser, session):
    town = make_town()
    sent = browser.submit(town.path("/comment"), TYPED)
    code = code_on(browser.follow(sent))
    kept = newest(session).receipt_hash
    cookies = " ".join(cookie.value for cookie in browser.client._cookies.values())
    for spelled in (code, receipts.plain(code)):
        assert spelled not in sent.location + cookies + kept
        assert spelled not in str(session.execute(select(AuditEntry.facts)).all())


def test_the_slip_is_for_the_browser_that_sent_it_and_for_half_an_hour(browser, browser_of, session, at):
    town = make_town()
    now = at(clock.now())
    sent = browser.submit(town.path("/comment"), TYPED)
    first, again = browser.follow(sent), browser.follow(sent)
    assert code_on(first) == code_on(again)
    assert first.response.headers["Cache-Control"] == "no-store"
    assert not browser_of(town.neighbour).get(sent.location).html.select_one(".code")
    at(now + timedelta(minutes=31))
    assert not browser.follow(sent).html.select_one(".code")


def test_closing_leaves_nothing_in_the_browser(browser, session):
    town = make_town()
    sent = browser.submit(town.path("/comment"), TYPED)
    code = code_on(browser.follow(sent))
    open_with(browser, code)
    browser.submit("/receipt/close", form_at=sent.location)
    assert not browser.get(sent.location).html.select_one(".code")
    assert browser.get("/receipt/contribution", 303).location == "/receipt"


def test_the_same_form_sent_twice_is_one_contribution_and_one_slip(browser, session):
    town = make_town()
    address = town.path("/e/ankommen/comment")
    fields = {**browser.get(address).form_fields(address), **TYPED}
    first = browser.post(address, fields)
    second = browser.post(address, fields)
    assert first.location == second.location
    assert how_many(session) == 1
    assert receipts.find(code_on(browser.follow(second)))


def test_the_same_form_sent_twice_at_the_same_moment_leads_to_the_same_slip(browser, session):
    """The second one has not seen the first one's answer; the unique key of the code stops it."""
    town = make_town()
    address = town.path("/e/ankommen/comment")
    fields = {**browser.get(address).form_fields(address), **TYPED}
    first = browser.post(address, fields)
    session.execute(delete(FormAnswer))
    session.commit()
    assert browser.post(address, fields).location == first.location
    assert how_many(session) == 1


def test_the_same_code_cannot_be_given_twice(session):
    town = make_town()
    write(town)
    with pytest.raises(Exception, match="receipt_hash"):
        write(town)


@pytest.mark.parametrize("moderation", list(Moderation))
def test_it_waits_for_a_moderator_whatever_the_stage_says(session, moderation):
    assert write(make_town(moderation=moderation)).state == State.pending


@pytest.mark.parametrize(
    ("stage", "open_to_guests"),
    [
        ({"activities": [Activity.comment]}, True),
        ({"activities": [Activity.comment], "audience": Audience.members}, False),
        ({"activities": [Activity.react]}, False),
        ({"activities": [Activity.comment], "starts_at": timedelta(hours=1)}, False),
        ({"activities": [Activity.comment], "ends_at": timedelta(seconds=-1)}, False),
        ({"activities": [Activity.comment], "archived": True}, False),
    ],
)
def test_when_guests_may_write(session, browser, stage, open_to_guests):
    town = make_town(open_now=False)
    archived = stage.pop("archived", False)
    moments = {name: clock.now() + stage.pop(name) for name in ("starts_at", "ends_at") if name in stage}
    if "ends_at" in moments:
        moments["starts_at"] = moments["ends_at"] - timedelta(days=1)
    make_stage(town.process, *stage.pop("activities"), **stage, **moments)
    if archived:
        town.process.state = ProcessState.archived
    session.commit()
    page = browser.get(town.path("/e/ankommen/comment"))
    assert bool(page.html.find("textarea")) == open_to_guests
    if open_to_guests:
        assert write(town)
        return
    assert page.html.find("a", href=f"/sign-in?next=/p/{town.process.slug}/e/ankommen/comment")
    assert "Set-Cookie" not in page.response.headers
    token = browser.get("/contact").form_fields("/contact")["csrf_token"]
    answer = browser.post(
        town.path("/e/ankommen/comment"),
        {**TYPED, "lang": "de", "as_guest": "guest", "csrf_token": token},
        409,
    )
    assert TYPED["text"] in answer.html.find("textarea").get_text()
    assert how_many(session) == 0


def test_when_the_stage_closes_while_a_guest_writes_the_text_is_kept(browser, session, at):
    town = make_town(open_now=False)
    now = at(clock.now())
    make_stage(town.process, Activity.comment, ends_at=now + timedelta(minutes=5))
    address = town.path("/e/ankommen/comment")
    fields = browser.get(address).form_fields(address)
    at(now + timedelta(minutes=5))
    page = browser.post(address, {**fields, **TYPED}, 409, headers={"Accept-Language": "en"})
    assert page.html.find("textarea").get_text().strip() == TYPED["text"]
    assert "closed at the moment" in page.html.find(class_="error-summary").get_text()
    assert how_many(session) == 0


def test_a_session_that_ended_loses_nothing_and_sends_nothing_in_another_name(browser, browser_of, session):
    """Somebody signed in was writing; what they send afterwards is not sent as a guest's before they know."""
    town = make_town()
    address = town.path("/e/ankommen/comment")
    theirs = browser_of(town.citizen).get(address).form_fields(address)
    assert "as_guest" not in theirs
    theirs["csrf_token"] = browser.get("/contact").form_fields("/contact")["csrf_token"]
    page = browser.post(address, {**theirs, "stance": "concern", "text": "Mein langer Text"}, 200)
    assert "Mein langer Text" in page.html.find("textarea").get_text()
    assert page.html.find(class_="error-summary")
    assert how_many(session) == 0
    again = browser.post(address, {**page.form_fields(address), "stance": "concern"}, 303)
    assert again.location.startswith("/receipt/slip/")
    assert newest(session).author_id is None


def test_a_form_for_guests_stays_one_when_somebody_signed_in_meanwhile(browser, browser_of, session):
    town = make_town()
    address = town.path("/comment")
    page = browser.get(address)
    visitor = browser_of(town.citizen)
    token = visitor.get(address).form_fields(address)["csrf_token"]
    visitor.post(address, {**page.form_fields(address), **TYPED, "csrf_token": token})
    assert (newest(session).author_id, newest(session).channel) == (None, Channel.guest)


def test_a_stale_token_keeps_the_text(browser, session):
    town = make_town()
    address = town.path("/comment")
    fields = browser.get(address).form_fields(address)
    page = browser.post(address, {**fields, **TYPED, "csrf_token": "alt"}, 200)
    assert page.html.find("textarea").get_text().strip() == TYPED["text"]
    assert how_many(session) == 0


@pytest.mark.parametrize(
    "typed",
    [
        {"author_name": "birke@example.org"},
        {"author_name": "x" * 61},
        {"website": "https://example.org"},
        {"stance": ""},
        {"text": ""},
    ],
)
def test_what_is_not_accepted_comes_back_with_everything_typed(browser, session, typed):
    town = make_town()
    page = browser.submit(town.path("/comment"), {**TYPED, **typed}, status=200)
    assert page.html.find(class_="error-summary")
    assert page.html.find("textarea").get_text().strip() == typed.get("text", TYPED["text"])
    assert how_many(session) == 0


def test_too_many_from_one_connection_lose_nothing(app, browser, session, monkeypatch):
    monkeypatch.setitem(app.config, "GUEST_CONTRIBUTIONS_PER_HOUR", 2)
    town = make_town()
    for _time in range(2):
        send(browser, town)
    page = browser.submit(town.path("/comment"), TYPED, status=429)
    assert page.html.find("textarea").get_text().strip() == TYPED["text"]
    assert page.html.find(class_="error-summary")
    assert how_many(session) == 2


def test_a_library_full_of_people_gets_through(app):
    assert app.config["GUEST_CONTRIBUTIONS_PER_HOUR"] >= 30


def test_pages_for_reading_stay_without_form_and_session(browser, session):
    town = make_town()
    town.write()
    for address in ("/e/ankommen", "/contributions", "/contributions/1", ""):
        page = browser.get(town.path(address))
        assert "Set-Cookie" not in page.response.headers
        assert not page.html.find("form", method="post")


def test_pages_with_forms_ask_few_questions(browser, session, count_queries):
    town = make_town()
    contribution = write(town)
    for address, at_most in (
        (town.path("/e/ankommen/comment"), 7),
        (town.path("/comment"), 6),
        ("/receipt", 3),
    ):
        with count_queries() as queries:
            browser.get(address)
        assert len(queries) <= at_most, address
    browser.submit("/receipt", {"code": "7K3M-Q0TW-94XA-B2ZR"})
    session.refresh(contribution)
    for address, at_most in (("/receipt/contribution", 17), ("/receipt/contribution/edit", 5)):
        with count_queries() as queries:
            browser.get(address)
        assert len(queries) <= at_most, address
    sent = browser.submit(town.path("/e/ankommen/comment"), TYPED)
    with count_queries() as queries:
        browser.get(sent.location)
    assert len(queries) <= 10


def test_a_waiting_text_is_nowhere_public(browser, session):
    town = make_town()
    write(town, text="Nadel im Heuhaufen")
    for address in ("", "/e/ankommen", "/contributions", "/timeline"):
        assert "Nadel im Heuhaufen" not in browser.get(town.path(address)).text
    browser.get(town.path("/contributions/1"), 404)


# Helpers.


def test_a_helper_types_it_in_and_the_person_keeps_the_code(browser, browser_of, session):
    town = make_town()
    visitor = browser_of(town.neighbour)
    address = town.path("/e/ankommen/comment/for-somebody")
    assert visitor.get(town.path("/e/ankommen/comment")).html.find("a", href=address)
    slip = visitor.follow(visitor.submit(address, TYPED))
    sent = newest(session)
    assert (sent.channel, sent.state) == (Channel.helper, State.pending)
    assert (sent.author_id, sent.entered_by_id) == (None, town.neighbour.id)
    assert session.scalars(select(ContributionText.actor_id)).all() == [None]
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry.actor_id == town.neighbour.id
    code = code_on(slip)
    # Nothing is left with the helper: not the page, not the list, not the words in their data.
    visitor.get(town.number_path(sent), 404)
    assert TYPED["text"] not in visitor.get(town.path("/contributions?mine=1")).text
    assert TYPED["text"] not in str(everything_about(town.neighbour))
    assert sent.receipt_hash not in str(everything_about(town.neighbour))
    assert TYPED["text"] in open_with(browser, code).text
    deciding.approve(sent, town.moderator)
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0
    public = browser.get(town.number_path(sent)).text
    assert "Wetterhahn" in public
    assert town.neighbour.name not in public


def test_helping_asks_for_an_account_and_keeps_the_text_when_it_ended(browser, browser_of, session):
    town = make_town()
    address = town.path("/comment/for-somebody")
    assert browser.get(address, 303).location.startswith("/sign-in")
    fields = browser_of(town.neighbour).get(address).form_fields(address)
    fields["csrf_token"] = browser.get("/contact").form_fields("/contact")["csrf_token"]
    page = browser.post(address, {**fields, **TYPED}, 200)
    assert page.html.find("textarea").get_text().strip() == TYPED["text"]
    assert how_many(session) == 0


def test_a_helper_is_limited_too(app, browser_of, session, monkeypatch):
    monkeypatch.setitem(app.config, "CONTRIBUTIONS_PER_HOUR", 1)
    town = make_town()
    visitor = browser_of(town.neighbour)
    visitor.submit(town.path("/comment/for-somebody"), TYPED)
    visitor.submit(town.path("/comment/for-somebody"), TYPED, status=429)


def test_nobody_can_be_refused_by_the_model_alone(session):
    """The operation itself asks the stage: no door can forget it."""
    town = make_town(open_now=False)
    with pytest.raises(Refused):
        write(town)
