"""Starting a demonstration afresh: everything that is in the database goes."""

from flask import current_app
from flask_migrate import upgrade
from sqlalchemy import MetaData

from consult import frozen
from consult.demo.loader import NoDemo, load
from consult.extensions import db


def reset() -> None:
    """Drop all tables, migrate, load. Raises `NoDemo` unless DEMO is on; in production DEMO is never on."""
    if not current_app.config["DEMO"] or current_app.config["CONSULT_ENV"] == "production":
        raise NoDemo("Only a demonstration can be reset: DEMO=1, and not in production.")
    empty()
    upgrade(directory=str(current_app.extensions["migrate"].directory))
    load()


def empty() -> None:
    """Drop every table there is, also those that the present code does not know."""
    db.session.remove()
    with db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # Tables refer to each other in circles; the switch works between transactions only.
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        frozen.remove(connection)
        found = MetaData()
        found.reflect(connection)
        if sqlite:
            for name in found.tables:
                connection.exec_driver_sql(f'DROP TABLE "{name}"')
        else:
            found.drop_all(connection)
        connection.commit()
    # Connections with other settings of the moment are not handed on.
    db.engine.dispose()
