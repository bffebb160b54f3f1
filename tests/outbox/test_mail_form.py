"""How our mails look on the wire: parts, headers, and what hostile values make of them."""

import email
import email.policy
import itertools
import re
import sys
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar

from config import ROOT
from consult import clock
from consult.outbox import mime
from consult.outbox.delivery import deliver
from consult.outbox.kinds import Attachment, Mail
from consult.outbox.models import State
from consult.site.models import Site
from tests.factories import make_person
from tests.outbox.factories import queued, registered, row
from tests.sink import Sink

ALLOWED = {
    "subject", "from", "to", "reply-to", "date", "message-id", "auto-submitted", "content-language", "mime-version",
    "content-type", "list-unsubscribe",
}  # fmt: skip


def built(mail: Mail, **fields: Any) -> EmailMessage:
    """The mail after a journey over the wire."""
    fields = {
        "to": "amira@example.org", "sender_name": "Stadt Aachen", "reply_to": "", "ident": "<a@consult.test>",
        "now": clock.now(), "site": Site(platform_name="Consult", city_name="Aachen"), **fields,
    }  # fmt: skip
    parsed = email.message_from_bytes(mime.build(mail, **fields), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def payloads() -> list[str]:
    """At least 500 ways into a header: line ends of all kinds, encoded words, lists and groups of addresses."""
    ends = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\r\n ", "\n\t", "\x00\n", "%0d%0a"]
    injected = ["Bcc: evil@example.org", "To: evil@example.org", "X-Evil: 1", "\r\n<script>", "Content-Type: text/html"]
    plain = [f"a{end}{header}" for end, header in itertools.product(ends, injected)]
    words = []
    for charset in ("utf-8", "UTF-8", "iso-8859-1", "us-ascii", "unknown", "utf-8*en"):
        for how, inner in (
            ("q", "a=0D=0ABcc:_evil@example.org"), ("Q", "=0ABcc:=20evil@example.org"), ("b", "YQ0KQmNjOiBldmls"),
            ("B", "YQpCY2M6IGV2aWxAZXhhbXBsZS5vcmc="), ("q", "=22=2C_evil@example.org"), ("q", "a=00b"),
        ):  # fmt: skip
            word = f"=?{charset}?{how}?{inner}?="
            words += [word, f"a {word}", f"{word}{word}", f"{word} {word}", word.replace("=?", "=\x00?"),
                      word.replace("=?", "=\u200b?"), f"=?{word}", word[:-2], f'"{word}"']  # fmt: skip
    lists = ["a, evil@example.org", "evil@example.org;", "g: a@b.c, evil@example.org;", '"a" <evil@example.org>',
             "<evil@example.org>", 'x" <evil@example.org>, "y', "(a) evil@example.org", "a\\\r\n b", "@evil.org:a@b.c",
             "undisclosed-recipients:;", "a" * 5000, "ä" * 5000, "\ud800", "\u202egro.elpmaxe",
             "e" + "\u0301" * 3000]  # fmt: skip
    mixed = [f"{one} {two}" for one, two in itertools.product(lists[:8], plain[:14])]
    return plain + words + lists + mixed


def check(message: EmailMessage) -> None:
    """Nothing was added: no header, no recipient, no sender."""
    assert {name.lower() for name in message.keys()} <= ALLOWED
    assert len(message.get_all("subject", [])) == 1
    assert [a.addr_spec for a in message["To"].addresses] == ["amira@example.org"]
    assert len(message["From"].addresses) == 1
    assert message["From"].addresses[0].addr_spec == "beteiligung@localhost.invalid"


def test_there_are_at_least_500_payloads() -> None:
    assert len(set(payloads())) >= 500


def test_no_payload_in_subject_sender_or_reply_address_adds_a_header_or_a_recipient(session: Any) -> None:
    for payload in payloads():
        check(built(Mail("Subject " + payload, "Text", "why"), sender_name=payload, reply_to=payload))


def test_no_payload_reaches_a_mail_server_as_a_header(session: Any, sink: Sink) -> None:
    chosen = payloads()[::25]
    with registered(render=lambda message: Mail(chosen[message.subject_id], "Text", "why")):
        session.merge(Site(id=1, sender_name=chosen[7], reply_to=chosen[9]))
        session.commit()
        person = make_person(name=chosen[3], email="amira@example.org")
        for number in range(len(chosen)):
            assert deliver(queued(person, number)) == State.sent
    for received in sink.messages:
        assert received.recipients == ["amira@example.org"]
        check(received.message)


def test_without_the_guard_the_payloads_do_get_through_or_are_refused(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mime, "header_text", lambda value, limit=200: value)
    caught = 0
    for payload in payloads()[:200]:
        try:
            check(built(Mail("Subject " + payload, "Text", "why"), sender_name=payload))
        except Exception:
            caught += 1
    assert caught > 50, "otherwise the test above proves nothing"


def test_encoded_words_arrive_as_visible_text(session: Any) -> None:
    message = built(Mail("=?utf-8?q?Hallo?=", "Text", "why"))
    assert message["Subject"] == "= ?utf-8?q?Hallo?="


def test_an_own_header_must_be_on_the_list(session: Any) -> None:
    with pytest.raises(mime.BadMail):
        built(Mail("x", "y", "z", headers={"Bcc": "evil@example.org"}))


def test_a_long_unsubscribe_address_stays_in_one_piece(session: Any) -> None:
    url = f"<https://consult.test/{'a' * 200}>"
    raw = mime.build(
        Mail("x", "y", "z", headers={"List-Unsubscribe": url}), to="a@example.org", sender_name="S", reply_to="",
        ident="<a@b>", now=clock.now(), site=Site(platform_name="", city_name=""),
    )  # fmt: skip
    assert f"List-Unsubscribe: {url}\r\n".encode() in raw


def test_no_line_is_longer_than_mail_servers_take(session: Any) -> None:
    mail = Mail("Ä" * 190, "Wort " * 2000 + "x" * 3000, "why", headers={"List-Unsubscribe": "<https://a.b/>"})
    raw = mime.build(
        mail, to="a@example.org", sender_name="Ü" * 90, reply_to="", ident="<a@b>", now=clock.now(),
        site=Site(platform_name="", city_name=""),
    )  # fmt: skip
    assert max(len(line) for line in raw.splitlines()) <= 78


def test_the_message_id_is_constant_and_proves_which_row_it_belongs_to(session: Any) -> None:
    one = mime.message_id(12)
    assert one == mime.message_id(12) != mime.message_id(13)
    assert one.endswith("@consult.test>")
    assert (mime.row_of(one), mime.row_of(one.strip("<>"))) == (12, 12)
    assert mime.row_of(one.replace("<12.", "<13.")) is None
    for other in ("", "<12@consult.test>", f"<12.{'0' * 32}@consult.test>", "<\u0661.a@b>", "<99999999999.a@b>"):
        assert mime.row_of(other) is None


def test_text_and_html_say_the_same_in_the_frame_of_all_mails(session: Any) -> None:
    body = "Guten Tag Anna\\-Lena \\*,\n\n**Samstag**, \\*\\*kein\\*\\*\n\n"
    body += "[Zur Antwort](https://consult.test/i/1)\n\n- eins\n- zwei"
    message = built(Mail("Einladung", body, "Sie sind Mitglied."))
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "Guten Tag Anna-Lena *," in text
    assert "Samstag, **kein**" in text
    assert "Zur Antwort: <https://consult.test/i/1>" in text
    assert "Sie sind Mitglied." in text
    assert "Guten Tag Anna-Lena *," in html
    assert "Sie sind Mitglied." in html
    assert re.search(r'<a class="button"[^>]*style="[^"]*background-color', html), "the lonely link is a button"
    assert "prefers-color-scheme: dark" in html
    assert "<li" in html


def test_quoted_words_find_their_own_direction(session: Any) -> None:
    """A German note in an Arabic mail begins on the left."""
    html = built(Mail("a", "مرحبا،\n\n> Bitte ohne Namen.", "w")).get_body(("html",))
    assert html is not None
    assert '<blockquote dir="auto"' in html.get_content()


def test_a_name_cannot_become_a_link_or_markup_in_the_html_part(session: Any) -> None:
    message = built(Mail("x", "<script>alert(1)</script> [x](javascript:alert(1)) ![y](https://e.org/p.png)", "<b>"))
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<img" not in html
    assert "&lt;b&gt;" in html


def test_a_calendar_entry_travels_as_alternative_and_as_attachment(session: Any) -> None:
    calendar = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
    message = built(Mail("x", "y", "z", calendar=calendar, attachments=(Attachment("ä.pdf", "application/pdf", b"1"),)))
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar",
                     "application/ics", "application/pdf"]  # fmt: skip
    part: Any = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
    assert part.get_param("method") == "REQUEST"
    assert Calendar.from_ical(part.get_payload(decode=True))["METHOD"] == "REQUEST"
    assert [a.get_filename() for a in message.iter_attachments()] == ["termin.ics", "ä.pdf"]


def test_the_probe_is_content_with_this_python() -> None:
    mime.probe()


def test_the_sender_is_the_city(session: Any, sink: Sink, letter: str) -> None:
    session.merge(Site(id=1, sender_name="Stadt Aachen", reply_to="amt@example.org"))
    session.commit()
    ident = queued(make_person())
    deliver(ident)
    message = sink.messages[0].message
    assert message["From"].addresses[0].display_name == "Stadt Aachen"
    assert str(message["Reply-To"]) == "amt@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert row(ident).state == State.sent


def test_every_feature_that_has_mails_is_known_to_the_worker(app: Any) -> None:
    import_names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "consult").glob("*/emails.py")
    ]
    missing = [name for name in import_names if name not in sys.modules]
    assert not missing, f"not imported by create_app, so their mails would fail as unknown: {missing}"
