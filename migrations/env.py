"""Runs the migrations in one transaction per database, and puts the freezing triggers back at the end."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from consult import frozen
from consult.db import Base, UtcDateTime

migrate = current_app.extensions["migrate"]


def _render_item(kind: str, item: object, _context: object) -> str | bool:
    # Migrations stand on their own: they must not change when our column types do.
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


options = {
    **migrate.configure_args,
    "target_metadata": Base.metadata,
    "transaction_per_migration": False,
    "render_item": _render_item,
    # SQLite can roll back schema changes; alembic does not rely on it unless told.
    "transactional_ddl": True,
}


def _without_empty_revisions(_context: object, _revision: object, directives: list) -> None:  # type: ignore[type-arg]
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def _run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # Rebuilding a parent table with foreign keys on would delete its children; they are checked at the end.
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(connection=connection, process_revision_directives=_without_empty_revisions, **options)
    with context.begin_transaction():
        frozen.remove(connection)
        context.run_migrations()
        frozen.reinstall(connection)
        if sqlite:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"the migration left dangling references in {sorted({row[0] for row in broken})}")
    connection.commit()
    if sqlite:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        connection.exec_driver_sql("BEGIN")


if context.is_offline_mode():
    raise SystemExit("Migrations need a database connection: the triggers depend on what is there.")

with migrate.db.engine.connect() as connection:
    _run(connection)
