import os

import pytest

from tests.conftest import DATABASE


@pytest.fixture
def server() -> str | None:
    """The PostgreSQL server to make databases on; None for SQLite."""
    return os.environ.get("CONSULT_TEST_PG_URL") if DATABASE == "postgres" else None


@pytest.fixture
def redis_url() -> str:
    """The Redis server of this run."""
    url = os.environ.get("CONSULT_TEST_REDIS_URL")
    if not url:
        pytest.skip("no Redis on this machine")
    return url
