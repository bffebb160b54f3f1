"""Filling in and sending forms as people do."""

from typing import Any

from playwright.sync_api import Locator, Page


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
    """Press a button that leads to another page."""
    with page.expect_navigation(wait_until="load"):
        button.click()


def main_button(form: Locator) -> Locator:
    """The button that sends the form; others in it may search or show a preview."""
    primary = form.locator("button.primary[type=submit]")
    return primary.first if primary.count() else form.locator("button[type=submit]").first


def send(page: Page, **fields: Any) -> None:
    """Fill in the form that has the first of these fields, and press its button."""
    form = form_with(page, next(iter(fields)))
    fill(form, **fields)
    press(page, main_button(form))


def until(page: Page, holds: str) -> None:
    """Wait until this script, asked again and again, answers true.

    `Page.wait_for_function` compiles its script anew within the page from the second time on, which our
    Content-Security-Policy forbids: it works only where nothing needs to be waited for.
    """
    for _ask in range(100):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never came true: {holds}")


def text_of(page: Page) -> str:
    """What is read on the page."""
    return page.locator("body").inner_text()
