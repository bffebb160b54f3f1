"""The Flask extensions, made once and bound to the app in `create_app`."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask_babel import Babel
from flask_compress import Compress
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy.orm import Session

from consult.db import Base, lock_released, watch_writes, writing

db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
watch_writes(db.session)
migrate = Migrate(render_as_batch=True, compare_type=True)
login_manager = LoginManager()
csrf = CSRFProtect()
babel = Babel()
compress = Compress()


@contextmanager
def own_transaction() -> Iterator[Session]:
    """A tiny transaction beside the request's own: rate-limit hits, `seen_at`, "link opened".

    Commits at the end of the block. Use it before the main transaction has written anything: SQLite has one writer.
    """
    with (
        lock_released(db.session()),
        writing(),
        Session(bind=db.engine, join_transaction_mode="create_savepoint") as session,
        session.begin(),
    ):
        yield session
