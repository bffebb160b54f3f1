"""The floors: the least a page, a write and a mail can cost on this machine. A dozen lines each, not tuned.

`hello`: Flask alone. `read`: one indexed SELECT and a small page. `write`: JSON in, one durable INSERT.
Served by the same server with the same settings as the application: `gunicorn bench.floors:application`.
"""

import os

from flask import Flask, Response, jsonify, request
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

ROWS = 1000
PAGE = """<!doctype html><html lang="en"><title>{{ row.title }}</title><body><h1>{{ row.title }}</h1>
<p>{{ row.body }}</p><ul>{% for n in range(20) %}<li>{{ n }}: {{ row.title }}</li>{% endfor %}</ul></body></html>"""


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "floor_row"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    body: Mapped[str]


def create_floors() -> Flask:
    app = Flask(__name__)
    engine = create_engine(os.environ["DATABASE_URL"])
    # Compiled once, as every template file is.
    page = app.jinja_env.from_string(PAGE)

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    @app.get("/read")
    def read() -> str:
        with Session(engine) as session:
            row = session.scalars(select(Row).where(Row.id == 500)).one()
            return page.render(row=row)

    @app.post("/write")
    def write() -> Response:
        sent = request.get_json()
        with Session(engine) as session:
            row = Row(title=sent["title"], body=sent["body"])
            session.add(row)
            session.commit()
            return jsonify(id=row.id)

    return app


def prepare(url: str) -> None:
    """The floors' one table, with rows."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Row(title=f"Row {n}", body="A few words. " * 20) for n in range(ROWS)])
        session.commit()
    engine.dispose()


application = create_floors() if "FLOORS" in os.environ else None
