"""What PostgreSQL has prepared for us stays prepared: reading ends without a ROLLBACK, at which psycopg forgets it."""

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from consult.db import install_connection_rules, read_only
from consult.processes.models import Process
from tests.conftest import DATABASE

pytestmark = pytest.mark.skipif(DATABASE != "postgres", reason="SQLite prepares in the process itself")


@pytest.fixture
def engine(app):
    own = create_engine(app.config["SQLALCHEMY_DATABASE_URI"], pool_size=1, max_overflow=0)
    install_connection_rules(own)
    yield own
    own.dispose()


def test_pages_that_are_read_find_their_statements_prepared(engine):
    question = select(Process.title).where(Process.slug == "x")
    with read_only():
        for _page in range(7):
            with Session(engine) as session:
                session.execute(question)
        with Session(engine) as session:
            known = session.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    assert any("process.title" in statement for statement in known)


def test_a_reading_that_failed_leaves_a_connection_that_works(engine):
    with read_only():
        with Session(engine) as session, pytest.raises(DBAPIError):
            session.execute(text("SELECT 1 / 0"))
        with Session(engine) as session:
            assert session.scalar(text("SELECT 1")) == 1


def test_a_connection_that_is_gone_is_replaced(engine):
    with read_only():
        with Session(engine) as session, pytest.raises(DBAPIError):
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        with Session(engine) as session:
            assert session.scalar(text("SELECT 1")) == 1


def test_a_page_that_was_read_outlives_the_end_of_its_connection(app, engine):
    other = create_engine(app.config["SQLALCHEMY_DATABASE_URI"], isolation_level="AUTOCOMMIT")
    with read_only(), Session(engine) as session:
        served_by = session.scalar(text("SELECT pg_backend_pid()"))
        with other.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": served_by})
    other.dispose()
    with read_only(), Session(engine) as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_what_was_written_and_not_committed_is_undone(engine):
    name = "prepared_and_undone"
    with Session(engine) as session:
        session.execute(text(f"CREATE TABLE {name} (id integer)"))
    with Session(engine) as session:
        assert session.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is None


def test_no_question_is_compiled_by_the_server(engine):
    """Compiling takes longer than the answer; what the planner takes for dear is asked by whoever has many mails."""
    for _turn in range(2):
        with Session(engine) as session:
            assert session.scalar(text("SHOW jit")) == "off"
