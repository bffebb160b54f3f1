"""While somebody writes they see who said something similar: explained by words, never in the way."""

import time

import pytest
from sqlalchemy import delete

from consult.contributions import operations, similar
from consult.contributions.models import MAX_LENGTH, ContributionText
from consult.contributions.similar import fold, similar_to, words_of
from consult.limits import RateBucket
from consult.moderation.models import Gathered
from consult.processes.models import Moderation
from tests.client import fields_of
from tests.contributions.factories import make_element, make_heir, make_many, make_town

BENCH = "Bitte mehr Sitzbänke am Rathausplatz, damit ältere Menschen sich ausruhen können."
ALIKE = "Am Rathausplatz fehlt eine Sitzbank zum Ausruhen."


@pytest.fixture(autouse=True)
def _forget():
    similar.kept_words.clear()


def numbers(found):
    return [one.number for one in found]


def near(town, text=ALIKE, **fields):
    return similar.similar(town.process, fields.pop("element_id", town.goal.id), text, **fields)


def test_what_says_the_same_in_other_forms_of_the_words_is_found_and_explained(session):
    town = make_town()
    bench = town.write(BENCH)
    town.write("Der Sprachkurs sollte auch abends stattfinden.")
    (found,) = near(town)
    assert found.number == bench.number
    assert set(found.words) == {"Sitzbänke", "Rathausplatz", "ausruhen"}
    assert found.excerpt == BENCH


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße", "STRASSE"), ("Bänke", "banke"), ("İSTANBUL", "i̇stanbul"), ("Élan", "elan")],
)
def test_case_accents_and_sharp_s_make_no_difference(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("lang", "one", "other"),
    [
        ("de", "Häuser Wohnungen", "Haus Wohnung"),
        ("en", "The benches are needed", "a bench is needed"),
        ("tr", "kitaplar okullarda", "kitap okulda"),
        ("ru", "новые скамейки", "новая скамейка"),
        ("zh", "我们需要更多长椅", "长椅不够"),
        ("xx", "same words", "words same"),
    ],
)
def test_words_count_in_their_stems_in_each_language(lang, one, other):
    assert set(words_of(one, lang)) & set(words_of(other, lang))


def test_small_words_alone_make_nothing_similar(session):
    town = make_town()
    town.write("Das ist auch für uns und für alle sehr gut, weil wir das so wollen.")
    assert near(town, "Wir wollen das auch, weil das für alle gut ist und für uns.") == []


def test_one_word_in_common_is_not_enough(session):
    town = make_town()
    town.write("Rathausplatz begrünen!")
    assert near(town, "Rathausplatz sperren!") == []


def test_what_everybody_says_counts_less_than_what_few_say(session):
    town = make_town()
    for n in range(12):
        town.write(f"Mehr Geld für Integration bitte, Nummer {n} sagt Projekt{n}.")
    rare = town.write("Mehr Geld für Gebärdensprache und Dolmetscher.")
    assert numbers(near(town, "Geld und Integration: Gebärdensprache, Dolmetscher."))[0] == rare.number


def test_only_what_everybody_may_read_is_shown(session):
    town = make_town(moderation=Moderation.pre)
    waits = town.write(BENCH)
    assert near(town) == []
    operations_approve(waits, town)
    assert numbers(near(town)) == [waits.number]
    operations.withdraw(waits, town.citizen)
    assert near(town) == []


def operations_approve(contribution, town):
    contribution.state = "published"


def test_each_place_has_its_own_and_inherits_those_of_what_it_descends_from(session):
    town = make_town()
    bench = town.write(BENCH)
    heir = make_element(town.concept, "heir")
    assert near(town, element_id=heir.id) == []
    make_heir(town.goal, heir)
    assert numbers(near(town, element_id=heir.id)) == [bench.number]
    assert near(town, element_id=None) == []
    whole = town.write(BENCH, element_id=None)
    assert numbers(near(town, element_id=None)) == [whole.number]


def test_replies_are_left_out(session):
    town = make_town()
    root = town.write("Etwas ganz anderes.")
    town.write(BENCH, reply_to=root)
    assert near(town) == []


def test_a_changed_text_is_found_by_its_new_words(session):
    town = make_town()
    bench = town.write(BENCH)
    assert near(town)
    operations.edit(bench, town.citizen, "Der Sprachkurs sollte abends stattfinden.", 0)
    assert near(town) == []
    assert numbers(near(town, "Abends einen Sprachkurs, bitte.")) == [bench.number]


def test_moderators_see_what_resembles_one_among_those_that_wait_as_well(session):
    town = make_town(moderation=Moderation.pre)
    first, second = town.write(BENCH), town.write(ALIKE)
    assert numbers(similar_to(second)) == [first.number]
    assert "Rathausplatz" in similar_to(second)[0].words


def test_erased_words_are_not_found(session):
    town = make_town()
    town.write(BENCH)
    session.query(ContributionText).update({"body": None})
    assert near(town) == []


def test_no_text_however_long_takes_long(session):
    town = make_town()
    make_many(town, 300)
    near(town)
    for hostile in (
        "a" * 100_000,
        " ".join(f"w{n}" for n in range(20_000)),
        "ä̈" * 50_000,
        "中文" * 50_000,
        "\n" * 100_000,
    ):
        start = time.process_time()
        near(town, hostile)
        assert time.process_time() - start < 0.2
    assert len(words_of("ab1 " * 50_000, "de")) == 1
    assert len(words_of(" ".join(f"wort{n}" for n in range(9_000)), "de")) < MAX_LENGTH / 5


def test_what_is_kept_is_bounded_and_the_newest(session):
    kept = similar.KeptWords(size=3)
    town = make_town()
    written = [town.write(f"{BENCH} {n}") for n in range(5)]
    found = kept.of((one.id, 0, "de") for one in written)
    assert len(found) == 5
    assert len(kept._found) == 3


@pytest.mark.parametrize("number", [30, 3000])
def test_it_takes_the_same_few_questions_for_many(session, count_queries, number):
    town = make_town()
    make_many(town, number, every_reply=10**6)
    town.write(BENCH)
    near(town)
    with count_queries() as asked:
        assert near(town)
    assert len(asked) == 2


# --- at the door ---


def fragment(visitor, town, text, where="/e/ankommen", **fields):
    page = visitor.get(town.path(f"{where}/comment"))
    token = page.form_fields()["csrf_token"] if where == "" else page.html.find(attrs={"name": "csrf_token"})["value"]
    data = {"csrf_token": token, "text": text, "lang": "de", **fields}
    return visitor.client.post(town.path(f"{where}/comment/similar"), data=data)


@pytest.mark.parametrize("who", ["guest", "citizen"])
def test_on_a_pause_in_writing_the_list_comes_as_a_part_of_the_page(session, browser, browser_of, who):
    town = make_town()
    bench = town.write(BENCH, actor=town.neighbour)
    visitor = browser if who == "guest" else browser_of(town.citizen)
    answer = fragment(visitor, town, ALIKE)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    html = answer.get_data(as_text=True)
    assert town.number_path(bench) in html
    assert "Rathausplatz" in html
    assert "<html" not in html
    assert fragment(visitor, town, "Etwas anderes über Kitas.").get_data(as_text=True).strip() == ""


def test_it_changes_nothing_and_stores_nothing(session, browser):
    town = make_town()
    town.write(BENCH)
    page = browser.get(town.path("/e/ankommen/comment"))
    token = page.html.find(attrs={"name": "csrf_token"})["value"]
    before = session.query(ContributionText).count()
    browser.post(
        town.path("/e/ankommen/comment"),
        {**page.form_fields(town.path("/e/ankommen/comment")), "similar": "1", "text": ALIKE, "stance": "change"},
        status=200,
    )
    assert token
    assert session.query(ContributionText).count() == before


@pytest.mark.parametrize("who", ["guest", "citizen"])
def test_without_scripts_a_button_shows_the_form_again_with_list_and_text(session, browser, browser_of, who):
    town = make_town()
    bench = town.write(BENCH, actor=town.neighbour)
    visitor = browser if who == "guest" else browser_of(town.citizen)
    where = town.path("/e/ankommen/comment")
    page = visitor.submit(where, {"text": ALIKE, "similar": "1"}, status=200)
    assert page.html.find("textarea").get_text().strip() == ALIKE
    assert page.html.select_one("#similar a")["href"] == town.number_path(bench)
    assert not page.html.select(".error-summary"), "nothing was sent, so nothing is missing"
    nothing = visitor.submit(where, {"text": "Ganz etwas anderes.", "similar": "1"}, status=200)
    assert not nothing.html.select("#similar a")
    assert nothing.html.select_one("#similar [role=status]")


def test_the_button_is_never_the_one_that_the_return_key_presses(session, browser):
    page = browser.get(make_town().path("/e/ankommen/comment"))
    buttons = [button.get("name") for button in page.html.select("main form button[type=submit]")]
    assert buttons == [None, "similar"]


def test_a_flood_of_questions_is_refused(session, browser, monkeypatch):
    town = make_town()
    monkeypatch.setattr("consult.contributions.views.similar.PER_MINUTE", 2)
    session.execute(delete(RateBucket))
    assert [fragment(browser, town, ALIKE).status_code for _ in range(3)] == [200, 200, 429]


def test_the_part_of_a_page_needs_few_questions(session, browser, count_queries):
    town = make_town()
    make_many(town, 100)
    town.write(BENCH)
    fragment(browser, town, ALIKE)
    with count_queries() as asked:
        fragment(browser, town, ALIKE)
    assert len(asked) <= 20  # the form's page included


def test_on_the_desk_what_resembles_one_is_gathered_by_one_press(session, browser_of):
    town = make_town(moderation=Moderation.pre)
    first, second, other = town.write(BENCH), town.write(ALIKE), town.write("Der Sprachkurs ist zu kurz.")
    desk = browser_of(town.moderator)
    page = desk.get(town.path(f"/moderation?number={second.number}"))
    action = town.path(f"/moderation/{second.number}/gather")
    forms = [form for form in page.html.find_all("form", action=action) if form.find("input", attrs={"name": "head"})]
    heads = [form.find("input", attrs={"name": "head"}).get("value") for form in forms]
    label = f"{town.process.code}-{first.number}"
    assert label in heads
    assert f"{town.process.code}-{other.number}" not in heads
    desk.post(action, fields_of(forms[heads.index(label)]))
    assert session.query(Gathered).filter_by(contribution_id=second.id, head_id=first.id).count() == 1


def test_the_desk_asks_no_more_for_many_than_for_few(session, browser_of, count_queries):
    town = make_town(moderation=Moderation.pre)
    for n in range(8):
        town.write(f"{BENCH} {n}")
    last = town.write(ALIKE)
    desk, address = browser_of(town.moderator), town.path(f"/moderation?number={last.number}")
    desk.get(address)
    with count_queries() as asked:
        desk.get(address)
    assert len(asked) <= 21
