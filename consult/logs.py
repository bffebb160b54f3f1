"""Log lines as JSON, without addresses, tokens or texts."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
#: `id.signature` of personal links, see `consult.signing`.
_LINK = re.compile(r"\b\d+\.[A-Za-z0-9_-]{24}(?![A-Za-z0-9_-])")


def redact_links(value: str) -> str:
    """Take out what looks like the secret part of a personal link."""
    return _LINK.sub("[link]", value)


def redact(value: str) -> str:
    """Take out what looks like a mail address or a personal link."""
    return redact_links(_ADDRESS.sub("[address]", value))


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}


def init_app(app: Flask) -> None:
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redact_event,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    if not any(getattr(existing, "consult", False) for existing in root.handlers):
        handler.consult = True  # type: ignore[attr-defined]  # recognised when a second app is made in one process
        root.addHandler(handler)
    if root.level > logging.INFO or root.level == logging.NOTSET:
        root.setLevel(logging.INFO)
    # SMTP conversations and query parameters hold addresses and texts.
    for name in ("werkzeug", "sqlalchemy.engine", "mail.log"):
        logging.getLogger(name).setLevel(logging.WARNING)
