"""The citizen's path in a language of one's own: on a phone in Turkish without scripts, in Arabic by keyboard."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from consult.accounts.models import Person
from consult.contributions.models import Contribution
from consult.extensions import db
from consult.moderation import operations as deciding
from consult.processes.models import Process
from consult.weighing import operations as weighing
from consult.weighing.models import DispositionKind
from tests.browser.conftest import Visitor
from tests.browser.filling import press, send
from tests.browser.scenery import Scene
from tests.browser.test_keyboard import press_enter, tab_to
from tests.browser.test_mail_trips import link_in, mail_to, new_address
from tests.browser.test_pages import PHONE, looks
from tests.browser.test_receipt import GOAL, written
from tests.browser.town import Town

Arrive = Callable[..., Visitor]
DIRECTION = {"tr": "ltr", "ar": "rtl"}


def in_its_language(page: Page, lang: str) -> None:
    """What the page says of itself, and that no sentence of the frame stands there in another language."""
    html = page.locator("html")
    assert (html.get_attribute("lang"), html.get_attribute("dir")) == (lang, DIRECTION[lang]), page.url
    assert "Skip to the content" not in page.inner_text(".skip")


def answer(town: Town, scene: Scene, number: int) -> None:
    """A moderator publishes it, the steering group says what became of it."""
    with town.inside():
        process = db.session.query(Process).filter_by(slug="offen").one()
        contribution = db.session.query(Contribution).filter_by(process_id=process.id, number=number).one()
        deciding.approve(contribution, db.session.get_one(Person, scene.cast["moderator"]))
        steering = db.session.get_one(Person, scene.cast["steering"])
        weighing.decide(
            contribution, DispositionKind.adopt, "Die Treppe wird umgebaut.", actor=steering,
            plain_reason="Das machen wir.",
        )  # fmt: skip


def test_in_turkish_on_a_phone_without_scripts_from_home_to_the_answer(here: Town, scene: Scene, visit: Arrive) -> None:
    guest = visit(viewport=PHONE, java_script_enabled=False, locale="tr-TR")
    page = guest.go("/")
    in_its_language(page, "tr")
    press(page, page.locator("main a[href='/p/offen']").first)
    in_its_language(page, "tr")
    press(page, page.locator(".tabs a[href='/p/offen/concept']"))
    press(page, page.locator(f"main a[href='{GOAL}']").first)
    in_its_language(page, "tr")
    assert page.locator("main [lang='de']").count()
    press(page, page.locator(f"main a[href='{GOAL}/comment']").first)
    in_its_language(page, "tr")
    assert page.locator("select[name='lang']").input_value() == "tr"
    number, code = written(page, "İstasyondaki merdiven çok dik.")
    in_its_language(page, "tr")
    answer(here, scene, number)
    later = visit(viewport=PHONE, java_script_enabled=False, locale="tr-TR")
    page = later.go("/")
    press(page, page.locator("footer a[href='/receipt']"))
    send(page, code=code.lower())
    in_its_language(page, "tr")
    shown = page.inner_text("main")
    assert "İstasyondaki merdiven çok dik." in shown
    assert "Das machen wir." in shown
    press(page, page.locator(f"main a[href='/p/offen/contributions/{number}']"))
    in_its_language(page, "tr")


def test_in_arabic_by_keyboard_from_the_goal_to_the_answer(here: Town, scene: Scene, visit: Arrive) -> None:
    guest = visit(viewport=PHONE, locale="ar")
    page = guest.go(GOAL)
    in_its_language(page, "ar")
    found = looks(page, 0)
    page = guest.go(GOAL)
    tab_to(page, lambda f: f["href"] == f"{GOAL}/comment", "the button to comment")
    press_enter(page)
    tab_to(page, lambda f: f["name"] == "stance", "the stance")
    page.keyboard.press("Space")
    tab_to(page, lambda f: f["name"] == "text", "the text")
    page.keyboard.type("الدرج في المحطة شديد الانحدار.")
    tab_to(page, lambda f: f["type"] == "submit" and "primary" in f["where"], "the button to send")
    press_enter(page)
    in_its_language(page, "ar")
    found += looks(page, 1)
    code = page.locator(".slip .code bdi")
    assert code.get_attribute("dir") == "ltr"
    code_shown = code.inner_text()
    number = int(page.inner_text("h1").split("OF-")[1].split()[0].strip("."))
    answer(here, scene, number)
    guest.go("/receipt")
    tab_to(page, lambda f: f["name"] == "code", "the field for the code")
    page.keyboard.type(code_shown)
    press_enter(page)
    in_its_language(page, "ar")
    assert "Das machen wir." in page.inner_text("main")
    assert page.locator("main [lang='de']", has_text="Das machen wir.").count()
    found += looks(page, 0)
    guest.go("/receipt")
    found += looks(page, 1)
    assert found == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/p/offen",
        "/p/offen/concept",
        "/p/offen/contributions",
        "/p/offen/e/lz-begegnung/propose",
        "/sign-in",
        "/register",
    ],
)
def test_pages_of_the_path_in_arabic_are_accessible_and_fit(scene: Scene, visit: Arrive, path: str) -> None:
    page = visit(locale="ar").go(path)
    in_its_language(page, "ar")
    assert looks(page, 0) == []


def test_the_menu_of_languages_fits_a_phone_in_both_directions(scene: Scene, visit: Arrive) -> None:
    for lang, direction in (("de-DE", "ltr"), ("ar", "rtl")):
        page = visit(viewport={"width": 320, "height": 700}, locale=lang).go("/")
        assert page.locator("html").get_attribute("dir") == direction
        page.locator("header details.menu summary").first.click()
        box = page.locator("header details.menu ul").first.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
    press(page, page.locator("header a[hreflang='fr']"))
    assert page.locator("html").get_attribute("lang") == "fr"


def test_a_mail_arrives_in_turkish_and_its_link_goes_on_in_it(here: Town, visit: Arrive) -> None:
    visitor, address = visit(viewport=PHONE, locale="tr-TR"), new_address()
    send(visitor.go("/register"), name="Deniz", email=address)
    mail = mail_to(here, address)
    assert mail.message["Content-Language"] == "tr"
    assert mail.message.get_body(("html",)).get_content().count('<html lang="tr" dir="ltr"') == 1
    later = visit(viewport=PHONE, locale="de-DE")
    page = later.go(link_in(here, mail, "/register/confirm/"))
    in_its_language(page, "tr")
    page = later.go("/sign-in")
    in_its_language(page, "tr")
