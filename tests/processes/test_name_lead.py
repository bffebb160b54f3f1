"""The command that gives a process a lead when nobody is left who could do it in the browser."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from consult.accounts.models import SignIn
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.extensions import db
from consult.processes.models import Function
from consult.processes.queries import people_with
from tests import factories
from tests.accounts.factories import account_of, make_member


@pytest.fixture
def process(session: Any) -> Any:
    process = factories.make_process(slug="verwaist")
    factories.make_group(process, Function.lead, name="Prozessleitung")
    return process


def run(app: Flask, slug: str, email: str) -> Any:
    return app.test_cli_runner().invoke(args=["name-lead", slug, "--email", email])


def test_it_lets_somebody_lead_and_leaves_an_entry(app: Flask, process: Any, browser_of: Any) -> None:
    person = make_member(email="neu@example.org")
    browser_of(person).get("/p/verwaist/settings", 403)
    done = run(app, "verwaist", " Neu@Example.org")
    assert done.exit_code == 0, done.output
    assert people_with(process.id, Function.lead) == [person.id]
    assert db.session.scalar(select(SignIn.id).where(SignIn.person_id == person.id)) is None
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.member_added)).one()
    assert (entry.actor_id, entry.process_id) == (None, process.id)
    browser_of(person).get("/p/verwaist/settings")
    assert "already" in run(app, "verwaist", "neu@example.org").output


def test_it_names_what_is_wrong(app: Flask, process: Any) -> None:
    person = make_member(email="weg@example.org")
    account_of(person).suspended_at = person.created_at
    for slug, email in (
        ("nirgends", "weg@example.org"),
        ("verwaist", "weg@example.org"),
        ("verwaist", "niemand@example.org"),
    ):
        assert run(app, slug, email).exit_code == 1
    assert people_with(process.id, Function.lead) == []
