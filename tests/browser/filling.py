"""Filling in and sending forms as people do."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page

#: What a page does may take so long on a machine that has much else to do; nothing is waited for longer than it takes.
SECONDS = 60
#: A page whose modules have done their part, or one that has none.
ENHANCED = "html[data-enhanced], html:not(:has(script[type=module]))"


def settled(page: Page) -> None:
    """Return once the modules of the page just loaded have done their part; at once where no scripts run."""
    if page.evaluate("() => matchMedia('(scripting: enabled)').matches"):
        page.locator(ENHANCED).wait_for(state="attached")


def form_with(page: Page, name: str) -> Locator:
    """The form that has a field of this name."""
    return page.locator("form").filter(has=page.locator(f"[name='{name}']:not([type=hidden])")).first


def fill(form: Locator, **fields: Any) -> None:
    """Enter these values, by name of the field: text, choice of a list, radio value, True for a box."""
    for name, value in fields.items():
        field = form.locator(f"[name='{name}']:not([type=hidden])")
        kind = field.first.evaluate("e => e.tagName === 'INPUT' ? e.type : e.tagName.toLowerCase()")
        if kind == "select":
            field.select_option(str(value))
        elif kind == "radio":
            form.locator(f"[name='{name}'][value='{value}']").check()
        elif kind == "checkbox":
            field.first.set_checked(bool(value))
        else:
            field.first.fill(str(value))


def press(page: Page, button: Locator) -> None:
    """Press a button that leads to another page; returns when that can be used."""
    with page.expect_navigation(wait_until="load"):
        button.click()
    settled(page)


def main_button(form: Locator) -> Locator:
    """The button that sends the form; others in it may search or show a preview."""
    primary = form.locator("button.primary[type=submit]")
    return primary.first if primary.count() else form.locator("button[type=submit]").first


def send(page: Page, **fields: Any) -> None:
    """Fill in the form that has the first of these fields, and press its button."""
    form = form_with(page, next(iter(fields)))
    fill(form, **fields)
    press(page, main_button(form))


def until(page: Page, holds: str | Callable[[], Any]) -> None:
    """Wait until this script, or function, asked again and again, answers true.

    `Page.wait_for_function` compiles its script anew within the page from the second time on, which our
    Content-Security-Policy forbids: it works only where nothing needs to be waited for.
    """
    deadline = time.monotonic() + SECONDS
    while not (page.evaluate(holds) if isinstance(holds, str) else holds()):
        assert time.monotonic() < deadline, f"never came true: {holds}"
        page.wait_for_timeout(50)


def text_of(page: Page) -> str:
    """What is read on the page."""
    return page.locator("body").inner_text()
