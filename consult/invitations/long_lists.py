"""Long lists of people: kept as they came, read by the worker, looked at, then taken into the audience step by step.

    arrived -> read -> taking -> taken        (refused: no list, or the mailing is no draft any more)

`run` is a door: it commits after each step. It may run twice and at once: the row of the list is locked for each.
"""

import io
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select, update

from consult import clock
from consult.accounts.affiliations import Source, affiliate_many
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.html import clean_line
from consult.i18n import in_language
from consult.invitations import campaigns, lists
from consult.invitations.lists import Parsed, Row
from consult.invitations.models import Campaign, CampaignState, ListState, PeopleList
from consult.invitations.operations import organisations_named, persons_for
from consult.jobs import Job, enqueue

#: So many lines are read while somebody waits; more are the worker's.
AT_ONCE = 1000
#: An Excel file of so many bytes may hold that many lines.
EXCEL_AT_ONCE = 40 * 1024
#: What one list may weigh.
MAX_BYTES = 4 * 1024 * 1024
#: What was pasted begins with this, so that it is not taken for a file.
_PASTED = b"\x00pasted\n"
#: People between two commits: others see the progress.
STEP = 500
#: Lines that cannot be used and organisations nobody knows, kept with the list to be looked at.
SHOWN = 100
#: A list nobody works on for so long was left behind by a worker that died.
PATIENCE = timedelta(seconds=60)
#: Steps at which the worker has something to do.
MOVING = (ListState.arrived, ListState.taking)
#: Those somebody still has to do with.
OPEN = (*MOVING, ListState.read, ListState.refused)


@dataclass(frozen=True)
class Report:
    """What was found in a list."""

    people: int = 0
    letters: int = 0
    doubles: int = 0
    #: How many lines cannot be used for which reason, and the first of them.
    bad: dict[str, int] = field(default_factory=dict)
    lines: list[tuple[int, str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    #: Why the whole list was refused.
    refused: str = ""


def is_long(text: str, file: Any = None) -> bool:
    """Whether reading and taking this takes longer than somebody should wait. Leaves the file at its beginning."""
    number = text.count("\n")
    if file is not None:
        content = file.read()
        file.seek(0)
        if content[:2] == b"PK":
            return number >= AT_ONCE or len(content) > EXCEL_AT_ONCE
        number += content.count(b"\n")
    return number >= AT_ONCE


def pasted(text: str) -> bytes:
    """A pasted list as `send_in` takes it."""
    return _PASTED + text.encode()


def _parse(content: bytes) -> Parsed:
    """Raises `Refused` for a file that is no list."""
    if content.startswith(_PASTED):
        return lists.parse_text(content.removeprefix(_PASTED).decode())
    return lists.parse_file(io.BytesIO(content))


def send_in(campaign: Campaign, content: bytes, title: str, actor: Person) -> PeopleList:
    """Keep a list for the worker. Raises `Refused` when it is too large, or the mailing is no draft any more."""
    if campaign.state != CampaignState.draft:
        raise Refused(_("This mailing is on its way already and can no longer be changed."))
    if len(content) > MAX_BYTES:
        raise Refused(_("This list is too large. Please send it in parts."))
    sent = PeopleList(
        campaign_id=campaign.id, title=clean_line(title)[:100], content=content, created_by_id=actor.id,
        state=ListState.arrived,
    )  # fmt: skip
    db.session.add(sent)
    db.session.flush()
    record(Action.list_arrived, actor.id, sent, process_id=campaign.process_id, campaign_id=campaign.id)
    enqueue(db.session, Job.people_list, sent.id)
    return sent


def take(sent: PeopleList, actor: Person) -> None:
    """Take the usable lines into the audience; the worker does it. Pressed twice it happens once."""
    done = db.session.execute(
        update(PeopleList)
        .where(PeopleList.id == sent.id, PeopleList.state == ListState.read, PeopleList.total > 0)
        .values(state=ListState.taking, done=0, created_by_id=actor.id)
    )
    if done.rowcount:  # type: ignore[attr-defined]  # a DML result has it
        record(
            Action.list_taken, actor.id, sent, process_id=_process_of(sent), campaign_id=sent.campaign_id,
            people=sent.total,
        )  # fmt: skip
        enqueue(db.session, Job.people_list, sent.id)


def discard(sent: PeopleList, actor: Person) -> None:
    """Forget the list. Raises `Refused` while its people are being taken."""
    if sent.state == ListState.taking:
        raise Refused(_("The people are being taken into the mailing just now. Please wait until that is done."))
    record(Action.list_discarded, actor.id, sent, process_id=_process_of(sent), campaign_id=sent.campaign_id)
    db.session.delete(sent)


def _process_of(sent: PeopleList) -> int:
    return db.session.get_one(Campaign, sent.campaign_id).process_id


def report_of(sent: PeopleList) -> Report:
    stored = json.loads(sent.report) if sent.report else {}
    stored["lines"] = [tuple(line) for line in stored.get("lines", [])]
    return Report(**stored)


def of_campaign(campaign_id: int) -> list[PeopleList]:
    """Lists somebody still has to do with, the newest first, without what is in them."""
    return list(
        db.session.scalars(
            select(PeopleList)
            .where(PeopleList.campaign_id == campaign_id, PeopleList.state.in_(OPEN))
            .order_by(PeopleList.id.desc())
            .limit(20)
        )
    )


def run(list_id: int, now: datetime | None = None) -> None:
    """Do what is to be done with a list, step by step. Commits."""
    with in_language(current_app.config["BABEL_DEFAULT_LOCALE"]):
        sent = _locked(list_id)
        if sent is None or sent.content is None or sent.state not in MOVING:
            db.session.commit()
            return
        content, state = sent.content, sent.state
        # Reading takes a moment and needs no lock.
        db.session.commit()
        try:
            parsed = _parse(content)
        except Refused as refusal:
            _refuse(list_id, refusal.message)
            return
        if state == ListState.arrived:
            _note(list_id, parsed)
            return
        while _step(list_id, parsed, now or clock.now()):
            pass


def _locked(list_id: int) -> PeopleList | None:
    statement = select(PeopleList).where(PeopleList.id == list_id).with_for_update()
    return db.session.scalars(statement, execution_options={"populate_existing": True}).first()


def _refuse(list_id: int, why: str) -> None:
    sent = _locked(list_id)
    if sent is not None and sent.state in MOVING:
        sent.state, sent.report, sent.content = ListState.refused, _dump(Report(refused=why)), None
    db.session.commit()


def _dump(report: Report) -> str:
    return json.dumps(vars(report), ensure_ascii=False)


def _note(list_id: int, parsed: Parsed) -> None:
    """Write down what would become of the list; nothing else is written."""
    known = organisations_named(row.organisation for row in parsed.rows)
    unknown = sorted({row.organisation for row in parsed.rows if row.organisation and row.organisation not in known})
    report = Report(
        people=len(parsed.rows),
        letters=sum(row.by_letter for row in parsed.rows),
        doubles=len(parsed.doubles),
        bad=dict(Counter(str(bad.reason) for bad in parsed.bad)),
        lines=[(bad.number, bad.text[:120], str(bad.reason)) for bad in parsed.bad[:SHOWN]],
        unknown=unknown[:SHOWN],
    )
    sent = _locked(list_id)
    if sent is not None and sent.state == ListState.arrived:
        sent.state, sent.report, sent.total = ListState.read, _dump(report), len(parsed.rows)
    db.session.commit()


def _step(list_id: int, parsed: Parsed, now: datetime) -> bool:
    """Make the next people known, or, when all are, take them into the audience; returns whether more is to do."""
    sent = _locked(list_id)
    if sent is None or sent.state != ListState.taking:
        db.session.rollback()
        return False
    rows = parsed.rows[sent.done : sent.done + STEP]
    if rows:
        persons = persons_for(rows, current_app.config["BABEL_DEFAULT_LOCALE"], now)
        known = organisations_named(row.organisation for row in rows)
        affiliate_many(((persons[row.key], known.get(row.organisation), "") for row in rows), Source.list, now)
        sent.done += len(rows)
        db.session.commit()
        return True
    campaign, actor = db.session.get_one(Campaign, sent.campaign_id), db.session.get(Person, sent.created_by_id or 0)
    try:
        if actor is None:
            raise Refused(_("This mailing is on its way already and can no longer be changed."))
        campaigns.add_list(campaign, parsed.rows, sent.title, actor, now)
    except Refused as refusal:
        db.session.rollback()
        _refuse(list_id, refusal.message)
        return False
    sent.state, sent.content = ListState.taken, None
    db.session.commit()
    return False


def forget(person: Person) -> None:
    """Take somebody out of every list that is not taken yet; the worker reads what is left anew. Flushes at most."""
    address, postal = person.email or "", lists.postal_lines(person.postal_address or "")
    if not address and not postal:
        return
    key = Row(0, person.name, address, postal=postal).key
    waiting = select(PeopleList).where(
        PeopleList.content.is_not(None), PeopleList.state.in_((ListState.arrived, ListState.read))
    )
    for sent in db.session.scalars(waiting.order_by(PeopleList.id).with_for_update()).all():
        try:
            found = _parse(sent.content or b"")
        except Refused:
            continue
        kept = Parsed(
            [row for row in found.rows if row.key != key],
            [bad for bad in found.bad if not address or address not in bad.text.casefold()],
            [row for row in found.doubles if row.key != key],
        )
        if kept == found:
            continue
        sent.content, sent.state = pasted(lists.as_lines(kept)), ListState.arrived
        sent.report, sent.total = "", 0
        enqueue(db.session, Job.people_list, sent.id)


def poke(now: datetime) -> int:
    """Lists that wait for the worker longer than they should are poked again. Flushes nothing; the tick commits."""
    waiting = db.session.scalars(
        select(PeopleList.id).where(
            PeopleList.state.in_(MOVING), PeopleList.created_at < now - PATIENCE, PeopleList.content.is_not(None)
        )
    ).all()
    for ident in waiting:
        enqueue(db.session, Job.people_list, ident)
    return len(waiting)


def bad_lines(sent: PeopleList) -> Parsed:
    """The lines that cannot be used, all of them. Raises `Refused` for what is no list."""
    return _parse(sent.content or b"")
