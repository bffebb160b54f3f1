"""Every page of the feature opens, keeps what every page keeps, and asks the database little."""

from datetime import timedelta
from typing import Any

import pytest

from consult import clock
from consult.accounts import bodies
from consult.accounts.models import LinkPurpose
from consult.extensions import db
from tests.accounts.factories import give_second_factor, make_lead, make_link, make_member
from tests.factories import make_organisation, make_person, make_process

PUBLIC = [
    "/sign-in", "/sign-in?next=/p/x", "/sign-in/mail", "/sign-in/mail/sent", "/reset", "/reset/sent", "/register",
    "/register/sent",
]  # fmt: skip
OWN = [
    "/account", "/account/profile", "/account/email", "/account/email/sent", "/account/password",
    "/account/second-factor", "/account/sign-ins", "/sign-out",
]  # fmt: skip
BODIES = ["/contacts/organisations", "/contacts/organisations/new"]
OPERATOR = ["/people", "/people?q=per&operators=1", "/people/invite", *BODIES]


@pytest.mark.parametrize("url", PUBLIC)
def test_visitors_see_it(browser: Any, url: str) -> None:
    browser.get(url)


@pytest.mark.parametrize("url", OWN)
def test_a_signed_in_person_sees_it_and_a_visitor_is_led_to_the_sign_in_page(
    browser: Any, browser_of: Any, url: str
) -> None:
    browser_of(make_member()).get(url)
    assert browser.get(url, 303).location.startswith(("/sign-in", "/"))


@pytest.mark.parametrize("url", OPERATOR)
def test_operators_see_it_and_citizens_do_not(browser: Any, browser_of: Any, url: str) -> None:
    browser_of(make_member(operator=True)).get(url)
    browser_of(make_member()).get(url, 403)
    assert browser.get(url, 303).location.startswith("/sign-in")


def test_process_leads_manage_organisations_but_not_people(browser_of: Any, session: Any) -> None:
    browser = browser_of(make_lead())
    browser.get("/contacts/organisations")
    browser.get("/people", 403)


#: The others lead to pages of other features, which test them.
OF_OTHERS = ("respond", "preview", "claim", "stop_mail", "register", "subscribe", "calendar")
OWN_LINKS = [p for p in LinkPurpose if p not in OF_OTHERS]


@pytest.mark.parametrize("purpose", OWN_LINKS)
def test_link_pages_open(browser: Any, session: Any, purpose: LinkPurpose) -> None:
    person = make_member()
    page = browser.get(make_link(purpose, person, new_email="new@example.org"))
    assert page.response.headers["Referrer-Policy"] == "no-referrer"
    assert page.response.headers["Cache-Control"] == "no-store"


def test_a_person_and_an_organisation_open(browser_of: Any, session: Any) -> None:
    operator = make_member(operator=True)
    browser = browser_of(operator)
    lead = make_lead()
    organisation = make_organisation(umbrella=make_organisation())
    bodies.confirm_representation(operator.id, organisation, lead)
    body = f"/contacts/organisations/{organisation.id}"
    for url in (f"/people/{lead.id}", f"/people/{operator.id}", f"/people/{make_person(account=False).id}",
                body, f"{body}/edit"):  # fmt: skip
        browser.get(url)
    browser.get("/people/999999", 404)
    browser.get("/contacts/organisations/999999", 404)


def test_all_states_of_the_second_factor_open(browser_of: Any, session: Any) -> None:
    person = make_member()
    browser = browser_of(person)
    browser.submit("/account/second-factor/start", form_at="/account/second-factor")
    assert "picture" in browser.get("/account/second-factor", headers={"Accept-Language": "en"}).text
    qr = browser.get("/account/second-factor/qr.svg").response
    assert qr.mimetype == "image/svg+xml"
    assert b"data:" not in qr.data
    give_second_factor(person)
    for url in ("/account/second-factor", "/account/second-factor/codes", "/account/second-factor/remove"):
        browser.get(url)
    browser.get("/account/second-factor/qr.svg", 404)
    browser_of(person, second_factor=False).get("/sign-in/code")


#: Statements per page: the sign-in and person (1), functions (1), settings (1), then the page's own.
BUDGETS = {
    "/sign-in": 2, "/register": 2, "/account": 7, "/account/profile": 4, "/account/sign-ins": 5, "/people": 5,
    "/contacts/organisations": 5,
}  # fmt: skip


@pytest.mark.parametrize(("url", "budget"), BUDGETS.items())
def test_a_page_keeps_its_budget_of_queries(
    browser: Any, browser_of: Any, count_queries: Any, session: Any, url: str, budget: int
) -> None:
    signed_in = browser if url in ("/sign-in", "/register") else browser_of(make_member(operator=True))
    for _number in range(5):
        make_lead()
        make_organisation()
    with count_queries() as queries:
        signed_in.get(url)
    assert len(queries) <= budget, "\n".join(queries)


def test_long_lists_of_people_are_paged(browser_of: Any, session: Any) -> None:
    browser = browser_of(make_member(operator=True))
    for number in range(60):
        make_person(f"Anna {number:02}")
    first = browser.get("/people?q=anna")
    assert "Anna 59" in first.text
    assert "Anna 09" not in first.text
    following = first.html.find("a", rel="next")["href"]
    second = browser.get(following)
    assert "Anna 09" in second.text
    assert "Anna 10" not in second.text
    assert not second.html.find("a", rel="next")


def test_long_lists_of_organisations_are_paged(browser_of: Any, session: Any) -> None:
    browser = browser_of(make_member(operator=True))
    for number in range(60):
        make_organisation(f"Verein {number:02} & Söhne")
    first = browser.get("/contacts/organisations?q=verein")
    assert "Verein 49" in first.text
    assert "Verein 50" not in first.text
    second = browser.get(first.html.find("a", rel="next")["href"])
    assert "Verein 50" in second.text
    assert not second.html.find("a", rel="next")


def test_a_search_takes_percent_and_underscore_as_they_are(browser_of: Any, session: Any) -> None:
    browser = browser_of(make_member(operator=True, name="Operator"))
    make_person("100 % Anna")
    make_person("Bernd_B")
    assert "Bernd_B" not in browser.get("/people?q=%25").text
    assert "100 % Anna" not in browser.get("/people?q=_").text


def test_my_page_names_roles_and_organisations(browser_of: Any, session: Any) -> None:
    lead = make_lead()
    bodies.confirm_representation(None, make_organisation("Frauentreff"), lead)
    text = browser_of(lead).get("/account").text
    assert "Frauentreff" in text
    assert lead.name in text
    assert make_process().title not in text
    ended = bodies.confirm_representation(
        None, make_organisation("Altverein"), lead, ends_at=clock.now() + timedelta(seconds=1)
    )
    ended.ends_at = clock.now() - timedelta(seconds=1)
    ended.starts_at = clock.now() - timedelta(days=1)
    db.session.flush()
    assert "Altverein" not in browser_of(lead).get("/account").text


def test_an_id_that_cannot_be_one_is_not_found(browser_of: Any, session: Any) -> None:
    """PostgreSQL answers an id beyond its integers with an error, which would be ours."""
    browser = browser_of(make_member(operator=True))
    for ident in (2**31, 2**63, 10**30):
        browser.get(f"/people/{ident}", 404)
        browser.get(f"/contacts/organisations/{ident}", 404)
        browser.get(f"/people?before={ident}")
