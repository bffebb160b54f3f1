"""A real instance and a real browser, once per test process; a browser context per role and test."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.filling import SECONDS, settled
from tests.browser.scenery import Scene, make_scene
from tests.browser.town import Town, town
from tests.browser.watch import Watch
from tests.services import empty_redis
from tests.sink import smtp_sink

# Five seconds otherwise, which a busy machine takes for one answer.
expect.set_options(timeout=SECONDS * 1000)

_visitors = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory, worker_name: str) -> Iterator[Town]:
    """The instance: web server, worker, mail server, and the demonstration in its database."""
    server, broker = os.environ.get("CONSULT_TEST_PG_URL"), os.environ.get("CONSULT_TEST_REDIS_URL")
    if not server or not broker:
        pytest.skip("browser tests need PostgreSQL and Redis; ./test starts both")
    broker = empty_redis(broker, worker_name)
    with smtp_sink() as sink, town(tmp_path_factory.mktemp("town"), sink, server=server, broker=broker) as made:
        yield made


@pytest.fixture(scope="session")
def scene(here: Town) -> Scene:
    """What stands in it besides the demonstration."""
    return make_scene(here)


@pytest.fixture(autouse=True)
def _own_mail(request: pytest.FixtureRequest) -> Iterator[None]:
    """A trip of `test_mail_trips*` has brought a mail of the kind it is named after, from the worker over the wire."""
    trip = request.node.name.partition("test_trip_")[2]
    if not trip:
        yield
        return
    here: Town = request.getfixturevalue("here")
    before = len(here.sink.messages)
    yield
    came = here.kinds_of(here.sink.messages[before:])
    assert trip in {kind.replace(".", "_") for kind in came}, f"no mail of this kind among {came}"


class Visitor:
    """A browser context with somebody behind it who writes down what must not happen."""

    def __init__(self, context: BrowserContext, town: Town) -> None:
        self.context, self.town = context, town
        self.watch = Watch.over(context, town.url)
        self.page = context.new_page()

    def go(self, path: str, status: int = 200) -> Any:
        """Open an address of ours and assert the status; returns the page, once its scripts have done their part."""
        answer = self.page.goto(path if path.startswith("http") else self.town.url + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}, expected {status}: {self.page.inner_text('h1')}"
        settled(self.page)
        return self.page

    def sign_in(self, person_id: int, second_factor: bool = True) -> "Visitor":
        """From now on with the cookie of a fresh sign-in of this person."""
        self.context.add_cookies([self.town.cookie_of(person_id, second_factor)])
        return self


@pytest.fixture
def visit(chromium: Browser, here: Town) -> Iterator[Callable[..., Visitor]]:
    """`visit(person_id)`: a fresh browser, signed in as this person (None: nobody); more options as Playwright's.

    `town`: elsewhere than here.
    """
    opened: list[BrowserContext] = []

    def make(
        person_id: int | None = None, *, second_factor: bool = True, town: Town | None = None, **options: Any
    ) -> Visitor:
        n = next(_visitors)
        options.setdefault("locale", "de-DE")
        options.setdefault("viewport", {"width": 1280, "height": 900})
        headers = {"X-Forwarded-For": f"10.{os.getpid() % 250}.{n // 250 % 250}.{n % 250 + 1}"}
        context = chromium.new_context(**options, extra_http_headers=headers)
        context.set_default_timeout(SECONDS * 1000)
        opened.append(context)
        visitor = Visitor(context, town or here)
        return visitor if person_id is None else visitor.sign_in(person_id, second_factor)

    yield make
    for context in opened:
        context.close()
