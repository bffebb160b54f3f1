"""Reading the text in a browser: copying the address of a paragraph, printing."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.scenery import Scene

Arrive = Callable[..., Visitor]
LINK = "article.element a.permalink"


def test_the_address_of_a_paragraph_is_copied_and_said(scene: Scene, visit: Arrive) -> None:
    reader = visit(locale="en-GB")
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = reader.go("/p/offen/concept")
    link = page.locator(LINK).nth(1)
    link.focus()
    page.keyboard.press("Enter")
    page.locator("#live", has_text="Copied").wait_for(state="attached")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == reader.town.url + link.get_attribute("href")
    assert page.url.endswith("/p/offen/concept"), "the page stays"
    reader.go(copied)


def test_the_citation_is_copied_as_one_line(scene: Scene, visit: Arrive) -> None:
    reader = visit(locale="en-GB")
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = reader.go("/p/offen/concept/versions/1")
    page.locator("aside.citation button[data-copy]").click()
    page.locator("#live", has_text="Copied").wait_for(state="attached")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert page.locator("aside.citation code").inner_text() in copied
    assert "\n" not in copied


def test_without_script_or_clipboard_the_link_leads_to_the_paragraph(scene: Scene, visit: Arrive) -> None:
    for reader in (visit(java_script_enabled=False), visit()):
        reader.context.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page = reader.go("/p/offen/concept")
        link = page.locator(LINK).nth(1)
        address = link.get_attribute("href")
        with page.expect_navigation():
            link.click()
        assert page.url.endswith(address)


def test_on_paper_stand_contents_and_checksum_and_no_buttons(scene: Scene, visit: Arrive) -> None:
    page = visit().go(f"/p/{scene.demo['slug']}/concept/whole")
    expect(page.locator("button[data-print]")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".toc li").nth(2)).to_be_visible()
    expect(page.locator(".only-print").first).to_be_visible()
    expect(page.locator("aside.citation").first).to_be_visible()
    for gone in ("button[data-print]", LINK, ".element-foot", "nav.tabs", ".only-screen"):
        expect(page.locator(gone).first).to_be_hidden()
