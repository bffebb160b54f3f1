"""Rows by the hundred thousand: the one bulk loader of tests and bench.

It writes what the operations would have written (contribution, text, tally, number; parts, changes, sealed versions),
without their checks, audit and mail: for measuring reads, never for testing behaviour.
"""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import func, insert, select, update

from consult import clock
from consult.accounts.models import Account, Person
from consult.concept import operations, seal
from consult.concept.models import (
    Change,
    ChangeKind,
    Concept,
    ConceptKind,
    Element,
    ElementKind,
    Lineage,
    LineageKind,
    LinkKind,
    PlacedLink,
    Placement,
    Version,
    VersionAudience,
    Wording,
)  # fmt: skip
from consult.contributions import tallies
from consult.contributions.models import (
    ChangeSource,
    Channel,
    Contribution,
    ContributionText,
    Kind,
    Reaction,
    ReactionKind,
    Stance,
    State,
)  # fmt: skip
from consult.extensions import db
from consult.html import render_markdown
from consult.processes.models import Process, ProcessCounter

#: Most agree.
REACTIONS = (ReactionKind.agree, ReactionKind.disagree, ReactionKind.agree, ReactionKind.agree, ReactionKind.unsure)
STANCES = (Stance.support, Stance.concern, Stance.change, Stance.question)
WORDS = (
    "Das ist wichtig für unser Viertel. Am Abend sind die Räume geschlossen, und niemand weiß, wen man fragen kann. "
    "Ein Schlüssel für Vereine wäre eine einfache Lösung. "
)


def insert_many(model: Any, rows: Iterable[dict[str, Any]]) -> None:
    """Add rows as quickly as the database takes them: COPY on PostgreSQL, batches on SQLite."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    columns = list(first)
    connection = db.session.connection()
    if connection.dialect.name != "postgresql":
        db.session.execute(insert(model), [first])
        while batch := list(islice(rows, 5000)):
            db.session.execute(insert(model), batch)
        return
    with connection.connection.cursor() as cursor:
        statement = f"COPY {model.__tablename__} ({', '.join(columns)}) FROM STDIN"
        with cursor.copy(statement) as copy:  # type: ignore[attr-defined]  # psycopg's own cursor
            copy.write_row([_copied(first[column]) for column in columns])
            for row in rows:
                copy.write_row([_copied(row[column]) for column in columns])


def _copied(value: Any) -> Any:
    """A value as COPY takes it."""
    return json.dumps(value) if isinstance(value, dict) else value


def _next_id(model: Any) -> int:
    return int(db.session.scalar(select(func.max(model.id))) or 0) + 1


def make_people(number: int, *, accounts: bool = True) -> list[int]:
    """Persons with confirmed accounts; returns their ids."""
    start = _next_id(Person)
    now = clock.now()
    ids = range(start, start + number)
    insert_many(
        Person,
        ({"id": n, "email": f"bulk{n}@example.org", "name": f"Person {n}", "locale": "de", "created_at": now}
         for n in ids),
    )  # fmt: skip
    if accounts:
        insert_many(
            Account,
            ({"person_id": n, "confirmed_at": now, "operator": False, "totp_last_step": 0, "created_at": now}
             for n in ids),
        )  # fmt: skip
    _catch_up(Person)
    return list(ids)


def make_contributions(
    process: Process,
    element_ids: Sequence[int | None],
    number: int,
    authors: Sequence[int],
    *,
    wording_id: int | None = None,
    version_id: int | None = None,
    replies: float = 0.1,
    state: State = State.published,
    text: str = WORDS,
    now: datetime | None = None,
    reactions: int = 0,
) -> None:
    """`number` contributions spread evenly over the elements, a share of them replies, newest last.

    On average each has `reactions` reactions of different authors, from none to twice as many; its counters are true.
    """
    now = now or clock.now()
    first = _next_id(Contribution)
    counter = db.session.scalar(select(ProcessCounter.last_number).where(ProcessCounter.process_id == process.id)) or 0
    every = max(2, round(1 / replies)) if replies else 0
    elements = len(element_ids)
    tally: dict[tuple[int, str], int] = {}

    def rows() -> Iterable[dict[str, Any]]:
        for n in range(number):
            at = n % elements
            # The reply answers the root written one round before on the same element.
            is_reply = bool(every) and n >= elements and (n // elements) % every == every - 1
            root = first + n - elements if is_reply else None
            stance = None if is_reply else STANCES[n % len(STANCES)]
            element = element_ids[at]
            if stance and element and state == State.published:
                tally[element, stance] = tally.get((element, stance), 0) + 1
            created = now - timedelta(seconds=number - n)
            agrees, disagrees, unsure = _reacted(n, reactions)
            yield {
                "id": first + n,
                "process_id": process.id,
                "number": counter + n + 1,
                "kind": Kind.comment.value,
                "channel": Channel.web.value,
                "lang": "de",
                "author_id": authors[n % len(authors)],
                "author_name": "",
                "element_id": element,
                "version_id": version_id,
                "wording_id": wording_id,
                "parent_id": root,
                "root_id": root,
                "depth": 1 if is_reply else 0,
                "stance": stance.value if stance else None,
                "state": state.value,
                "revision": 0,
                "agrees": agrees,
                "disagrees": disagrees,
                "unsure": unsure,
                "contested": min(agrees, disagrees),
                "created_at": created,
                "published_at": created if state == State.published else None,
            }

    insert_many(Contribution, rows())
    insert_many(
        ContributionText,
        ({"contribution_id": first + n, "revision": 0, "body": f"{n}. {text}", "created_at": now}
         for n in range(number)),
    )  # fmt: skip
    insert_many(
        Reaction,
        ({"contribution_id": first + n, "person_id": authors[(n * 7 + place + 1) % len(authors)], "kind": kind.value,
          "created_at": now}
         for n in range(number) for place, kind in enumerate(_kinds(n, reactions))),
    )  # fmt: skip
    for (element, stance), count in tally.items():
        tallies.add(element, process.id, stance, count)
    db.session.execute(
        update(ProcessCounter).where(ProcessCounter.process_id == process.id).values(last_number=counter + number)
    )
    _catch_up(Contribution)
    db.session.flush()


def _kinds(n: int, average: int) -> list[ReactionKind]:
    """What different people say to the n-th contribution."""
    return [REACTIONS[(n + place * place) % len(REACTIONS)] for place in range(n * 31 % (2 * average + 1))]


def _reacted(n: int, average: int) -> tuple[int, int, int]:
    """How many agree, disagree and leave it open."""
    kinds = _kinds(n, average)
    return kinds.count(ReactionKind.agree), kinds.count(ReactionKind.disagree), kinds.count(ReactionKind.unsure)


#: What the parts of a large text say; an edit exchanges one sentence for another.
SENTENCES = (
    "Begegnung braucht Orte, die auch am Abend und am Wochenende offen sind.",
    "Die Stadt öffnet ihre Schulhöfe und Gemeinschaftsräume für Vereine und Nachbarschaften.",
    "Wer neu ankommt, findet in jedem Stadtteil eine Person, die Wege zeigt.",
    "Deutschkurse finden dort statt, wo Menschen wohnen, und zu Zeiten, zu denen Eltern kommen können.",
    "Kinder lernen gemeinsam; ihre Herkunftssprachen sind ein Schatz und kein Hindernis.",
    "Betriebe und Verwaltung bilden Jugendliche unabhängig von ihrem Namen aus.",
    "Wohnungen werden ohne Ansehen der Herkunft vergeben; die Stadt prüft das jedes Jahr.",
    "Ältere Menschen erhalten Rat und Pflege in einer Sprache, die sie verstehen.",
    "Alle zwei Jahre berichtet das Amt öffentlich, was erreicht ist und was noch fehlt.",
    "Das Ehrenamt bekommt feste Ansprechpersonen, Räume und einen kleinen Topf für Auslagen.",
    "Formulare und Bescheide sind so geschrieben, dass man sie beim ersten Lesen versteht.",
    "Der Initiativkreis prüft jeden Vorschlag und sagt, was daraus geworden ist.",
)
REASONS = (
    "Im Fachforum wurde eine klarere Formulierung gewünscht.",
    "Mehrere Beiträge wiesen darauf hin, dass die Zeiten fehlen.",
    "Der Initiativkreis hat die Zuständigkeit benannt.",
    "Die Steuerungsgruppe bat um einen kürzeren Text.",
)


@dataclass
class LoadedText:
    """A large concept as it was loaded."""

    concept: Concept
    #: Parts placed in the newest version, in the order they were written.
    elements: list[Element]
    #: Sealed versions, oldest first.
    versions: list[Version]


@dataclass
class _Place:
    """Where a part stands while the text is written, and with which words."""

    parent: int | None
    position: int
    label: str
    wording: int
    words: list[int]


@dataclass
class _Writer:
    """Writes a text change by change into lists of rows; nothing is asked of the database meanwhile."""

    concept_id: int
    element_at: int
    wording_at: int
    change_at: int
    choose: random.Random
    elements: list[dict[str, Any]] = field(default_factory=list)
    wordings: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    lineages: list[dict[str, Any]] = field(default_factory=list)
    places: dict[int, _Place] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)

    def words(self, element: int, title: str, chosen: list[int], before: int | None, at: datetime) -> int:
        markdown = "" if title else " ".join(SENTENCES[n] for n in chosen)
        details = {}
        if self.kinds[element] == ElementKind.measure:
            details = {"lead": "Amt für Soziales", "time": str(2026 + chosen[0] % 4), "place": "ganze Stadt"}
        ident = self.wording_at + len(self.wordings)
        self.wordings.append(
            {"id": ident, "element_id": element, "lang": "de", "plain": False, "title": title, "markdown": markdown,
             "html": render_markdown(markdown), "based_on_id": before, "details": details, "created_at": at}
        )  # fmt: skip
        return ident

    def change(self, kind: ChangeKind, element: int, at: datetime, **values: Any) -> int:
        ident = self.change_at + len(self.changes)
        self.changes.append(
            {"id": ident, "element_id": element, "kind": kind.value, "from_wording_id": None, "to_wording_id": None,
             "from_parent_id": None, "to_parent_id": None, "from_label": None, "to_label": None,
             "reason": REASONS[ident % len(REASONS)], "created_at": at, **values}
        )  # fmt: skip
        return ident

    def add(self, kind: ElementKind, parent: int | None, label: str, title: str, at: datetime, position: int) -> int:
        ident = self._element(kind.value, at)
        chosen = [self.choose.randrange(len(SENTENCES)) for _n in range(3)]
        wording = self.words(ident, title, chosen, None, at)
        self.places[ident] = _Place(parent, position, label, wording, chosen)
        self.change(ChangeKind.create, ident, at, to_wording_id=wording, to_parent_id=parent, to_label=label)
        return ident

    def _element(self, kind: str, at: datetime) -> int:
        ident = self.element_at + len(self.elements)
        key = f"{kind.replace('_', '-')}-{len(self.elements) + 1}"
        self.elements.append({"id": ident, "concept_id": self.concept_id, "kind": kind, "key": key, "created_at": at})
        self.kinds[ident], self.keys[key] = kind, ident
        return ident

    def leaves(self) -> list[int]:
        """Parts below which nothing stands; themes and fields stay as they are."""
        parents = {place.parent for place in self.places.values()}
        return [ident for ident, place in self.places.items() if place.parent is not None and ident not in parents]

    def edit(self, at: datetime) -> None:
        ident = self.choose.choice(self.leaves())
        place = self.places[ident]
        chosen, at_word = list(place.words), self.choose.randrange(3)
        chosen[at_word] = (chosen[at_word] + self.choose.randrange(1, len(SENTENCES))) % len(SENTENCES)
        before, place.words = place.wording, chosen
        place.wording = self.words(ident, "", chosen, before, at)
        self.change(ChangeKind.edit, ident, at, from_wording_id=before, to_wording_id=place.wording)

    def renumber(self, at: datetime) -> None:
        ident = self.choose.choice(self.leaves())
        place = self.places[ident]
        before, place.label = place.label, f"{place.label.rpartition('.')[0]}.{len(self.changes)}"
        self.change(ChangeKind.renumber, ident, at, from_wording_id=place.wording, to_wording_id=place.wording,
                    from_parent_id=place.parent, to_parent_id=place.parent, from_label=before,
                    to_label=place.label)  # fmt: skip

    def move(self, at: datetime) -> None:
        """Below another parent of the same kind, at its end."""
        ident = self.choose.choice(self.leaves())
        place = self.places[ident]
        kind = self.kinds[place.parent or 0]
        before = place.parent
        place.parent = self.choose.choice([i for i in self.places if self.kinds[i] == kind])
        place.position = 1 + max((p.position for p in self.places.values() if p.parent == place.parent), default=0)
        self.change(ChangeKind.move, ident, at, from_wording_id=place.wording, to_wording_id=place.wording,
                    from_parent_id=before, to_parent_id=place.parent, from_label=place.label,
                    to_label=place.label)  # fmt: skip

    def split(self, at: datetime) -> None:
        """Two new parts in the place of one; takes two changes."""
        ident = self.choose.choice(self.leaves())
        old = self.places.pop(ident)
        for n in (0, 1):
            heir = self._element(self.kinds[ident], at)
            chosen = [*old.words[n:], self.choose.randrange(len(SENTENCES)), 0][:3]
            wording = self.words(heir, "", chosen, old.wording, at)
            self.places[heir] = _Place(old.parent, old.position + n, f"{old.label}{'ab'[n]}", wording, chosen)
            change = self.change(ChangeKind.split_, heir, at, from_wording_id=old.wording, to_wording_id=wording,
                                 from_parent_id=old.parent, to_parent_id=old.parent, from_label=old.label,
                                 to_label=self.places[heir].label)  # fmt: skip
            self.lineages.append({"change_id": change, "from_element_id": ident, "to_element_id": heir,
                                  "kind": LineageKind.split_.value})  # fmt: skip

    def merge(self, at: datetime) -> None:
        """One part goes into another one that stays; makes up for a split."""
        leaves = self.leaves()
        keep = self.choose.choice(leaves)
        place = self.places[keep]
        others = [i for i in leaves if i != keep and self.kinds[i] == self.kinds[keep]]
        if not others:
            return self.edit(at)
        gone = self.choose.choice(others)
        before, place.words = place.wording, [place.words[0], *self.places.pop(gone).words[:2]]
        place.wording = self.words(keep, "", place.words, before, at)
        change = self.change(ChangeKind.merge, keep, at, from_wording_id=before, to_wording_id=place.wording)
        self.lineages.append({"change_id": change, "from_element_id": gone, "to_element_id": keep,
                              "kind": LineageKind.merge.value})  # fmt: skip


#: One round of work on a text: a split, its two changes, and what makes up for it; mostly new wordings.
_ROUND = ("edit", "edit", "move", "edit", "edit", "split", "edit", "edit", "renumber", "edit", "edit", "merge", "edit")


def make_text(
    process: Process,
    *,
    elements: int = 600,
    versions: int = 20,
    changes: int = 3000,
    sources: bool = True,
    kind: ConceptKind = ConceptKind.concept,
    title: str = "Großes Konzept",
) -> LoadedText:
    """A concept of `elements` parts with sealed `versions` and as many `changes`, half of them with sources.

    Themes with goals and sub-goals, fields with needs and measures, measures serving goals. The same numbers give the
    same text. The versions carry true checksums; the newest version and the working text are the same.
    """
    concept = operations.create_concept(process, kind, title, None)
    working = db.session.scalars(select(Version).where(Version.concept_id == concept.id)).one()
    writer = _Writer(concept.id, _next_id(Element), _next_id(Wording), _next_id(Change), random.Random(elements))
    start = clock.now() - timedelta(days=30 * versions)
    _first_writing(writer, elements, start)
    made: list[tuple[Version, dict[int, _Place]]] = []
    rounds = iter(range(10**9))
    for number in range(1, versions + 1):
        at = start + timedelta(days=30 * number - 1)
        upto = elements + (changes - elements) * (number - 1) // max(1, versions - 1)
        while number > 1 and len(writer.changes) < upto:
            # A split takes two changes: at the end of all, an edit takes the last one.
            step = _ROUND[next(rounds) % len(_ROUND)] if upto - len(writer.changes) > 1 else "edit"
            getattr(writer, step)(at - timedelta(days=1))
        version = Version(
            concept_id=concept.id, number=number, title=f"Entwurf {number}", audience=VersionAudience.public,
            note="", revision=len(writer.changes), change_head=writer.change_at + len(writer.changes) - 1,
            created_at=at,
        )  # fmt: skip
        made.append((version, {i: _Place(p.parent, p.position, p.label, p.wording, p.words)
                               for i, p in writer.places.items()}))  # fmt: skip
    db.session.add_all([version for version, _places in made])
    working.revision, working.change_head = made[-1][0].revision, made[-1][0].change_head
    db.session.flush()
    for model, rows in ((Element, writer.elements), (Wording, writer.wordings), (Change, writer.changes)):
        insert_many(model, rows)
        _catch_up(model)
    insert_many(Lineage, writer.lineages)
    _place([*made, (working, writer.places)], writer)
    learn_sizes()
    for version, _places in made:
        version.checksum, version.sealed_at = seal.checksum(version), version.created_at
    db.session.flush()
    operations.rebuild_heirs(concept.id)
    if sources:
        _name_sources(process, writer)
    learn_sizes()
    found = db.session.scalars(select(Element).where(Element.id.in_(writer.places)).order_by(Element.id)).all()
    return LoadedText(concept, list(found), [version for version, _places in made])


def learn_sizes() -> None:
    """Tell PostgreSQL's planner at once what autovacuum would find out within a minute: the tables are large now."""
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.connection().exec_driver_sql("ANALYZE")


def _first_writing(writer: _Writer, elements: int, at: datetime) -> None:
    """Themes with goals and sub-goals, then fields with needs and measures, until there are enough parts."""
    number = 0
    kinds = ((ElementKind.theme, ElementKind.goal, ElementKind.sub_goal),
             (ElementKind.field, ElementKind.need, ElementKind.measure))  # fmt: skip
    while len(writer.elements) < elements:
        number += 1
        # A block: one theme or field with five parts of five each.
        names = kinds[0] if number <= max(1, elements // 62) else kinds[1]
        prefix = "" if names is kinds[0] else "H"
        top = writer.add(names[0], None, f"{prefix}{number}", f"Bereich {number}", at, number)
        for second in range(1, 6):
            if len(writer.elements) >= elements:
                return
            label = f"{prefix}{number}.{second}"
            middle = writer.add(names[1], top, label, "", at, second)
            for third in range(1, 6):
                if len(writer.elements) >= elements:
                    return
                writer.add(names[2], middle, f"{label}.{third}", "", at, third)


def _place(made: Sequence[tuple[Version, dict[int, _Place]]], writer: _Writer) -> None:
    goals = [ident for ident, kind in writer.kinds.items() if kind == ElementKind.goal]
    insert_many(
        Placement,
        ({"version_id": version.id, "element_id": ident, "parent_id": place.parent, "position": place.position,
          "label": place.label, "wording_id": place.wording}
         for version, places in made for ident, place in places.items()),
    )  # fmt: skip
    insert_many(
        PlacedLink,
        ({"version_id": version.id, "from_element_id": ident, "to_element_id": goal, "kind": LinkKind.serves.value}
         for version, places in made for ident in places
         if writer.kinds[ident] == ElementKind.measure and (goal := goals[ident % len(goals)]) in places),
    )  # fmt: skip


def _name_sources(process: Process, writer: _Writer) -> None:
    """As many contributions as parts; every second change rests on one of them, every tenth on two."""
    first = _next_id(Contribution)
    number = len(writer.elements)
    make_contributions(process, list(writer.places), number, make_people(20, accounts=False))
    rows = []
    for n, change in enumerate(writer.changes):
        if n % 2:
            continue
        for source in {n % number, (n * 7 + 1) % number} if n % 10 == 0 else {n % number}:
            marked = n % 4 == 0 and change["to_wording_id"] is not None
            rows.append({"change_id": change["id"], "contribution_id": first + source,
                         "to_start": 0 if marked else None, "to_end": 20 if marked else None})  # fmt: skip
    insert_many(ChangeSource, rows)


def _catch_up(model: Any) -> None:
    """Ids were given by hand: PostgreSQL's sequence must know."""
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        table = model.__tablename__
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"  # noqa: S608
        )
