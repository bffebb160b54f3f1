"""Several merges at the same moment, on real connections: exactly one of those that exclude each other happens."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from consult.accounts.models import Account, Affiliation, Organisation, Person
from consult.contacts import merging
from consult.errors import Refused
from consult.extensions import db
from tests.factories import flushed, make_organisation, make_person
from tests.together import at_once, own_application


@pytest.fixture(scope="module")
def app_of_its_own(tmp_path_factory: pytest.TempPathFactory, worker_name: str) -> Iterator[Flask]:
    folder: Path = tmp_path_factory.mktemp("merging")
    with own_application(folder, f"merging_{worker_name}") as application:
        yield application


def people(app: Flask, number: int) -> list[int]:
    """So many guests, each working at an organisation of their own; and somebody who acts."""
    with app.app_context():
        body = make_organisation()
        made = [make_person(account=False) for _ in range(number)]
        for person in made:
            flushed(Affiliation(person_id=person.id, organisation_id=body.id, source="list"))
        ids = [person.id for person in (*made, make_person(operator=True))]
        db.session.commit()
    return ids


def merge(kept: int, other: int, by: int) -> Any:
    def verb() -> int:
        one, two, actor = (db.session.get_one(Person, ident) for ident in (kept, other, by))
        for person in (one, two):
            db.session.refresh(person, ["account"])
        return merging.merge_people(one, two, actor).id

    return verb


def leads(ids: list[int]) -> dict[int, int | None]:
    return {ident: db.session.get_one(Person, ident).merged_into_id for ident in ids}


def test_two_leads_press_for_the_same_pair_each_the_other_way(app_of_its_own: Flask) -> None:
    one, two, actor = people(app_of_its_own, 2)
    results = at_once(app_of_its_own, merge(one, two, actor), merge(two, one, actor))
    assert sum(isinstance(result, Refused) for result in results) == 1
    with app_of_its_own.app_context():
        gone = {ident: into for ident, into in leads([one, two]).items() if into is not None}
        assert len(gone) == 1
        kept = next(iter(gone.values()))
        assert db.session.scalars(select(Affiliation.person_id).where(Affiliation.person_id.in_((one, two)))).all() == [
            kept
        ]


def test_a_chain_at_once_ends_at_one_or_is_refused(app_of_its_own: Flask) -> None:
    one, two, three, actor = people(app_of_its_own, 3)
    results = at_once(app_of_its_own, merge(one, two, actor), merge(two, three, actor))
    with app_of_its_own.app_context():
        found = leads([one, two, three])
        # Nobody leads to somebody who leads on, whichever came first.
        assert all(into is None or found[into] is None for into in found.values())
        owners = set(db.session.scalars(select(Affiliation.person_id).where(Affiliation.person_id.in_(found))))
        assert owners == {ident for ident, into in found.items() if into is None}
    assert sum(isinstance(result, Refused) for result in results) <= 1


def test_an_account_made_meanwhile_is_seen(app_of_its_own: Flask) -> None:
    one, two, actor = people(app_of_its_own, 2)

    def both_get_accounts() -> None:
        db.session.add_all([Account(person_id=one), Account(person_id=two)])
        db.session.flush()

    merged, _made = at_once(app_of_its_own, merge(one, two, actor), both_get_accounts)
    with app_of_its_own.app_context():
        if isinstance(merged, Refused):
            assert leads([one, two]) == {one: None, two: None}


def test_two_organisations_each_the_other_way(app_of_its_own: Flask) -> None:
    with app_of_its_own.app_context():
        ids = [make_organisation().id, make_organisation().id]
        actor = make_person(operator=True).id
        db.session.commit()

    def verb(kept: int, other: int) -> Any:
        def press() -> int:
            one, two = (db.session.get_one(Organisation, ident) for ident in (kept, other))
            return merging.merge_organisations(one, two, db.session.get_one(Person, actor)).id

        return press

    results = at_once(app_of_its_own, verb(*ids), verb(*reversed(ids)))
    assert sum(isinstance(result, Refused) for result in results) == 1
