"""What scripts add to writing and reading: similar contributions on a pause, more of a list in its place."""

from collections.abc import Callable

import pytest

from consult.contributions import operations
from consult.extensions import db
from consult.processes.models import Process
from tests.browser.conftest import Visitor
from tests.browser.filling import form_with, press
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
    assert page.locator("button[name=similar]").is_hidden()
    with page.expect_response("**/comment/similar") as answer:
        form_with(page, "text").locator("textarea").press_sequentially(ALIKE, delay=1)
    assert ALIKE.split()[2] not in answer.value.url
    link = page.locator(f"#similar a[href='/p/offen/contributions/{said}']")
    link.wait_for()
    told = page.locator("#similar [data-found]").get_attribute("data-found")
    page.locator("#live", has_text=told).wait_for(state="attached")
    assert page.locator("textarea").input_value() == ALIKE
    assert link.get_attribute("target") == "_blank"
    assert not guest.watch.take()


def test_without_scripts_the_button_shows_it_and_keeps_the_text(said: int, visit: Arrive) -> None:
    page = visit(java_script_enabled=False).go("/p/offen/comment")
    form_with(page, "text").locator("textarea").fill(ALIKE)
    press(page, page.locator("button[name=similar]"))
    assert page.locator(f"#similar a[href='/p/offen/contributions/{said}']").is_visible()
    assert page.locator("textarea").input_value() == ALIKE


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_more_of_a_list_keeps_the_choice(said: int, visit: Arrive, scripts: bool) -> None:
    reader = visit(java_script_enabled=scripts)
    page = reader.go("/p/offen/contributions?kind=card")
    items = page.locator("#list > li > article")
    assert items.count() == 20
    first = items.first.get_attribute("id")
    if scripts:
        page.locator("a[rel=next]").click()
        items.nth(20).wait_for()
        assert items.count() == 25
        assert page.locator(f"#{first}").is_visible()
        assert page.evaluate("document.activeElement.closest('article').id") == items.nth(20).get_attribute("id")
    else:
        press(page, page.locator("a[rel=next]"))
        assert items.count() == 5
        assert "kind=card" in page.url
    assert not page.locator("a[rel=next]").count()
    assert not reader.watch.take()
