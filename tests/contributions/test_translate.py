"""People who work in the process say in another language what somebody wrote; the original stays beside it."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from config import SettingsError, settings
from consult.audit.models import AuditEntry
from consult.contributions import operations, queries, translating
from consult.contributions.listing import Filter
from consult.contributions.models import ContributionTranslation, State
from consult.contributions.translating import MAX_TRANSLATION, machine_suggestion, versions_of
from consult.desk.views import translations as desk_of_translations
from consult.errors import Conflict, Refused
from consult.processes.models import Moderation
from tests.contributions.factories import make_town

TURKISH = "Bir bank istiyoruz."
GERMAN = "Wir möchten eine Bank."
ENGLISH = {"headers": {"Accept-Language": "en"}}


@pytest.fixture
def town(session):
    return make_town()


@pytest.fixture
def turkish(town):
    return town.write(TURKISH, lang="tr")


def add(town, contribution, body=GERMAN, lang="de", **fields):
    return translating.translate(
        contribution, actor=fields.pop("actor", town.moderator), lang=lang, body=body, **fields
    )


def form_of(town, contribution):
    return town.number_path(contribution, "/translate")


def test_it_stands_beside_the_original_with_the_name_of_who_made_it(town, turkish, browser_of, browser):
    browser_of(town.editor).submit(form_of(town, turkish), {"lang": "de", "text": GERMAN})
    for where in ("/e/ankommen", "/contributions", f"/contributions/{turkish.number}"):
        page = browser.get(town.path(where))
        beside = page.html.select_one(".translation")
        assert GERMAN in beside.get_text()
        assert "Redaktion" in beside.get_text()
        assert page.html.select_one(".body[dir=auto][lang=tr]").get_text(strip=True) == TURKISH


def test_who_reads_another_language_sees_it_in_the_list_on_its_own_page(town, turkish, browser):
    add(town, turkish, "We want a bench.", lang="en")
    add(town, turkish)
    page = browser.get(town.number_path(turkish), **ENGLISH)
    assert "We want a bench." in page.html.select_one("article .translation").get_text()
    others = [strong["lang"] for strong in page.html.select("section[aria-labelledby=translations] strong")]
    assert others == ["de"]


def test_the_form_offers_first_what_nobody_translated_yet(town, turkish, browser_of):
    def offered():
        return browser_of(town.editor).get(form_of(town, turkish)).html.select_one("[name=lang] [selected]")["value"]

    assert offered() == "de"
    add(town, turkish)
    # Which of the others is meant nobody knows.
    assert offered() == ""


def test_without_a_language_nothing_is_kept_but_the_words(town, browser_of):
    german = town.write("Wir möchten eine Bank.")
    page = browser_of(town.editor).submit(form_of(town, german), {"text": "We want a bench."}, status=200)
    assert page.html.select(".error-summary a[href='#lang']")
    assert page.form_fields(form_of(town, german))["text"] == "We want a bench."
    assert versions_of(german) == []


def test_the_form_offers_first_what_its_reader_reads(town, browser_of):
    german = town.write("Wir möchten eine Bank.")

    def offered(languages, query=""):
        page = browser_of(town.editor).get(form_of(town, german) + query, headers={"Accept-Language": languages})
        return page.html.select_one("[name=lang] [selected]")["value"]

    assert offered("en") == "en"
    assert offered("de, pl-PL;q=0.8") == "pl"
    assert offered("de") == ""
    assert offered("de", "?to=uk") == "uk"
    assert offered("de", "?to=klingon") == ""
    assert offered("de", "?to=de") == ""


def test_after_a_change_of_the_original_it_is_marked_as_of_an_earlier_text(town, turkish, browser):
    add(town, turkish)
    operations.edit(turkish, town.citizen, "İki bank istiyoruz.", 0)
    assert [version.outdated for version in versions_of(turkish)] == [True]
    page = browser.get(town.path("/e/ankommen"), **ENGLISH)
    assert not page.html.select(".translation"), "nobody translated it into the language of this page"
    page = browser.get(town.path("/e/ankommen"))
    assert page.html.select_one(".translation .badge.tone-warning")
    add(town, turkish, "Wir möchten zwei Bänke.")
    assert [(version.body, version.outdated) for version in versions_of(turkish)] == [
        ("Wir möchten zwei Bänke.", False)
    ]
    assert queries.thread(town.process, town.goal.id, None).items[0].translation == "Wir möchten zwei Bänke."


def test_of_two_helpers_at_once_the_second_is_told_and_keeps_the_text(town, turkish, browser_of):
    helper = browser_of(town.editor)
    fields = helper.get(form_of(town, turkish)).form_fields(form_of(town, turkish))
    add(town, turkish)
    page = helper.post(form_of(town, turkish), {**fields, "lang": "de", "text": "Eine Bank, bitte."}, status=409)
    assert page.html.find("textarea").get_text().strip() == "Eine Bank, bitte."
    assert GERMAN in page.text
    assert [version.body for version in versions_of(turkish)] == [GERMAN]


def test_a_translation_of_words_that_were_changed_meanwhile_is_shown_again_beside_the_new_ones(
    town, turkish, browser_of
):
    helper = browser_of(town.editor)
    fields = helper.get(form_of(town, turkish)).form_fields(form_of(town, turkish))
    operations.edit(turkish, town.citizen, "İki bank istiyoruz.", 0)
    page = helper.post(form_of(town, turkish), {**fields, "lang": "de", "text": GERMAN}, status=409)
    assert "İki bank istiyoruz." in page.text
    assert page.html.find("textarea").get_text().strip() == GERMAN
    again = page.form_fields(form_of(town, turkish))
    helper.post(form_of(town, turkish), again)
    assert [version.revision for version in versions_of(turkish)] == [1]
    with pytest.raises(Conflict):
        add(town, turkish, lang="en", base_revision=0)


def test_a_removed_one_is_gone_for_good_and_can_be_made_anew(town, turkish, browser_of, session):
    ident = add(town, turkish, actor=town.editor)
    path = town.number_path(turkish, f"/translations/{ident}/remove")
    browser_of(town.moderator).submit(path, form_at=town.number_path(turkish))
    assert versions_of(turkish) == []
    assert session.get(ContributionTranslation, ident).body is None
    assert session.query(AuditEntry).filter_by(action="contributions.translation.removed").count() == 1
    with pytest.raises(Refused):
        translating.remove(turkish, ident, town.moderator)
    assert add(town, turkish, "Eine Bank wäre schön.") == ident
    assert [version.translator for version in versions_of(turkish)] == ["Moderation"]


def test_only_moderators_and_who_made_it_remove_it(town, turkish, browser_of):
    ident = add(town, turkish, actor=town.editor)
    path = town.number_path(turkish, f"/translations/{ident}/remove")
    assert not browser_of(town.steering).get(town.number_path(turkish)).html.find("form", action=path)
    browser_of(town.editor).submit(path, form_at=town.number_path(turkish))


def test_moderators_translate_what_waits_and_nobody_else_sees_it(session, browser, browser_of):
    town = make_town(moderation=Moderation.pre)
    waits = town.write(TURKISH, lang="tr")
    browser_of(town.editor).get(form_of(town, waits), status=404)
    browser_of(town.moderator).submit(form_of(town, waits), {"lang": "de", "text": GERMAN})
    browser.get(town.number_path(waits), status=404)
    own = browser_of(town.citizen).get(town.number_path(waits))
    assert GERMAN in own.text


def test_what_is_not_shown_has_no_translation_either(town, turkish, browser):
    add(town, turkish)
    operations.withdraw(turkish, town.citizen)
    assert GERMAN not in browser.get(town.number_path(turkish)).text
    with pytest.raises(Refused):
        add(town, turkish, lang="en")


@pytest.mark.parametrize("body", ["", "   \n", "x" * (MAX_TRANSLATION + 1)])
def test_an_empty_one_and_one_that_is_too_long_are_refused(town, turkish, body):
    with pytest.raises(Refused):
        add(town, turkish, body)


def test_into_its_own_language_nothing_is_translated(town, turkish, browser_of):
    page = browser_of(town.editor).get(form_of(town, turkish))
    offered = {option["value"] for option in page.html.select("select[name=lang] option")}
    assert "tr" not in offered
    assert {"de", "en", "ar"} <= offered
    with pytest.raises(Refused):
        add(town, turkish, lang="tr")


def test_hostile_words_do_no_harm(town, turkish, browser):
    add(town, turkish, "<script>alert(1)</script>\u202eabc [x](javascript:alert(1))")
    page = browser.get(town.path("/e/ankommen"))
    assert not page.html.select(".translation script, .translation a")


# --- what still needs one ---


def needing(town, lang="de", **fields):
    return [item.number for item in queries.listing(town.process, town.moderator, Filter(needs=lang, **fields)).items]


def test_the_list_of_those_without_one_shrinks_with_each_and_grows_with_a_change(town, turkish):
    german = town.write("Auf Deutsch.")
    arabic = town.write("نريد مقعدا", lang="ar", actor=town.neighbour)
    assert needing(town) == [arabic.number, turkish.number]
    assert needing(town, "tr") == [arabic.number, german.number]
    assert needing(town, lang="de", stance="support") == []
    add(town, turkish)
    assert needing(town) == [arabic.number]
    operations.edit(turkish, town.citizen, "İki bank istiyoruz.", 0)
    assert needing(town) == [arabic.number, turkish.number]
    ident = add(town, turkish)
    translating.remove(turkish, ident, town.moderator)
    assert needing(town) == [arabic.number, turkish.number]


def test_helpers_find_the_list_and_others_are_not_offered_it(town, turkish, browser, browser_of):
    path = town.path("/contributions?needs=de")
    page = browser_of(town.editor).get(path)
    assert page.html.select_one("select[name=needs] option[selected]")["value"] == "de"
    assert page.html.select(f"article [href='{town.number_path(turkish)}']")
    assert not browser.get(path).html.select("select[name=needs]")
    assert len(browser.get(path).html.select("article")) == 1


def test_the_desk_says_how_many_wait(town, turkish, app):
    with app.test_request_context():
        (task,) = desk_of_translations(town.moderator, town.process, None)
        assert (task.count, task.url) == (1, town.path("/contributions?needs=de"))
        add(town, turkish)
        assert desk_of_translations(town.moderator, town.process, None) == []


@pytest.mark.parametrize("number", [1, 8])
def test_pages_ask_the_same_few_questions_however_many_there_are(town, turkish, browser_of, count_queries, number):
    for lang in ("de", "en", "fr", "ar", "uk", "ru", "zh", "pl")[:number]:
        add(town, turkish, lang=lang)
    helper = browser_of(town.editor)
    helper.get(form_of(town, turkish))
    with count_queries() as asked:
        helper.get(form_of(town, turkish))
    assert len(asked) <= 15


# --- the machine ---


class Machine(BaseHTTPRequestHandler):
    """A translation server that answers as its test wants; writes down what it was asked."""

    asked: list[dict[str, str]] = []
    answer = "good"

    def do_POST(self):
        type(self).asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        answers = {
            "good": (200, {"translatedText": GERMAN}), "error": (500, {"error": "no"}), "list": (200, [1]),
            "number": (200, {"translatedText": 7}), "empty": (200, {"translatedText": " "}),
            "redirect": (302, {}), "huge": (200, {"translatedText": "x" * 3_000_000}),
        }  # fmt: skip
        if self.answer == "slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                try:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.05)
            return
        status, body = answers.get(self.answer, (200, None))
        sent = (
            b"{broken"
            if self.answer == "broken"
            else b"[" * 90_000
            if self.answer == "deep"
            else json.dumps(body).encode()
        )
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()
        try:
            self.wfile.write(sent)
        except OSError:
            return

    def do_GET(self):
        raise AssertionError("followed a redirect")

    def log_message(self, *_args):
        pass


@pytest.fixture
def machine(app, monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Machine)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setitem(app.config, "TRANSLATE_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setitem(app.config, "TRANSLATE_KEY", "a-key")
    monkeypatch.setattr(Machine, "asked", [])
    monkeypatch.setattr(Machine, "answer", "good")
    yield Machine
    server.shutdown()
    server.server_close()


def test_the_machine_gets_the_words_and_nothing_else(session, machine):
    assert machine_suggestion(TURKISH, "tr", "de") == GERMAN
    assert machine.asked == [{"q": TURKISH, "source": "tr", "target": "de", "format": "text", "api_key": "a-key"}]


@pytest.mark.parametrize("kind", ["error", "list", "number", "empty", "redirect", "huge", "broken", "deep"])
def test_whatever_the_machine_answers_the_helper_reads_one_plain_sentence(session, machine, kind):
    machine.answer = kind
    with pytest.raises(Refused):
        machine_suggestion(TURKISH, "tr", "de")


def test_a_machine_that_drips_is_hung_up_on(session, machine, monkeypatch):
    machine.answer = "slow"
    monkeypatch.setattr(translating, "SECONDS", 0.3)
    start = time.perf_counter()
    with pytest.raises(Refused):
        machine_suggestion(TURKISH, "tr", "de")
    assert time.perf_counter() - start < 2


def test_a_machine_that_is_not_there_is_said_to_be_so(session, app, monkeypatch):
    monkeypatch.setitem(app.config, "TRANSLATE_URL", "http://127.0.0.1:9")
    with pytest.raises(Refused):
        machine_suggestion(TURKISH, "tr", "de")


def test_a_suggestion_fills_the_field_and_is_published_only_after_a_person_checked_it(
    town, turkish, browser_of, machine
):
    helper, path = browser_of(town.editor), form_of(town, turkish)
    page = helper.submit(path, {"lang": "de", "suggest": "1"}, status=200)
    assert page.html.find("textarea").get_text().strip() == GERMAN
    assert versions_of(turkish) == []
    fields = page.form_fields(path)
    page = helper.post(path, fields, status=200)
    assert page.html.select(".error-summary")
    assert versions_of(turkish) == []
    helper.post(path, {**page.form_fields(path), "checked": "y"})
    assert [version.body for version in versions_of(turkish)] == [GERMAN]


def test_when_it_fails_nothing_typed_is_lost_and_own_words_are_never_overwritten(town, turkish, browser_of, machine):
    helper, path = browser_of(town.editor), form_of(town, turkish)
    page = helper.submit(path, {"lang": "de", "suggest": "1", "text": "Mein Anfang"}, status=409)
    assert page.html.find("textarea").get_text().strip() == "Mein Anfang"
    assert machine.asked == []
    machine.answer = "error"
    helper.submit(path, {"lang": "", "suggest": "1"}, status=422)
    page = helper.submit(path, {"lang": "fr", "suggest": "1"}, status=409)
    assert page.html.select_one("select[name=lang] option[selected]")["value"] == "fr"


def test_without_the_setting_there_is_no_button_and_nothing_is_asked(town, turkish, browser_of, monkeypatch):
    monkeypatch.setattr(translating, "_ask", lambda *_args: pytest.fail("asked"))
    helper, path = browser_of(town.editor), form_of(town, turkish)
    assert not helper.get(path).html.select("button[name=suggest]")
    helper.submit(path, {"lang": "de", "suggest": "1"}, status=200)


@pytest.mark.parametrize(
    "wrong", ["translate.example.org", "ftp://127.0.0.1", "http://user:pw@127.0.0.1", "http://a b"]
)
def test_a_wrong_address_ends_the_start_with_its_name(wrong, tmp_path):
    with pytest.raises(SettingsError, match="TRANSLATE_URL"):
        settings({"CONSULT_ENV": "test", "DATA_DIR": str(tmp_path), "TRANSLATE_URL": wrong})
    assert settings({"CONSULT_ENV": "test", "DATA_DIR": str(tmp_path), "TRANSLATE_URL": "http://127.0.0.1:5000/"})[
        "TRANSLATE_URL"
    ] == "http://127.0.0.1:5000"  # fmt: skip


def test_public_ones_only_are_counted_as_waiting(session):
    town = make_town(moderation=Moderation.pre)
    waits = town.write(TURKISH, lang="tr")
    assert translating.waiting_for(town.process.id, "de")[0] == 0
    waits.state, waits.published_at = State.published, waits.created_at
    session.flush()
    assert translating.waiting_for(town.process.id, "de")[0] == 1
