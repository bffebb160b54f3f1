"""Every column is accounted for: it says nothing about a person, or has purpose, legal basis and retention."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from consult import retention
from consult.db import Base
from consult.invitations import operations as invitations
from consult.outbox import operations as outbox

INVENTORY: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "docs" / "data-inventory.yaml").read_text(encoding="utf-8")
)
#: Where times of keeping stand in the program.
HOMES = (retention, invitations, outbox)


def columns_listed(tables: dict[str, Any]) -> Counter[str]:
    """`table.column` -> how often it is listed."""
    listed: Counter[str] = Counter()
    for table, entry in tables.items():
        listed.update(f"{table}.{column}" for column in entry.get("none", []))
        for group in entry.get("personal", []):
            listed.update(f"{table}.{column}" for column in group["columns"])
    return listed


def personal_entries() -> list[tuple[str, dict[str, Any]]]:
    return [(table, group) for table, entry in INVENTORY["tables"].items() for group in entry.get("personal", [])]


def times_of_keeping() -> dict[str, timedelta]:
    """Every constant of the program that says how long something is kept, by its full name."""
    return {
        f"{home.__name__}.{name}": value
        for home in HOMES
        for name, value in vars(home).items()
        if name.startswith("KEEP_") and isinstance(value, timedelta)
    }


def test_each_column_is_listed_once_and_no_other():
    stored = {f"{table.name}.{column.name}" for table in Base.metadata.tables.values() for column in table.columns}
    listed = columns_listed(INVENTORY["tables"])
    assert set(listed) == stored
    assert [name for name, times in listed.items() if times > 1] == []


def test_each_personal_column_has_purpose_basis_and_retention():
    for table, group in personal_entries():
        assert set(group) == {"columns", "purpose", "basis", "kept"}, (table, group)
        assert group["columns"], table
        assert group["purpose"].strip(), table
        assert INVENTORY["bases"][group["basis"]].strip(), table
        assert INVENTORY["kept"][group["kept"]], table


def test_no_column_that_names_a_person_is_called_not_personal():
    for table in Base.metadata.tables.values():
        none = set(INVENTORY["tables"][table.name].get("none", []))
        people = {
            column.name
            for column in table.columns
            if any(key.column.table.name in ("person", "account") for key in column.foreign_keys)
        }
        assert not people & none, table.name


def test_no_basis_and_no_time_is_listed_for_nothing():
    used = [group for _, group in personal_entries()]
    assert set(INVENTORY["bases"]) == {group["basis"] for group in used}
    assert set(INVENTORY["kept"]) == {group["kept"] for group in used}


def test_what_is_promised_is_what_the_purge_does():
    promised = {entry["constant"]: entry for entry in INVENTORY["kept"].values() if isinstance(entry, dict)}
    constants = times_of_keeping()
    assert set(promised) == set(constants)
    for name, value in constants.items():
        assert timedelta(days=promised[name]["days"]) == value, name
        words = promised[name]["text"]
        assert str(value.days) in words or (value.days == 1 and "one day" in words), name


def test_a_column_without_an_entry_would_be_noticed():
    tables = {**INVENTORY["tables"], "person": {"personal": [{"columns": ["id", "name"]}]}}
    assert "person.email" not in columns_listed(tables)
