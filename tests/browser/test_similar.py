"""What scripts add to writing and reading: similar contributions on a pause, more of a list in its place."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from consult.contributions import operations
from consult.extensions import db
from consult.processes.models import Process
from tests.browser.conftest import Visitor
from tests.browser.filling import form_with, press, until
from tests.browser.scenery import Scene
from tests.browser.town import Town
from tests.factories import make_person

Arrive = Callable[..., Visitor]
SAID = "Der Spielplatz an der Lindenallee braucht Schatten und eine Schaukel."
ALIKE = "Auf dem Spielplatz Lindenallee fehlt Schatten."


# Once per process: a module may be left and come back to.
@pytest.fixture(scope="session")
def said(here: Town, scene: Scene) -> int:
    """Something said about the whole of a process that nobody else writes in, and cards: 25 in all."""
    with here.inside():
        process = db.session.query(Process).filter_by(slug="offen").one()
        author = make_person("Wiesenknopf")
        first = operations.capture(process, actor=None, text=SAID, stance=None, created_at=process.created_at,
                                   author_id=author.id)  # fmt: skip
        for n in range(23):
            operations.capture(process, actor=None, text=f"Karte {n}", stance=None, created_at=process.created_at)
        db.session.commit()
        return int(first.number or 0)


def test_on_a_pause_in_writing_the_list_appears_and_is_announced(said: int, visit: Arrive) -> None:
    guest = visit()
    page = guest.go("/p/offen/comment")
    expect(page.locator("button[name=similar]")).to_be_hidden()
    text = form_with(page, "text").locator("textarea")
    # A machine that is busy pauses between two letters as well: what is asked then must not count here.
    text.fill(ALIKE[:-1])
    with page.expect_response("**/comment/similar") as answer:
        text.press_sequentially(ALIKE[-1])
    assert ALIKE.split()[2] not in answer.value.url
    link = page.locator(f"#similar a[href='/p/offen/contributions/{said}']")
    expect(link).to_be_visible()
    until(page, "document.querySelector('#live').textContent === document.querySelector('[data-found]')?.dataset.found")
    expect(text).to_have_value(ALIKE)
    expect(link).to_have_attribute("target", "_blank")
    assert not guest.watch.take()


def test_without_scripts_the_button_shows_it_and_keeps_the_text(said: int, visit: Arrive) -> None:
    page = visit(java_script_enabled=False).go("/p/offen/comment")
    form_with(page, "text").locator("textarea").fill(ALIKE)
    press(page, page.locator("button[name=similar]"))
    expect(page.locator(f"#similar a[href='/p/offen/contributions/{said}']")).to_be_visible()
    expect(page.locator("textarea")).to_have_value(ALIKE)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_more_of_a_list_keeps_the_choice(said: int, visit: Arrive, scripts: bool) -> None:
    reader = visit(java_script_enabled=scripts)
    page = reader.go("/p/offen/contributions?kind=card")
    items = page.locator("#list > li > article")
    assert items.count() == 20
    first = items.first.get_attribute("id")
    if scripts:
        page.locator("a[rel=next]").click()
        expect(items).to_have_count(25)
        expect(page.locator(f"#{first}")).to_be_visible()
        expect(items.nth(20).locator(":focus")).to_have_count(1)
    else:
        press(page, page.locator("a[rel=next]"))
        assert items.count() == 5
        assert "kind=card" in page.url
    expect(page.locator("a[rel=next]")).to_have_count(0)
    assert not reader.watch.take()
