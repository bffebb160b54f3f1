"""The receipt code of a guest: how it is typed, what one finds under it, and what one may do there."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.contributions import operations, receipts
from consult.contributions.models import Contribution, ContributionText, State
from consult.moderation import operations as deciding
from consult.outbox.models import OutboxMessage
from consult.processes.models import ProcessState
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests.contributions.factories import make_town
from tests.contributions.guests import open_with, write

# The code.


def test_codes_are_long_and_have_no_look_alikes(session):
    codes = {receipts.code_for(receipts.new_secret(), "slip") for _time in range(200)}
    assert len(codes) == 200
    assert all([len(group) for group in code.split("-")] == [4] * 4 for code in codes)
    assert not set("ILOU") & set("".join(codes))
    assert receipts.code_for("a", "slip") != receipts.code_for("a", "other") != receipts.code_for("b", "slip")


@pytest.mark.parametrize(
    "typed",
    [
        "7K3M-Q01W-94XA-B2ZR",
        "7k3m-q01w-94xa-b2zr",
        "  7K3M Q01W 94XA B2ZR ",
        "7K3MQ01W94XAB2ZR",
        "7K3M–QOIW–94XA–B2ZR",
        "7k3m.qolw.94xa.b2zr",
        "\uff17\uff2b3M-Q01W-94XA-B2ZR",
        "٧K٣M-Q٠١W-٩٤XA-B٢ZR",
        "7К3М-Q01W-94ХА-В2ZR",
    ],
)
def test_however_it_is_typed_the_code_is_found(session, typed):
    contribution = write(make_town(), code="7K3M-Q01W-94XA-B2ZR")
    assert receipts.find(typed).id == contribution.id


@pytest.mark.parametrize("typed", ["", "0", "7K3M-Q01W-94XA-B2Z", "7K3M-Q01W-94XA-B2ZS", "٪" * 500, "' OR 1=1 --"])
def test_other_codes_find_nothing_and_cost_the_same(session, count_queries, typed):
    write(make_town(), code="7K3M-Q01W-94XA-B2ZR")
    with count_queries() as queries:
        assert receipts.find(typed) is None
    assert len(queries) == 1


def test_unknown_and_impossible_codes_get_the_same_answer(browser, session):
    texts = {browser.submit("/receipt", {"code": code}, status=200).html.find(class_="error-summary").get_text()
             for code in ("7K3M-Q01W-94XA-B2ZR", "Hallo", "????")}  # fmt: skip
    assert len(texts) == 1


def test_codes_cannot_be_tried_without_end(browser, session, monkeypatch):
    monkeypatch.setattr("consult.contributions.views.receipts.TRIES", 2)
    write(make_town(), code="7K3M-Q01W-94XA-B2ZR")
    for _time in range(2):
        browser.submit("/receipt", {"code": "falsch"}, status=200)
    browser.submit("/receipt", {"code": "7K3M-Q01W-94XA-B2ZR"}, status=429)


# What one finds under it.


def test_under_the_code_stand_the_text_and_its_state(browser, session):
    town = make_town()
    write(town, author_name="Wetterhahn")
    page = open_with(browser, "7k3m q0tw 94xa b2zr")
    assert page.response.headers["Cache-Control"] == "no-store"
    assert page.response.request.path == "/receipt/contribution"
    assert "Die Treppe ist zu steil." in page.text
    assert "Wetterhahn" in page.text
    assert page.html.find("a", href=town.path("/e/ankommen"))
    assert not page.html.find("a", href=town.path("/contributions/1")), "nothing is there before it appears"


def test_under_the_code_stands_why_it_is_held_back_and_no_mail_goes_out(browser, browser_of, session):
    town = make_town()
    contribution = write(town)
    desk = browser_of(town.moderator).get(town.path("/moderation"), headers={"Accept-Language": "en"})
    assert "without an account" in desk.text
    deciding.hide(contribution, town.moderator, town.reason, "Bitte ohne den Namen der Nachbarin.")
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0
    page = open_with(browser, "7K3M-Q0TW-94XA-B2ZR")
    assert "Enthält private Daten" in page.text
    assert "Bitte ohne den Namen der Nachbarin." in page.text
    browser.submit("/receipt/contribution/edit", {"text": "Eine Treppe ist zu steil."})
    session.refresh(contribution)
    assert (contribution.state, contribution.revision) == (State.pending, 1)


def test_under_the_code_stands_what_became_of_it(browser, session):
    town = make_town()
    contribution = write(town)
    deciding.approve(contribution, town.moderator)
    decide(contribution, DispositionKind.adopt, reason="Der Weg wird flacher.", plain_reason="Ja.", actor=town.steering)
    answer = town.write("Danke!", reply_to=contribution)
    page = open_with(browser, "7K3M-Q0TW-94XA-B2ZR")
    assert "Der Weg wird flacher." in page.text
    assert "Danke!" in page.text
    assert answer.parent_id == contribution.id
    assert page.html.find("a", href=town.number_path(contribution))


def test_whoever_holds_the_code_corrects_the_text_until_it_appears(browser, session):
    town = make_town()
    contribution = write(town)
    open_with(browser, "7K3M-Q0TW-94XA-B2ZR")
    browser.submit("/receipt/contribution/edit", {"text": "Die Treppe ist viel zu steil."})
    assert operations.newest_text(session.get(Contribution, contribution.id)) == "Die Treppe ist viel zu steil."
    assert session.scalars(select(ContributionText.actor_id)).all() == [None, None]
    edit_page = browser.get("/receipt/contribution/edit")
    fields = edit_page.form_fields("/receipt/contribution/edit")
    deciding.approve(session.get(Contribution, contribution.id), town.moderator)
    session.commit()
    page = browser.post("/receipt/contribution/edit", {**fields, "text": "Zu spät"}, 409)
    assert "Zu spät" in page.html.find("textarea").get_text()
    assert browser.get("/receipt/contribution/edit", 303).location == "/receipt/contribution"
    assert operations.newest_text(session.get(Contribution, contribution.id)) == "Die Treppe ist viel zu steil."


def test_withdrawing_is_asked_about_once_and_done(browser, session):
    town = make_town()
    contribution = write(town)
    deciding.approve(contribution, town.moderator)
    page = open_with(browser, "7K3M-Q0TW-94XA-B2ZR")
    form = page.html.find("form", action="/receipt/contribution/withdraw")
    assert form.find_parent("details"), "the button opens a question first"
    browser.submit("/receipt/contribution/withdraw", form_at="/receipt/contribution")
    session.refresh(contribution)
    assert contribution.state == State.withdrawn
    assert "Die Treppe" not in browser.get(town.number_path(contribution)).text
    assert "Die Treppe" in open_with(browser, "7K3M-Q0TW-94XA-B2ZR").text, "its author still reads it"


def test_after_half_an_hour_the_code_is_asked_for_and_the_text_kept(browser, session, at):
    town = make_town()
    now = at(clock.now())
    contribution = write(town)
    open_with(browser, "7K3M-Q0TW-94XA-B2ZR")
    address = "/receipt/contribution/edit"
    fields = browser.get(address).form_fields(address)
    at(now + timedelta(minutes=31))
    assert browser.get("/receipt/contribution", 303).location == "/receipt"
    page = browser.post(address, {**fields, "text": "Langsam geschrieben"}, 200)
    assert "Langsam geschrieben" in page.html.find("textarea").get_text()
    browser.post(address, {**page.form_fields(address), "code": "falsch"}, 200)
    browser.post(address, {**page.form_fields(address), "code": "7k3mq0tw94xab2zr"}, 303)
    assert operations.newest_text(session.get(Contribution, contribution.id)) == "Langsam geschrieben"


def test_with_two_codes_in_two_tabs_each_form_is_about_its_own(browser, session):
    town = make_town()
    first, second = write(town), write(town, code="0000-0000-0000-0000", text="Anderer Text")
    open_with(browser, "7K3M-Q0TW-94XA-B2ZR")
    address = "/receipt/contribution/edit"
    fields = browser.get(address).form_fields(address)
    withdrawing = browser.get("/receipt/contribution").form_fields("/receipt/contribution/withdraw")
    open_with(browser, "0000-0000-0000-0000")
    browser.post(address, {**fields, "text": "Zum ersten"}, 200)
    browser.post("/receipt/contribution/withdraw", withdrawing)
    assert operations.newest_text(session.get(Contribution, second.id)) == "Anderer Text"
    assert session.get(Contribution, second.id).state == State.pending
    browser.post(address, {**fields, "text": "Zum ersten", "code": "0000-0000-0000-0000"}, 200)
    browser.post(address, {**fields, "text": "Zum ersten", "code": "7K3M-Q0TW-94XA-B2ZR"})
    assert operations.newest_text(session.get(Contribution, first.id)) == "Zum ersten"


def test_a_code_opens_nothing_of_a_process_that_is_not_public_any_more(browser, session):
    town = make_town()
    write(town)
    open_with(browser, "7K3M-Q0TW-94XA-B2ZR")
    town.process.state = ProcessState.draft
    session.commit()
    assert browser.get("/receipt/contribution", 303).location == "/receipt"
    browser.submit("/receipt", {"code": "7K3M-Q0TW-94XA-B2ZR"}, status=200)
