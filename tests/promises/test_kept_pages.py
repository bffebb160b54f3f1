"""Public pages are rendered once while nothing changes, and never shown when something did."""

import gzip
from datetime import timedelta

import pytest
from markupsafe import Markup
from sqlalchemy import text

import config
from consult import clock, pages
from consult.audit.operations import seal
from consult.concept import operations
from consult.concept.operations import Text
from consult.concept.queries import placed_in, working_version
from consult.contributions import operations as contributions
from consult.contributions.models import ModerationReason, Stance
from consult.i18n import in_language
from consult.moderation import operations as deciding
from consult.processes.models import Activity
from tests import factories
from tests.concept.factories import make_concept, publish

GOAL = "/p/iko/e/lz-begegnung"


@pytest.fixture
def keeping(app, monkeypatch):
    monkeypatch.setitem(app.config, "KEEP_PAGES", True)
    pages.pages.clear()
    yield
    pages.pages.clear()


@pytest.fixture
def goal(session, keeping):
    process = factories.make_process(slug="iko", code="IK")
    factories.make_stage(process, Activity.comment, ends_at=clock.now() + timedelta(hours=2))
    concept, goal = make_concept(process)
    publish(concept, process)
    session.commit()
    return process, concept, goal


def say(process, goal, text="Endlich!"):
    author = factories.make_person()
    return contributions.submit(process, actor=author, text=text, stance=Stance.support, element_id=goal.id)


def test_the_second_visitor_costs_one_question(session, browser, count_queries, goal):
    first = browser.get(GOAL)
    with count_queries() as queries:
        second = browser.get(GOAL)
    assert len(queries) == 1
    assert second.response.data == first.response.data
    assert second.response.headers["ETag"] == first.response.headers["ETag"]


def test_what_the_browser_has_is_not_sent_again(browser, goal):
    etag = browser.get(GOAL).response.headers["ETag"]
    again = browser.client.get(GOAL, headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert again.data == b""


def test_a_new_contribution_shows_at_once(session, browser, goal):
    process, _concept, element = goal
    assert "Endlich!" not in browser.get(GOAL).text
    say(process, element)
    assert "Endlich!" in browser.get(GOAL).text


def test_sealing_in_between_hides_nothing(session, browser, goal):
    process, _concept, element = goal
    browser.get(GOAL)
    seal()
    say(process, element, "Erster")
    assert "Erster" in browser.get(GOAL).text
    say(process, element, "Zweiter")
    seal()
    assert "Zweiter" in browser.get(GOAL).text


def test_a_hidden_contribution_is_gone_at_once(session, browser, goal):
    process, _concept, element = goal
    moderator = factories.make_person()
    contribution = say(process, element, "Beleidigung")
    assert "Beleidigung" in browser.get(GOAL).text
    deciding.hide(contribution, moderator, factories_reason(process), "")
    assert "Beleidigung" not in browser.get(GOAL).text


def factories_reason(process):
    return factories.flushed(ModerationReason(process_id=process.id, key="r", text="Beleidigt eine Person"))


def test_a_new_version_shows_at_once(session, browser, goal):
    process, concept, element = goal
    browser.get(GOAL)
    base = placed_in(working_version(concept.id).id)[1].wording_id
    operations.edit(element, base, Text(markdown="Ganz neu."), reason="r", actor=None, process=process)
    publish(concept, process)
    assert "Ganz neu." in browser.get(GOAL).text


def test_a_stage_that_ends_takes_its_button_along(browser, goal, at):
    assert browser.get(GOAL).html.find("a", href=GOAL + "/comment")
    at(clock.now() + timedelta(hours=2))
    assert not browser.get(GOAL).html.find("a", href=GOAL + "/comment")


def test_languages_are_kept_apart(browser, goal):
    german = browser.get(GOAL, headers={"Accept-Language": "de"})
    english = browser.get(GOAL, headers={"Accept-Language": "en"})
    assert german.html.html["lang"] == "de"
    assert english.html.html["lang"] == "en"


def test_languages_of_the_path_are_kept_apart_and_known_by_their_own_mark(app, browser, goal, monkeypatch):
    monkeypatch.setitem(app.config, "PATH_LANGUAGES", config.PATH_LANGUAGES)
    found = {lang: browser.get(GOAL, headers={"Accept-Language": lang}) for lang in ("de", *config.PATH_LANGUAGES)}
    assert {lang: page.html.html["lang"] for lang, page in found.items()} == {lang: lang for lang in found}
    assert len({page.response.headers["ETag"] for page in found.values()}) == len(found)
    arabic = found["ar"].response
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in arabic.headers["Vary"].split(",")}
    asked = {"If-None-Match": arabic.headers["ETag"]}
    assert browser.client.get(GOAL, headers={"Accept-Language": "ar", **asked}).status_code == 304
    assert browser.client.get(GOAL, headers={"Accept-Language": "tr", **asked}).status_code == 200
    assert browser.get(GOAL + "?lang=ru", headers={"Accept-Language": "ar"}).html.html["lang"] == "ru"


def test_whoever_chose_a_language_the_page_does_not_speak_gets_a_page_of_their_own(app, browser, goal, monkeypatch):
    monkeypatch.setitem(app.config, "PATH_LANGUAGES", config.PATH_LANGUAGES)
    history = GOAL + "/history"
    plain = browser.get(history, headers={"Accept-Language": "de"})
    browser.client.set_cookie("lang", "ar")
    told = browser.get(history, headers={"Accept-Language": "de"})
    browser.client.delete_cookie("lang")
    again = browser.get(history, headers={"Accept-Language": "de"})
    assert told.html.find("p", lang="ar")
    assert not plain.html.find("p", lang="ar")
    assert not again.html.find("p", lang="ar")


def test_asking_for_the_head_keeps_the_same_page(browser, goal):
    browser.client.head(GOAL)
    english = browser.get(GOAL).html.find("a", hreflang="en")
    assert "begegnung" in english["href"]


def test_people_with_a_session_get_their_own_page(session, browser, browser_of, goal):
    browser.get(GOAL)
    member = factories.make_person("Lindenblatt")
    assert "Lindenblatt" in browser_of(member).get(GOAL).text
    assert "Lindenblatt" not in browser.get(GOAL).text


def test_an_entry_that_commits_late_changes_the_stamp(session, goal):
    """Ids are given before they are visible: an older id that appears later must not be overlooked."""
    before = pages.stamp()
    session.execute(
        text(
            "INSERT INTO audit_entry (id, at, action, subject_type, subject_id, facts)"
            " SELECT id - 1, at, action, subject_type, subject_id, facts FROM audit_entry ORDER BY id LIMIT 1"
        )
    )
    assert pages.stamp() != before


def test_a_page_is_packed_once_for_those_who_take_it_packed(browser, goal):
    plain = browser.client.get(GOAL)
    packed = browser.client.get(GOAL, headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    again = browser.client.get(GOAL, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    refused = browser.client.get(GOAL, headers={"Accept-Encoding": "identity"})
    assert refused.data == plain.data
    assert "Content-Encoding" not in refused.headers


def test_kept_pages_take_a_bounded_room():
    cache = pages.PageCache(100, size=100)
    for name in "abc":
        cache.put((name,), pages.Kept((1,), 0, b"x" * 30, b"y" * 10, ""))
    cache.put(("c",), pages.Kept((1,), 0, b"x" * 30, b"y" * 10, ""))
    assert [cache.get((name,), (1,), 1) is not None for name in "abc"] == [False, True, True]
    cache.put(("larger than all",), pages.Kept((1,), 0, b"x" * 200, b"", ""))
    assert cache.get(("larger than all",), (1,), 1) is None


def test_old_pages_are_let_go():
    cache = pages.PageCache(2)
    for name in "abc":
        cache.put((name,), pages.Kept((1,), 0, b"", b"", ""))
    assert cache.get(("a",), (1,), 1) is None
    assert cache.get(("c",), (1,), 1) is not None
    assert cache.get(("c",), (2,), 1) is None
    assert cache.get(("c",), (1,), pages.MAX_AGE + 1) is None


def test_a_part_is_made_once_for_all_that_went_into_it(session):
    cache, made = pages.FragmentCache(), []

    def macro(value, **options):
        made.append((value, options))
        return Markup("<p>{}</p>").format(value["count"])

    value = {"count": 1, "stances": [{"stance": "support"}], "body": Markup("<b>")}
    assert cache.once(macro, dict(value), level=2) == cache.once(macro, dict(value), level=2) == "<p>1</p>"
    assert len(made) == 1
    for other in ({"count": 2}, {"count": True}, {"stances": []}, {"body": "<b>"}):
        cache.once(macro, {**value, **other}, level=2)
    cache.once(macro, value, level=3)
    with in_language("en"):
        cache.once(macro, value, level=2)
    assert len(made) == 7


def test_parts_take_a_bounded_room(session):
    cache, made = pages.FragmentCache(size=25), []

    def macro(value):
        made.append(value["n"])
        return Markup("xxxxxxxxxx")

    for n in (1, 2, 1, 3, 1, 2):
        cache.once(macro, {"n": n})
    assert made == [1, 2, 3, 2], "the one used longest ago goes first"
