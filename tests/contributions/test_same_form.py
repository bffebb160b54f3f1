"""One form, sent by many impatient clicks at the same moment, on real connections: one effect, one answer for all."""

import contextvars
import re
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from consult.accounts import sessions
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.contributions import operations, tallies
from consult.contributions.models import Contribution, Reaction
from consult.extensions import db
from consult.web import FormAnswer
from tests.contributions.factories import make_town
from tests.together import own_application

CLICKS = 8


@pytest.fixture(scope="module")
def real(tmp_path_factory, worker_name) -> Iterator[Flask]:
    with own_application(tmp_path_factory.mktemp("same-form"), f"consult_same_form_{worker_name}") as application:
        yield application


def sent_at_once(app: Flask, person_id: int, path: str, page: str, **fields: str) -> list[tuple[int, str]]:
    """Status and destination of each answer to one form of `page` that this person sends to `path` many times."""
    with app.app_context():
        secret = sessions.open_sign_in(person_id)
        db.session.commit()
        db.session.remove()
    gate, answers = threading.Barrier(CLICKS), []

    def browser() -> FlaskClient:
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = secret, True
        return client

    first = browser()
    # In a context of its own: a request that reads would leave ours unable to write.
    shown = contextvars.Context().run(first.get, page)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', shown.get_data(as_text=True))
    assert token is not None
    stored = first.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert stored is not None

    def click() -> None:
        client = app.test_client()
        client.set_cookie(stored.key, stored.value)
        gate.wait(10)
        answer = client.post(path, data={"csrf_token": token.group(1), "form_id": "the-same", **fields})
        answers.append((answer.status_code, answer.headers.get("Location", "")))

    threads = [threading.Thread(target=click) for _n in range(CLICKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_a_comment_sent_many_times_at_once_is_one(real):
    with real.app_context():
        town = make_town()
        slug, ident = town.process.slug, town.citizen.id
        path = f"/p/{slug}/e/{town.goal.key}/comment"
        db.session.commit()
        db.session.remove()
    fields = {"text": "Bitte mehr Bänke.", "stance": "change", "lang": "de"}
    answers = sent_at_once(real, ident, path, path, **fields)
    with real.app_context():
        found = db.session.scalars(select(Contribution).where(Contribution.author_id == ident)).one()
        assert answers == [(303, f"/p/{slug}/contributions/{found.number}")] * CLICKS
        assert tallies.recount() == {}
        db.session.remove()


def test_a_reaction_sent_many_times_at_once_is_one_and_is_answered_once(real):
    with real.app_context():
        town = make_town()
        contribution = operations.submit(
            town.process, actor=town.citizen, text="Bitte mehr Bänke.", stance="change", element_id=town.goal.id
        )
        slug, number, ident, who = town.process.slug, contribution.number, contribution.id, town.neighbour.id
        db.session.commit()
        before = db.session.scalar(select(func.count()).select_from(FormAnswer)) or 0
        db.session.remove()
    page, back = f"/p/{slug}/contributions/{number}", f"/p/{slug}/contributions"
    answers = sent_at_once(real, who, f"{page}/react", page, kind="disagree", next=back)
    with real.app_context():
        assert answers == [(303, back)] * CLICKS
        assert db.session.scalar(select(func.count()).where(Reaction.contribution_id == ident)) == 1
        assert db.session.get_one(Contribution, ident).disagrees == 1
        recorded = select(func.count()).where(
            AuditEntry.action == Action.reaction_given, AuditEntry.subject_id == ident
        )
        assert db.session.scalar(recorded) == 1
        assert db.session.scalar(select(func.count()).select_from(FormAnswer)) == before + 1
        assert tallies.recount_reactions() == []
        db.session.remove()
