"""A test client that behaves like the outside world, and a page that checks itself."""

import contextvars
import re
from collections import Counter
from functools import cached_property
from typing import Any

from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser, LexborNode
from werkzeug.test import TestResponse

from consult.extensions import db
from tests import markup


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
        return markup.soup(self.response.get_data(as_text=True))

    # The same page for what is asked of each: making a BeautifulSoup takes ten times as long.
    @cached_property
    def tree(self) -> LexborHTMLParser:
        return markup.tree(self.response.get_data(as_text=True))

    @cached_property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(markup.texts(self.tree.root)))

    @cached_property
    def h1(self) -> str:
        return " ".join(part.strip() for part in markup.texts(self.tree.css_first("h1")) if part.strip())

    def form_fields(self, action: str | None = None) -> dict[str, str]:
        """What a browser would send for the form with this action (or the only form with fields)."""
        for form in self.html.find_all("form"):
            if action is None or form.get("action") == action:
                return fields_of(form)
        raise AssertionError(f"no form to {action} on {self.h1!r}")

    def check(self) -> "Page":
        """What every page of ours keeps: one h1, title, language, labels, unique ids, nothing inline."""
        parts = [(node, node.tag or "", markup.attributes(node)) for node in markup.elements(self.tree)]
        headings = sum(name == "h1" for _, name, _ in parts)
        assert headings == 1, f"one h1 expected, got {headings}"
        title = "".join(markup.texts(self.tree.css_first("title")))
        # One word before the heading when a form is refused, none otherwise.
        before, found, _rest = title.strip().partition(self.h1[:20])
        assert found, f"title {title!r} does not begin with the heading {self.h1!r}"
        classes = {name for _, _, values in parts for name in values.get("class", "").split()}
        said = classes & {"error-summary", "error", "tone-danger"}
        assert bool(before) <= bool(said), f"title {title!r}, but the page says nothing of an error"
        assert bool(before) >= ("error-summary" in said), f"title {title!r} does not say that something is wrong"
        assert any(name == "html" and values.get("lang") for _, name, values in parts), "no language"
        ids = Counter(values["id"] for _, _, values in parts if "id" in values)
        doubles = {ident for ident, times in ids.items() if times > 1}
        assert not doubles, f"ids twice: {doubles}"
        labelled = {values.get("for") for _, name, values in parts if name == "label"}
        for node, name, values in parts:
            if name in ("input", "select", "textarea"):
                self._check_label(node, values, labelled)
            assert not values.get("style"), f"inline style on {name}"
            assert not any(attribute.startswith("on") for attribute in values), f"inline handler on {name}"
            assert name != "script" or values.get("src"), "inline script"
        return self

    @staticmethod
    def _check_label(field: LexborNode, values: dict[str, str], labelled: set[str | None]) -> None:
        if values.get("type") in ("hidden", "submit", "button"):
            return
        named = values.get("id") in labelled - {None} or values.get("aria-label") or values.get("aria-labelledby")
        around = field.parent
        while not named and around is not None:
            named, around = around.tag == "label", around.parent
        assert named, f"field {values.get('name')} has no label"


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
