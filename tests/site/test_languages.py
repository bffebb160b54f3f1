"""Which page speaks which language, and what else a language decides."""

from datetime import UTC, date, datetime

import pytest
from babel import localedata

import config
from consult.i18n import (
    OWN_NAMES,
    format_ago,
    format_days,
    format_moment,
    format_number,
    format_weekday,
    in_language,
    language_name,
)
from tests import factories


@pytest.fixture(autouse=True)
def all_languages(app, monkeypatch):
    monkeypatch.setitem(app.config, "PATH_LANGUAGES", config.PATH_LANGUAGES)


@pytest.fixture
def lead(session):
    process = factories.make_process(slug="offen")
    person = factories.make_person()
    factories.make_group(process, "lead", person)
    session.commit()
    return person


def asking(lang):
    return {"Accept-Language": lang}


@pytest.mark.parametrize("lang", ["de", "en", *config.PATH_LANGUAGES])
def test_a_page_of_the_path_speaks_each_language(browser, lang):
    html = browser.get("/contact", headers=asking(lang)).html.html
    assert html["lang"] == lang
    assert html["dir"] == ("rtl" if lang == "ar" else "ltr")


@pytest.mark.parametrize(
    ("wish", "got"), [("tr-TR,tr;q=0.9", "de"), ("tr,en;q=0.5", "en"), ("zh-CN,fr;q=0.4,en;q=0.3,de;q=0.2", "en")]
)
def test_a_page_of_staff_falls_back_as_a_whole(browser_of, lead, wish, got):
    page = browser_of(lead).get("/tasks", headers=asking(wish))
    assert page.html.html["lang"] == got
    assert page.html.html["dir"] == "ltr"


def test_who_chose_a_language_is_told_in_it_that_a_page_does_not_speak_it(browser_of, lead):
    visitor = browser_of(lead)
    visitor.get("/language?to=ar", status=303)
    page = visitor.get("/tasks", headers=asking("en"))
    assert page.html.html["lang"] == "en"
    assert page.html.main.find(attrs={"lang": "ar"})
    assert visitor.get("/contact").html.html["dir"] == "rtl"
    assert not visitor.get("/contact").html.main.find("p", attrs={"lang": "ar"})


def test_the_menu_offers_what_the_page_speaks_each_by_its_own_name(browser, browser_of, lead):
    def offered(page):
        return {a["hreflang"]: a.get_text() for a in page.html.header.find_all("a", hreflang=True)}

    assert offered(browser.get("/contact")) == OWN_NAMES
    assert offered(browser_of(lead).get("/tasks")).keys() == {"en"}
    arabic = browser.get("/contact").html.find("a", hreflang="ar")
    assert (arabic["lang"], arabic["dir"]) == ("ar", "rtl")


def test_a_city_may_switch_languages_off(app, browser, monkeypatch):
    monkeypatch.setitem(app.config, "PATH_LANGUAGES", ("tr",))
    assert browser.get("/contact", headers=asking("ar")).html.html["lang"] == "de"
    assert browser.get("/contact", headers=asking("tr")).html.html["lang"] == "tr"
    browser.get("/language?to=ar", status=303)
    assert browser.get("/contact").html.html["lang"] == "de"


def test_an_address_that_leads_nowhere_answers_in_the_visitors_language(browser):
    assert browser.get("/gibt-es-nicht", status=404, headers=asking("uk")).html.html["lang"] == "uk"


def test_who_comes_by_a_link_reads_on_in_its_language(browser):
    browser.get("/contact?lang=tr")
    assert browser.get("/sign-in").html.html["lang"] == "tr"


def test_a_link_does_not_change_what_was_chosen(browser):
    browser.get("/language?to=fr", status=303)
    assert browser.get("/contact?lang=tr").html.html["lang"] == "tr"
    assert browser.get("/sign-in").html.html["lang"] == "fr"


def test_choosing_another_language_wins_over_that_of_the_link(browser):
    page = browser.get("/contact?lang=tr&topic=privacy")
    choice = page.html.find("a", hreflang="ru")["href"]
    assert "lang%3D" not in choice
    assert "topic%3Dprivacy" in choice


def test_a_legal_text_says_in_which_language_it_is(browser):
    page = browser.get("/imprint", headers=asking("ar,en;q=0.3"))
    assert page.html.html["dir"] == "rtl"
    assert page.html.main.find("div", attrs={"lang": "en", "dir": "auto"})
    assert browser.get("/imprint", headers=asking("ar")).html.main.find("div", attrs={"lang": "de"})


def test_words_of_the_city_are_marked_where_the_page_is_in_another_language(browser, lead):
    def title(lang):
        return browser.get("/p/offen", headers=asking(lang)).html.h1

    assert title("de").find("span") is None
    assert title("ar").find("span", attrs={"lang": "de", "dir": "auto"})


def test_dates_are_told_in_each_language(app):
    found = {}
    for lang in OWN_NAMES:
        with app.test_request_context(), in_language(lang, of_path=True):
            found[lang] = format_days(date(2026, 4, 12), date(2026, 5, 27))
    assert found["de"] == "12. April – 27. Mai 2026"
    assert found["tr"] == "12 Nisan – 27 Mayıs 2026"
    assert found["zh"] == "2026年4月12日 – 5月27日"
    assert found["ar"] == "12 أبريل – 27 مايو 2026"
    assert found["ru"] == "12 апреля – 27 мая 2026"


@pytest.mark.parametrize("value", ["xx", "tr, klingonisch"])
def test_an_unknown_language_in_the_settings_is_named(value):
    with pytest.raises(config.SettingsError, match="PATH_LANGUAGES"):
        config.settings({"CONSULT_ENV": "test", "PATH_LANGUAGES": value})


def test_languages_of_the_settings_keep_our_order():
    assert config.settings({"CONSULT_ENV": "test", "PATH_LANGUAGES": "fr tr"})["PATH_LANGUAGES"] == ("tr", "fr")
    assert config.settings({"CONSULT_ENV": "test", "PATH_LANGUAGES": "none"})["PATH_LANGUAGES"] == ()


@pytest.mark.parametrize("lang", ["de", "tr", "ar"])
def test_what_is_kept_of_the_locale_data_is_enough(app, lang):
    moment = datetime(2026, 4, 12, 9, 30, tzinfo=UTC)
    with app.test_request_context(), in_language(lang, of_path=True):
        told = [format_moment(moment), format_weekday(moment), format_ago(moment), format_number(12345.5)]
        told += [language_name(code) for code in ("de", "tr", "ku", "zh")]
    assert all(told)
    assert {"de": "Arabisch", "tr": "Arapça", "ar": "العربية"}[lang] == _named(app, lang, "ar")
    assert "currency_names" not in localedata.load(lang)


def _named(app, lang, code):
    with app.test_request_context(), in_language(lang, of_path=True):
        return language_name(code)
