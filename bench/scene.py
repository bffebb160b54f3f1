"""The town that is measured: a process with a goal, many contributions, people who are signed in."""

import contextvars
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bench.loader import insert_many, make_contributions, make_people
from consult import clock, create_app
from consult.accounts import sessions
from consult.accounts.models import SignIn
from consult.concept import operations
from consult.concept.models import ConceptKind, ElementKind, VersionAudience
from consult.concept.operations import Part, Text
from consult.contributions.models import State
from consult.extensions import db
from consult.processes.models import (
    Activity,
    Moderation,
    Process,
    ProcessCounter,
    ProcessState,
    Stage,
    StageActivity,
)
from consult.web import FormAnswer

ROOT = Path(__file__).resolve().parent.parent
#: Contributions in the whole process, beside those on the measured goals.
TOTAL = 100_000
SIZES = {"goal-1000": 1_000, "goal-10000": 10_000}
OTHERS = 40
#: Reactions to each contribution on average: 500,000 in all.
REACTIONS = 5
#: Waiting for a moderator, beside all these.
PENDING = 5_000
#: Forms sent within a week.
FORMS = 10_000


@dataclass(frozen=True)
class Visitor:
    """A signed-in person as the load client sends them."""

    cookie: str
    csrf: str
    person_id: int


def new_database(server: str, name: str) -> str:
    admin = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    return make_url(server).set(drivername="postgresql+psycopg", database=name).render_as_string(False)


def settings(database_url: str, folder: Path) -> dict[str, str]:
    """Environment of the measured instance."""
    return {
        "CONSULT_ENV": "embedded",
        "DATA_DIR": str(folder),
        "SECRET_KEY": "bench-key-" + "0123456789abcdef" * 2,
        "DATABASE_URL": database_url,
        "BROKER_URL": f"sqla+sqlite:///{folder}/broker.sqlite",
        "MAIL_URL": os.environ.get("BENCH_MAIL_URL", f"file://{folder}/mail"),
        "DEMO": "0",
        # The limit protects people, not the measurement of one comment.
        "CONTRIBUTIONS_PER_HOUR": "100000000",
    }


def build(database_url: str, folder: Path, total: int = TOTAL) -> Flask:
    """An application on a fresh database with everything in it."""
    app = create_app(settings(database_url, folder))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        now = clock.now()
        process = Process(slug="bench", code="B", title="Bench", state=ProcessState.published, published_at=now)
        db.session.add(process)
        db.session.flush()
        db.session.add(ProcessCounter(process_id=process.id))
        stage = Stage(
            process_id=process.id, title="Now", starts_at=now - timedelta(days=9), ends_at=now + timedelta(days=9)
        )
        db.session.add(stage)
        db.session.flush()
        for activity in (Activity.comment, Activity.react):
            db.session.add(StageActivity(stage_id=stage.id, activity=activity, moderation=Moderation.post))
        concept = operations.create_concept(process, ConceptKind.concept, "Concept", None)
        elements = {}
        for label, key in enumerate([*SIZES, *(f"other-{n}" for n in range(OTHERS))], start=1):
            part = Part(key, Text(markdown=f"Ein Ziel mit einem Satz. {key}"), str(label))
            change = operations.add(
                concept, ElementKind.goal, part, parent=None, reason="r", actor=None, process=process
            )
            elements[key] = change
        version = operations.publish(concept, title="1", audience=VersionAudience.public, actor=None, process=process)
        people = make_people(1000)
        for key, number in SIZES.items():
            change = elements[key]
            make_contributions(process, [change.element_id], number, people, wording_id=change.to_wording_id,
                               version_id=version.id, reactions=REACTIONS)  # fmt: skip
        others = [elements[f"other-{n}"].element_id for n in range(OTHERS)]
        make_contributions(process, others, max(OTHERS, total - sum(SIZES.values())), people, version_id=version.id,
                           reactions=REACTIONS)  # fmt: skip
        make_contributions(process, others, PENDING, people, version_id=version.id, state=State.pending,
                           replies=0)  # fmt: skip
        _lived_in(people)
        db.session.commit()
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
        db.session.remove()
        db.engine.dispose()
    return app


def _lived_in(people: list[int]) -> None:
    """A week of forms sent and of people signed in.

    PostgreSQL plans a statement once for each connection: to a table that was empty then it goes on reading all of it
    until its statistics come, which is the first minute of a new instance and not what is measured here.
    """
    now = clock.now()
    insert_many(FormAnswer, ({"key": f"{n:064x}", "location": "/p/bench", "created_at": now} for n in range(FORMS)))
    expires = now + timedelta(days=30)
    insert_many(SignIn, (
        {"secret_hash": f"{n:064x}", "person_id": person_id, "created_at": now, "seen_at": now, "expires_at": expires,
         "second_factor_at": None, "device": "bench"}
        for n, person_id in enumerate(people)
    ))  # fmt: skip


def visitors(app: Flask, number: int, form: str) -> list[Visitor]:
    """People signed in, each with the token of the form they are about to send."""
    # A request of the test client leaves its context behind; in a copy of ours it does not matter.
    return contextvars.copy_context().run(_visitors, app, number, form)


def _visitors(app: Flask, number: int, form: str) -> list[Visitor]:
    found = []
    with app.app_context():
        ids = make_people(number)
        secrets = [sessions.open_sign_in(person_id, device="bench") for person_id in ids]
        db.session.commit()
        db.session.remove()
    for person_id, secret in zip(ids, secrets, strict=True):
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = secret, True
        page = client.get(form).get_data(as_text=True)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        stored = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        if token is None or stored is None:
            raise RuntimeError(f"no form at {form}")
        found.append(Visitor(f"{stored.key}={stored.value}", token.group(1), person_id))
    with app.app_context():
        db.engine.dispose()
    return found
