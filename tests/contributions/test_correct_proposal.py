"""Authors correct their proposals in time: the words, the reason, or both; what was sent first stays on record."""

import pytest
from sqlalchemy import select

from consult.contributions import operations
from consult.contributions.models import ContributionText, State
from consult.errors import Conflict
from consult.processes.models import Activity, Moderation
from tests.contributions.factories import make_town
from tests.contributions.guests import code_on, open_with
from tests.contributions.proposing import BASE, WHY, WISH, marked, newest, propose, send
from tests.factories import make_stage

EN = {"Accept-Language": "en"}


def stored(session, contribution):
    return session.scalars(
        select(ContributionText).filter_by(contribution_id=contribution.id).order_by(ContributionText.revision)
    ).all()


def test_the_author_corrects_words_and_reason_and_the_first_stay_on_record(session, browser_of):
    town = make_town()
    contribution = propose(town)
    visitor = browser_of(town.citizen)
    address = town.number_path(contribution, "/proposal")
    assert visitor.get(town.number_path(contribution)).html.find("a", attrs={"href": address})
    form = visitor.get(address).form_fields()
    assert (form["proposed"], form["text"]) == (WISH, WHY)
    preview = visitor.post(address, {**form, "proposed": "Alle.", "step": "preview"}, 200)
    assert marked(preview.html.find(id="preview"))[1] == ["Alle"]
    better = WISH.replace("Sprache", "Muttersprache")
    visitor.post(address, {**form, "proposed": better})
    assert [(t.revision, t.proposed) for t in stored(session, contribution)] == [(0, WISH), (1, better)]
    assert contribution.wording_id == town.wording.id
    visitor.submit(address, {"proposed": BASE}, status=409)
    page = visitor.post(address, {**form, "proposed": "Zu spät.", "form_id": "another"}, 409)
    assert page.form_fields()["proposed"] == "Zu spät."
    assert "Muttersprache" in page.text


def test_a_correction_of_the_reason_alone_keeps_the_words(session):
    town = make_town()
    contribution = propose(town)
    assert operations.edit(contribution, town.citizen, "Ein besserer Grund.", 0)
    assert stored(session, contribution)[1].proposed == WISH
    assert not operations.edit(contribution, town.citizen, "Ein besserer Grund.", 1, proposed=WISH)
    with pytest.raises(Conflict):
        operations.edit(contribution, town.citizen, "x", 0, proposed="y")


def test_a_correction_waits_again_where_proposals_wait(session):
    town = make_town(open_now=False)
    make_stage(town.process, Activity.comment, moderation=Moderation.post)
    make_stage(town.process, Activity.propose, moderation=Moderation.pre)
    contribution = propose(town)
    contribution.state = State.published
    session.flush()
    assert operations.goes_back_to_moderation(contribution, town.citizen)
    assert operations.edit(contribution, town.citizen, WHY, 0, proposed="Alle werden informiert.")
    assert contribution.state == State.pending


def test_only_the_author_corrects_it(session, browser, browser_of):
    town = make_town()
    address = town.number_path(propose(town), "/proposal")
    assert "/sign-in" in browser.get(address, 303).location
    for person in (town.neighbour, town.moderator):
        browser_of(person).get(address, 403)


def test_a_comment_has_no_words_to_correct(session, browser_of):
    town = make_town()
    comment = town.write()
    sent = browser_of(town.citizen).get(town.number_path(comment, "/proposal"), 303)
    assert sent.location == town.number_path(comment, "/edit")


def test_whoever_holds_the_code_corrects_words_and_reason(session, browser):
    town = make_town()
    slip = browser.follow(send(browser, town))
    open_with(browser, code_on(slip))
    address = "/receipt/contribution/edit"
    form = browser.get(address).form_fields(address)
    assert (form["proposed"], form["text"]) == (WISH, WHY)
    preview = browser.post(address, {**form, "proposed": "Alle.", "step": "preview"}, 200)
    assert marked(preview.html.find(id="preview"))[1] == ["Alle"]
    browser.post(address, {**form, "proposed": BASE}, 409)
    browser.post(address, {**form, "proposed": "Alle werden informiert.", "form_id": "another"})
    assert [row.proposed for row in stored(session, newest(session))] == [WISH, "Alle werden informiert."]
