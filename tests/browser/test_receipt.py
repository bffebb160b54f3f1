"""Writing without an account on a phone, with a receipt code and without it, with and without scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from consult.accounts.models import Person
from consult.contributions.models import Contribution, ModerationReason
from consult.extensions import db
from consult.moderation import operations as deciding
from consult.processes.models import Process
from tests.browser.conftest import Visitor
from tests.browser.filling import press, send, until
from tests.browser.scenery import Scene
from tests.browser.test_pages import PHONE, looks
from tests.browser.town import Town

Arrive = Callable[..., Visitor]
GOAL = "/p/offen/e/lz-begegnung"
#: Whether the browser keeps an unsent text of a guest.
DRAFT = "Object.keys(localStorage).some((key) => key.startsWith('consult.draft.guest'))"
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}")


def written(page: Page, text: str) -> tuple[int, str]:
    """Send this as a guest from the page with the form; returns number and code on the slip."""
    send(page, stance="concern", text=text, author_name="Wetterhahn")
    code = page.inner_text(".slip .code").strip()
    assert CODE.fullmatch(code)
    assert code not in page.url
    number = re.search(r"OF-(\d+)", page.inner_text("h1"))
    assert number
    return int(number[1]), code


def approve(town: Town, scene: Scene, number: int) -> None:
    with town.inside():
        process = db.session.query(Process).filter_by(slug="offen").one()
        contribution = db.session.query(Contribution).filter_by(process_id=process.id, number=number).one()
        moderator = db.session.get_one(Person, scene.cast["moderator"])
        deciding.approve(contribution, moderator)
        db.session.commit()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_the_goal_to_the_slip_and_back_by_the_code(here: Town, scene: Scene, visit: Arrive, scripts: bool) -> None:
    guest = visit(viewport=PHONE, java_script_enabled=scripts)
    page = guest.go(GOAL)
    press(page, page.locator(f"main a[href='{GOAL}/comment']").first)
    number, code = written(page, "Die Treppe am Bahnhof ist zu steil.")
    # The module that shows it may come a moment after the page.
    expect(page.locator("button[data-print]")).to_be_visible(visible=scripts)
    press(page, page.locator("form[action='/receipt/close'] button"))
    later = visit(viewport=PHONE, java_script_enabled=scripts)
    page = later.go("/")
    press(page, page.locator("footer a[href='/receipt']"))
    send(page, code=code.lower().replace("-", " "))
    assert "Die Treppe am Bahnhof ist zu steil." in page.inner_text("main")
    assert code not in page.url
    press(page, page.locator("a[href='/receipt/contribution/edit']"))
    send(page, text="Die Treppe am Bahnhof ist viel zu steil.")
    approve(here, scene, number)
    page = later.go("/receipt/contribution")
    press(page, page.locator(f"main a[href='/p/offen/contributions/{number}']"))
    assert "viel zu steil" in page.inner_text("main")
    page = later.go("/receipt/contribution")
    page.locator("details.confirm summary").click()
    press(page, page.locator("details.confirm form button"))
    later.go(f"/p/offen/contributions/{number}")
    assert "viel zu steil" not in page.inner_text("main")


def test_a_report_and_an_appeal_without_an_account_are_answered_under_their_codes(
    here: Town, scene: Scene, visit: Arrive
) -> None:
    writer, reporter = visit(viewport=PHONE), visit(viewport=PHONE)
    number, own = written(writer.go(f"{GOAL}/comment"), "Rufen Sie mich an: 0201 1234567.")
    approve(here, scene, number)
    page = reporter.go(f"/p/offen/contributions/{number}")
    press(page, page.locator(f"main a[href='/p/offen/contributions/{number}/report']"))
    send(page, reason_id="-1", note="Da steht eine Telefonnummer.")
    code = page.inner_text(".slip .code").strip()
    assert CODE.fullmatch(code)
    found = looks(page, 0) + looks(page, 1)
    with here.inside():
        process = db.session.query(Process).filter_by(slug="offen").one()
        contribution = db.session.query(Contribution).filter_by(process_id=process.id, number=number).one()
        reason = db.session.query(ModerationReason).filter_by(process_id=process.id).first()
        deciding.hide(contribution, db.session.get_one(Person, scene.cast["moderator"]), reason)
    send(reporter.go("/receipt"), code=code)
    assert "Da steht eine Telefonnummer." in page.inner_text("main")
    assert page.locator(".callout.tone-success").count()
    found += looks(page, 0) + looks(page, 1)
    send(writer.go("/receipt"), code=own)
    page = writer.page
    press(page, page.locator("a[href='/receipt/contribution/appeal']"))
    found += looks(page, 0) + looks(page, 1)
    send(page, body="Das ist die Nummer eines Amtes.")
    assert page.url.endswith("/receipt/contribution")
    assert not page.locator("a[href='/receipt/contribution/appeal']").count()
    assert not found, found


def test_slip_and_what_stands_under_the_code_are_accessible_and_fit(scene: Scene, visit: Arrive) -> None:
    guest = visit()
    page = guest.go(f"{GOAL}/comment")
    _number, code = written(page, "Bitte mehr Bänke im Schatten.")
    found = looks(page, 0) + looks(page, 1)
    send(guest.go("/receipt"), code=code)
    found += looks(page, 0) + looks(page, 1)
    guest.go("/receipt/contribution/edit")
    found += looks(page, 0)
    assert found == []


def test_on_paper_stand_only_the_slip_and_whose_it_is(scene: Scene, visit: Arrive) -> None:
    page = visit().go(f"{GOAL}/comment")
    written(page, "Eine Uhr am Platz.")
    page.emulate_media(media="print")
    expect(page.locator(".slip .code")).to_be_visible()
    for hidden in ("form", "button", ".flashes", "footer nav"):
        expect(page.locator(hidden).filter(visible=True), hidden).to_have_count(0)


def test_unsent_text_is_there_again_and_gone_once_it_was_sent(scene: Scene, visit: Arrive) -> None:
    guest = visit(viewport=PHONE)
    page = guest.go(f"{GOAL}/comment")
    page.fill("textarea", "Fast fertig")
    until(page, DRAFT)
    guest.go(GOAL)
    guest.go(f"{GOAL}/comment")
    expect(page.locator("textarea").first).to_have_value("Fast fertig")
    written(page, "Ganz fertig")
    until(page, f"!{DRAFT}")


def test_a_helper_prints_the_slip_for_somebody_else(scene: Scene, visit: Arrive) -> None:
    helper = visit(scene.cast["citizen"])
    page = helper.go(f"{GOAL}/comment")
    press(page, page.locator("a[href$='/comment/for-somebody']"))
    _number, code = written(page, "Der Bus soll öfter fahren.")
    send(visit(viewport=PHONE).go("/receipt"), code=code)
    helper.go("/p/offen/contributions?mine=1")
    assert "Der Bus soll öfter fahren." not in page.inner_text("main")
