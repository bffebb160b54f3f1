import os

import pytest

from tests.conftest import DATABASE
from tests.services import empty_redis


@pytest.fixture
def server() -> str | None:
    """The PostgreSQL server to make databases on; None for SQLite."""
    return os.environ.get("CONSULT_TEST_PG_URL") if DATABASE == "postgres" else None


@pytest.fixture
def redis_url(worker_name: str) -> str:
    """An empty database in the Redis server of this run."""
    url = os.environ.get("CONSULT_TEST_REDIS_URL")
    if not url:
        pytest.skip("no Redis on this machine")
    return empty_redis(url, worker_name)
