"""A reader chooses what to see of a thread and in which order; the choice stays from page to page."""

import re

import pytest
from sqlalchemy import update

from consult.contributions import operations
from consult.contributions.choosing import choice_of
from consult.contributions.listing import Filter, chosen_thread, listing
from consult.contributions.models import Channel, Contribution, Order, ReactionKind
from consult.extensions import db
from tests.contributions.factories import make_element, make_heir, make_many, make_town, make_version, make_wording


@pytest.fixture
def town(session):
    return make_town()


def numbers(town, **choice):
    before = choice.pop("before", "")
    return [
        item.number for item in chosen_thread(town.process, town.goal.id, None, Filter(**choice), before=before).items
    ]


def shown(visitor, town, query=""):
    page = visitor.get(town.path(f"/e/ankommen{query}"))
    return [int(article["id"].rpartition("-")[2]) for article in page.html.select("#list > li > article")]


def test_by_stance_and_by_language(town):
    worry = town.write("Das macht Sorgen.", stance="concern")
    like = town.write("Gut so.", stance="support")
    turkish = town.write("Güzel.", stance="support", lang="tr")
    assert numbers(town) == [turkish.number, like.number, worry.number]
    assert numbers(town, stance="support") == [turkish.number, like.number]
    assert numbers(town, stance="support", lang="tr") == [turkish.number]
    assert numbers(town, lang="ar") == []


def test_by_the_way_it_came(town, browser):
    written, letter = town.write("Hier geschrieben."), town.write("Mit der Post gekommen.")
    letter.channel = Channel.letter
    db.session.commit()
    assert numbers(town, channel=Channel.letter) == [letter.number]
    assert shown(browser, town, "?channel=letter") == [letter.number]
    assert shown(browser, town, "?channel=web") == [written.number]
    assert shown(browser, town, "?channel=pigeon") == [letter.number, written.number], (
        "what is not offered is no choice"
    )


def test_most_agreed_with_most_contested_and_without_an_answer(town):
    one, two, three = (town.write(f"Beitrag {n}.") for n in range(3))
    operations.react(two, town.neighbour)
    operations.react(one, town.neighbour)
    operations.react(one, town.moderator, ReactionKind.disagree)
    operations.react(two, town.moderator)
    assert numbers(town, order=Order.supported) == [two.number, one.number, three.number]
    assert numbers(town, order=Order.contested)[0] == one.number
    town.write("Eine Antwort.", reply_to=one, actor=town.neighbour)
    assert numbers(town, order=Order.unanswered) == [two.number, three.number]


def test_replies_stay_below_what_they_answer(town):
    root = town.write("Eine Frage?", stance="question")
    town.write("Eine Antwort.", reply_to=root, actor=town.neighbour, lang="tr")
    (item,) = chosen_thread(town.process, town.goal.id, None, Filter(stance="question")).items
    assert [reply.body for reply in item.replies] == ["Eine Antwort."]


def test_those_of_what_it_descends_from_are_among_them(town):
    worry = town.write("Das macht Sorgen.", stance="concern")
    heir = make_element(town.concept, "erbe")
    make_heir(town.goal, heir)
    page = chosen_thread(town.process, heir.id, None, Filter(stance="concern"))
    assert [item.number for item in page.items] == [worry.number]
    assert [item.number for item in listing(town.process, None, Filter(element_id=heir.id)).items] == [worry.number]


@pytest.mark.parametrize("order", list(Order))
def test_page_by_page_each_comes_once(town, session, order):
    make_many(town, 70, every_reply=10**6)
    session.execute(
        update(Contribution).values(
            agrees=Contribution.number % 7, disagrees=Contribution.number % 5, contested=Contribution.number % 5
        )
    )
    session.execute(
        update(Contribution).where(Contribution.agrees < Contribution.disagrees).values(contested=Contribution.agrees)
    )
    seen, before = [], ""
    while True:
        page = chosen_thread(town.process, town.goal.id, None, Filter(order=order, stance="change"), before=before)
        seen += [item.number for item in page.items]
        if page.next_cursor is None:
            break
        before = str(page.next_cursor)
    assert sorted(seen) == list(range(1, 71))


@pytest.mark.parametrize("cursor", ["x", "1.2.3", "-1", "9" * 30, "1.", "5.5", "\u0661"])
@pytest.mark.parametrize("order", list(Order))
def test_a_cursor_that_is_none_begins_at_the_start(town, browser, order, cursor):
    town.write("Ein Beitrag.")
    browser.get(town.path(f"/e/ankommen?order={order}&before={cursor}"))


@pytest.mark.parametrize(
    "wrong", ["stance=x", "lang=xx", "channel=x", "order=x", "order=newest&stance=&lang=&channel=", "stance[]=concern"]
)
def test_what_is_not_offered_counts_as_no_choice(wrong):
    assert choice_of(dict(part.split("=") for part in wrong.split("&"))) == Filter()


def test_the_page_keeps_the_choice_and_shows_how_many_there_are(town, browser, session):
    make_many(town, 45, every_reply=10**6)
    town.write("Das macht Sorgen.", stance="concern")
    page = browser.get(town.path("/e/ankommen"))
    labels = [option.get_text() for option in page.html.select("select[name=stance] option")]
    assert [re.search(r"\((\d+)\)", label)[1] for label in labels] == ["46", "0", "1", "45", "0"]
    page = browser.get(town.path("/e/ankommen?stance=change&order=supported&lang=de&channel=web"))
    chosen = {select["name"]: select.find(selected=True)["value"] for select in page.html.select("main select")}
    assert chosen == {"order": "supported", "stance": "change", "lang": "de", "channel": "web"}
    following = page.html.select_one("a[rel=next]")["href"]
    assert {"stance=change", "order=supported", "lang=de", "channel=web"} <= set(re.split("[?&#]", following))
    again = browser.get(following)
    assert again.html.select_one("a[rel=next]"), "45 are three pages"
    back = [link["href"] for link in again.html.select("section[aria-labelledby=contributions] > p > a")]
    assert any("stance=change" in address for address in back)


def test_a_choice_that_nothing_fits_says_so_and_leads_back(town, browser):
    town.write("Ein Beitrag.")
    page = browser.get(town.path("/e/ankommen?lang=ar"))
    assert shown(browser, town, "?lang=ar") == []
    assert page.html.select(f"a[href='{town.path('/e/ankommen')}#contributions']")


def test_without_contributions_there_is_nothing_to_choose(town, browser):
    assert not browser.get(town.path("/e/ankommen")).html.select("main select")


def test_the_list_of_the_process_keeps_every_choice_too(town, browser):
    make_many(town, 30, every_reply=10**6)
    query = "stance=change&kind=comment&channel=web&lang=de&element=ankommen&order=unanswered"
    page = browser.get(town.path(f"/contributions?{query}"))
    assert set(query.split("&")) <= set(re.split("[?&]", page.html.select_one("a[rel=next]")["href"]))


@pytest.mark.parametrize(
    "query", ["", "?order=supported", "?order=contested&stance=change", "?order=unanswered&lang=de"]
)
@pytest.mark.parametrize("number", [30, 1500])
def test_a_choice_costs_no_more_questions_at_any_size(town, browser, count_queries, query, number):
    make_many(town, number)
    address = town.path(f"/e/ankommen{query}")
    browser.get(address)
    with count_queries() as asked:
        browser.get(address)
    assert len(asked) <= 10


def test_what_waits_of_ones_own_is_shown_whatever_is_chosen(town, browser_of, session):
    mine = town.write("Meins.")
    session.execute(update(Contribution).where(Contribution.id == mine.id).values(state="pending"))
    page = browser_of(town.citizen).get(town.path("/e/ankommen?lang=ar"))
    assert "Meins." in page.text


def test_old_versions_of_the_text_do_not_matter_for_the_choice(town, browser):
    wording = make_wording(town.goal, "Neue Worte.")
    town.write("Gut so.", stance="support")
    make_version(town.concept, 2, (town.goal, wording, "2.1"))
    assert len(shown(browser, town, "?stance=support")) == 1
