"""A test client that behaves like the outside world, and a page that checks itself."""

import contextvars
import re
from collections import Counter
from functools import cached_property
from typing import Any

from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consult.extensions import db


class IsolatedClient(FlaskClient):
    """Each request runs in a fresh context: nothing of the test's own app context, `g` or session leaks in.

    Without this a forgotten commit passes the test.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        db.session.flush()
        result: TestResponse = contextvars.Context().run(super().open, *args, **kwargs)
        db.session.expire_all()
        # What was sent lies in a temporary file when it is long; nobody else closes that.
        result.request.environ["wsgi.input"].close()
        return result


class Page:
    """A parsed response. `status`, `html` (BeautifulSoup), `text`, and helpers for forms."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.location = response.headers.get("Location", "")

    # Parsed when first asked for: many tests only look at the status.
    @cached_property
    def html(self) -> BeautifulSoup:
        return BeautifulSoup(self.response.get_data(as_text=True), "html5lib")

    @cached_property
    def text(self) -> str:
        return re.sub(r"\s+", " ", self.html.get_text(" "))

    @property
    def h1(self) -> str:
        return self.html.h1.get_text(" ", strip=True) if self.html.h1 else ""

    def form_fields(self, action: str | None = None) -> dict[str, str]:
        """What a browser would send for the form with this action (or the only form with fields)."""
        for form in self.html.find_all("form"):
            if action is None or form.get("action") == action:
                return fields_of(form)
        raise AssertionError(f"no form to {action} on {self.h1!r}")

    def check(self) -> "Page":
        """What every page of ours keeps: one h1, title, language, labels, unique ids, nothing inline."""
        html = self.html
        tags = html.find_all(True)
        headings = sum(tag.name == "h1" for tag in tags)
        assert headings == 1, f"one h1 expected, got {headings}"
        title = (html.title and html.title.string) or ""
        # One word before the heading when a form is refused, none otherwise.
        before, found, _rest = title.strip().partition(self.h1[:20])
        assert found, f"title {title!r} does not begin with the heading {self.h1!r}"
        said = {name for tag in html.select(".error-summary, .error, .tone-danger") for name in tag["class"]}
        assert bool(before) <= bool(said), f"title {title!r}, but the page says nothing of an error"
        assert bool(before) >= ("error-summary" in said), f"title {title!r} does not say that something is wrong"
        assert html.html is not None
        assert html.html.get("lang"), "no language"
        ids = Counter(tag["id"] for tag in tags if "id" in tag.attrs)
        doubles = {ident for ident, times in ids.items() if times > 1}
        assert not doubles, f"ids twice: {doubles}"
        labelled = {tag.get("for") for tag in tags if tag.name == "label"}
        for tag in tags:
            if tag.name in ("input", "select", "textarea"):
                self._check_label(tag, labelled)
            assert not tag.get("style"), f"inline style on {tag.name}"
            assert not any(name.startswith("on") for name in tag.attrs), f"inline handler on {tag.name}"
            assert tag.name != "script" or tag.get("src"), "inline script"
        return self

    @staticmethod
    def _check_label(field: Any, labelled: set[str | None]) -> None:
        if field.get("type") in ("hidden", "submit", "button"):
            return
        named = field.get("id") in labelled - {None} or field.get("aria-label") or field.get("aria-labelledby")
        assert named or field.find_parent("label"), f"field {field.get('name')} has no label"


def fields_of(form: Any) -> dict[str, str]:
    fields: dict[str, str] = {}
    for field in form.find_all(["input", "select", "textarea"]):
        name, kind = field.get("name"), field.get("type", "text")
        if not name or kind in ("submit", "button", "file"):
            continue
        if kind in ("radio", "checkbox") and not field.has_attr("checked"):
            continue
        if field.name == "select":
            option = field.find("option", selected=True) or field.find("option")
            fields[name] = option.get("value", "") if option else ""
        elif field.name == "textarea":
            fields[name] = field.get_text().lstrip("\n")
        else:
            fields[name] = field.get("value", "on" if kind == "checkbox" else "")
    return fields


class Browser:
    """What tests use: `get` and `submit`, with every page checked on the way."""

    def __init__(self, app: Flask) -> None:
        app.test_client_class = IsolatedClient
        self.client = app.test_client()

    def get(self, url: str, status: int = 200, **kwargs: Any) -> Page:
        """Fetch, assert the status, check a page of ours."""
        page = Page(self.client.get(url, **kwargs))
        assert page.status == status, f"GET {url}: {page.status}, expected {status}: {page.text[:300]}"
        if page.response.mimetype == "text/html" and status not in (301, 302, 303):
            page.check()
        return page

    def submit(
        self, url: str, data: dict[str, Any] | None = None, *, form_at: str | None = None, status: int = 303,
        **kwargs: Any,
    ) -> Page:  # fmt: skip
        """Load the page with the form (`form_at`, or `url` itself), fill in `data`, post it to `url`."""
        where = form_at or url
        form_page = self.get(where)
        action = url if form_at or form_page.html.find("form", action=url) else None
        fields: dict[str, Any] = {**form_page.form_fields(action), **(data or {})}
        return self.post(url, {k: v for k, v in fields.items() if v is not None}, status=status, **kwargs)

    def post(self, url: str, data: dict[str, Any], status: int = 303, **kwargs: Any) -> Page:
        """Post raw data (no token added), assert the status."""
        page = Page(self.client.post(url, data=data, **kwargs))
        assert page.status == status, f"POST {url}: {page.status}, expected {status}: {page.text[:500]}"
        if page.response.mimetype == "text/html" and status not in (301, 302, 303):
            page.check()
        return page

    def follow(self, page: Page, status: int = 200) -> Page:
        """Go where a redirect leads."""
        return self.get(page.location, status)
