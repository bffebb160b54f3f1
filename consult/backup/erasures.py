"""Who and what was erased, and who wants no more mails, kept in a file beside the database: an old backup must not
bring anybody back, nor write to somebody who said no since.

The file holds moments, kinds and ids, nothing about people. The worker's clock writes it within a minute; it only
ever grows, so that restoring an older database does not shorten it.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.audit.operations import record
from consult.contributions import tallies
from consult.contributions.models import Contribution, State
from consult.contributions.operations import set_state
from consult.errors import Refused
from consult.extensions import db
from consult.invitations.models import Subscription, SubscriptionState
from consult.moderation import erasing
from consult.newsletters import subscribing
from consult.personal import erase
from consult.weighing import stopping

NAME = "erased.txt"
#: An erasure may have begun before a backup and ended after it.
MARGIN = timedelta(minutes=10)
_KINDS = {Action.account_erased.value: "person", Action.contribution_erased.value: "contribution"}
_OFF, _ON = "-off", "-on"
_NEWSLETTER = "newsletter"
_STOPS = (Action.newsletter_ended.value, Action.mails_turned_off.value)
_WISHES = (Action.newsletter_subscribed.value, Action.mails_turned_on.value)


@dataclass
class Repeated:
    """What was done again, and what could not be done."""

    erased: int = 0
    stopped: int = 0
    problems: list[str] = field(default_factory=list)


def path() -> Path:
    """The file of this instance."""
    return Path(current_app.config["DATA_DIR"]) / NAME


def read(file: Path) -> set[str]:
    """Its lines, "2026-11-22T10:00:00+00:00 person 12"; none when there is no such file."""
    return set(file.read_text().split("\n")) - {""} if file.exists() else set()


def stored() -> set[str]:
    """The same, as the database knows it. Wishes for mails stand there only of those who had said no once."""
    shown = (AuditEntry.at, AuditEntry.action, AuditEntry.subject_id, AuditEntry.facts)
    rows = list(db.session.execute(select(*shown).where(AuditEntry.action.in_((*_KINDS, *_STOPS)))))
    stop = aliased(AuditEntry)
    same = and_(stop.subject_type == AuditEntry.subject_type, stop.subject_id == AuditEntry.subject_id)
    # Few stops to many subscribers: the wishes are looked up from the stops.
    again = select(AuditEntry.id).join(stop, same).where(stop.action.in_(_STOPS), AuditEntry.action.in_(_WISHES))
    rows += db.session.execute(select(*shown).where(AuditEntry.id.in_(again)))
    return {
        f"{at.isoformat()} {kind} {ident}" for at, action, ident, facts in rows for kind in _kinds_of(action, facts)
    }


def _kinds_of(action: str, facts: dict[str, list[str]]) -> Iterable[str]:
    """The words by which the file calls an entry; a form turns several switches at once."""
    if action in _KINDS:
        return [_KINDS[action]]
    ending = _OFF if action in _STOPS else _ON
    named = facts["fields"] if action in (Action.mails_turned_off, Action.mails_turned_on) else [_NEWSLETTER]
    return [name + ending for name in named]


def note(file: Path | None = None) -> int:
    """Add to the file what it does not know yet; returns how many lines that were."""
    file = file or path()
    known = read(file)
    new = stored() - known
    if new:
        partial = file.with_suffix(f".{os.getpid()}.part")
        partial.write_text("".join(f"{line}\n" for line in sorted(known | new)))
        partial.replace(file)
    return len(new)


def replay(lines: set[str], known: set[str], taken_at: datetime, now: datetime) -> Repeated:
    """Do again what happened after the backup of `taken_at`, which knows the lines `known`.

    Whom and what was erased is erased; what somebody turned off is turned off, unless they turned it on again later.
    Lines from before say nothing here: after an earlier restore their numbers may belong to somebody else.
    """
    done = Repeated()
    wishes: dict[tuple[str, int], tuple[datetime, bool, bool]] = {}
    for line in sorted(lines | known):
        told, kind, number = line.split()
        at, ident = datetime.fromisoformat(told), int(number)
        if at < taken_at - MARGIN:
            continue
        if kind.endswith((_OFF, _ON)):
            # The lines are in the order of their moments: the last one counts.
            wishes[kind.rpartition("-")[0], ident] = at, kind.endswith(_OFF), line in known
        elif line in known:
            continue
        elif kind == "contribution":
            done.erased += _erase_words(ident)
        elif kind == "person":
            _erase_person(ident, at, now, done)
        else:
            done.problems.append(f"{line}: this version does not know what that is")
        db.session.flush()
    for (what, ident), (at, is_off, is_known) in sorted(wishes.items()):
        if is_off and not is_known:
            done.stopped += _end_newsletter(ident, at, now) if what == _NEWSLETTER else _turn_off(what, ident, at)
    db.session.flush()
    return done


def _erase_person(person_id: int, at: datetime, now: datetime, done: Repeated) -> None:
    person = db.session.get(Person, person_id)
    if person is None or person.erased_at is not None or person.created_at > at:
        return
    try:
        erase(person, person, now)
    except Refused as refusal:
        done.problems.append(f"person {person_id}: {refusal}")
    else:
        done.erased += 1


def _erase_words(contribution_id: int) -> bool:
    """Blank a contribution whose words two moderators had erased after the backup was taken; whether it was there."""
    contribution = db.session.get(Contribution, contribution_id)
    if contribution is None or erasing.is_erased(contribution):
        return False
    before = contribution.state
    set_state(contribution, before, State.hidden)
    erasing.blank(contribution)
    tallies.move(contribution, before, State.hidden)
    record(Action.erasure_repeated, None, contribution, process_id=contribution.process_id)
    return True


def _end_newsletter(subscription_id: int, at: datetime, now: datetime) -> bool:
    """End a subscription that was ended after the backup was taken; whether it still ran."""
    subscription = db.session.get(Subscription, subscription_id)
    if subscription is None or subscription.created_at > at or subscription.state == SubscriptionState.ended:
        return False
    subscribing.end(subscription, now)
    return True


def _turn_off(name: str, person_id: int, at: datetime) -> bool:
    """Turn off the switch that somebody had turned off after the backup was taken; whether it was on."""
    person = db.session.get(Person, person_id)
    if name not in stopping.FIELDS.values() or person is None or person.erased_at is not None or person.created_at > at:
        return False
    return stopping.turn(person, **{name: False})
