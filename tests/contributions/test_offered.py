"""How a contribution can be meant is what the leads of the process offer."""

import pytest

from consult.contributions.models import Contribution, Stance
from consult.contributions.offered import stances_of
from consult.errors import Refused
from consult.extensions import db
from tests.contributions.factories import make_town
from tests.contributions.proposing import propose

EN = {"Accept-Language": "en"}
FEW = "support question"


@pytest.fixture
def town(session):
    town = make_town()
    session.commit()
    return town


def choose(town, words):
    town.process.offered_stances = words
    db.session.commit()


def offered(page):
    return [tag["value"] for tag in page.html.select("input[name=stance]")]


def chosen_already(page):
    return [tag["value"] for tag in page.html.select("input[name=stance][checked]")]


def test_all_are_offered_until_the_leads_choose(town):
    assert stances_of(town.process) == list(Stance)
    choose(town, "question support")
    assert stances_of(town.process) == [Stance.support, Stance.question]
    # Never nothing, whatever stands in the row.
    choose(town, "unknown")
    assert stances_of(town.process) == list(Stance)


@pytest.mark.parametrize("where", ["/comment", "/e/ankommen/comment"])
def test_the_form_offers_only_these(town, browser, browser_of, where):
    choose(town, FEW)
    for visitor in (browser, browser_of(town.citizen)):
        assert offered(visitor.get(town.path(where))) == ["support", "question"]


def test_a_single_one_is_chosen_already(town, browser, browser_of):
    choose(town, "question")
    for visitor in (browser, browser_of(town.citizen)):
        page = visitor.get(town.path("/comment"))
        assert offered(page) == chosen_already(page) == ["question"]


def test_what_is_no_longer_offered_is_refused_in_plain_words_and_the_text_stays(town, browser, browser_of):
    path = town.path("/comment")
    for visitor in (browser, browser_of(town.citizen)):
        choose(town, "")
        fields = {**visitor.get(path).form_fields(path), "stance": "concern", "text": "Zu wenig Licht."}
        choose(town, FEW)
        page = visitor.post(path, fields, status=409, headers=EN)
        assert "“This worries me” cannot be chosen here any more." in page.text
        assert page.html.select_one("textarea[name=text]").text.strip() == "Zu wenig Licht."
        assert (offered(page), chosen_already(page)) == (["support", "question"], [])
        assert db.session.query(Contribution).count() == 0
    visitor.post(path, {**page.form_fields(path), "stance": "question"})
    assert db.session.query(Contribution).one().stance == Stance.question


def test_the_operation_refuses_it_whoever_asks(town):
    choose(town, FEW)
    with pytest.raises(Refused):
        town.write(stance=Stance.concern)
    town.write(stance=Stance.question)


def test_replies_and_proposals_of_words_are_no_choice(town):
    choose(town, "question")
    asked = town.write(stance=Stance.question)
    town.write("Ja.", reply_to=asked, stance=None, actor=town.neighbour)
    propose(town)
    assert [one.stance for one in db.session.query(Contribution).order_by(Contribution.number)] == [
        "question", None, "change",
    ]  # fmt: skip


def test_the_filter_still_finds_what_was_written_before(town, browser):
    town.write("Zu wenig Licht.", stance=Stance.concern)
    choose(town, FEW)
    page = browser.get(town.path("/contributions?stance=concern"))
    assert "Zu wenig Licht." in page.text
    values = [tag["value"] for tag in page.html.select("select[name=stance] option")]
    assert values == ["", "support", "concern", "change", "question"]
