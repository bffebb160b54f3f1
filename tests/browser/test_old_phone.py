"""On an old phone with a poor connection: from the front page to a contribution that is sent, in under two minutes."""

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route

from tests.browser.conftest import Visitor
from tests.browser.filling import form_with, press
from tests.browser.scenery import Scene
from tests.browser.watch import overflow

Arrive = Callable[..., Visitor]

#: An iPhone SE of the first kind, and its like.
OLD_PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 568}, "device_scale_factor": 2, "has_touch": True}
#: A processor six times slower than this one, and what is called slow 3G.
SLOWER = 6
NETWORK = {"offline": False, "latency": 400, "downloadThroughput": 50 * 1024, "uploadThroughput": 50 * 1024}
TWO_MINUTES = 120.0

TEXT = "Bitte mehr Bänke vor dem Rathaus, dort warten viele Menschen."
#: What people need besides the machine: finding the way on a page, making up one's mind, one key after the other.
A_PAGE, A_CHOICE, A_KEY = 5.0, 5.0, 0.25
#: Of each key that is really pressed here.
PRESSED = 0.02


#: How much slower than at its best this machine is just now, because of others.
BUSY = """() => {
    const runs = Array.from({ length: 15 }, () => {
        const began = performance.now();
        for (let n = 0, sum = 0; n < 8e6; n += 1) sum += Math.sqrt(n);
        return performance.now() - began;
    }).sort((a, b) => a - b);
    return runs[7] / Math.max(runs[0], 1);
}"""


def slow_down(page: Page) -> None:
    """From now on as on an old phone far from the next mast."""
    rate = max(1.0, SLOWER / page.evaluate(BUSY))
    protocol = page.context.new_cdp_session(page)
    protocol.send("Network.enable")
    protocol.send("Network.emulateNetworkConditions", NETWORK)
    protocol.send("Emulation.setCPUThrottlingRate", {"rate": rate})


def follow(page: Page, path: str) -> None:
    """Press the link that leads there, wherever it stands in the page."""
    press(page, page.locator(f"main a[href='{path}']").first)


def test_from_the_front_page_to_sent_in_under_two_minutes(scene: Scene, visit: Arrive) -> None:
    guest = visit(**OLD_PHONE)
    page = guest.page
    slow_down(page)
    began = time.monotonic()
    guest.go("/")
    follow(page, "/p/offen")
    press(page, page.locator("a[href='/p/offen/concept']").first)
    follow(page, "/p/offen/e/lz-begegnung")
    follow(page, "/p/offen/e/lz-begegnung/comment")
    form = form_with(page, "text")
    form.locator("label:has([name=stance][value=change])").tap()
    form.locator("textarea").press_sequentially(TEXT, delay=PRESSED * 1000)
    with page.expect_navigation(url=re.compile("/receipt/")):
        form.locator("button.primary").tap()
    assert page.locator(".slip .code").is_visible()
    machine = time.monotonic() - began - len(TEXT) * PRESSED
    person = 6 * A_PAGE + 2 * A_CHOICE + len(TEXT) * A_KEY
    assert machine + person < TWO_MINUTES, f"machine {machine:.1f} s, person {person:.1f} s"
    assert not guest.watch.take()


#: What browsers of the floor do not know, by a name that no browser knows; see tests/promises/test_browser_floor.py.
UNKNOWN = {
    ":has(": ":has-not-yet(", "@container": "@container-not-yet", "light-dark(": "light-dark-not-yet(",
    "text-wrap:": "text-wrap-not-yet:", "field-sizing:": "field-sizing-not-yet:", "dvb": "dvb-not-yet",
    "::details-content": "::details-content-not-yet", "hyphenate-limit-chars:": "hyphenate-limit-not-yet:",
}  # fmt: skip
#: Of FormData the second argument, which names the button.
BEFORE_2023 = "const Data = FormData; FormData = class extends Data { constructor(form) { super(form); } };"


def aged(route: Route) -> None:
    """A style sheet as a browser of early 2022 understands it."""
    answer = route.fetch()
    css = answer.text()
    for known, unknown in UNKNOWN.items():
        css = css.replace(known, unknown)
    route.fulfill(response=answer, body=css)


COLOURS = """() => {
    const seen = (element) => { const style = getComputedStyle(element); return [style.color, style.backgroundColor]; };
    return [...document.querySelectorAll('body, button.primary, .band, textarea')].map(seen);
}"""


def test_the_oldest_browsers_promised_show_a_page_that_can_be_read_and_used(scene: Scene, visit: Arrive) -> None:
    guest = visit(**OLD_PHONE, color_scheme="dark")
    guest.context.route("**/*.css*", aged)
    guest.context.add_init_script(BEFORE_2023)
    for path in ("/", "/p/offen", "/p/offen/concept", "/p/offen/e/lz-begegnung", "/p/offen/contributions"):
        assert not overflow(guest.go(path)), path
    page = guest.go("/p/offen/e/lz-begegnung/comment")
    assert not overflow(page)
    for text, ground in page.evaluate(COLOURS):
        assert text != ground
        assert ground != "rgba(0, 0, 0, 0)", "a colour that nobody defined"
    form = form_with(page, "text")
    form.locator("[name=stance][value=concern]").check()
    form.locator("textarea").fill("Von einem alten Telefon.")
    press(page, form.locator("button.primary"))
    assert page.locator(".slip .code").is_visible()
    assert not guest.watch.take()
