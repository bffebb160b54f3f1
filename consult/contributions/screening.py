"""Rules of arrival that read as sentences: "If it contains a link and the author is new, then it waits."

What a rule looks at is the text and how its author stands in the process; nothing is guessed. All patterns are linear:
they begin only at a sign that texts have few of, or look a bounded number of signs ahead.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock
from consult.accounts.models import Person
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.models import (
    Contribution,
    ContributionText,
    RuleEffect,
    RuleHit,
    ScreeningRule,
    State,
    TrustLevel,
)
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Moderation, Process

#: Words and languages one rule may name, signs of a word, and rules of one process.
WORDS, LETTERS, RULES = 200, 60, 30
#: How many of the last published contributions a rule is tried on.
TRIED = 500

_LINK = re.compile(
    r"https?://\S|\bwww\.\w|\.(?:com|net|org|info|biz|eu|de|at|ch|io|ly|me|shop|online|xyz|ru|tk|link|site)\b(?![.@-]\w)",
    re.IGNORECASE,
)
_MAIL = re.compile(r"(?<=[\w.+-])@[\w-]{1,63}\.\w")
_DAY = re.compile(r"\b\d{1,2}\.[ \u00a0]?\d{1,2}\.[ \u00a0]?(?:\d{4}|\d{2})\b")
_TELEPHONE = re.compile(r"(?<![\w.,+])(?:\+\d|\(?0\d)[\d \u00a0/()\u2013.-]{4,24}")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Arriving:
    """What rules look at."""

    text: str
    lang: str
    #: Somebody with an account, else None.
    author_id: int | None
    process_id: int


def has_link(text: str) -> bool:
    """An address of a web page, with or without what stands before it."""
    return _LINK.search(text) is not None


def has_contact(text: str) -> bool:
    """An e-mail address or a telephone number: plus or nought, and at least seven digits."""
    if _MAIL.search(text):
        return True
    return any(
        sum(sign.isdecimal() for sign in found.group()) >= 7 for found in _TELEPHONE.finditer(_DAY.sub(" ", text))
    )


@lru_cache(maxsize=4096)
def _fold_sign(sign: str) -> str:
    return "".join(part for part in unicodedata.normalize("NFD", sign.casefold()) if not unicodedata.combining(part))


def folded(text: str) -> str:
    """Without capital letters and accents: `Straße` is `strasse`, `ÉTÉ` is `ete`.

    Sign by sign: putting long heaps of accents in order, as a whole text would be, takes quadratic time.
    """
    return text.translate({ord(sign): _fold_sign(sign) for sign in set(text)})


def words_in(typed: str) -> list[str]:
    """The words of a list somebody typed, folded, each once; at most `WORDS`."""
    return list(dict.fromkeys(word[:LETTERS] for word in _WORD.findall(folded(typed))))[:WORDS]


def is_new(process_id: int, person_id: int, fewer_than: int) -> bool:
    """Whether somebody has fewer published contributions in the process than this."""
    published = (
        select(Contribution.id)
        .where(
            Contribution.author_id == person_id,
            Contribution.process_id == process_id,
            Contribution.state == State.published,
        )
        .limit(fewer_than)
        .subquery()
    )
    return (db.session.scalar(select(func.count()).select_from(published)) or 0) < fewer_than


def holds(conditions: dict[str, Any], it: Arriving) -> bool:
    """Whether all conditions hold; what needs the database is asked last. A rule without conditions never holds."""
    if not conditions:
        return False
    if "link" in conditions and not has_link(it.text):
        return False
    if "contact" in conditions and not has_contact(it.text):
        return False
    if "no_account" in conditions and it.author_id is not None:
        return False
    if "longer" in conditions and len(it.text) <= int(conditions["longer"]):
        return False
    if "not_langs" in conditions and it.lang in conditions["not_langs"]:
        return False
    if "words" in conditions and not set(_WORD.findall(folded(it.text))) & set(conditions["words"]):
        return False
    if "new_author" in conditions and it.author_id is not None:
        return is_new(it.process_id, it.author_id, int(conditions["new_author"]))
    return True


@dataclass(frozen=True)
class Verdict:
    """In which state something appears, and which rules held."""

    state: State
    rules: tuple[ScreeningRule, ...] = ()


def rules_of(process_id: int) -> list[ScreeningRule]:
    """The rules in force, in their order."""
    return list(
        db.session.scalars(
            select(ScreeningRule)
            .where(ScreeningRule.process_id == process_id, ScreeningRule.retired_at.is_(None))
            .order_by(ScreeningRule.position, ScreeningRule.id)
        )
    )


def state_for(moderation: str, level: str | None) -> State:
    """Pending or published before any rule is asked: the stage says, unless the author is trusted or watched."""
    if level == TrustLevel.watched:
        return State.pending
    if level == TrustLevel.trusted:
        return State.published
    return State.pending if moderation == Moderation.pre else State.published


def judge(it: Arriving, *, moderation: str, level: str | None, has_rules: bool) -> Verdict:
    """Whether it waits or appears. Rules mark the texts of trusted authors too, but do not hold them back."""
    state = state_for(moderation, level)
    if not has_rules:
        return Verdict(state)
    found = tuple(rule for rule in rules_of(it.process_id) if holds(rule.conditions, it))
    if level != TrustLevel.trusted and any(rule.effect == RuleEffect.wait for rule in found):
        state = State.pending
    return Verdict(state, found)


def note_hits(contribution_id: int, rules: Iterable[ScreeningRule]) -> None:
    """Remember for the desk which rules held; those that held before stay."""
    values = [{"contribution_id": contribution_id, "rule_id": rule.id} for rule in rules]
    if values:
        into = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
        db.session.execute(into(RuleHit).on_conflict_do_nothing(), values)


def hits_of(contribution_ids: Sequence[int]) -> dict[int, list[ScreeningRule]]:
    """The rules that held for each of these contributions. One query."""
    if not contribution_ids:
        return {}
    found = db.session.execute(
        select(RuleHit.contribution_id, ScreeningRule)
        .join(ScreeningRule, ScreeningRule.id == RuleHit.rule_id)
        .where(RuleHit.contribution_id.in_(contribution_ids))
        .order_by(ScreeningRule.position, ScreeningRule.id)
    )
    result: dict[int, list[ScreeningRule]] = {}
    for contribution_id, rule in found:
        result.setdefault(contribution_id, []).append(rule)
    return result


def add_rule(process: Process, actor: Person, conditions: dict[str, Any], effect: RuleEffect) -> ScreeningRule:
    """One more rule, for what arrives from now on. Raises `Refused` when there are many."""
    known = rules_of(process.id)
    if len(known) >= RULES:
        raise Refused(_("There are %(number)s rules already. Please retire one first.", number=RULES))
    rule = ScreeningRule(
        process_id=process.id,
        position=max((one.position for one in known), default=0) + 1,
        conditions=conditions,
        effect=effect,
        created_by_id=actor.id,
    )
    db.session.add(rule)
    db.session.flush()
    record(Action.screening_rule_changed, actor.id, rule, process_id=process.id, rule_id=rule.id)
    return rule


def retire_rule(rule: ScreeningRule, actor: Person) -> None:
    """No longer ask it; where it held it stays beside the contribution."""
    if rule.retired_at is None:
        rule.retired_at = clock.now()
        record(Action.screening_rule_changed, actor.id, rule, process_id=rule.process_id, rule_id=rule.id)


@dataclass(frozen=True)
class Trial:
    """What a rule would have done."""

    held: int
    of: int
    #: Numbers of the newest ones it would have held.
    numbers: tuple[int, ...]


def try_out(process: Process, conditions: dict[str, Any]) -> Trial:
    """How many of the last published contributions a rule would have met. Bounded; two queries.

    An author counts as new here by what was published before each contribution.
    """
    found = db.session.execute(
        select(
            Contribution.id,
            Contribution.number,
            Contribution.author_id,
            Contribution.lang,
            ContributionText.body,
        )
        .join(
            ContributionText,
            (ContributionText.contribution_id == Contribution.id)
            & (ContributionText.revision == Contribution.revision),
        )
        .where(Contribution.process_id == process.id, Contribution.state == State.published)
        .order_by(Contribution.created_at.desc(), Contribution.id.desc())
        .limit(TRIED)
    ).all()
    rest = {name: value for name, value in conditions.items() if name != "new_author"}
    fewer = conditions.get("new_author")
    before = _published_before(process.id, {row.id for row in found}, {row.author_id for row in found}) if fewer else {}
    met = [
        row.number
        for row in found
        if (rest or fewer)
        and (not rest or holds(rest, Arriving(row.body or "", row.lang, row.author_id, process.id)))
        and (fewer is None or row.author_id is None or before.get(row.id, 0) < int(fewer))
    ]
    return Trial(len(met), len(found), tuple(met[:10]))


def _published_before(process_id: int, ids: set[int], author_ids: set[int | None]) -> dict[int, int]:
    """For each of these contributions, how many of its author are published that came before it."""
    place = func.row_number().over(partition_by=Contribution.author_id, order_by=Contribution.id) - 1
    counted = (
        select(Contribution.id.label("id"), place.label("before"))
        .where(
            Contribution.process_id == process_id,
            Contribution.state == State.published,
            Contribution.author_id.in_({ident for ident in author_ids if ident is not None}),
        )
        .subquery()
    )
    found = db.session.execute(select(counted.c.id, counted.c.before).where(counted.c.id.in_(ids)))
    return {row.id: row.before for row in found}
