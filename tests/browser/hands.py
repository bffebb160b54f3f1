"""Hands that go through a page as people do who have no mouse, or whose browser runs no scripts."""

from collections.abc import Callable
from typing import Any, Protocol

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.filling import press, settled

#: So many presses of Tab lead through any page of these tests.
PRESSES = 250

#: What has the focus: what it is called, and whether one can see that it has it.
FOCUS = """() => {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const shown = e.getBoundingClientRect(), style = getComputedStyle(e);
    const ring = el => { const s = getComputedStyle(el);
        return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) || s.boxShadow !== 'none'; };
    return {
        tag: e.tagName.toLowerCase(), name: e.name || '', id: e.id, href: e.getAttribute('href') || '',
        type: e.type || '', value: e.value || '', text: (e.innerText || e.getAttribute('aria-label') || '').trim(),
        action: e.form ? e.form.getAttribute('action') : '',
        visible: shown.width > 0 && shown.height > 0 && shown.bottom > 0 && shown.top < innerHeight
            && style.visibility !== 'hidden' && (ring(e) || !!(e.closest('label') && ring(e.closest('label')))
                // On the button within a field for dates, which browsers draw themselves with a ring of its own.
                || e.matches('input:focus-within:not(:focus)')),
        where: e.outerHTML.slice(0, 150),
    };
}"""

#: The same, and whether it is what was looked for.
STOP = f"wanted => ({{there: document.activeElement.matches(wanted), focus: ({FOCUS})()}})"


def focus(page: Page) -> dict[str, Any]:
    """What has the focus; fails when nothing has it, or when nobody can see it."""
    found: dict[str, Any] | None = page.evaluate(FOCUS)
    assert found is not None, "the focus is lost"
    assert found["visible"], f"nobody sees the focus on {found['where']}"
    return found


def tab_to(page: Page, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
    """Press Tab until something wanted has the focus."""
    for _press in range(PRESSES):
        page.keyboard.press("Tab")
        found = focus(page)
        if wanted(found):
            return found
    raise AssertionError(f"{what} is not reached by Tab")


def press_enter(page: Page) -> None:
    """Press Enter on what leads to another page; returns when that can be used."""
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("Enter")
    settled(page)


class Hands(Protocol):
    """What people do on a page; fields by name, everything else by selector."""

    visitor: Visitor
    page: Page

    def write(self, name: str, text: str) -> None:
        """Put this into a field, in the place of what is there."""

    def pick(self, name: str, value: str) -> None:
        """Choose this from a list, or tick this box."""

    def open(self, selector: str) -> None:
        """Unfold what this summary stands over, unless it is unfolded."""

    def follow(self, selector: str) -> None:
        """Press a link or button that leads to another page."""

    def do(self, selector: str) -> None:
        """Press a button that need not lead to another page."""


def is_open(page: Page, selector: str) -> bool:
    """Whether what this summary stands over is unfolded."""
    return bool(page.locator(selector).evaluate("e => e.parentElement.open"))


class Plain:
    """A mouse, and no scripts."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.page = visitor, visitor.page

    def write(self, name: str, text: str) -> None:
        self.page.locator(f"main [name='{name}']:visible").fill(text)

    def pick(self, name: str, value: str) -> None:
        field = self.page.locator(f"main [name='{name}']:visible")
        if field.first.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            self.page.locator(f"main [name='{name}'][value='{value}']").check()

    def open(self, selector: str) -> None:
        if not is_open(self.page, selector):
            self.page.locator(selector).click()

    def follow(self, selector: str) -> None:
        press(self.page, self.page.locator(selector).first)

    def do(self, selector: str) -> None:
        self.follow(selector)


class Keys:
    """Tab, Enter, Space and the arrows; each stop on the way must be seen."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.page = visitor, visitor.page

    def _reach(self, selector: str) -> None:
        over_the_end = False
        for presses in range(PRESSES):
            stop = self.page.evaluate(STOP, selector)
            if stop["focus"] is not None:
                assert stop["focus"]["visible"], f"nobody sees the focus on {stop['focus']['where']}"
            elif presses:
                assert not over_the_end, f"{selector} is not reached by Tab"
                over_the_end = True
            if stop["there"]:
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by Tab")

    def write(self, name: str, text: str) -> None:
        self._reach(f"main [name='{name}']")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def pick(self, name: str, value: str) -> None:
        if self.page.locator(f"main select[name='{name}']").count():
            self._reach(f"main select[name='{name}']")
            for _press in range(PRESSES):
                if self.page.evaluate("() => document.activeElement.value") == value:
                    return
                self.page.keyboard.press("ArrowDown")
            raise AssertionError(f"{value} is not reached by the arrows")
        self._reach(f"main [name='{name}'][value='{value}']")
        self.page.keyboard.press("Space")

    def open(self, selector: str) -> None:
        if not is_open(self.page, selector):
            self._reach(selector)
            self.page.keyboard.press("Enter")

    def follow(self, selector: str) -> None:
        self._reach(selector)
        press_enter(self.page)

    def do(self, selector: str) -> None:
        self._reach(selector)
        self.page.keyboard.press("Enter")


def refused(hands: Hands) -> None:
    """The form came back: what is wrong has the focus and leads to the first field that is."""
    page = hands.page
    expect(page.locator(".error-summary")).to_be_focused()
    target = page.locator(".error-summary a").first.get_attribute("href") or ""
    assert page.locator(target).get_attribute("aria-invalid") == "true"
    if isinstance(hands, Keys):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    else:
        page.locator(".error-summary a").first.click()
    expect(page.locator(target)).to_be_focused()
    focus(page)
