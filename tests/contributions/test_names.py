"""Names without an account: chosen freely, in any script, and not to be mistaken for somebody else's."""

import pytest

from consult.accounts import names as looks
from consult.contributions import names
from consult.contributions.operations import newest_text
from consult.site.models import Site
from tests.contributions.factories import make_town
from tests.contributions.guests import TYPED, how_many, newest
from tests.factories import flushed, make_organisation


@pytest.mark.parametrize(
    "name",
    [
        "Moderation", "moderatiοn", "М\u043eder\u0430tion", "Ｍｏｄｅｒａｔｉｏｎ", "M o d e r a t i o n",
        "Modera\u200btion",
        "C\u0430rit\u0430s Musterstadt", "Саritаs Musterstаdt", "CARlTAS Musterstadt",
        "Ca\u0301ritas Musterstadt", "Redaktion", "\u202eModeration\u202c", "Moderation\u3164",
        "Gemeinde Musterdorf", "Gemeinde Muster\u200ddorf", "Musterdorf fragt",
    ],
)  # fmt: skip
def test_guests_do_not_pose_as_offices_organisations_or_staff(browser, session, name):
    town = make_town()
    make_organisation("Caritas Musterstadt")
    flushed(Site(id=1, city_name="Gemeinde Musterdorf", platform_name="Musterdorf fragt"))
    session.commit()
    page = browser.submit(town.path("/comment"), {**TYPED, "author_name": name}, status=200)
    assert page.html.find(class_="error-summary"), name
    assert page.html.find("textarea").get_text().strip() == TYPED["text"]
    assert how_many(session) == 0


@pytest.mark.parametrize("name", ["Wetterhahn", "Оля", "مريم", "李明", "Ελένη", "Anna-Lena 2", "Ş. Öztürk", "\u202e"])
def test_names_of_people_are_taken_in_any_script(browser, session, name):
    town = make_town()
    make_organisation("Caritas Musterstadt")
    session.commit()
    browser.submit(town.path("/comment"), {**TYPED, "author_name": name})
    assert newest(session).author_name == name.replace("\u202e", "")


def test_who_works_in_this_process_is_meant_and_who_works_elsewhere_is_not(session):
    town = make_town()
    taken = names.taken_in(town.process)
    assert looks.skeleton("Leitung") in taken
    assert looks.skeleton("Fremde Moderation") not in taken
    assert looks.skeleton(town.citizen.name) not in taken


def test_heaps_of_accents_stay_small_and_turning_marks_turn_nothing(browser, session):
    town = make_town()
    pile = "a" + "\u0301\u0300\u0302\u0303" * 900
    browser.submit(
        town.path("/comment"), {**TYPED, "text": f"{pile} \u202eegami\u202c \u2066x", "author_name": "Z\u0336a"}
    )
    sent = newest(session)
    body = newest_text(sent)
    assert len(body) < 30
    assert not set("\u202e\u202c\u2066") & set(body)
    assert sent.author_name == "Z\u0336a", "an accent or two are nobody's fault"


@pytest.mark.parametrize("name", ["birke@example.org", "C\u0430ritas Musterstadt", "Moderation", "Stadtverwaltung"])
def test_accounts_bear_names_of_people_too(browser_of, session, name):
    town = make_town()
    make_organisation("Caritas Musterstadt")
    session.commit()
    page = browser_of(town.citizen).submit("/account/profile", {"name": name}, status=200)
    assert page.html.find(class_="error-summary")
    session.refresh(town.citizen)
    assert town.citizen.name == "Birke"


def test_who_was_given_the_name_of_an_office_keeps_it_and_anybody_changes_theirs(browser_of, session):
    town = make_town()
    browser_of(town.moderator).submit("/account/profile", {"locale": "en"})
    session.refresh(town.moderator)
    assert (town.moderator.name, town.moderator.locale) == ("Moderation", "en")
    contribution = town.write()
    browser_of(town.citizen).submit("/account/profile", {"name": "Wetterhahn"})
    page = browser_of(town.neighbour).get(town.number_path(contribution))
    assert "Wetterhahn" in page.text
    assert "Birke" not in page.text
    assert town.citizen.email not in page.text
