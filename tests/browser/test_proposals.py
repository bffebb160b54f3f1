"""Proposing other words on a narrow phone: by keyboard, with and without scripts; what changed since, in place."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from consult.accounts.models import Person
from consult.concept import operations as concept_operations
from consult.concept.models import Concept
from consult.concept.queries import element_or_404, placed_one, working_version
from consult.contributions import operations
from consult.contributions.models import Stance
from consult.extensions import db
from consult.moderation import operations as deciding
from consult.processes.models import Process
from tests.browser.conftest import Visitor
from tests.browser.filling import form_with, press, send
from tests.browser.scenery import Scene
from tests.browser.test_keyboard import focus, press_enter, tab_to
from tests.browser.test_pages import NARROW, looks
from tests.browser.town import Town
from tests.concept.factories import publish

Arrive = Callable[..., Visitor]
GOAL = "/p/offen/e/lz-begegnung"


def marks(page: Page, place: str) -> list[str]:
    """What is put in, as it is read on this part of the page."""
    return [text.strip() for text in page.locator(f"{place} ins:not(.legend ins)").all_inner_texts()]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_guest_proposes_on_a_phone_and_sees_the_difference_first(
    here: Town, scene: Scene, visit: Arrive, scripts: bool
) -> None:
    guest = visit(viewport=NARROW, java_script_enabled=scripts)
    page = guest.go(GOAL)
    press(page, page.locator(f"main a[href='{GOAL}/propose']").first)
    form = form_with(page, "proposed")
    before = form.locator("[name=proposed]").input_value()
    form.locator("[name=proposed]").fill(f"{before} Auch nachts.")
    form.locator("[name=text]").fill("Weil viele abends arbeiten.")
    show = form.locator("button[value=preview]")
    if scripts:
        show.click()
        expect(page.locator("#preview .words ins").first).to_be_visible()
        expect(page.locator("#preview")).to_be_focused()
    else:
        press(page, show)
    assert any("Auch nachts." in text for text in marks(page, "#preview"))
    assert form_with(page, "proposed").locator("[name=text]").input_value() == "Weil viele abends arbeiten."
    if scripts:
        assert looks(page, 0) == []
    send(page, proposed=f"{before} Auch nachts.", text="Weil viele abends arbeiten.")
    assert page.locator(".slip .code").count() == 1


def test_commenting_and_proposing_by_keyboard_on_a_narrow_screen(scene: Scene, visit: Arrive) -> None:
    """A section of the text is commented on without choosing words by hand, and changed in place."""
    page = visit(scene.cast["citizen"], viewport=NARROW).go(GOAL)
    tab_to(page, lambda f: f["href"] == f"{GOAL}/comment", "the way to comment")
    tab_to(page, lambda f: f["href"] == f"{GOAL}/propose", "the way to propose")
    press_enter(page)
    tab_to(page, lambda f: f["name"] == "proposed", "the text")
    page.keyboard.press("Control+End")
    page.keyboard.type(" Mit der Tastatur.")
    tab_to(page, lambda f: f["value"] == "preview", "the button that shows what was changed")
    page.keyboard.press("Enter")
    expect(page.locator("#preview .words ins").first).to_be_visible()
    # Tab goes on from there.
    expect(page.locator("#preview")).to_be_focused()
    assert any("Mit der Tastatur." in text for text in marks(page, "#preview"))
    tab_to(page, lambda f: f["name"] == "text", "the reason")
    page.keyboard.type("Damit es alle erreichen.")
    tab_to(page, lambda f: f["type"] == "submit" and f["action"].endswith("/propose"), "send")
    press_enter(page)
    assert any("Mit der Tastatur." in text for text in marks(page, ".proposal"))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROW["width"]


def changed_goal(scene: Scene) -> int:
    """A published comment on a goal of its own whose text is changed after it; returns its number."""
    process = db.session.query(Process).filter_by(slug="offen").one()
    lead = db.session.get_one(Person, scene.cast["lead"])
    author = db.session.get_one(Person, scene.cast["citizen"])
    goal = element_or_404(process.id, "lz-begegnung")
    comment = operations.submit(process, actor=author, text="Zu kurz.", stance=Stance.change, element_id=goal.id)
    deciding.approve(comment, db.session.get_one(Person, scene.cast["moderator"]))
    placed = placed_one(working_version(goal.concept_id).id, goal.id)
    assert placed is not None
    words = concept_operations.Text(markdown=f"Begegnung wird überall möglich ({comment.number}).")
    concept_operations.edit(
        goal, placed.wording_id, words,
        reason="Zeiten am Abend", actor=lead, process=process,
    )  # fmt: skip
    publish(db.session.get_one(Concept, goal.concept_id), process, lead)
    return comment.number or 0


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_what_changed_since_opens_in_place_and_without_scripts_on_its_own_page(
    here: Town, scene: Scene, visit: Arrive, scripts: bool
) -> None:
    with here.inside():
        number = changed_goal(scene)
    page = visit(viewport=NARROW, java_script_enabled=scripts).go(GOAL)
    link = page.locator(f"a[data-inplace='#since-OF-{number}']")
    place = page.locator(f"#since-OF-{number}")
    expect(place).to_be_hidden()
    if not scripts:
        press(page, link)
        assert "Zeiten am Abend" in page.inner_text("main")
        return
    tab_to(page, lambda f: f["href"].startswith(f"/p/offen/contributions/{number}/since"), "what changed since")
    page.keyboard.press("Enter")
    expect(place).to_be_visible()
    expect(place).to_contain_text("Zeiten am Abend")
    expect(link).to_have_attribute("aria-expanded", "true")
    assert looks(page, 1) == []
    link.focus()
    focus(page)
    page.keyboard.press("Enter")
    expect(place).to_be_hidden()
