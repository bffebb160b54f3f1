"""A pytest plugin for the drill: one protection of the mail less, the one that CONSULT_DRILL_WITHOUT names."""

import contextlib
import dataclasses
import os
import secrets
from collections.abc import Iterable
from typing import Any

from consult import errors
from consult.outbox import delivery, mime, transport

_made, _recipients = delivery._Desk._made, delivery.recipients_of
_refused = transport.NotSent.__init__


def _unfenced(desk: Any, claim: delivery.Claim) -> Any:
    outcome = _made(desk, claim)
    if isinstance(outcome, delivery.Outcome) and outcome.note.startswith("render:"):
        raise RuntimeError(outcome.note)
    return outcome


def _everybody(ids: Iterable[int]) -> dict[int, delivery.Recipient]:
    found = _recipients(ids)
    return {
        ident: dataclasses.replace(one, gone="", paused=False, address=one.address or "erased@example.org")
        for ident, one in found.items()
    }


def _passing(refusal: transport.NotSent, reason: str, permanent: bool = False) -> None:
    _refused(refusal, reason, False)


def pytest_configure() -> None:
    """Take the protection away before any application is made."""
    changes: dict[str, list[tuple[object, str, object]]] = {
        "message_id": [(mime, "message_id", lambda row: f"<{secrets.token_hex(16)}@consult.test>")],
        "for_good": [(transport.NotSent, "__init__", _passing)],
        "deadline": [(transport, "_deadline", lambda smtp: contextlib.nullcontext())],
        "fence": [(delivery._Desk, "_made", _unfenced)],
        "ask_again": [(delivery, "recipients_of", _everybody)],
        "answer_503": [(errors, "database_away", lambda error: False)],
        "clean_headers": [(mime, "header_text", lambda value, limit=200: value), (mime, "probe", lambda: None)],
    }
    for where, name, instead in changes.get(os.environ.get("CONSULT_DRILL_WITHOUT", ""), []):
        setattr(where, name, instead)
