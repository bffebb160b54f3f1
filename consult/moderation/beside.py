"""What stands beside a contribution on the desk: earlier decisions, remarks, reports, rules, and its author's record.

One statement for everything that happened to the contributions of a page, one for their authors.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import String, Text, and_, cast, func, null, select, union_all

from consult.accounts.models import Person
from consult.contributions.models import (
    AuthorTrust,
    Contribution,
    ModerationAct,
    ModerationKind,
    ModerationReason,
    RuleEffect,
    RuleHit,
    ScreeningRule,
    State,
)
from consult.contributions.sentences import sentence_of
from consult.contributions.words import decision_name
from consult.extensions import db
from consult.moderation.models import Gathered, ModeratorNote, Report


@dataclass(frozen=True)
class EarlierAct:
    """A decision taken before, or its undoing."""

    kind: str
    decision: str
    reason: str
    note: str
    moderator: str
    at: datetime


@dataclass(frozen=True)
class Remark:
    """A private note among the moderators."""

    body: str
    author: str
    at: datetime


@dataclass(frozen=True)
class OpenReport:
    """What somebody reported, without who did."""

    id: int
    reason: str
    note: str
    at: datetime


@dataclass
class Past:
    """Everything that happened to one contribution on the desk, oldest first."""

    acts: list[EarlierAct] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
    reports: list[OpenReport] = field(default_factory=list)
    #: Why it waits or was pointed out, each rule as a sentence.
    rules: list[str] = field(default_factory=list)
    pointed_out: bool = False
    #: Numbers of those gathered under it.
    members: list[int] = field(default_factory=list)

    def looked_at(self, edited_at: datetime | None) -> bool:
        """Whether a decision stands that is newer than the text."""
        if not self.acts or self.acts[-1].kind == ModerationKind.undo:
            return False
        return edited_at is None or self.acts[-1].at >= edited_at

    @property
    def held_back(self) -> EarlierAct | None:
        """The last holding back, if there was one."""
        return next((act for act in reversed(self.acts) if act.kind == ModerationKind.hide), None)


_NONE = cast(null(), String)


def past_of(ids: Sequence[int]) -> dict[int, Past]:
    """What happened to each of these contributions. One statement."""
    if not ids:
        return {}
    acts = (
        select(
            cast("act", String).label("what"),
            ModerationAct.id,
            ModerationAct.contribution_id,
            ModerationAct.created_at.label("at"),
            ModerationAct.kind,
            ModerationAct.state_before,
            ModerationAct.state_after,
            ModerationReason.text.label("reason"),
            ModerationAct.note,
            Person.name,
        )
        .join(Person, Person.id == ModerationAct.actor_id)
        .outerjoin(ModerationReason, ModerationReason.id == ModerationAct.reason_id)
        .where(ModerationAct.contribution_id.in_(ids))
    )
    notes = (
        select(
            cast("note", String),
            ModeratorNote.id,
            ModeratorNote.contribution_id,
            ModeratorNote.created_at,
            *(_NONE,) * 4,
            ModeratorNote.body,
            Person.name,
        )
        .join(Person, Person.id == ModeratorNote.author_id)
        .where(ModeratorNote.contribution_id.in_(ids))
    )
    reports = (
        select(
            cast("report", String),
            Report.id,
            Report.contribution_id,
            Report.created_at,
            *(_NONE,) * 3,
            ModerationReason.text,
            Report.note,
            _NONE,
        )
        .outerjoin(ModerationReason, ModerationReason.id == Report.reason_id)
        .where(Report.contribution_id.in_(ids), Report.closed_at.is_(None))
    )
    hits = (
        select(
            cast("rule", String),
            ScreeningRule.id,
            RuleHit.contribution_id,
            ScreeningRule.created_at,
            ScreeningRule.effect,
            *(_NONE,) * 3,
            cast(ScreeningRule.conditions, Text),
            _NONE,
        )
        .join(ScreeningRule, ScreeningRule.id == RuleHit.rule_id)
        .where(RuleHit.contribution_id.in_(ids))
    )
    members = (
        select(cast("member", String), Contribution.number, Gathered.head_id, Gathered.created_at, *(_NONE,) * 6)
        .join(Contribution, Contribution.id == Gathered.contribution_id)
        .where(Gathered.head_id.in_(ids))
    )
    both = union_all(acts, notes, reports, hits, members).subquery()
    found: dict[int, Past] = {}
    for row in db.session.execute(select(both).order_by(both.c.what, both.c.id)):
        past = found.setdefault(row.contribution_id, Past())
        if row.what == "act":
            decision = decision_name(row.kind, row.state_before, row.state_after)
            past.acts.append(EarlierAct(row.kind, decision, row.reason or "", row.note, row.name or "", row.at))
        elif row.what == "note":
            past.notes.append(Remark(row.note, row.name or "", row.at))
        elif row.what == "report":
            past.reports.append(OpenReport(row.id, row.reason or "", row.note, row.at))
        elif row.what == "member":
            past.members.append(row.id)
        else:
            past.rules.append(sentence_of(json.loads(row.note), row.kind))
            past.pointed_out = past.pointed_out or row.kind == RuleEffect.point_out
    return found


@dataclass(frozen=True)
class Author:
    """How the author stands in the process."""

    published: int = 0
    held_back: int = 0
    #: Trusted, watched, or None: what the moderators decided about what this author writes.
    level: str | None = None


def authors_of(process_id: int, author_ids: set[int]) -> dict[int, Author]:
    """How many contributions of each author are published and held back here, and who is trusted. One statement."""
    if not author_ids:
        return {}
    found = db.session.execute(
        select(
            Person.id,
            func.count(Contribution.id).filter(Contribution.state == State.published).label("published"),
            func.count(Contribution.id).filter(Contribution.state == State.hidden).label("held_back"),
            func.max(AuthorTrust.level).label("level"),
        )
        .outerjoin(
            Contribution,
            and_(
                Contribution.author_id == Person.id,
                Contribution.process_id == process_id,
                Contribution.state.in_((State.published, State.hidden)),
            ),
        )
        .outerjoin(AuthorTrust, and_(AuthorTrust.person_id == Person.id, AuthorTrust.process_id == process_id))
        .where(Person.id.in_(author_ids))
        .group_by(Person.id)
    )
    return {row.id: Author(row.published, row.held_back, row.level) for row in found}
