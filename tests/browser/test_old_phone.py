"""On an old phone with a poor connection: from the front page to a contribution that is sent, in under two minutes."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visitor
from tests.browser.filling import form_with, press, settled
from tests.browser.scenery import Scene
from tests.browser.watch import overflow

Arrive = Callable[..., Visitor]

#: An iPhone SE of the first kind, and its like.
OLD_PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 568}, "device_scale_factor": 2, "has_touch": True}
#: A processor so many times slower than this one, and what is called slow 3G.
SLOWER = 6
LATENCY, BYTES_A_SECOND = 0.4, 50 * 1024
NETWORK = {
    "offline": False, "latency": LATENCY * 1000, "downloadThroughput": BYTES_A_SECOND,
    "uploadThroughput": BYTES_A_SECOND,
}  # fmt: skip
TWO_MINUTES = 120.0

TEXT = "Bitte mehr Bänke vor dem Rathaus, dort warten viele Menschen."
#: What people need besides the machine: finding the way on a page, making up one's mind, one key after the other.
A_PAGE, A_CHOICE, A_KEY = 5.0, 5.0, 0.25

#: The sizes of what came over the line for this page; what the browser had already is none of it.
CAME = """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
    .map((entry) => entry.transferSize).filter((size) => size > 0)"""


class OldPhone:
    """What the pages of this browser would take there: whatever else this machine does meanwhile is none of it."""

    def __init__(self, page: Page) -> None:
        self.page, self.seconds, self._used = page, 0.0, 0.0
        self._protocol = page.context.new_cdp_session(page)
        self._protocol.send("Performance.enable")
        self._protocol.send("Network.enable")
        self._protocol.send("Network.emulateNetworkConditions", NETWORK)

    def arrived(self) -> None:
        """A page has come: what it took of the line, one thing after the other, and of the processor until now."""
        self.seconds += sum(LATENCY + size / BYTES_A_SECOND for size in self.page.evaluate(CAME))
        metrics = {one["name"]: one["value"] for one in self._protocol.send("Performance.getMetrics")["metrics"]}
        used = metrics["ProcessTime"]
        # Another process may have taken over.
        self.seconds += SLOWER * (used - self._used if used >= self._used else used)
        self._used = used


def test_from_the_front_page_to_sent_in_under_two_minutes(scene: Scene, visit: Arrive) -> None:
    guest = visit(**OLD_PHONE)
    page = guest.page
    phone = OldPhone(page)
    guest.go("/")
    phone.arrived()
    for link in (
        "main a[href='/p/offen']", "a[href='/p/offen/concept']", "main a[href='/p/offen/e/lz-begegnung']",
        "main a[href='/p/offen/e/lz-begegnung/comment']",
    ):  # fmt: skip
        press(page, page.locator(link).first)
        phone.arrived()
    form = form_with(page, "text")
    form.locator("label:has([name=stance][value=change])").tap()
    form.locator("textarea").press_sequentially(TEXT)
    with page.expect_navigation(url=re.compile("/receipt/"), wait_until="load"):
        form.locator("button.primary").tap()
    settled(page)
    phone.arrived()
    expect(page.locator(".slip .code")).to_be_visible()
    person = 6 * A_PAGE + 2 * A_CHOICE + len(TEXT) * A_KEY
    assert phone.seconds > 6 * LATENCY, "nothing was measured"
    assert phone.seconds + person < TWO_MINUTES, f"machine {phone.seconds:.1f} s, person {person:.1f} s"
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
    expect(page.locator(".slip .code")).to_be_visible()
    assert not guest.watch.take()
