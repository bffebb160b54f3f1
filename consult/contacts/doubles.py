"""Entries that may be one human being or one body. Only suggestions: a person looks and decides."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, select

from consult.accounts.addresses import mailbox_key
from consult.accounts.models import Account, Affiliation, Organisation, Person
from consult.contacts.models import DifferentOrganisations, DifferentPeople
from consult.extensions import db

#: Pairs somebody looked at who said that they are two.
Apart = set[frozenset[int]]

#: Pairs on one page; those that are put together make room for the next ones.
SHOWN = 50
#: What says how a body is set up, not which one it is.
_FORMS = re.compile(r"\b(e\s?v|ev|ggmbh|gmbh|ug|ag|kg|eg|gbr|stiftung buergerlichen rechts|i\s?g|n\s?e\s?v)\b")


class Why(StrEnum):
    mailbox = "mailbox"
    name = "name"


@dataclass(frozen=True)
class Pair:
    """Two entries; the first came earlier or has the account."""

    kept: int
    other: int
    why: Why


def plain_words(name: str) -> str:
    """A name without case, accents, marks and order: \"Weber, Änne\" is \"anne weber\"."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(" " if not (c.isalnum() or unicodedata.combining(c)) else c for c in folded)
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return " ".join(sorted(bare.split()))


def body_words(name: str) -> str:
    """The same for bodies, without the words for their legal form, in the order they stand."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    spaced = re.sub(r"[^\w]+", " ", bare)
    return " ".join(_FORMS.sub(" ", spaced).split())


def _mailboxes(rows: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    """People by mailbox. The domain is looked at once, however many have an address there."""
    domains: dict[str, str] = {}
    found: dict[str, list[int]] = defaultdict(list)
    for ident, email in rows:
        local, _at, domain = email.rpartition("@")
        if domain not in domains:
            domains[domain] = mailbox_key(f"x@{domain}").partition("@")[2]
        found[f"{local.partition('+')[0].replace('.', '')}@{domains[domain]}"].append(ident)
    return found


def _pairs(groups: Iterable[list[int]], why: Why, accounts: set[int], apart: Apart) -> list[Pair]:
    found = []
    for group in groups:
        # Whoever has an account comes first, then who came first; of two with accounts nobody can be put away.
        ordered = sorted(set(group), key=lambda ident: (ident not in accounts, ident))
        for place, other in enumerate(ordered):
            if other in accounts:
                continue
            # Of those before it the first one it was not told apart from.
            first = next((one for one in ordered[:place] if frozenset((one, other)) not in apart), None)
            if first is not None:
                found.append(Pair(first, other, why))
    return found


def told_apart(table: type[DifferentPeople] | type[DifferentOrganisations]) -> Apart:
    """All pairs of which somebody said that they are two."""
    return {frozenset((one, two)) for one, two in db.session.execute(select(table.one_id, table.two_id))}


def people(reach: ColumnElement[bool]) -> list[Pair]:
    """Of people within `reach`: the same mailbox in two spellings; the same name at the same organisation."""
    rows = db.session.execute(
        select(Person.id, Person.email)
        .where(Person.email.is_not(None), Person.erased_at.is_(None), reach)
        .order_by(Person.id)
    )
    mailboxes = [group for group in _mailboxes((row[0], row[1] or "") for row in rows).values() if len(group) > 1]
    named: dict[tuple[str, int], list[int]] = defaultdict(list)
    for ident, name, organisation_id in db.session.execute(
        select(Person.id, Person.name, Affiliation.organisation_id)
        .join(Affiliation, Affiliation.person_id == Person.id)
        .where(Person.erased_at.is_(None), Person.name != "")
        .order_by(Person.id)
    ):
        if words := plain_words(name):
            named[(words, organisation_id)].append(ident)
    names = [group for group in named.values() if len(group) > 1]
    concerned = {ident for group in (*mailboxes, *names) for ident in group}
    accounts = (
        set(db.session.scalars(select(Account.person_id).where(Account.person_id.in_(sorted(concerned)[:5000]))))
        if concerned
        else set()
    )
    apart = told_apart(DifferentPeople)
    found = [*_pairs(mailboxes, Why.mailbox, accounts, apart), *_pairs(names, Why.name, accounts, apart)]
    return list({(pair.kept, pair.other): pair for pair in reversed(found)}.values())[::-1]


def organisations() -> list[Pair]:
    """The same name in two spellings."""
    named: dict[str, list[int]] = defaultdict(list)
    for ident, name in db.session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.merged_into_id.is_(None))
        .order_by(Organisation.id)
    ):
        named[body_words(name)].append(ident)
    groups = [group for words, group in named.items() if words and len(group) > 1]
    return _pairs(groups, Why.name, set(), told_apart(DifferentOrganisations))
