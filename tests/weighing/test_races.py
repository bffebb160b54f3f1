"""Two at once, on real connections: one decides and the other is told; what is released is released once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from consult.accounts.models import Person
from consult.concept.models import Version
from consult.errors import Conflict
from consult.extensions import db
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process
from consult.weighing.models import Disposition, DispositionKind, DispositionRelease
from consult.weighing.operations import Verdict, decide, decide_together, release
from tests.contributions.factories import make_town
from tests.together import at_once, own_application
from tests.weighing.factories import Draft

AT_ONCE = 6


@pytest.fixture
def real(tmp_path: Path, worker_name: str) -> Iterator[Flask]:
    with own_application(tmp_path, f"consult_weighing_{worker_name}") as application:
        yield application


def test_of_those_who_decide_at_once_about_the_same_one_counts_and_the_others_are_told(real):
    with real.app_context():
        town = make_town()
        ids = [town.write(f"Nummer {n}").id for n in range(3)]
        process_id, person_id = town.process.id, town.steering.id
        db.session.commit()

    def verb(reason: str, order: list[int]) -> Callable[[], int]:
        def run() -> int:
            process, person = db.session.get_one(Process, process_id), db.session.get_one(Person, person_id)
            verdict = Verdict(DispositionKind.note, reason)
            return len(decide_together(process, [(ident, 0) for ident in order], verdict, person))

        return run

    # In both directions: whoever locks in the order of the form would wait for each other for ever.
    results = at_once(real, *(verb(f"{n}", ids if n % 2 else ids[::-1]) for n in range(AT_ONCE)))
    assert [result for result in results if not isinstance(result, Conflict)] == [3]
    with real.app_context():
        assert db.session.scalar(select(func.count()).select_from(Disposition)) == 3
        assert len(set(db.session.scalars(select(Disposition.reason)))) == 1


def test_what_is_released_by_several_at_once_is_released_and_told_once(real):
    with real.app_context():
        town = make_town()
        draft = Draft(town)
        for n in range(20):
            one = town.write(f"Nummer {n}")
            decide(one, DispositionKind.note, "Gehört.", actor=town.steering, held=True)
        version_id, process_id = draft.publish().id, town.process.id
        db.session.commit()

    def verb() -> int:
        return release(db.session.get_one(Process, process_id), db.session.get_one(Version, version_id), None)

    results = at_once(real, *[verb] * AT_ONCE)
    assert sorted(results) == [0] * (AT_ONCE - 1) + [20]
    with real.app_context():
        assert db.session.scalar(select(func.count()).select_from(DispositionRelease)) == 20
        assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 20
