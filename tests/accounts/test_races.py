"""Two requests at the same moment: the second finds what the first has made, and nothing exists twice."""

from typing import Any

import pytest
from sqlalchemy import func, insert, select

from consult import clock
from consult.accounts import bodies, operations, queries
from consult.accounts.models import Account, Organisation, Person
from consult.extensions import db
from tests.factories import make_organisation, make_person


def test_the_same_address_makes_one_person(session: Any, monkeypatch: Any) -> None:
    """Both have looked and found nobody; the other one has committed meanwhile."""
    known = make_person(account=False, email="linde@example.org")
    answers = iter([None, known])
    monkeypatch.setattr(queries, "person_by_email", lambda _email: next(answers))
    assert operations.person_for("linde@example.org") is known
    assert db.session.scalar(select(func.count()).select_from(Person)) == 1


def test_one_person_gets_one_account(session: Any) -> None:
    person = operations.person_for("linde@example.org")
    assert person.account is None
    db.session.execute(
        insert(Account).values(
            person_id=person.id, operator=False, totp_last_step=0, created_at=clock.now(), password_hash="first"
        )
    )
    assert operations.account_of(person).password_hash == "first"
    assert db.session.scalar(select(func.count()).select_from(Account)) == 1


def test_a_name_taken_meanwhile_leaves_the_transaction_usable(session: Any) -> None:
    make_organisation("Frauentreff")
    with pytest.raises(bodies.NameTaken):
        bodies.create_organisation(None, name="Frauentreff", kind="welfare", area="", umbrella_id=None)
    other = bodies.create_organisation(None, name="Andere", kind="welfare", area="", umbrella_id=None)
    with pytest.raises(bodies.NameTaken):
        bodies.change_organisation(
            make_person().id, other, name="Frauentreff", kind="welfare", area="", umbrella_id=None
        )
    assert sorted(db.session.scalars(select(Organisation.name))) == ["Andere", "Frauentreff"]
