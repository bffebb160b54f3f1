"""The pages of the digest: who reads them, what they show, what they never show."""

from datetime import timedelta

import pytest

from consult import clock
from consult.accounts.models import Person
from consult.contributions import operations as contributions
from consult.contributions import translating
from consult.contributions.models import ContributionText, Stance
from consult.digests.models import Digest
from consult.processes.models import Function, Moderation, ProcessState
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests.conftest import MONDAY
from tests.digests.factories import hide, issued, make_council, make_digest
from tests.digests.test_figures import crowd
from tests.factories import make_group, make_person


@pytest.fixture
def council(session):
    return make_council()


def look(visitor, url):
    """The page in English, whatever catalogues there are."""
    return visitor.get(url, headers={"Accept-Language": "en"})


def pages(council, digest):
    return council.town.path("/digests"), council.town.path(f"/digests/{digest.id}")


@pytest.mark.parametrize("who", ["steering", "lead", "moderator", "editor"])
def test_those_who_weigh_and_prepare_the_input_read_it(council, browser_of, who):
    council.town.write()
    digest = issued(make_digest(council.process, MONDAY))
    visitor = browser_of(getattr(council.town, who))
    index, show = pages(council, digest)
    assert visitor.get(index).html.find("a", href=show)
    assert "1 new contribution" in look(visitor, show).text


def test_the_deputy_reads_it_too(council, browser_of):
    council.town.write()
    digest = issued(make_digest(council.process, MONDAY))
    for page in pages(council, digest):
        browser_of(council.deputy).get(page)


@pytest.mark.parametrize("who", ["citizen", "stranger", "circle"])
def test_for_everybody_else_who_is_signed_in_there_is_no_such_page(council, browser_of, who):
    council.town.write()
    digest = issued(make_digest(council.process, MONDAY))
    if who == "circle":
        person: Person = make_person()
        make_group(council.process, Function.working, person)
    else:
        person = getattr(council.town, who)
    for page in pages(council, digest):
        browser_of(person).get(page, 404)


def test_a_guest_who_follows_the_link_of_the_mail_may_sign_in_whether_the_digest_exists_or_not(council, browser):
    council.town.write()
    digest = issued(make_digest(council.process, MONDAY))
    for page in (*pages(council, digest), council.town.path("/digests/999999")):
        answer = browser.get(page, 303)
        assert answer.location.startswith("/sign-in?next=")


def test_the_digest_of_another_process_a_quiet_one_and_impossible_numbers_are_not_found(council, browser_of):
    other = make_council()
    other.town.write()
    foreign = issued(make_digest(other.process, MONDAY))
    quiet = make_digest(council.process, MONDAY)
    assert quiet is not None
    visitor = browser_of(council.town.steering)
    for ident in (foreign.id, quiet.id, 0, 2**40):
        visitor.get(council.town.path(f"/digests/{ident}"), 404)
    assert "No digest yet" in look(visitor, council.town.path("/digests")).text


def test_an_unpublished_process_has_no_digests_for_guests(council, browser):
    council.process.state = ProcessState.draft
    browser.get(council.town.path("/digests"), 404)


def test_hidden_withdrawn_waiting_and_erased_words_are_shown_to_nobody(session, council, browser_of):
    """Not even to moderators, and not even when they were quoted before."""
    town = council.town
    names = ("hidden", "withdrawn", "erased", "edited")
    quoted = {name: town.write(f"Wortlaut {name}", stance="question") for name in names}
    digest = issued(make_digest(council.process, MONDAY))
    before = look(browser_of(town.moderator), pages(council, digest)[1]).text
    assert all(f"Wortlaut {name}" in before for name in quoted)
    hide(town, quoted["hidden"])
    contributions.withdraw(quoted["withdrawn"], town.citizen)
    session.query(ContributionText).filter_by(contribution_id=quoted["erased"].id).update({"body": None})
    contributions.edit(quoted["edited"], town.citizen, "Neue Worte", 0)
    session.commit()
    for person in (town.moderator, town.steering, town.lead, town.editor):
        page = look(browser_of(person), pages(council, digest)[1])
        assert "Wortlaut" not in page.text
        assert "Neue Worte" in page.text
        assert page.text.count("This contribution is not shown any more.") >= 3
        assert "4 new contributions" in page.text  # the figures stay as they were


def test_what_waits_is_a_number_and_never_a_text(session, browser_of):
    council = make_council(moderation=Moderation.pre)
    council.town.write("Wortlaut, der noch wartet")
    digest = issued(make_digest(council.process, MONDAY))
    text = look(browser_of(council.town.moderator), pages(council, digest)[1]).text
    assert "1 contribution waits for moderation" in text
    assert "Wortlaut" not in text


def test_a_quote_stands_beside_the_helper_s_translation_and_leads_to_its_number(session, council, browser_of):
    town = council.town
    one = contributions.capture(
        town.process, actor=town.moderator, text="زوجي يعمل في نوبات ليلية", stance=Stance.change,
        created_at=clock.now(), element_id=town.goal.id, lang="ar",
    )  # fmt: skip
    translating.translate(one, actor=town.moderator, lang="de", body="Mein Mann arbeitet nachts.")
    digest = issued(make_digest(council.process, MONDAY))
    page = browser_of(town.steering).get(pages(council, digest)[1])
    quote = page.html.find("blockquote")
    assert [(words["lang"], words.get_text()) for words in quote.find_all(lang=True)] == [
        ("de", "Mein Mann arbeitet nachts."), ("ar", "زوجي يعمل في نوبات ليلية"),
    ]  # fmt: skip
    assert page.html.find("a", href=town.number_path(one))
    contributions.edit(one, town.citizen, "غير ذلك", 0)  # the translation is of the text before
    session.commit()
    assert "Mein Mann" not in browser_of(town.steering).get(pages(council, digest)[1]).text


def test_words_of_citizens_cannot_become_markup(session, council, browser_of):
    council.town.write('<script src="//evil.test"></script><b>fett</b>')
    digest = issued(make_digest(council.process, MONDAY))
    page = browser_of(council.town.steering).get(pages(council, digest)[1])
    assert "<b>fett</b>" in page.html.find("blockquote").get_text()
    assert not page.html.find("blockquote").find("b")


def test_the_second_digest_says_what_has_moved(session, council, browser_of):
    town = council.town
    wish = town.write()
    town.write("Und was ist mit dem Bus?", stance="question")
    issued(make_digest(council.process, MONDAY))
    decide(wish, DispositionKind.adopt_in_part, "Zum Teil.", actor=town.steering)
    town.write("Noch eine Frage?", stance="question")
    digest = issued(make_digest(council.process, MONDAY + timedelta(days=1)))
    text = look(browser_of(town.steering), pages(council, digest)[1]).text
    assert "Questions without an answer, 1 more than last time" in text
    assert "Without a decision, 1 fewer than last time" in text
    assert "1 decision recorded: 1 × Taken up in part, 1 of them not yet taken by a sitting" in text


def test_every_new_number_stands_in_the_annex(session, council, browser_of):
    crowd(council, elements=3, each=8)
    digest = issued(make_digest(council.process, MONDAY))
    page = browser_of(council.town.steering).get(pages(council, digest)[1])
    annex = page.html.find(class_="annex")
    linked = {a["href"] for a in annex.find_all("a")}
    assert {council.town.path(f"/contributions/{number}") for number in range(1, 25)} <= linked


def test_the_page_costs_as_many_queries_for_ten_as_for_three_hundred(session, browser_of, count_queries):
    costs = []
    for elements, each in ((2, 5), (20, 15)):
        council = make_council()
        crowd(council, elements, each)
        digest = issued(make_digest(council.process, MONDAY))
        visitor = browser_of(council.town.steering)
        session.commit()
        with count_queries() as sent:
            visitor.get(pages(council, digest)[1])
        costs.append(len(sent))
    assert costs[0] == costs[1]


def test_looking_at_a_digest_changes_nothing(session, council, browser_of):
    council.town.write()
    digest = issued(make_digest(council.process, MONDAY))
    content = dict(digest.content)
    browser_of(council.town.steering).get(pages(council, digest)[1])
    assert session.get_one(Digest, digest.id).content == content
