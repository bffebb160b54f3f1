"""A Polis conversation becomes contributions and reactions.

Reads the export of Polis (compdemocracy.org/polis): `comments.csv`, `votes.csv` and, where present, `summary.csv`.
Facts about the format, taken from such exports: `moderated` is 1 (accepted), 0 (not looked at) or -1 (rejected);
`vote` is 1 (agree), -1 (disagree) or 0 (pass); timestamps are milliseconds since 1970 in UTC; author and voter 0 are
the people who ran the conversation and no participants. Somebody who voted again is counted with the last vote, so
the counts differ from the tallies in `comments.csv` here and there.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, insert, select, update

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.models import (
    MAX_LENGTH,
    Channel,
    Contribution,
    Kind,
    ModerationAct,
    ModerationKind,
    ModerationReason,
    Reaction,
    ReactionKind,
    State,
)
from consult.contributions.operations import capture
from consult.contributions.tallies import COUNTERS, smaller
from consult.extensions import db
from consult.processes.models import Process

STATES = {"1": State.published, "0": State.pending, "-1": State.hidden}
VOTES = {"1": ReactionKind.agree, "-1": ReactionKind.disagree, "0": ReactionKind.unsure}
#: Rows sent to the database at once.
_CHUNK = 2000
#: Milliseconds; an earlier or later moment is no timestamp of Polis (2012 to 2100).
_SPAN = (1_325_376_000_000, 4_102_444_800_000)


@dataclass
class Export:
    """What the files say, as far as it could be read."""

    conversation: str
    comments: list[dict[str, Any]] = field(default_factory=list)
    #: (comment, voter) -> (vote, moment), the last one of each.
    votes: dict[tuple[int, int], tuple[str, datetime]] = field(default_factory=dict)
    #: Votes of the people who ran it, and votes that a later one replaced.
    not_counted: int = 0
    replaced: int = 0
    #: One sentence per row that was left out.
    bad: list[str] = field(default_factory=list)


@dataclass
class Imported:
    """What an import added."""

    contributions: int = 0
    persons: int = 0
    reactions: int = 0
    #: Contributions whose counts differ from the tallies in the export.
    differing: int = 0
    export: Export = field(default_factory=lambda: Export(""))


def read(folder: Path) -> Export:
    """The export in `folder`. Raises FileNotFoundError without comments.csv or votes.csv; bad rows are named."""
    export = Export(_conversation(folder))
    known: set[int] = set()
    for place, row in _rows(folder / "comments.csv"):
        comment = _comment(row)
        if isinstance(comment, str):
            export.bad.append(f"{place}: {comment}")
        elif comment["id"] in known:
            export.bad.append(f"{place}: comment {comment['id']} was there before")
        else:
            known.add(comment["id"])
            export.comments.append(comment)
    export.comments.sort(key=lambda comment: (comment["at"], comment["id"]))
    for place, row in _rows(folder / "votes.csv"):
        _add_vote(export, known, place, row)
    return export


def _conversation(folder: Path) -> str:
    """What tells this conversation from others: the end of its address, or the folder's name."""
    summary = folder / "summary.csv"
    if summary.is_file():
        with summary.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.reader(lines):
                if len(row) > 1 and row[0] == "url" and row[1].strip():
                    return row[1].rstrip("/").rsplit("/", 1)[-1][:60]
    return folder.resolve().name[:60]


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        for row in reader:
            yield f"{path.name} line {reader.line_num}", row


def _number(value: str | None) -> int | None:
    text = (value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _moment(value: str | None) -> datetime | None:
    text = (value or "").strip()
    if not (text.isascii() and text.isdigit() and _SPAN[0] <= int(text[:15]) < _SPAN[1]):
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def _comment(row: dict[str, str]) -> dict[str, Any] | str:
    """The row as we use it, or what is wrong with it."""
    ident, author, at = _number(row.get("comment-id")), _number(row.get("author-id")), _moment(row.get("timestamp"))
    state, body = STATES.get((row.get("moderated") or "").strip()), (row.get("comment-body") or "").strip()
    if ident is None or author is None:
        return "comment-id or author-id is not a number"
    if at is None:
        return "the timestamp cannot be read"
    if state is None:
        return f"moderated is {row.get('moderated')!r}, not 1, 0 or -1"
    if not body or len(body) > MAX_LENGTH:
        return f"the text has {len(body)} characters, 1 to {MAX_LENGTH} are possible"
    tallies = (_number(row.get("agrees")), _number(row.get("disagrees")))
    return {"id": ident, "author": author, "at": at, "state": state, "body": body, "tallies": tallies}


def _add_vote(export: Export, known: set[int], place: str, row: dict[str, str]) -> None:
    comment, voter, at = _number(row.get("comment-id")), _number(row.get("voter-id")), _moment(row.get("timestamp"))
    vote = (row.get("vote") or "").strip()
    if comment is None or voter is None or at is None or vote not in VOTES:
        export.bad.append(f"{place}: not a vote")
    elif comment not in known:
        export.bad.append(f"{place}: there is no comment {comment}")
    elif voter == 0:
        export.not_counted += 1
    else:
        earlier = export.votes.get((comment, voter))
        export.replaced += earlier is not None
        if earlier is None or at >= earlier[1]:
            export.votes[comment, voter] = (vote, at)


def bring_in(
    export: Export,
    process: Process,
    *,
    actor: Person,
    lang: str = "de",
    rejected_wait: bool = False,
    tell: Callable[[str], object] = lambda _line: None,
) -> Imported:
    """Add what is not there yet; a second time adds nothing.

    Rejected comments are held back with the reason that says so; with `rejected_wait` they wait for moderation here.
    `tell` hears how far it is.
    """
    done = Imported(export=export)
    people = _people(export, done)
    tell(f"{len(people)} participants")
    contributions = _comments(export, process, actor, people, lang, rejected_wait, done)
    tell(f"{len(contributions)} comments")
    _votes(export, contributions, people, done, tell)
    done.differing = _count(export, contributions)
    if done.contributions or done.reactions or done.persons:
        record(Action.contributions_imported, actor.id, process, process_id=process.id,
               contributions=done.contributions, reactions=done.reactions, persons=done.persons)  # fmt: skip
    db.session.flush()
    return done


def _key(export: Export, ident: int) -> str:
    return f"polis:{export.conversation}:{ident}"


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def _people(export: Export, done: Imported) -> dict[int, int]:
    """Participant -> id of the person, without address, known by number only."""
    wanted = {comment["author"] for comment in export.comments} | {voter for _comment, voter in export.votes}
    wanted.discard(0)
    prefix = _key(export, 0)[:-1]
    known: dict[str, int] = {
        key: ident
        for key, ident in db.session.execute(
            select(Person.import_key, Person.id).where(Person.import_key.startswith(prefix, autoescape=True))
        )
        if key is not None
    }
    missing = sorted(number for number in wanted if _key(export, number) not in known)
    now = clock.now()
    for chunk in _chunks(missing):
        db.session.execute(
            insert(Person),
            [{"name": _("Participant %(number)s", number=number), "import_key": _key(export, number),
              "created_at": now} for number in chunk],
        )  # fmt: skip
    done.persons = len(missing)
    rows = db.session.execute(
        select(Person.import_key, Person.id).where(Person.import_key.startswith(prefix, autoescape=True))
    )
    by_key = dict(rows.all())
    return {number: by_key[_key(export, number)] for number in wanted}


def _comments(
    export: Export,
    process: Process,
    actor: Person,
    people: dict[int, int],
    lang: str,
    rejected_wait: bool,
    done: Imported,
) -> dict[int, int]:
    """Comment -> id of the contribution; those that are new get their numbers in the order in which they came."""
    rows = db.session.execute(
        select(Contribution.import_key, Contribution.id).where(
            Contribution.process_id == process.id, Contribution.import_key.is_not(None)
        )
    )
    known = dict(rows.all())
    found: dict[int, int] = {}
    reason: ModerationReason | None = None
    for comment in export.comments:
        key = _key(export, comment["id"])
        if key in known:
            found[comment["id"]] = known[key]
            continue
        rejected = comment["state"] == State.hidden
        state = State.pending if rejected and rejected_wait else comment["state"]
        contribution = capture(
            process,
            actor=actor,
            text=comment["body"],
            stance=None,
            created_at=comment["at"],
            kind=Kind.comment,
            channel=Channel.elsewhere,
            lang=lang,
            author_name="" if comment["author"] else _("Organisers"),
            author_id=people.get(comment["author"]),
            state=state,
            source=f"Polis {export.conversation}, {comment['id']}",
        )
        contribution.import_key = key
        if state == State.hidden:
            reason = reason or _rejected_there(process)
            db.session.add(
                ModerationAct(
                    contribution_id=contribution.id, kind=ModerationKind.hide, reason_id=reason.id,
                    state_before=State.pending, state_after=State.hidden, actor_id=actor.id, created_at=clock.now(),
                )
            )  # fmt: skip
        found[comment["id"]] = contribution.id
        done.contributions += 1
    db.session.flush()
    return found


def _rejected_there(process: Process) -> ModerationReason:
    """The reason shown for what was rejected before it came here; moderators are not offered it."""
    reason = db.session.scalar(
        select(ModerationReason).where(ModerationReason.process_id == process.id, ModerationReason.key == "import")
    )
    if reason is None:
        reason = ModerationReason(
            process_id=process.id, key="import", text=_("Rejected in the original consultation"),
            retired_at=clock.now(),
        )  # fmt: skip
        db.session.add(reason)
        db.session.flush()
    return reason


def _votes(
    export: Export,
    contributions: dict[int, int],
    people: dict[int, int],
    done: Imported,
    tell: Callable[[str], object],
) -> None:
    ids = list(contributions.values())
    known: set[tuple[int, int]] = set()
    for chunk in _chunks(ids):
        known |= {
            (contribution, person)
            for contribution, person in db.session.execute(
                select(Reaction.contribution_id, Reaction.person_id).where(Reaction.contribution_id.in_(chunk))
            )
        }
    rows = [
        {"contribution_id": contributions[comment], "person_id": people[voter], "kind": VOTES[vote], "created_at": at}
        for (comment, voter), (vote, at) in export.votes.items()
        if (contributions[comment], people[voter]) not in known
    ]
    for chunk in _chunks(rows):
        db.session.execute(insert(Reaction), list(chunk))
        done.reactions += len(chunk)
        tell(f"{done.reactions} votes")


def _count(export: Export, contributions: dict[int, int]) -> int:
    """Set the counters from the reactions; returns how many differ from the tallies in the export."""
    ids = list(contributions.values())
    for chunk in _chunks(ids):
        counted = {
            counter.key: select(func.count())
            .where(Reaction.contribution_id == Contribution.id, Reaction.kind == kind)
            .correlate(Contribution)
            .scalar_subquery()
            for kind, counter in COUNTERS.items()
        }
        counted["contested"] = smaller(counted["agrees"], counted["disagrees"])
        db.session.execute(
            update(Contribution)
            .where(Contribution.id.in_(chunk))
            .values(counted)
            .execution_options(synchronize_session=False)
        )
    db.session.expire_all()
    now: dict[int, tuple[int | None, int | None]] = {}
    for chunk in _chunks(ids):
        for ident, agrees, disagrees in db.session.execute(
            select(Contribution.id, Contribution.agrees, Contribution.disagrees).where(Contribution.id.in_(chunk))
        ):
            now[ident] = (agrees, disagrees)
    return sum(now[contributions[comment["id"]]] != comment["tallies"] for comment in export.comments)
