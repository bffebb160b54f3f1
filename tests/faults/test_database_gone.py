"""REL-C1: PostgreSQL goes away under load. Visitors are told to come back, and everything heals by itself."""

import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from werkzeug.test import Client

from tests.faults.campaign import compare
from tests.faults.proxy import proxy
from tests.faults.stage import stage
from tests.sink import smtp_sink

pytestmark = pytest.mark.faults

#: The drill keeps it away for a minute.
AWAY = 60.0 if os.environ.get("CONSULT_FAULTS") == "full" else 5.0
HEALED = 10.0


def test_the_database_may_go_away_under_load(tmp_path: Path, server: str | None) -> None:
    if server is None:
        pytest.skip("SQLite is a file: it does not go away")
    address = make_url(server)
    with proxy(address.port or 5432) as between, smtp_sink(keep_content=False) as sink:
        through = address.set(host="127.0.0.1", port=between.port).render_as_string(hide_password=False)
        with stage(tmp_path, sink, server=through) as here:
            people = here.people(60)
            # What was in the air when its record could not be written waits for so long.
            here.environment["CONSULT_FAULTS_LEASE"] = "10"
            here.start_worker(pool="threads")
            here.queue(people[:20])
            here.wait_until(lambda: len(sink.messages) >= 5, "mail before the outage")
            answers: list[tuple[float, int, str | None]] = []
            over = threading.Event()

            def visit() -> None:
                while not over.is_set():
                    response = Client(here.app).get("/contact")
                    answers.append((time.monotonic(), response.status_code, response.headers.get("Retry-After")))
                    time.sleep(0.05)

            visitors = [threading.Thread(target=visit) for _ in range(3)]
            for visitor in visitors:
                visitor.start()
            between.cut()
            time.sleep(AWAY)
            between.mode = "open"
            back = time.monotonic()
            time.sleep(HEALED)
            over.set()
            for visitor in visitors:
                visitor.join()
            here.queue(people[20:], 1)
            here.wait_until(lambda: here.all_sent(60), "mail after the outage")
            losses = compare(sink, {f"p{n}@example.org" for n in range(60)})
    assert set(Counter(code for _at, code, _retry in answers)) == {200, 503}
    assert all(retry for _at, code, retry in answers if code == 503), "visitors are told when to come back"
    failing = [at - back for at, code, _retry in answers if code == 503 and at > back]
    assert max(failing, default=0.0) <= HEALED - 1, "it heals by itself"
    assert losses.lost == 0
    # What was in the air when its record could not be written.
    assert losses.duplicates <= 2
    assert losses.strangers == 0
