"""`flask --app wsgi digest`: looking ahead without touching anything, and running what is due."""

import contextvars

import pytest
from sqlalchemy import event, func, select

from consult.audit.models import AuditEntry, AuditSeal
from consult.db import read_only
from consult.digests.models import Digest
from consult.digests.running import seal_all
from consult.extensions import db
from consult.outbox.models import OutboxMessage
from tests.conftest import MONDAY
from tests.digests.factories import make_council

TABLES = (Digest, OutboxMessage, AuditEntry, AuditSeal)


@pytest.fixture
def command(app, session, at):
    at(MONDAY)

    def run(*arguments):
        result = contextvars.copy_context().run(app.test_cli_runner().invoke, args=["digest", *arguments])
        session.expire_all()
        return result

    return run


def sizes(session):
    return [session.scalar(select(func.count()).select_from(table)) for table in TABLES]


def test_the_preview_prints_the_mail_and_changes_nothing(session, command):
    council = make_council(slug="integration", title="Integrationskonzept")
    council.town.write()
    seal_all()
    session.commit()
    before, written = sizes(session), []

    def remember(_connection, _cursor, statement, *_rest):
        if statement.split()[0] in ("INSERT", "UPDATE", "DELETE"):
            written.append(statement)

    event.listen(db.engines[None], "before_cursor_execute", remember)
    try:
        result = command("preview", "integration")
    finally:
        event.remove(db.engines[None], "before_cursor_execute", remember)
    assert result.exit_code == 0, result.output
    assert "Integrationskonzept" in result.output.splitlines()[0]
    assert "2.1 Gut ankommen" in result.output
    assert "http://consult.test/p/integration/digests" in result.output
    assert written == []
    assert sizes(session) == before


def test_the_preview_runs_in_read_only_transactions(own_app, at):
    at(MONDAY)
    council = make_council(slug="integration")
    council.town.write()
    seal_all()
    db.session.commit()
    db.session.remove()
    result = own_app.test_cli_runner().invoke(args=["digest", "preview", "integration"])
    assert result.exit_code == 0, result.output
    with read_only(), pytest.raises(Exception, match="(?i)read-?only"):
        db.session.execute(db.delete(OutboxMessage))


def test_the_preview_says_when_no_mail_would_leave(session, command):
    make_council(slug="still", open_now=False)
    session.commit()
    assert "no mail would leave" in command("preview", "still").output


def test_a_process_that_is_not_there_is_said_so(session, command):
    result = command("preview", "nirgends")
    assert result.exit_code == 1
    assert "There is no process 'nirgends'." in result.output


def test_run_makes_what_is_due_once(session, command):
    council = make_council()
    council.town.write()
    session.commit()
    assert "Digests issued: 1" in command("run").output
    assert "Digests issued: 0" in command("run").output
    assert session.scalar(select(func.count()).select_from(Digest).where(Digest.process_id == council.process.id)) == 1
