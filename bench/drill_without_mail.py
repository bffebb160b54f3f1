"""A pytest plugin for the drill: one protection less, the one that CONSULT_DRILL_WITHOUT names."""

import contextlib
import dataclasses
import os
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from icalendar.prop import vText
from sqlalchemy import func, select

from consult import clock, errors, limits
from consult.accounts import models, tokens
from consult.audit.models import AuditEntry, AuditSeal
from consult.digests import operations as digests
from consult.digests import queries
from consult.extensions import db
from consult.meetings import room
from consult.outbox import claims, kinds, mailings, mime, rendering, transport
from consult.processes.models import Process

_made, _recipients = rendering.Desk._made, rendering.recipients_of
_refused = transport.NotSent.__init__
_kinds, _claim, _activity, _filled = kinds.all_kinds, digests._claim, queries.activity, kinds.Mail.filled


def _unfenced(desk: Any, claim: claims.Claim) -> Any:
    outcome = _made(desk, claim)
    if isinstance(outcome, claims.Outcome) and outcome.note.startswith("render:"):
        raise RuntimeError(outcome.note)
    return outcome


def _everybody(ids: Iterable[int]) -> dict[int, rendering.Recipient]:
    found = _recipients(ids)
    return {
        ident: dataclasses.replace(one, gone="", paused=False, address=one.address or "erased@example.org")
        for ident, one in found.items()
    }


def _passing(refusal: transport.NotSent, reason: str, permanent: bool = False) -> None:
    _refused(refusal, reason, False)


def _all_wanted() -> dict[str, kinds.Kind]:
    return {name: dataclasses.replace(kind, wanted=lambda message: True) for name, kind in _kinds().items()}


def _claimed_for_good(*given: Any) -> int | None:
    ident = _claim(*given)
    db.session.commit()
    return ident


def _since_yesterday(process: Process, from_seq: int, to_seq: int) -> queries.Activity:
    """A window by time, as everybody writes first."""
    first = db.session.scalar(
        select(func.min(AuditSeal.seq))
        .join(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
        .where(AuditEntry.at >= clock.now() - timedelta(days=1))
    )
    return _activity(process, max(from_seq, (first or 1) - 1), to_seq)


_first: dict[str, str] = {}


def _first_ones(mail: kinds.Mail, text: str, shown: Any = str) -> str:
    """Whoever comes first fills in the words of all, as a cache with too small a key would."""
    return _first.setdefault(f"{text} {shown}", _filled(mail, text, shown))


def changes() -> dict[str, list[tuple[Any, str, object]]]:
    """What is put in the place of what, for each protection."""
    return {
        "message_id": [(mime, "message_id", lambda row: f"<{secrets.token_hex(16)}@consult.test>")],
        "for_good": [(transport.NotSent, "__init__", _passing)],
        "deadline": [(transport, "_deadline", lambda smtp: contextlib.nullcontext())],
        "fence": [(rendering.Desk, "_made", _unfenced)],
        "ask_again": [(rendering, "recipients_of", _everybody), (kinds, "all_kinds", _all_wanted)],
        "holding": [(mailings, name, lambda campaign_id: 0) for name in ("pause_campaign", "stop_campaign")],
        "one_transaction": [(digests, "_claim", _claimed_for_good)],
        "cursor": [(queries, "activity", _since_yesterday)],
        "local_days": [
            (queries, "local_date", lambda process, now: now.date()),
            (queries, "is_time", lambda process, now: now.hour >= 4),
        ],
        "personal": [(kinds.Mail, "filled", _first_ones)],
        "lock": [(room.lock, "__code__", (lambda meeting: None).__code__)],
        "answer_503": [(errors, "database_away", lambda error: False)],
        "ends": [(models.LinkToken, "is_valid", lambda token, now: token.used_at is None)],
        "used_up": [(tokens, "consume", lambda token: True)],
        "purpose": [(tokens.signing, "is_genuine", lambda *given: True)],
        "one_count": [(limits, "_key", lambda name, who, window: secrets.token_hex(32))],
        "escaping": [(vText, "to_ical", lambda text: str(text).encode())],
        "clean_headers": [(mime, "header_text", lambda value, limit=200: value), (mime, "probe", lambda: None)],
    }


def pytest_configure() -> None:
    """Take the protection away before any application is made."""
    for where, name, instead in changes().get(os.environ.get("CONSULT_DRILL_WITHOUT", ""), []):
        setattr(where, name, instead)
