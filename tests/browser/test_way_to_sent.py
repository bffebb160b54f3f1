"""From home to sent without an account: how many pages, how many keys, and what is left when the line goes."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.filling import form_with, press, send
from tests.browser.scenery import Scene
from tests.browser.test_keyboard import focus, press_enter
from tests.browser.test_mail_trips import link_in, mail_to, new_address
from tests.browser.test_pages import PHONE, looks
from tests.browser.town import Town

Arrive = Callable[..., Visitor]
#: Pages on the way before the text is sent, and keys besides the letters of the text.
PAGES, KEYS = 4, 150


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_by_a_topic_of_daily_life_it_is_four_pages(scene: Scene, visit: Arrive, scripts: bool) -> None:
    guest = visit(viewport=PHONE, java_script_enabled=scripts)
    page = guest.go("/")
    demo = f"/p/{scene.demo['slug']}"
    seen = 1
    for link in (f"a[href$='{demo}']", f"a[href*='{demo}/topics/']", "a[href$='/comment']"):
        press(page, page.locator(f"main {link}").first)
        seen += 1
    assert seen <= PAGES
    send(page, stance="question", text="Gibt es den Kurs auch abends?")
    assert page.locator(".slip .code").count() == 1


def test_by_keyboard_alone_it_is_a_matter_of_few_keys(scene: Scene, visit: Arrive) -> None:
    guest = visit()
    page = guest.go("/")
    demo = f"/p/{scene.demo['slug']}"
    keys = 0

    def tab_until(wanted: Callable[[dict[str, str]], bool], what: str) -> None:
        nonlocal keys
        for _press in range(KEYS):
            page.keyboard.press("Tab")
            keys += 1
            if wanted(focus(page)):
                return
        raise AssertionError(f"{what} is not reached")

    for what, wanted in (
        ("the process", lambda found: found["href"] == demo),
        ("a topic", lambda found: "/topics/" in found["href"]),
        ("the form", lambda found: found["href"].endswith("/comment")),
    ):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        keys += 2
        expect(page, "the first key leads past the head").to_have_url(re.compile("#main$"))
        tab_until(wanted, what)
        press_enter(page)
        keys += 1
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    tab_until(lambda found: found["type"] == "radio", "how it is meant")
    page.keyboard.press("Space")
    tab_until(lambda found: found["tag"] == "textarea", "the text")
    page.keyboard.type("Bitte mehr Abendkurse.")
    tab_until(lambda found: found["type"] == "submit" and found["text"] == "Absenden", "the button")
    press_enter(page)
    assert page.locator(".slip .code").count() == 1
    assert keys + 4 <= KEYS, f"{keys + 4} keys"


def test_a_text_survives_a_line_that_is_gone(scene: Scene, visit: Arrive) -> None:
    guest = visit(viewport=PHONE)
    page = guest.go("/p/offen/e/lz-begegnung/comment")
    form = form_with(page, "text")
    form.locator("[name=stance][value=concern]").check()
    form.locator("textarea").fill("Im Funkloch geschrieben.")
    guest.context.set_offline(True)
    with page.expect_event("requestfailed", lambda request: request.method == "POST"):
        page.locator("form[data-autosave] button.primary[type=submit]").click()
    # Whatever comes instead of the page has come.
    page.wait_for_url("chrome-error:**")
    guest.context.set_offline(False)
    guest.go("/p/offen/e/lz-begegnung/comment")
    expect(page.locator("textarea").first).to_have_value("Im Funkloch geschrieben.")
    expect(page.locator("[name=stance][value=concern]")).to_be_checked()
    send(page, text="Im Funkloch geschrieben.")
    assert page.locator(".slip .code").count() == 1


def test_an_address_is_confirmed_once_and_the_pages_fit_a_phone(here: Town, scene: Scene, visit: Arrive) -> None:
    address = new_address()
    guest = visit(viewport=PHONE)
    page = guest.go("/p/offen/e/lz-begegnung/comment")
    send(page, stance="concern", text="Die Bank ist kaputt.", email=address)
    assert page.locator(".slip .code").count() == 1
    found = looks(page, 0)
    link = link_in(here, mail_to(here, address), "/claim/")
    found += looks(guest.go(link), 0) + looks(page, 1)
    press(page, page.locator("main form button.primary"))
    assert "Die Bank ist kaputt." in page.inner_text("main")
    page = guest.go("/p/offen/e/lz-begegnung/comment")
    found += looks(page, 0)
    assert page.locator("input[type=email]").count() == 0
    send(page, stance="concern", text="Die zweite Bank auch.")
    assert page.locator(".slip .code").count() == 1
    guest.go(link, status=410)
    assert len(here.sink.to(address)) == 1
    assert found == []
