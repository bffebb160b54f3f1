"""By keyboard alone: everything is reached in order, the focus is always to be seen and never lost."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import expect

from consult.accounts import passwords
from tests import factories
from tests.browser.conftest import Visitor
from tests.browser.filling import text_of
from tests.browser.hands import focus, press_enter, tab_to
from tests.browser.scenery import Scene
from tests.browser.town import Town

Arrive = Callable[..., Visitor]


def test_the_first_tab_leads_past_the_head(visit: Arrive) -> None:
    page = visit().go("/")
    page.keyboard.press("Tab")
    assert focus(page)["href"] == "#main"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#main$"))
    page.keyboard.press("Tab")
    expect(page.locator("main :focus")).to_have_count(1)


def test_the_focus_is_seen_everywhere_and_goes_round(scene: Scene, visit: Arrive) -> None:
    """The longest pages: no trap, no invisible stop, and every link and button is reached."""
    for person, path in (
        (None, f"/p/{scene.demo['slug']}/e/{scene.demo['key']}"),
        (scene.cast["demo_moderator"], f"/p/{scene.demo['slug']}/moderation"),
        (scene.cast["lead"], "/p/offen/settings"),
    ):
        page = visit(person).go(path)
        want = page.evaluate(
            """() => [...document.querySelectorAll('a[href], button, summary, select, textarea, input')]
                .filter(e => e.checkVisibility() && !e.disabled && !['radio', 'hidden'].includes(e.type))
                .map((e, i) => { e.dataset.stop = i; return i; }).length"""
        )
        seen: set[str] = set()
        for _press in range(want + 20):
            page.keyboard.press("Tab")
            if page.evaluate("() => document.activeElement === document.body"):
                break
            focus(page)
            seen.add(str(page.evaluate("() => document.activeElement.dataset.stop")))
        missing = {str(n) for n in range(want)} - seen
        hints = [page.evaluate(f"() => document.querySelector('[data-stop=\"{n}\"]').outerHTML.slice(0, 120)")
                 for n in sorted(missing)[:5]]  # fmt: skip
        assert not missing, f"{path}: never reached by Tab: {hints}"


def test_signing_in_by_a_role_card(visit: Arrive) -> None:
    page = visit().go("/sign-in")
    tab_to(page, lambda f: f["tag"] == "button" and f["action"].startswith("/demo/sign-in/"), "a role card")
    press_enter(page)
    assert page.locator("a[href='/sign-out']").count()


def test_signing_in_by_password(here: Town, visit: Arrive) -> None:
    password = "sieben lange Wanderungen"
    with here.inside():
        person = factories.make_person("Tastatur", email="tastatur@example.org")
        person.account.password_hash = passwords.hash_password(password)
    page = visit().go("/sign-in")
    tab_to(page, lambda f: f["name"] == "email", "the address")
    page.keyboard.type("tastatur@example.org")
    tab_to(page, lambda f: f["name"] == "password", "the password")
    page.keyboard.type(password)
    press_enter(page)
    assert page.locator("a[href='/sign-out']").count()


def test_commenting_on_a_goal_and_moderating_it(scene: Scene, visit: Arrive) -> None:
    author = visit(scene.cast["citizen"])
    page = author.go("/p/offen/e/lz-begegnung")
    tab_to(page, lambda f: f["href"].endswith("/lz-begegnung/comment"), "the way to write")
    press_enter(page)
    tab_to(page, lambda f: f["name"] == "stance", "the stances")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    assert focus(page)["value"] == "concern"
    tab_to(page, lambda f: f["name"] == "text", "the text")
    page.keyboard.type("Mit der Tastatur geschrieben.")
    tab_to(page, lambda f: f["tag"] == "button" and f["type"] == "submit" and f["action"].endswith("/comment"), "send")
    press_enter(page)
    number = int(urlsplit(page.url).path.rpartition("/")[2])

    page = visit(scene.cast["moderator"]).go("/p/offen/moderation")
    approve = f"/p/offen/moderation/{number}/approve"
    tab_to(page, lambda f: f["action"] == approve, "approve")
    page.keyboard.press("Enter")
    page.locator(f"form[action='{approve}']").wait_for(state="detached")
    # It is put there once the new part of the page stands.
    page.locator("#desk :focus, #desk:focus").first.wait_for(state="attached")
    reader = visit()
    reader.go(f"/p/offen/contributions/{number}")
    assert "Mit der Tastatur geschrieben." in text_of(reader.page)


def test_holding_back_with_a_reason(scene: Scene, visit: Arrive) -> None:
    author = visit(scene.cast["citizen"])
    page = author.go("/p/offen/comment")
    tab_to(page, lambda f: f["name"] == "stance", "the stances")
    page.keyboard.press("Space")
    tab_to(page, lambda f: f["name"] == "text", "the text")
    page.keyboard.type("Das wird zurückgehalten.")
    tab_to(page, lambda f: f["tag"] == "button" and f["type"] == "submit" and f["action"].endswith("/comment"), "send")
    press_enter(page)
    number = int(urlsplit(page.url).path.rpartition("/")[2])

    page = visit(scene.cast["moderator"]).go("/p/offen/moderation")
    hide = f"/p/offen/moderation/{number}/hide"
    tab_to(page, lambda f: f["action"] == hide.replace("/hide", "/approve"), "the entry of the queue")
    tab_to(page, lambda f: f["tag"] == "summary" and str(number) in f["text"] and not f["href"], "hold back")
    page.keyboard.press("Enter")
    tab_to(page, lambda f: f["action"] == hide and f["tag"] == "select", "the reason")
    page.keyboard.press("ArrowDown")
    tab_to(page, lambda f: f["action"] == hide and f["tag"] == "textarea", "the note")
    page.keyboard.type("Bitte freundlicher.")
    tab_to(page, lambda f: f["action"] == hide and f["tag"] == "button", "the button")
    page.keyboard.press("Enter")
    page.locator(f"form[action='{hide}']").wait_for(state="detached")
    author.go(f"/p/offen/contributions/{number}")
    assert "Bitte freundlicher." in text_of(author.page)


def test_errors_take_the_focus_and_lead_to_the_field(scene: Scene, visit: Arrive) -> None:
    page = visit(scene.cast["citizen"]).go("/p/offen/comment")
    tab_to(page, lambda f: f["name"] == "text", "the text")
    tab_to(page, lambda f: f["tag"] == "button" and f["type"] == "submit" and f["action"].endswith("/comment"), "send")
    press_enter(page)
    expect(page.locator(".error-summary")).to_be_focused()
    page.keyboard.press("Tab")
    target = focus(page)["href"]
    page.keyboard.press("Enter")
    expect(page.locator(target)).to_be_focused()
