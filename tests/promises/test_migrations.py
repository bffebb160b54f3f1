"""The schema: models equal migrations, both directions work with data in the tables, half a migration is none."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text

from consult import clock, create_app, frozen
from consult.concept import operations
from consult.concept.models import VersionAudience, Wording
from consult.contributions import operations as contributions
from consult.contributions.models import Stance
from consult.db import Base
from consult.extensions import db
from tests import factories
from tests.concept.factories import make_concept
from tests.conftest import database_url

FOLDER = str(Path(__file__).parents[2] / "migrations")


@pytest.fixture
def instance(tmp_path: Path, worker_name: str) -> Iterator[Flask]:
    """An application with an empty database of its own, not migrated."""
    application = create_app(
        {
            "CONSULT_ENV": "test",
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": "k" * 40,
            "DATABASE_URL": database_url(tmp_path, f"migrate_{worker_name}_{os.getpid()}"),
        }
    )
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


def tell_a_story() -> int:
    """Rows in the tables that hang together most: text, versions, contributions, audit. Returns a wording's id."""
    process = factories.make_process()
    concept, goal = make_concept(process)
    operations.publish(concept, title="1", audience=VersionAudience.public, actor=None, process=process)
    contributions.capture(
        process, actor=None, text="Hallo", stance=Stance.support, element_id=goal.id, created_at=clock.now()
    )
    ident = db.session.scalars(select(Wording.id)).first() or 0
    db.session.commit()
    db.session.remove()
    return ident


def triggers() -> set[str]:
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            rows = connection.execute(text("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"))
        else:
            rows = connection.execute(
                text("SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                     " WHERE NOT t.tgisinternal")
            )  # fmt: skip
        return set(rows.scalars())


def differences() -> list[Any]:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Base.metadata)


def test_models_equal_migrations(instance):
    upgrade(directory=FOLDER)
    assert differences() == []


def test_there_is_one_head(instance):
    assert len(ScriptDirectory(FOLDER).get_heads()) == 1


def test_up_down_up_with_data(instance):
    """Every step, each time with rows in the tables; what is frozen does not stand in a migration's way."""
    script = ScriptDirectory(FOLDER)
    steps = [revision.revision for revision in reversed(list(script.walk_revisions()))]
    for step in steps:
        upgrade(directory=FOLDER, revision=step)
    tell_a_story()
    for step in reversed(steps):
        down = script.get_revision(step).down_revision or "base"
        downgrade(directory=FOLDER, revision=str(down))
        upgrade(directory=FOLDER, revision=step)
        assert triggers() >= {rule.table for rule in frozen.FROZEN} if step == steps[-1] else True
        downgrade(directory=FOLDER, revision=str(down))
    upgrade(directory=FOLDER)
    assert differences() == []
    assert tell_a_story()


def test_upgrading_again_keeps_the_rows(instance):
    upgrade(directory=FOLDER)
    wording_id = tell_a_story()
    upgrade(directory=FOLDER)
    assert db.session.get(Wording, wording_id) is not None
    db.session.remove()
    assert triggers() == {rule.table for rule in frozen.FROZEN}


def test_half_a_migration_is_none(instance, monkeypatch):
    """The power goes in the middle: the database is as it was before."""

    def fail(_connection: Any) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(frozen, "reinstall", fail)
    with pytest.raises(SystemExit):
        upgrade(directory=FOLDER)
    with db.engine.connect() as connection:
        assert inspect(connection).get_table_names() in ([], ["alembic_version"])
    monkeypatch.undo()
    upgrade(directory=FOLDER)
    assert differences() == []


def test_a_rule_names_only_tables_that_exist():
    assert {rule.table for rule in frozen.FROZEN} <= set(Base.metadata.tables)


def test_every_foreign_key_is_indexed_or_has_a_reason(instance):
    """Foreign keys without an index are a choice (`index=False`); those named here were checked."""
    unindexed = set()
    for table in Base.metadata.tables.values():
        leading = {tuple(index.columns)[0].name for index in table.indexes if len(index.columns)}
        leading |= {next(iter(c.columns)).name for c in table.constraints if len(getattr(c, "columns", [])) > 0
                    and c.__class__.__name__ in ("UniqueConstraint", "PrimaryKeyConstraint")}  # fmt: skip
        for column in table.columns:
            if column.foreign_keys and column.name not in leading:
                unindexed.add(f"{table.name}.{column.name}")
    assert unindexed <= UNINDEXED, sorted(unindexed - UNINDEXED)


#: Only followed from the row to its target, never the other way.
UNINDEXED = {
    "appeal.decided_by_id",
    "assignment.by_id",
    "author_trust.by_id",
    "disposition_release.version_id",
    "duty.created_by_id",
    "erasure_request.decided_by_id",
    "erasure_request.reason_id",
    "erasure_request.requested_by_id",
    "gathered.by_id",
    "moderator_note.author_id",
    "report.closed_by_id",
    "report.reason_id",
    "rule_hit.rule_id",
    "screening_rule.created_by_id",
    "different_organisations.said_by_id",
    "different_people.said_by_id",
    "people_list.created_by_id",
    "link_token.person_id",
    "link_token.created_by_id",
    "change.from_parent_id",
    "change.to_parent_id",
    "draft.base_wording_id",
    "draft.wording_id",
    "draft.change_id",
    "draft.actor_id",
    "draft_act.wording_id",
    "draft_act.actor_id",
    "fact.actor_id",
    "picture.file_id",
    "picture.actor_id",
    "measure_sheet.concept_id",
    "measure_sheet.actor_id",
    "contribution_text.actor_id",
    "contribution_translation.translator_id",
    "minutes.approved_by_id",
    "minutes_revision.actor_id",
    "moderation_act.reason_id",
    "registration.deputy_for_id",
    "invitation.deputy_for_id",
    "campaign.confirmed_by_id",
    "campaign_recipient.organisation_id",
    "check_in.actor_id",
    "meeting_field.depends_on_id",
    "organisation.merged_into_id",
    "person.merged_into_id",
    "reminder.created_by_id",
    "wall_photo.typed_by_id",
    "version.actor_id",
    "invitation.group_id",
}
