"""The one place where mail headers and MIME parts are made.

Values from people meet the header parser of Python only after `header_text`: CR LF and encoded words inside a
subject or a name would otherwise become headers of their own (CVE-2024-6923). `probe` tests exactly this builder.
"""

import base64
import binascii
import email
import hmac
import logging
import re
import unicodedata
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import css_inline
from flask import current_app
from markupsafe import Markup, escape

from consult.html import render_markdown
from consult.i18n import direction, language
from consult.outbox import spoken
from consult.outbox.kinds import Attachment, Mail
from consult.signing import keyed_hash

log = logging.getLogger(__name__)

MAX_SUBJECT = 200
MAX_NAME = 100
MAX_HEADER = 900
#: What a mail kind may add besides what every mail has.
OWN_HEADERS = frozenset({"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"})
#: Long addresses must stay in one piece: folded or encoded, one-click unsubscribe breaks.
_UNFOLDED = frozenset(name.lower() for name in OWN_HEADERS) | {"message-id"}


class BadMail(ValueError):
    """A mail that must not be sent as it is: a header nobody allowed, an address that is none."""


class _MailPolicy(EmailPolicy):
    """Folds what people read at 78 characters, and never the headers that machines read."""

    def fold(self, name: str, value: Any) -> str:
        return str(EmailPolicy.fold(self._for(name), name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        return bytes(EmailPolicy.fold_binary(self._for(name), name, value))

    def _for(self, name: str) -> "EmailPolicy[Any]":
        return _LONG_LINES if name.lower() in _UNFOLDED else SMTP


_LONG_LINES = SMTP.clone(max_line_length=998)
POLICY = _MailPolicy(linesep="\r\n")
_inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
_LONELY_LINK = re.compile(r"<p><a (href=[^>]*)>([^<]*)</a></p>")
#: An address as nearly all are; any other takes the long way through the parser of Python.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,."=?]')
_STRONG = re.compile(r"(?<!\\)\*\*(?=\S)(.+?)(?<=[^\s\\])\*\*")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~])")
_LINK = re.compile(r"(?<![\\!])\[((?:[^\[\]\\]|\\.)+)\]\((https?://[^\s()]+)\)")


def header_text(value: str, limit: int = MAX_SUBJECT) -> str:
    """One line without anything that a header parser, or a reader's eye, takes for more than text."""
    if not (value.isascii() and value.isprintable()):
        value = _without_control(value)
    value = " ".join(value.split())
    # An encoded word is decoded by Python's own header parser, line breaks in it included.
    while "=?" in value:
        value = value.replace("=?", "= ?")
    return value[:limit].rstrip()


def _without_control(value: str) -> str:
    value = unicodedata.normalize("NFC", value)
    # Control, format (bidi marks, zero width), surrogate, private and unassigned characters; line separators.
    return "".join(" " if c.isspace() else c for c in value if c.isspace() or unicodedata.category(c)[0] != "C")


def display_name(name: str, spec: str) -> str:
    """The name before an address. Python drops the quotes of a name that it has to fold or encode, and then a comma
    or an @ in it begins another address: such a name loses these characters.
    """
    name = header_text(name, MAX_NAME)
    if name.isascii() and len(name) + len(spec) < 60:
        return name
    return " ".join(_SPECIALS.sub(" ", name).split())


def address(spec: str, name: str = "") -> Address:
    """A mail address for a header. Raises `BadMail` when it is not exactly one plain address."""
    try:
        made = Address(display_name=display_name(name, spec), addr_spec=spec)
        spec.encode("ascii")
    except (ValueError, IndexError, AttributeError, email.errors.HeaderParseError) as error:
        raise BadMail("not a mail address") from error
    if made.addr_spec != spec or not made.username or not made.domain:
        raise BadMail("not a mail address")
    return made


def message_id(row: int) -> str:
    """The same for every attempt to send the same promise, so that mail servers can drop a repetition.

    It begins with the id of the row, proven by a keyed hash: what comes back is found again, nobody can make one up.
    """
    host = urlsplit(current_app.config["PUBLIC_URL"]).hostname or "localhost"
    return f"<{row}.{keyed_hash('message', str(row))[:32]}@{host}>"


_OURS = re.compile(r"<?([1-9][0-9]{0,8})\.([0-9a-f]{32})@")


def row_of(ident: str) -> int | None:
    """The row a Message-ID of ours belongs to; None for any other."""
    found = _OURS.match(ident.strip())
    if found is None or not hmac.compare_digest(keyed_hash("message", found[1])[:32], found[2]):
        return None
    return int(found[1])


@lru_cache(maxsize=16)
def plain_text(body: str) -> str:
    """Markdown as a person reads it in a plain mail: no escaping backslashes, link addresses on show."""

    def shown(found: re.Match[str]) -> str:
        label, url = found.groups()
        return f"<{url}>" if label == url else f"{label}: <{url}>"

    return _ESCAPED.sub(r"\1", _STRONG.sub(r"\1", _LINK.sub(shown, spoken.as_text(body)))).strip() + "\n"


def whole_text(mail: Mail) -> str:
    """The text part without the sentence at its end: all languages the mail is written in."""
    return plain_text(mail.body) + (f"\n* * *\n\n{plain_text(mail.below[1])}" if mail.below else "")


def html_text(mail: Mail, site: Any) -> str:
    """The HTML part: the body in the frame of all mails, its style rules moved into the elements."""
    # Of what all share one rendering is kept; a mail for one person is not kept at all.
    frame = _frame if mail.personal else _frame.__wrapped__
    html = frame(
        mail.body, mail.below, header_text(mail.subject), mail.why, language(), direction(), site.platform_name,
        site.city_name,
    )  # fmt: skip
    return mail.filled(html, shown=escape)


@lru_cache(maxsize=16)
def _frame(
    markdown: str,
    below: tuple[str, str] | None,
    subject: str,
    why: str,
    lang: str,
    towards: str,
    platform: str,
    city: str,
) -> str:
    body = _words(markdown, towards)
    if below is not None:
        other = direction(below[0])
        # Plain text on both sides of the plus: a Markup would escape what stands before it.
        body += f'<hr><div lang="{escape(below[0])}" dir="{other}">{_words(below[1], other)}</div>'
    # What is quoted was written by somebody, in any language and from the other side than the mail.
    body = body.replace("<blockquote>", '<blockquote dir="auto">')
    # Not render_template: what a page's frame shows needs a visitor, and a worker has none.
    html = current_app.jinja_env.get_template("emails/layout.html").render(
        subject=subject,
        body_html=Markup(body),  # noqa: S704  sanitised by render_markdown
        site={"platform_name": platform, "city_name": city},
        why=why,
        lang=lang,
        dir=towards,
    )
    return _inliner.inline(html)


def _words(markdown: str, towards: str) -> str:
    """One language of a mail as HTML; a link on a line of its own becomes a button."""
    html = spoken.as_html(_LONELY_LINK.sub(r'<p><a class="button" \1>\2</a></p>', render_markdown(markdown)))
    # Titles and what organisers wrote are in the city's language: each paragraph finds its direction by itself.
    return html.replace("<p>", '<p dir="auto">') if towards == "rtl" else html


def build(mail: Mail, *, to: str, sender_name: str, reply_to: str, ident: str, now: datetime, site: Any) -> bytes:
    """The whole message to one recipient, in the language of the present context. Raises `BadMail`.

    Headers are made by the policy above. The parts are put together by hand, because the email package takes longer for
    that than for everything else together: their text is encoded so that a boundary cannot occur in it.
    """
    lines = [
        _line("Subject", header_text(mail.filled(mail.subject))),
        _address_line("From", current_app.config["MAIL_FROM"], sender_name),
        _address_line("To", to),
    ]
    try:
        if reply_to:
            lines.append(_address_line("Reply-To", reply_to))
    except BadMail:
        log.warning("the reply address in the instance settings is not usable; mail goes out without it")
    lines += [_line("Auto-Submitted", "auto-generated"), _line("Content-Language", language())]
    lines += [f"Date: {format_datetime(now)}\r\nMessage-ID: {ident}\r\nMIME-Version: 1.0\r\n".encode("ascii")]
    for name, value in mail.headers.items():
        if name not in OWN_HEADERS:
            raise BadMail(f"header {name[:40]!r} is not allowed")
        lines.append(_line(name, header_text(value, MAX_HEADER)))
    return b"".join(lines) + _parts(mail, site, boundary=ident.strip("<>").partition("@")[0])


def _fold(name: str, value: str | Address) -> bytes:
    return bytes(POLICY.fold_binary(name, POLICY.header_store_parse(name, value)[1]))


@lru_cache(maxsize=64)
def _line(name: str, value: str) -> bytes:
    return _fold(name, value)


def _address_line(header: str, spec: str, name: str = "") -> bytes:
    if not name and len(spec) < 200 and _PLAIN_ADDRESS.fullmatch(spec):
        return f"{header}: {spec}\r\n".encode("ascii")
    return _named_line(header, spec, name)


@lru_cache(maxsize=64)
def _named_line(header: str, spec: str, name: str) -> bytes:
    return _fold(header, address(spec, name))


def _quoted(text: str) -> bytes:
    """Quoted-printable: every relay takes it, and no long address is broken by one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return binascii.b2a_qp(text.encode("utf-8", "replace")).replace(b"\n", b"\r\n")


def _part(kind: str, encoding: str, content: bytes, more: str = "") -> bytes:
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n{more}\r\n".encode("ascii") + content


def _multipart(kind: str, boundary: str, parts: list[bytes]) -> bytes:
    inner = b"".join(f"--{boundary}\r\n".encode() + part.removesuffix(b"\r\n") + b"\r\n" for part in parts)
    return (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
        + inner
        + f"--{boundary}--\r\n".encode()
    )


def _parts(mail: Mail, site: Any, boundary: str) -> bytes:
    text = mail.filled(whole_text(mail)) + (f"\n--\n{mail.why}\n" if mail.why else "")
    parts = [
        _part('text/plain; charset="utf-8"', "quoted-printable", _quoted(text)),
        _part('text/html; charset="utf-8"', "quoted-printable", _quoted(html_text(mail, site))),
    ]
    attached = []
    if mail.calendar is not None:
        entry = base64.encodebytes(mail.calendar).replace(b"\n", b"\r\n")
        method = re.sub(r"[^A-Z]", "", mail.calendar_method.upper())
        parts.append(_part(f'text/calendar; charset="utf-8"; method="{method}"', "base64", entry))
        named = 'Content-Disposition: attachment; filename="termin.ics"\r\n'
        attached.append(_part("application/ics", "base64", entry, named))
    attached += [_attached(part) for part in mail.attachments]
    # "=_" occurs in neither encoding.
    body = _multipart("alternative", f"=_a{boundary}", parts)
    return _multipart("mixed", f"=_m{boundary}", [body, *attached]) if attached else body


def _attached(file: Attachment) -> bytes:
    part = EmailMessage(policy=POLICY)
    maintype, _, subtype = file.media_type.partition("/")
    part.set_content(
        file.content, maintype=maintype, subtype=subtype or "octet-stream", disposition="attachment",
        filename=header_text(file.name, MAX_NAME),
    )  # fmt: skip
    del part["MIME-Version"]
    return part.as_bytes()


#: What has got through header builders elsewhere, for the probe; the tests know many more.
_PROBES = (
    "a\r\nBcc: evil@example.org",
    "a\nBcc: evil@example.org",
    "=?utf-8?q?a=0D=0ABcc:_evil@example.org?=",
    "=?utf-8?b?YQ0KQmNjOiBldmlsQGV4YW1wbGUub3Jn?=",
    "=\x00?utf-8?q?a=0D=0ABcc:_evil@example.org?=",
    "a\u2028Bcc: evil@example.org",
    "a, evil@example.org, group: evil@example.org;",
    "a" * 60 + ", evil@example.org",
    "ä, evil@example.org",
)


def probe() -> None:
    """Raise `BadMail` when a hostile subject or name becomes a header or a recipient. Called when a process starts."""
    for payload in _PROBES:
        message = EmailMessage(policy=POLICY)
        message["Subject"] = header_text(payload)
        message["From"] = address("from@example.org", payload)
        message["To"] = address("to@example.org")
        message.set_content("text", cte="quoted-printable")
        parsed = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
        names = {name.lower() for name in parsed.keys()}
        usual = {"subject", "from", "to", "content-type", "content-transfer-encoding", "mime-version"}
        if names != usual or len(parsed["From"].addresses) != 1 or len(parsed["To"].addresses) != 1:
            raise BadMail("Mail headers can be injected with this Python; not starting.")
