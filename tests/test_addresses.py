"""What servers hand over as an address and no browser would have sent; found by tests/hostile.py."""

import pytest
from flask import request
from werkzeug.test import TestResponse

from tests.client import Browser


def raw(browser: Browser, path: str, query: str) -> TestResponse:
    """As a server hands it over, byte by byte."""
    environ = {"PATH_INFO": path, "QUERY_STRING": query}
    answer: TestResponse = browser.client.open("/", environ_overrides=environ)
    return answer


def test_bytes_that_no_browser_sends_bare_are_read_as_if_they_were_encoded(app, browser):
    """They stood in the query of old programs' requests, and were an error of ours before any page was asked."""
    assert raw(browser, "/contact", "page=\xff\xfe&lang=en").status_code == 200
    with app.test_request_context(environ_overrides={"QUERY_STRING": "q=m\xc3\xbcll&x=\xff"}):
        assert request.args["q"] == "müll"
        assert request.args["x"] == "%FF"


def test_an_address_with_doubled_slashes_leads_to_the_right_one(browser):
    """The router answers it, before anybody decided about access; that was taken for a mistake of ours."""
    answer = raw(browser, "/receipt//slip/x", "")
    assert answer.status_code == 308
    assert answer.headers["Location"] == "http://localhost/receipt/slip/x"


@pytest.mark.parametrize("query", ["n=1&n=a%00b", "n=%00", "unknown=1&unknown=2&unknown=%00"])
def test_a_nul_byte_is_refused_also_where_a_parameter_stands_twice(browser, query):
    """PostgreSQL takes none; the second of two values used to reach it."""
    assert raw(browser, "/contact", query).status_code == 400
