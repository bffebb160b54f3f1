"""Addresses for mails. They come from PUBLIC_URL, never from a request: a worker has none, and Host can be forged."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from consult.i18n import language


def link(endpoint: str, **values: Any) -> str:
    """The full address of a page, in the language of the mail; works in requests, tasks and commands alike."""
    base = urlsplit(current_app.config["PUBLIC_URL"])
    adapter = current_app.url_map.bind(base.netloc, script_name=base.path or "/", url_scheme=base.scheme)
    values.setdefault("lang", language())
    return str(adapter.build(endpoint, values, force_external=True))


def linked(text: str, address: str) -> str:
    """A link in the Markdown of a mail; `text` is ours, or escaped.

    Texts to translate go in as arguments: inside f-strings they are not found for the catalogues.
    """
    return f"[{text}]({address})"
