"""The record of acts: nothing in it can be changed, and whoever manages to is found out."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from consult import frozen
from consult.audit import operations
from consult.audit.actions import Action
from consult.audit.models import AuditEntry, AuditSeal
from consult.extensions import db
from tests.conftest import DATABASE
from tests.factories import make_person


def acts(count: int) -> None:
    person = make_person()
    for _ in range(count):
        operations.record(Action.signed_in, person.id, ("account", person.id))
    db.session.commit()


def sealed(count: int) -> None:
    acts(count)
    operations.seal()
    db.session.commit()


@pytest.fixture
def unguarded(session: Any) -> None:
    """Somebody with all rights on the database has removed the triggers; the test's rollback brings them back."""
    frozen.remove(session.connection())


def test_a_whole_record_is_found_whole(session: Any) -> None:
    sealed(5)
    assert operations.verify_chain() == []
    assert operations.head() == 5


def test_sealing_twice_seals_nothing_twice(session: Any) -> None:
    sealed(5)
    assert operations.seal() == 0
    acts(2)
    assert operations.seal(limit=1) == 1
    assert operations.seal(limit=1) == 1
    session.commit()
    assert operations.verify_chain() == []


def test_a_rolled_back_act_leaves_no_entry(session: Any) -> None:
    person = make_person()
    session.commit()
    operations.record(Action.signed_in, person.id, ("account", person.id))
    session.rollback()
    assert operations.seal() == 0


def test_an_entry_with_other_facts_than_declared_is_refused(session: Any) -> None:
    with pytest.raises(operations.WrongFacts):
        operations.record(Action.signed_in, None, ("account", 1), name="Amira")
    with pytest.raises(operations.WrongFacts):
        operations.record(Action.site_text_changed, None, ("site", 1), key="imprint")


@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_the_database_refuses_to_change_the_record(session: Any, table: str, verb: str) -> None:
    sealed(2)
    column = "action" if table == "audit_entry" else "hash"
    statement = f"UPDATE {table} SET {column} = 'x'" if verb == "UPDATE" else f"DELETE FROM {table}"  # noqa: S608  names above
    with pytest.raises(DBAPIError, match="frozen"), session.begin_nested():
        session.execute(text(statement))


@pytest.mark.skipif(DATABASE == "sqlite", reason="SQLite has no TRUNCATE")
@pytest.mark.parametrize("table", ["audit_entry CASCADE", "audit_seal"])
def test_the_database_refuses_to_empty_the_record(session: Any, table: str) -> None:
    with pytest.raises(DBAPIError, match="frozen"), session.begin_nested():
        session.execute(text(f"TRUNCATE {table}"))


ALTERATIONS = [
    "UPDATE audit_entry SET action = 'accounts.session.closed' WHERE id = {third}",
    "UPDATE audit_entry SET actor_id = NULL WHERE id = {third}",
    "UPDATE audit_entry SET subject_id = subject_id + 1 WHERE id = {third}",
    "UPDATE audit_entry SET facts = '{{\"a\": 1}}' WHERE id = {third}",
    "UPDATE audit_entry SET at = '2020-01-01 00:00:00+00:00' WHERE id = {third}",
    "UPDATE audit_seal SET previous = 'x' WHERE seq = 3",
    "UPDATE audit_seal SET hash = 'x' WHERE seq = 3",
    "DELETE FROM audit_seal WHERE seq = 3",
]


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_an_alteration_behind_the_triggers_is_found(session: Any, unguarded: None, alteration: str) -> None:
    sealed(5)
    third = session.query(AuditSeal).filter_by(seq=3).one().entry_id
    statement = alteration.format(third=third)
    if DATABASE == "sqlite":
        statement = statement.replace("+00:00", ".000000")
    session.execute(text(statement))
    session.commit()
    session.expire_all()
    problems = operations.verify_chain()
    assert problems
    assert all("place" in problem for problem in problems)


def test_a_deleted_entry_is_found(session: Any, unguarded: None) -> None:
    sealed(5)
    third = session.query(AuditSeal).filter_by(seq=3).one().entry_id
    if DATABASE == "sqlite":
        session.execute(text("PRAGMA defer_foreign_keys=ON"))
    else:
        session.execute(text("ALTER TABLE audit_seal DROP CONSTRAINT fk_audit_seal_entry_id_audit_entry"))
    session.execute(text(f"DELETE FROM audit_entry WHERE id = {third}"))  # noqa: S608  a number of ours
    session.expire_all()
    assert operations.verify_chain() == [f"entry {third} at place 3 is gone"]


def test_the_command_says_where_the_record_is_broken(app: Flask, session: Any, unguarded: None) -> None:
    sealed(2)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["verify-audit"]).exit_code == 0
    session.execute(text("UPDATE audit_seal SET hash = 'x' WHERE seq = 2"))
    session.commit()
    session.expire_all()
    result = runner.invoke(args=["verify-audit"])
    assert result.exit_code == 1
    assert "place 2 was altered" in result.output


@pytest.fixture
def parallel(app: Flask) -> Iterator[Engine]:
    """Real transactions side by side, in a database of their own."""
    with app.app_context():
        url = db.engine.url
        name = f"{url.database}_parallel"
        admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            db.engine.dispose()
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{url.database}"'))
        engine = create_engine(url.set(database=name))
        engines: Any = db.engines
        before, engines[None] = engines[None], engine
        db.session.remove()
        try:
            yield engine
        finally:
            db.session.remove()
            engines[None] = before
            engine.dispose()
            with admin.connect() as connection:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
            admin.dispose()


@pytest.mark.skipif(DATABASE == "sqlite", reason="SQLite has one writer at a time")
def test_an_entry_that_is_committed_later_is_sealed_later_and_not_lost(app: Flask, parallel: Engine) -> None:
    insert = text(
        "INSERT INTO audit_entry (at, action, subject_type, subject_id, facts)"
        " VALUES (now(), 'accounts.session.opened', 'account', :n, '{}') RETURNING id"
    )
    with parallel.connect() as slow, parallel.connect() as quick:
        lower = slow.execute(insert, {"n": 1}).scalar_one()
        higher = quick.execute(insert, {"n": 2}).scalar_one()
        assert lower < higher
        quick.commit()
        assert operations.seal() == 1
        db.session.commit()
        slow.commit()
    assert operations.seal() == 1
    db.session.commit()
    order = [seal.entry_id for seal in db.session.query(AuditSeal).order_by(AuditSeal.seq)]
    assert order == [higher, lower]
    assert operations.verify_chain() == []


@pytest.mark.skipif(DATABASE == "sqlite", reason="SQLite has one writer at a time")
def test_many_sealers_and_writers_at_once_make_one_chain(app: Flask, parallel: Engine) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with app.app_context():
                for turn in range(10):
                    if number % 2:
                        operations.seal()
                    else:
                        db.session.add(
                            AuditEntry(action="accounts.session.opened", subject_type="account", subject_id=turn)
                        )
                    db.session.commit()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    operations.seal()
    db.session.commit()
    assert operations.head() == 40
    assert operations.verify_chain() == []
