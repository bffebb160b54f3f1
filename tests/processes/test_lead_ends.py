"""Nobody is left without a lead unnoticed, and operators give one to a process that has none."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from consult import clock
from consult.accounts.models import SignIn
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.groups.models import SeatHolder
from consult.processes import policy
from consult.processes.lead import lead_ends
from consult.processes.models import Function
from consult.processes.queries import people_with
from tests import factories
from tests.accounts.factories import account_of, make_member

EN = {"Accept-Language": "en"}


@pytest.fixture
def process(session: Any) -> Any:
    return factories.make_process()


@pytest.fixture
def leading(process: Any) -> Any:
    return factories.make_group(process, Function.lead)


@pytest.fixture
def operator(session: Any) -> Any:
    return factories.make_person(operator=True)


def in_days(days: int) -> Any:
    return clock.now() + timedelta(days=days)


def test_a_process_is_led_as_long_as_any_role_of_a_lead(process: Any, leading: Any, count_queries: Any) -> None:
    assert [ends.already() for ends in lead_ends()] == [True], "a group without members leads nothing"
    factories.make_member(leading, factories.make_person(), ends_at=in_days(5))
    later = factories.make_member(leading, factories.make_person(), ends_at=in_days(9))
    factories.make_member(leading, factories.make_person(), ends_at=in_days(-1), starts_at=in_days(-3))
    factories.make_group(process, Function.moderation, factories.make_person())
    with count_queries() as statements:
        assert [(ends.process_id, ends.at) for ends in lead_ends([process.id])] == [(process.id, later.ends_at)]
    assert len(statements) == 1
    factories.make_member(leading, factories.make_person())
    assert lead_ends() == []


def test_who_sits_on_a_seat_leads_until_seat_or_membership_ends(process: Any, leading: Any) -> None:
    membership = factories.make_member(leading, factories.make_person())
    membership.person_id, membership.organisation_id = None, factories.make_organisation().id
    db.session.flush()
    assert lead_ends()[0].already(), "a seat that nobody fills"
    holder = SeatHolder(membership_id=membership.id, person_id=factories.make_person().id, starts_at=in_days(-1))
    factories.flushed(holder)
    assert lead_ends() == []
    membership.ends_at = in_days(20)
    assert lead_ends()[0].at == membership.ends_at
    holder.ends_at = in_days(4)
    assert lead_ends()[0].at == holder.ends_at


def test_archived_processes_need_no_lead(process: Any, leading: Any) -> None:
    process.state = "archived"
    db.session.flush()
    assert lead_ends() == []


def test_whoever_lets_the_earlier_of_two_roles_end_is_told_what_follows(
    browser_of: Any, process: Any, leading: Any
) -> None:
    lead, other = factories.make_person(), factories.make_person()
    membership = factories.make_member(leading, lead)
    factories.make_member(leading, other, ends_at=in_days(40))
    browser, path = browser_of(lead), f"/p/{process.slug}/groups/{leading.id}"
    day = clock.local_date(in_days(10), process.zone).isoformat()
    page = browser.submit(f"{path}/members/{membership.id}/end", {"last_day": day}, headers=EN)
    shown = browser.get(page.location, headers=EN)
    assert "nobody leads this process" in shown.text


def test_somebody_who_leads_for_a_time_only_is_no_reason_to_warn(browser_of: Any, process: Any, leading: Any) -> None:
    lead = factories.make_person()
    factories.make_member(leading, lead)
    day = clock.local_date(in_days(10), process.zone).isoformat()
    browser, path = browser_of(lead), f"/p/{process.slug}/groups/{leading.id}"
    page = browser.submit(f"{path}/members/person", {"email": "helper@example.org", "last_day": day}, headers=EN)
    assert "nobody leads" not in browser.get(page.location, headers=EN).text


def test_leads_and_operators_find_it_among_their_tasks_a_month_before(
    browser_of: Any, process: Any, leading: Any, operator: Any, at: Any
) -> None:
    lead, editor = factories.make_person(), factories.make_person()
    end = in_days(50)
    factories.make_member(leading, lead, ends_at=end)
    factories.make_group(process, Function.editing, editor)
    said = "on nobody leads this process."
    for person in (lead, operator):
        assert said not in browser_of(person).get("/tasks", headers=EN).text
    at(end - timedelta(days=29))
    for person in (lead, operator):
        assert said in browser_of(person).get("/tasks", headers=EN).text
    assert said not in browser_of(editor).get("/tasks", headers=EN).text
    at(end)
    tasks = browser_of(operator).get("/tasks", headers=EN)
    assert "Nobody leads this process." in tasks.text
    assert tasks.html.find("a", href=f"/processes/{process.id}/lead")


def test_an_operator_names_a_lead_where_there_is_none(
    browser_of: Any, process: Any, leading: Any, operator: Any, count_queries: Any
) -> None:
    person = make_member(email="neu@example.org")
    hers, path = browser_of(person), f"/p/{process.slug}"
    hers.get(f"{path}/settings", 403)
    browser = browser_of(operator)
    with count_queries() as statements:
        browser.get(f"/processes/{process.id}/lead", headers=EN)
    assert len(statements) <= 10
    browser.submit(f"/processes/{process.id}/lead", {"email": " Neu@Example.org"})
    assert people_with(process.id, Function.lead) == [person.id]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.member_added)).one()
    assert (entry.actor_id, entry.process_id) == (operator.id, process.id)
    assert db.session.scalar(select(SignIn.id).where(SignIn.person_id == person.id)) is None
    browser_of(person).get(f"{path}/settings")
    browser.get(f"/processes/{process.id}/lead", 409)


def test_a_hidden_process_can_be_given_a_lead_as_well(browser_of: Any, operator: Any, session: Any) -> None:
    hidden = factories.make_process(state="draft")
    factories.make_group(hidden, Function.lead)
    person = make_member(email="neu@example.org")
    browser_of(operator).submit(f"/processes/{hidden.id}/lead", {"email": "neu@example.org"})
    assert people_with(hidden.id, Function.lead) == [person.id]


def test_nobody_names_themselves_or_somebody_without_an_account_in_use(
    browser_of: Any, process: Any, leading: Any, operator: Any
) -> None:
    away = make_member(email="weg@example.org")
    account_of(away).suspended_at = away.created_at
    factories.make_person(email="kein-konto@example.org", account=False)
    browser = browser_of(operator)
    for email in ("weg@example.org", "kein-konto@example.org", "niemand@example.org", operator.email):
        page = browser.submit(f"/processes/{process.id}/lead", {"email": email}, status=200, headers=EN)
        assert page.html.select(".error-summary a[href='#email']"), email
    assert people_with(process.id, Function.lead) == []


def test_while_somebody_leads_operators_keep_out(browser_of: Any, process: Any, leading: Any, operator: Any) -> None:
    lead = factories.make_person()
    factories.make_member(leading, lead)
    browser = browser_of(operator)
    browser.get(f"/processes/{process.id}/lead", 409)
    assert not policy.can_name_lead(lead)
    browser_of(lead).get(f"/processes/{process.id}/lead", 403)
    assert people_with(process.id, Function.lead) == [lead.id]


def test_somebody_whose_role_ends_is_not_named_twice(
    browser_of: Any, process: Any, leading: Any, operator: Any
) -> None:
    lead = make_member(email="bald@example.org")
    factories.make_member(leading, lead, ends_at=in_days(3))
    page = browser_of(operator).submit(
        f"/processes/{process.id}/lead", {"email": "bald@example.org"}, status=200, headers=EN
    )
    assert "belongs to the group already" in page.html.find(class_="error-summary").get_text()
