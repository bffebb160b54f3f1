"""No redirect leaves the host, whatever stands in `next`."""

import re
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest
from flask import Flask

from consult.accounts.models import LinkPurpose
from consult.web import safe_next
from tests.accounts.factories import code, give_second_factor, make_lead, make_link, make_member
from tests.client import Browser
from tests.factories import PASSWORD

EVIL = "evil.example"
SLASHES = r"""
// /// //// /\ \\ \/ /\/ \\\ /\t/ /\n/ /\r/ /\r\n/ /\s/ /\0/ /\v/ /\f/ /\x1f/ /\x7f/ /\u2028/ /\u2029/ /\u200b/ /\ufeff/
/\u00ad/ /\u202e/ /\u2060/ /\u0085/ \t// \s// \n// \0// \u3000// \ufeff// /.//..// ./ ../
""".split()
SCHEMES = r"""
http: https: HTTPS: hTtP: http:/ http:\\ https:\ ht\ttp:// http\n:// http:/// javascript:alert(1)//
JaVaScRiPt:alert(1)// java\tscript:alert(1)// javascript\0:alert(1)// data:text/html,x// vbscript:x// file:/// ftp://
mailto:x@ tel:1// blob:http:// view-source:http:// ws:// wss:// x: : :// about:blank// intent://
""".split()
USERINFO = r"""
http://consult.test@ http://consult.test:80@ //consult.test@ //consult.test%40 http://consult.test\@ //consult.test\@
http://consult.test#@ http://consult.test?@ //x:y@ ///x:y@ /\x@ http://consult.test. //consult.test.
https://consult.test%2f //%09/ http://127.0.0.1\@
""".split()
UNICODE = "／／ ﹨﹨ ＼＼ ⁄⁄ ∕∕ //。 /／ //⁄ /＼ ﹨/ ⧸⧸ http：／／ //ｅ ///ℯ".split()
#: How signs that cannot stand in a line of source are written above.
WRITTEN = {r"\t": "\t", r"\n": "\n", r"\r": "\r", r"\s": " ", r"\0": "\0", r"\v": "\v", r"\f": "\f"}


def meant(written: str) -> str:
    written = re.sub(r"\\(?:u([0-9a-f]{4})|x([0-9a-f]{2}))", lambda m: chr(int(m[1] or m[2], 16)), written)
    for sign, meaning in WRITTEN.items():
        written = written.replace(sign, meaning)
    return written


SLASHES, SCHEMES = [meant(prefix) for prefix in SLASHES], [meant(prefix) for prefix in SCHEMES]
PAYLOADS = sorted(
    {prefix + EVIL for prefix in [*SLASHES, *SCHEMES, *USERINFO, *UNICODE]}
    | {prefix + EVIL + "/%2e%2e" for prefix in SLASHES[:12]}
    | {quote(prefix) + EVIL for prefix in SLASHES[:20]}
    | {prefix + "[::1]" for prefix in ("//", "http://", "/\\")}
    | {"//" + EVIL + "/" + "a" * 5000, "//0x7f000001", "//2130706433", "//" + EVIL + "%00", "//" + EVIL + ":80"}
)
#: The same disguised once more: encoded, encoded twice, behind an honest beginning. For the rule alone: they are many.
DISGUISED = sorted(
    {quote(prefix, safe="") + EVIL for prefix in [*SLASHES, *SCHEMES, *USERINFO, *UNICODE]}
    | {quote(quote(prefix, safe=""), safe="") + EVIL for prefix in SLASHES}
    | {honest + prefix + EVIL for honest in (" ", "\t", "\n", ".", "./", "\\") for prefix in ("//", "/\\", "http://")}
)
HOST = "http://consult.test/sign-in"


def lands_at(location: str) -> str:
    """The host where a browser ends up: browsers take backslashes for slashes and drop tabs and line ends."""
    seen = "".join(c for c in location.strip("".join(map(chr, range(33)))) if c not in "\t\r\n").replace("\\", "/")
    return urlsplit(urljoin(HOST, seen)).netloc


def test_there_are_at_least_a_hundred() -> None:
    assert len(PAYLOADS) >= 100


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_rule_keeps_it_on_the_host(app: Flask, payload: str) -> None:
    with app.test_request_context():
        target = safe_next(payload, "/fallback")
    assert lands_at(target) == "consult.test"
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\"))


def test_however_it_is_disguised_the_rule_keeps_it_on_the_host(app: Flask) -> None:
    assert len({*PAYLOADS, *DISGUISED}) >= 200
    for payload in DISGUISED:
        with app.test_request_context():
            target = safe_next(payload, "/fallback")
        assert lands_at(target) == "consult.test", payload
        assert re.match(r"/(?![/\\])", target), payload


def doors(app: Flask, browser_of: Any) -> dict[str, Any]:
    """For every parameter that says where to go on: a function from a written wish to the answer."""
    member, lead, proven = make_member(), make_lead(), make_member()
    give_second_factor(proven)
    signed_in, twice = browser_of(member), browser_of(proven)
    visitor, unproven = Browser(app), browser_of(lead, second_factor=False)

    def by_password(wish: str) -> Any:
        browser = Browser(app)
        fields = browser.get("/sign-in").form_fields("/sign-in")
        data = {**fields, "email": member.email, "password": PASSWORD}
        return browser.client.post(f"/sign-in?next={wish}", data=data)

    return {
        "sign-in": by_password,
        "already signed in": lambda wish: signed_in.client.get(f"/sign-in?next={wish}"),
        "register, signed in": lambda wish: signed_in.client.get(f"/register?next={wish}"),
        "code, already given": lambda wish: twice.client.get(f"/sign-in/code?next={wish}"),
        "second factor first": lambda wish: unproven.client.get(f"/account?next={wish}"),
        "language": lambda wish: visitor.client.get(f"/language?to=de&next={wish}"),
    }


def test_no_parameter_leads_away(browser_of: Any, app: Flask, monkeypatch: Any) -> None:
    monkeypatch.setattr("consult.accounts.views.allowances.limit", lambda *_args: None)
    for name, ask in doors(app, browser_of).items():
        honest = ask("/p/x").headers["Location"]
        assert honest.endswith("/p/x"), name
        for payload in PAYLOADS:
            answer = ask(quote(payload, safe=""))
            # Bytes that nobody types are refused as a whole.
            assert answer.status_code == 303 or (answer.status_code == 400 and "\x00" in payload), (name, payload)
            location = answer.headers.get("Location", "/")
            assert lands_at(location) == "consult.test", f"{name}: {payload!r} led to {location!r}"


def test_no_link_on_the_pages_leads_away(browser: Browser) -> None:
    for url in ("/sign-in", "/sign-in/mail", "/reset", "/register"):
        for payload in PAYLOADS[::9]:
            page = browser.client.get(f"{url}?next={quote(payload, safe='')}")
            if page.status_code == 400:
                continue
            for tag in browser.get(f"{url}?next={quote(payload, safe='')}").html.find_all(["a", "form"]):
                address = tag.get("href") or tag.get("action") or "/"
                assert lands_at(address) in ("consult.test", ""), f"{payload!r}: {address!r}"


def test_what_is_kept_for_after_the_mail_is_checked_as_well(app: Flask, session: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("consult.accounts.views.allowances.limit", lambda *_args: None)
    person = make_member()
    for payload in PAYLOADS[::9]:
        browser = Browser(app)
        token = browser.get("/reset").form_fields("/reset")["csrf_token"]
        data = {"email": person.email, "csrf_token": token}
        if browser.client.post(f"/sign-in/mail?next={quote(payload, safe='')}", data=data).status_code == 400:
            continue
        with browser.client.session_transaction() as cookie:
            kept = cookie.get("next")
        location = browser.submit(make_link(LinkPurpose.sign_in, person), {}).location
        assert lands_at(location) == "consult.test"
        assert kept is None or lands_at(kept) == "consult.test"


def test_a_kept_wish_in_the_cookie_is_checked_again(app: Flask, session: Any) -> None:
    browser = Browser(app)
    with browser.client.session_transaction() as cookie:
        cookie["next"] = "//evil.example"
    assert browser.submit(make_link(LinkPurpose.sign_in, make_member()), {}).location == "/"


def test_after_the_code_one_stays_here(browser_of: Any) -> None:
    person = make_member()
    give_second_factor(person)
    browser = browser_of(person, second_factor=False)
    assert browser.submit("/sign-in/code?next=//evil.example", {"totp": code()}).location == "/"


def test_paths_of_ours_are_kept(app: Flask) -> None:
    with app.test_request_context():
        for path in ("/p/x", "/p/x?a=b&c=d", "/p/x#beitrag-7", "/p/x?next=/y", "/suche?q=Stra%C3%9Fe", "/p/für"):
            assert safe_next(path, "/fallback") == path


def sent_from(browser: Browser, url: str, referrer: str, status: int) -> Any:
    token = browser.get("/contact").form_fields("/contact")["csrf_token"]
    return browser.post(url, {"csrf_token": token}, status, headers={"Referer": referrer})


@pytest.mark.parametrize(
    ("referrer", "back"),
    [
        ("http://localhost/account/sign-ins?a=b#c", "/account/sign-ins?a=b"),
        ("http://localhost//evil.example", ""),
        ("http://evil.example/account", ""),
        ("http://localhost/account/sign-ins/end-all", ""),
        ("http://[x", ""),
        ("//[", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_after_a_form_one_signs_in_and_comes_back_to_where_it_was(
    app: Flask, session: Any, referrer: str, back: str
) -> None:
    found = sent_from(Browser(app), "/account/sign-ins/end-all", referrer, 303)
    assert parse_qs(urlsplit(found.location).query).get("next", [""]) == [back]


@pytest.mark.parametrize(
    ("referrer", "back"),
    [("http://localhost/account", "/account"), ("http://evil.example/account", "/")],
)  # fmt: skip
def test_a_refusal_leads_back_to_where_the_form_was(browser_of: Any, referrer: str, back: str) -> None:
    person = make_member()
    give_second_factor(person)
    found = sent_from(browser_of(person), "/account/second-factor/start", referrer, 409)
    assert found.html.main.find("a", class_="primary")["href"] == back
