"""Two at once, on real connections: whoever takes something away, somebody still leads."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from consult.errors import Refused
from consult.extensions import db
from consult.groups.models import Membership
from consult.groups.operations import end_membership
from consult.processes.models import Function, Process
from consult.processes.operations import must_have_lead
from consult.processes.queries import people_with
from tests import factories
from tests.together import at_once, own_application

LEADS = 4


@pytest.fixture
def real(tmp_path: Path, worker_name: str) -> Iterator[Flask]:
    with own_application(tmp_path, f"consult_groups_{worker_name}") as application:
        yield application


def test_leads_who_remove_each_other_at_once_leave_one(real: Flask) -> None:
    with real.app_context():
        process = factories.make_process()
        people = [factories.make_person() for _n in range(LEADS)]
        group = factories.make_group(process, Function.lead)
        memberships = [factories.make_member(group, person).id for person in people]
        process_id, person_ids = process.id, [person.id for person in people]
        db.session.commit()
        # On SQLite the second begins when the first is done; there is nothing to wait for.
        together = threading.Barrier(LEADS if db.engine.dialect.name == "postgresql" else 1)

    def verb(n: int) -> Callable[[], None]:
        def run() -> None:
            end_membership(db.session.get_one(Membership, memberships[n]), person_ids[n - 1])
            together.wait(20)
            must_have_lead(db.session.get_one(Process, process_id))

        return run

    results = at_once(real, *(verb(n) for n in range(LEADS)))
    assert sum(isinstance(result, Refused) for result in results) == 1
    with real.app_context():
        assert len(people_with(process_id, Function.lead)) == 1
