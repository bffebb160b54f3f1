"""Two editors in two browsers: each sees the other, neither loses a word, and the keyboard is enough."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from consult.accounts.models import Person
from consult.extensions import db
from tests.browser.conftest import Visitor
from tests.browser.filling import SECONDS, main_button, press, until
from tests.browser.scenery import Scene
from tests.browser.town import Town

EDIT = "/p/offen/e/lz-begegnung/edit"
Visit = Callable[..., Visitor]


def text_in(page: Page) -> str:
    return page.locator("[name=markdown]").input_value()


def save(page: Page) -> None:
    press(page, main_button(page.locator("form.form")))


def ping(page: Page) -> None:
    """Come back to the page: it says at once that it is open, and shows what it is answered."""
    with page.expect_response(lambda answer: answer.url.endswith("/editing")) as said:
        page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    said.value.finished()


def test_who_else_is_editing_is_shown_without_loading_the_page_again(here: Town, visit: Visit, scene: Scene) -> None:
    with here.inside():
        name, other = (db.session.get_one(Person, scene.cast[role]).name for role in ("editor", "lead"))
    first, second = visit(scene.cast["editor"]), visit(scene.cast["lead"])
    with first.page.expect_response(lambda r: r.url.endswith("/editing")):
        first.go(EDIT)
    with second.page.expect_response(lambda r: r.url.endswith("/editing")):
        second.go(EDIT)
    expect(second.page.locator("[data-presence]")).to_contain_text(name)
    # The first is told with the next ping.
    ping(first.page)
    expect(first.page.locator("[data-presence]")).to_contain_text(other)
    expect(first.page.locator("#live")).to_contain_text(other)
    # Whoever leaves is no longer named; browsers say that they leave when they find the time.
    first.go("/p/offen")
    deadline = time.monotonic() + SECONDS
    while name in second.page.inner_text("[data-presence]"):
        assert time.monotonic() < deadline, "who has left is still named"
        ping(second.page)
    assert not first.watch.take()
    assert not second.watch.take()


def test_unsaved_text_is_offered_with_what_it_was_based_on(visit: Visit, scene: Scene) -> None:
    mine, theirs = visit(scene.cast["editor"]), visit(scene.cast["lead"])
    page = mine.go(EDIT)
    before, base = text_in(page), page.locator("[name=base]").input_value()
    page.locator("[name=markdown]").fill(before + "\n\nNicht gespeichert.")
    until(page, "Object.values(localStorage).some((text) => text.includes('Nicht gespeichert.'))")
    theirs.go(EDIT).locator("[name=markdown]").fill("Vorweg. " + before)
    theirs.page.locator("[name=reason]").fill("Ein Anfang")
    save(theirs.page)
    page = mine.go(EDIT)
    assert text_in(page) == "Vorweg. " + before, "the text as it stands must not be replaced unasked"
    expect(page.locator("[data-draft-offer]")).to_be_visible()
    page.locator("[data-draft-take]").press("Enter")
    expect(page.locator("[name=markdown]")).to_have_value(before + "\n\nNicht gespeichert.")
    expect(page.locator("[name=base]")).to_have_value(base)
    expect(page.locator("[name=markdown]")).to_be_focused()
    page.locator("[name=reason]").fill("Mein Grund")
    save(page)
    assert text_in(page) == "Vorweg. " + before + "\n\nNicht gespeichert."
    assert page.locator("main .callout.tone-warning").count() == 1
    save(page)
    assert "/working" in page.url
    expect(mine.go(EDIT).locator("[data-draft-offer]")).to_be_hidden()


@pytest.mark.parametrize("part", ["find", "preview"])
def test_parts_are_renewed_in_place_by_keyboard(visit: Visit, scene: Scene, part: str) -> None:
    editor = visit(scene.cast["editor"])
    page = editor.go(EDIT)
    page.locator("[name=markdown]").fill("Ganz neu am Abend.")
    number = scene.offen["number"]
    page.locator("[name=sources]").fill(str(number))
    page.evaluate("() => { window.sameDocument = true; }")
    page.locator(f"button[value={part}]").press("Enter")
    target = "#choose-sources" if part == "find" else "#preview"
    expect(page.locator(f"#source-{number}:checked" if part == "find" else "#preview .words")).to_be_visible()
    assert page.evaluate("() => window.sameDocument"), "the page was loaded again"
    expect(page.locator(target)).to_be_focused()
    expect(page.locator("[name=markdown]")).to_have_value("Ganz neu am Abend.")
    if part == "preview":
        expect(page.locator("#preview")).to_contain_text("Ganz neu am Abend.")
        return
    expect(page.locator(f"#source-{number}")).to_be_checked()
    page.locator("textarea[name=markdown]").evaluate("area => area.setSelectionRange(9, 17)")
    page.locator(f"[data-take-words=passage-{number}]").press("Enter")
    expect(page.locator(f"#passage-{number}")).to_have_value("am Abend")
    assert not editor.watch.take()


def test_without_scripts_everything_is_there_as_well(visit: Visit, scene: Scene) -> None:
    editor = visit(scene.cast["editor"], java_script_enabled=False)
    page = editor.go(EDIT)
    page.locator("[name=markdown]").fill("Ohne Skript.")
    page.locator("[name=sources]").fill(str(scene.offen["number"]))
    press(page, page.locator("button[value=find]"))
    assert text_in(page) == "Ohne Skript."
    expect(page.locator(f"#source-{scene.offen['number']}")).to_be_checked()
    press(page, page.locator("button[value=preview]"))
    expect(page.locator("#preview")).to_contain_text("Ohne Skript.")
    expect(page.locator(f"#source-{scene.offen['number']}")).to_be_checked()
