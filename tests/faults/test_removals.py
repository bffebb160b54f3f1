"""What the drill takes away to see its rows red must be there: or it takes nothing away, and nobody notices."""

import pytest

from bench import drill, drill_mail, drill_without_mail, drill_worker

CHANGES = drill_without_mail.changes()
#: Taken from the worker, a process of its own.
FROM_THE_WORKER = {"sweeper"}


@pytest.mark.parametrize(
    "removal", sorted({name for row in drill_mail.ROWS for name in row.removals} - FROM_THE_WORKER)
)
def test_every_protection_that_is_removed_exists_and_is_replaced_by_something_else(removal: str) -> None:
    assert CHANGES[removal]
    for where, name, instead in CHANGES[removal]:
        assert getattr(where, name) is not instead


def test_nothing_is_removed_that_no_row_asks_for() -> None:
    asked = {name for row in drill_mail.ROWS for name in row.removals}
    assert set(CHANGES) | FROM_THE_WORKER == asked
    assert set(drill_worker.REMOVALS) >= FROM_THE_WORKER


def test_every_row_has_a_name_of_its_own_and_something_to_remove() -> None:
    names = [row.name for row in drill.ROWS]
    assert len(names) == len(set(names))
    assert all(row.removals for row in drill.ROWS)
