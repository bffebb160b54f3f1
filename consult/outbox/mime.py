"""The one place where mail headers and MIME parts are made.

Values from people meet the header parser of Python only after `header_text`: CR LF and encoded words inside a
subject or a name would otherwise become headers of their own (CVE-2024-6923). `probe` tests exactly this builder.
"""

import email
import hashlib
import logging
import re
import unicodedata
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import css_inline
from flask import current_app
from markupsafe import Markup

from consult.html import render_markdown
from consult.i18n import direction, language
from consult.outbox.kinds import Mail

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
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,."=?]')
_STRONG = re.compile(r"(?<!\\)\*\*(?=\S)(.+?)(?<=[^\s\\])\*\*")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~])")
_LINK = re.compile(r"(?<![\\!])\[((?:[^\[\]\\]|\\.)+)\]\((https?://[^\s()]+)\)")


def header_text(value: str, limit: int = MAX_SUBJECT) -> str:
    """One line without anything that a header parser, or a reader's eye, takes for more than text."""
    value = unicodedata.normalize("NFC", value)
    # Control, format (bidi marks, zero width), surrogate, private and unassigned characters; line separators.
    value = "".join(" " if c.isspace() else c for c in value if c.isspace() or unicodedata.category(c)[0] != "C")
    value = " ".join(value.split())
    # An encoded word is decoded by Python's own header parser, line breaks in it included.
    while "=?" in value:
        value = value.replace("=?", "= ?")
    return value[:limit].rstrip()


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


def message_id(kind: str, subject_id: int, recipient_id: int, period: str) -> str:
    """The same for every attempt to send the same promise, so that mail servers can drop a repetition."""
    key = f"{kind}|{subject_id}|{recipient_id}|{period}"
    host = urlsplit(current_app.config["PUBLIC_URL"]).hostname or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{host}>"


def plain_text(body: str) -> str:
    """Markdown as a person reads it in a plain mail: no escaping backslashes, link addresses on show."""

    def shown(found: re.Match[str]) -> str:
        label, url = found.groups()
        return f"<{url}>" if label == url else f"{label}: <{url}>"

    return _ESCAPED.sub(r"\1", _STRONG.sub(r"\1", _LINK.sub(shown, body))).strip() + "\n"


def html_text(mail: Mail, site: Any) -> str:
    """The HTML part: the body in the frame of all mails, its style rules moved into the elements."""
    body = _LONELY_LINK.sub(r'<p><a class="button" \1>\2</a></p>', render_markdown(mail.body))
    # Quoted are people, who may write from the other side than the mail.
    body = body.replace("<blockquote>", '<blockquote dir="auto">')
    # What is quoted was written by somebody, in any language.
    body = body.replace("<blockquote>", '<blockquote dir="auto">')
    # Not render_template: what a page's frame shows needs a visitor, and a worker has none.
    html = current_app.jinja_env.get_template("emails/layout.html").render(
        subject=header_text(mail.subject),
        body_html=Markup(body),  # noqa: S704  sanitised by render_markdown
        site=site,
        why=mail.why,
        lang=language(),
        dir=direction(),
    )
    return _inliner.inline(html)


def build(mail: Mail, *, to: str, sender_name: str, reply_to: str, ident: str, now: datetime, site: Any
          ) -> EmailMessage:  # fmt: skip
    """The whole message to one recipient, in the language of the present context. Raises `BadMail`."""
    message = EmailMessage(policy=POLICY)
    message["Subject"] = header_text(mail.subject)
    message["From"] = address(current_app.config["MAIL_FROM"], sender_name)
    message["To"] = address(to)
    try:
        if reply_to:
            message["Reply-To"] = address(reply_to)
    except BadMail:
        log.warning("the reply address in the instance settings is not usable; mail goes out without it")
    message["Date"] = format_datetime(now)
    message["Message-ID"] = ident
    message["Auto-Submitted"] = "auto-generated"
    for name, value in mail.headers.items():
        if name not in OWN_HEADERS:
            raise BadMail(f"header {name[:40]!r} is not allowed")
        message[name] = header_text(value, MAX_HEADER)
    _add_parts(message, mail, site)
    # After the parts: what begins with Content- would move into the first of them.
    message["Content-Language"] = language()
    return message


def _add_parts(message: EmailMessage, mail: Mail, site: Any) -> None:
    # Quoted-printable everywhere: every relay takes it, and no long address is broken by one.
    text = plain_text(mail.body) + (f"\n--\n{mail.why}\n" if mail.why else "")
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html_text(mail, site), subtype="html", cte="quoted-printable")
    if mail.calendar is not None:
        method = re.sub(r"[^A-Z]", "", mail.calendar_method.upper())
        message.add_alternative(
            mail.calendar.decode("utf-8"), subtype="calendar", cte="base64", params={"method": method}
        )
        message.add_attachment(mail.calendar, maintype="application", subtype="ics", filename="termin.ics")
    for part in mail.attachments:
        maintype, _, subtype = part.media_type.partition("/")
        message.add_attachment(
            part.content, maintype=maintype, subtype=subtype or "octet-stream",
            filename=header_text(part.name, MAX_NAME),
        )  # fmt: skip


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
