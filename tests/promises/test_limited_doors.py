"""REL-D8: every door that sends a mail or checks a secret is limited, and no disguise gets around it.

Each door that answers a POST of somebody without an account stands in one of two lists: the limited ones, tried here
with every disguise of a visitor and every spelling of a mailbox, or the others, each with the reason why.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from consult import create_app, limits
from consult.accounts.addresses import mailbox_key
from consult.extensions import db
from consult.limits import RateBucket
from consult.meetings.models import Meeting, RegistrationMode
from consult.outbox.models import OutboxMessage
from tests.client import Browser
from tests.conftest import savepoint
from tests.promises.test_access import TABLE, doors_of
from tests.promises.world import World, build

CODE = "7K3M-Q0TW-94XA-B2ZR"
WRONG = "1.AAAAAAAAAAAAAAAAAAAAAAAA"
GUEST = {"as_guest": "guest", "text": "Eine Bank unter der Linde.", "stance": "support", "lang": "de"}


@dataclass(frozen=True)
class Limited:
    """What is sent to a limited door. `mails`: it writes to the address in this field.

    `quietly`: a mailbox that got enough mails is not written to, and the visitor is not told: their text counts.
    """

    data: dict[str, str] = field(default_factory=dict)
    mails: str = ""
    quietly: bool = False
    #: The receipt has to be open in the browser first.
    opened: bool = False


LIMITED = {
    "accounts.sign_in POST": Limited({"email": "a.b@example.org", "password": "falsch falsch"}, mails="email"),
    "accounts.sign_in_link POST": Limited({"email": "a.b@example.org"}, mails="email"),
    "accounts.ask_reset POST": Limited({"email": "a.b@example.org"}, mails="email"),
    "accounts.register POST": Limited({"email": "a.b@example.org", "name": "Lindenblatt"}, mails="email"),
    "accounts.use_sign_in_link POST": Limited(),
    "accounts.reset POST": Limited(),
    "accounts.confirm POST": Limited(),
    "accounts.accept_staff_invitation POST": Limited(),
    "contributions.claim POST": Limited(),
    "weighing.stop POST": Limited(),
    "invitations.accept POST": Limited({"name": "X"}),
    "invitations.decline POST": Limited({"name": "X"}),
    "invitations.maybe POST": Limited({"name": "X"}),
    "invitations.deputy POST": Limited({"name": "X", "email": "a.b@example.org"}),
    "invitations.deputy_back POST": Limited(),
    "newsletters.subscribe POST": Limited({"email": "a.b@example.org"}, mails="email"),
    "newsletters.confirm POST": Limited(),
    "newsletters.stop POST": Limited(),
    "meetings.answer_survey POST": Limited(),
    "meetings.register POST": Limited({"name": "X", "email": "a.b@example.org"}, mails="email", quietly=True),
    "meetings.confirm_registration POST": Limited(),
    "meetings.change_registration POST": Limited(),
    "meetings.take_back_name POST": Limited(),
    "meetings.come POST": Limited(),
    "meetings.cancel_registration POST": Limited(),
    "contributions.create POST": Limited({**GUEST, "email": "a.b@example.org"}, mails="email", quietly=True),
    "contributions.create_for_process POST": Limited(
        {**GUEST, "email": "a.b@example.org"}, mails="email", quietly=True
    ),
    "contributions.propose POST": Limited(
        {**GUEST, "email": "a.b@example.org", "proposed": "Begegnung für alle."}, mails="email", quietly=True
    ),
    "contributions.receipt POST": Limited({"code": "0000-0000-0000-0000"}),
    "contributions.receipt_edit POST": Limited({"code": "0000-0000-0000-0000", "text": "Neu.", "base": "1"}),
    "moderation.receipt_appeal POST": Limited({"body": "Bitte sehen Sie noch einmal hin."}, opened=True),
    "moderation.report POST": Limited({"reason_id": "-1", "note": "Das beleidigt jemanden."}),
    "site.contact POST": Limited({"topic": "question", "body": "Guten Tag."}),
    "contributions.similar_to_element POST": Limited({"text": "Eine Bank unter der Linde."}),
    "contributions.similar_to_process POST": Limited({"text": "Eine Bank unter der Linde."}),
}

_SIGNED_IN = "opens for people who are signed in only"
OTHERS = {
    "contributions.help_create POST": "without a sign-in it shows the form for guests; nothing is stored or sent",
    "contributions.help_create_for_process POST": "the same",
    "contributions.receipt_withdraw POST": "works on what was opened with its code, which is limited; sends nothing",
    "contributions.receipt_close POST": "forgets what is in the browser's own session",
    "contributions.forget_guest POST": "forgets what is in the browser's own session",
    "site.display POST": "sets a cookie of the visitor's own",
    "accounts.sign_out POST": "ends the visitor's own sign-in",
    "accounts.demo_sign_in POST": "exists in demonstrations only, where everybody may be everybody",
    "accounts.confirm_email POST": _SIGNED_IN + ", and the link is theirs",
    "accounts.end_sign_in POST": _SIGNED_IN,
    "processes.preview_create POST": _SIGNED_IN,
    "accounts.enter_code POST": _SIGNED_IN + "; codes are counted by account (tests/accounts/test_second_factor.py)",
    "accounts.confirm_second_factor POST": "the same",
    "accounts.remove_second_factor POST": "the same",
    "accounts.new_recovery_codes POST": "the same",
}

#: One household, and headers anybody can write. Without a trusted proxy they say nothing.
HOME = "2001:db8:0:1::1"
DISGUISES: list[tuple[str, dict[str, str]]] = [
    (HOME, {}),
    ("2001:db8:0:1:ffff:ffff:ffff:ffff", {}),
    ("2001:DB8:0:1::2%eth0", {}),
    (HOME, {"X-Forwarded-For": "203.0.113.1"}),
    (HOME, {"X-Forwarded-For": "203.0.113.2, 203.0.113.3", "X-Real-IP": "203.0.113.4", "Forwarded": "for=203.0.113.5"}),
    (HOME, {"CF-Connecting-IP": "203.0.113.6", "True-Client-IP": "203.0.113.7", "X-Client-IP": "203.0.113.8"}),
    (HOME, {"User-Agent": "another", "Accept-Language": "tr"}),
]
ELSEWHERE = "2001:db8:0:2::1"
#: `a.b@example.org` as somebody might write it to look like another mailbox.
SPELLINGS = ("A.B@example.org", "ab@example.org", "a.b+x@example.org", "a..b@example.org", "a.b@EXAMPLE.ORG",
             " a.b@example.org ", "a.b+x+y@Example.Org", "a.b@example.org.", "a.b@ｅxample.org")  # fmt: skip


def doors_of_strangers() -> set[str]:
    """Every POST that somebody without an account can send, by the reviewed table: also with a link or a code."""
    found: set[str] = set()
    for name, doors in TABLE["access"].items():
        if name in ("nobody", "depends") or "anonymous" in TABLE["sets"][name]:
            found.update(door for door in doors if door.endswith(" POST"))
    return found


@pytest.fixture(scope="module")
def world(app: Flask):
    with savepoint(app):
        town = build()
        db.session.execute(update(Meeting).values(registration=RegistrationMode.everybody))
        db.session.commit()
        yield town


@pytest.fixture
def undone(world):
    """Whatever a test writes is gone after it."""
    undo = db.engines[None].begin_nested()  # type: ignore[attr-defined]  # a connection here
    yield
    db.session.rollback()
    undo.rollback()
    db.session.expire_all()


class Visitor:
    """Somebody with a browser of their own at one address."""

    def __init__(self, app: Flask, address: str, headers: dict[str, str] | None = None, *, opened: bool = False):
        self.browser = Browser(app)
        self.sent_from: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": address}, "headers": headers or {}}
        self.token = self.browser.get("/contact").form_fields("/contact")["csrf_token"]
        self.about = "1"
        if opened:
            self.send("/receipt", {"code": CODE})
            page = self.browser.get("/receipt/contribution/appeal", 303) and self.browser.get("/receipt/contribution")
            self.about = page.html.find("input", attrs={"name": "about"})["value"]

    def send(self, url: str, data: dict[str, str]) -> int:
        sent = {"csrf_token": self.token, "form_id": secrets.token_hex(8), "about": self.about, **data}
        answer = self.browser.client.post(url, data=sent, **self.sent_from)
        answer.close()
        return answer.status_code


def address_of(app: Flask, world: World, door: str) -> str:
    rule = doors_of(app)[door]
    values = {**world.arguments, "link": WRONG}
    with app.test_request_context():
        built = rule.build({name: values[name] for name in rule.arguments}, append_unknown=False)
    assert built is not None
    return str(built[1])


def spend_everything() -> None:
    """As if everybody who was counted so far had come a hundred thousand times."""
    assert db.session.scalar(select(func.count()).select_from(RateBucket)), "nothing was counted"
    db.session.execute(update(RateBucket).values(hits=100_000))
    db.session.commit()


def mails() -> int:
    return db.session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


def test_every_door_of_strangers_was_thought_about():
    doors = doors_of_strangers()
    unseen = doors - set(LIMITED) - set(OTHERS)
    assert not unseen, f"limit these and add them to LIMITED, or to OTHERS with the reason: {sorted(unseen)}"
    assert not (set(LIMITED) | set(OTHERS)) - doors
    assert not set(LIMITED) & set(OTHERS)


@pytest.mark.parametrize("door", sorted(LIMITED))
def test_no_disguise_gets_a_visitor_around_a_limit(app, world, undone, door):
    limited, url = LIMITED[door], address_of(app, world, door)
    disguised = [Visitor(app, at, headers, opened=limited.opened) for at, headers in DISGUISES]
    other = Visitor(app, ELSEWHERE, opened=limited.opened)
    first = Visitor(app, HOME, opened=limited.opened).send(url, limited.data)
    assert first in (200, 303, 404, 409, 410, 422), f"{door}: {first}"
    spend_everything()
    for number, visitor in enumerate(disguised):
        data = {**limited.data, **({limited.mails: f"n{number}@example.org"} if limited.mails else {})}
        before = mails()
        status = visitor.send(url, data)
        assert status == 429, f"{door}: {DISGUISES[number]} got {status}"
        assert mails() == before, f"{door}: {DISGUISES[number]} caused a mail"
    data = {**limited.data, **({limited.mails: "other@example.org"} if limited.mails else {})}
    assert other.send(url, data) != 429, f"{door}: one visitor's limit shut out another one"


@pytest.mark.parametrize("door", sorted(door for door, limited in LIMITED.items() if limited.mails))
def test_no_spelling_gets_around_the_limit_of_a_mailbox(app, world, undone, door):
    limited, url = LIMITED[door], address_of(app, world, door)
    nothing = mails()
    Visitor(app, HOME).send(url, limited.data)
    assert mails() > nothing or not limited.quietly, f"{door}: no mail to limit"
    spend_everything()
    before = mails()
    for number, spelling in enumerate(SPELLINGS):
        status = Visitor(app, f"2001:db8:1:{number}::1").send(url, {**limited.data, limited.mails: spelling})
        # What is no address at all is refused as such, before anything is counted.
        refused = (303, 200, 422) if limited.quietly else (429, 200)
        assert status in refused, f"{door}: {spelling!r} got {status}"
        assert mails() == before, f"{door}: {spelling!r} was written to"
    status = Visitor(app, ELSEWHERE).send(url, {**limited.data, limited.mails: "somebody-else@example.org"})
    assert status in (200, 303, 422), f"{door}: the limit of one mailbox shut out another one"


@pytest.mark.parametrize(
    ("spelling", "mailbox"),
    [("A.B+x@Example.org", "ab@example.org"), ("ab@example.org.", "ab@example.org"),
     ("ab@MÜNCHEN.example", "ab@münchen.example"),
     ("ab@xn--mnchen-3ya.example", "ab@münchen.example"), ("ab@ｅxample.org", "ab@example.org"),
     ("a.b@googlemail.com", "ab@gmail.com"), ("ab@pm.me", "ab@protonmail.com"), ("ab@mac.com", "ab@icloud.com")],
)  # fmt: skip
def test_spellings_of_a_mailbox_are_counted_together(spelling, mailbox):
    assert mailbox_key(spelling) == mailbox_key(mailbox)


@pytest.mark.parametrize(
    ("given", "visitor"),
    [("192.0.2.1", "192.0.2.1"), ("192.0.2.1:4711", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
     ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::"), ("[2001:db8:0:1::9]:443", "2001:db8:0:1::"),
     ("fe80::1%eth0", "fe80::"), ("2002:c000:0201:1::1", "192.0.2.1"), ("2002:c000:0201:ffff::1", "192.0.2.1"),
     ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"), ("unknown", "unreadable"), ("_hidden", "unreadable"),
     ("1.2.3.4, 5.6.7.8", "unreadable"), ("[]", "unreadable"), ("'; --", "unreadable")],
)  # fmt: skip
def test_who_a_visitor_is(app, given, visitor):
    """A name nobody can read is one visitor, not an error, and not a new one each time."""
    with app.test_request_context(environ_overrides={"REMOTE_ADDR": given}):
        assert limits.visitor() == visitor


@pytest.mark.parametrize(
    ("hops", "forwarded", "visitor"),
    [(0, "203.0.113.9", "10.0.0.1"), (1, None, "10.0.0.1"), (1, "192.0.2.1", "192.0.2.1"),
     (1, "203.0.113.9, 192.0.2.1", "192.0.2.1"), (1, "203.0.113.9, 203.0.113.8, 192.0.2.1", "192.0.2.1"),
     (2, "203.0.113.9, 192.0.2.1, 10.0.0.2", "192.0.2.1"), (2, "192.0.2.1", "10.0.0.1"),
     (1, "203.0.113.9, junk", "unreadable"), (1, "2001:db8:0:1::7", "2001:db8:0:1::")],
)  # fmt: skip
def test_only_what_the_trusted_proxies_wrote_is_believed(tmp_path, hops, forwarded, visitor):
    """TRUSTED_PROXIES says how many there are; whatever stands further left was written by anybody."""
    behind = create_app(
        {
            "CONSULT_ENV": "test", "DATA_DIR": str(tmp_path), "SECRET_KEY": "x" * 40, "TRUSTED_PROXIES": str(hops),
            "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite", "BROKER_URL": "memory://", "DEMO": "0",
        }
    )  # fmt: skip
    behind.before_request_funcs.setdefault(None, []).insert(0, lambda: (limits.visitor(), 418))
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    answer = behind.test_client().get("/", headers=headers, environ_overrides={"REMOTE_ADDR": "10.0.0.1"})
    assert answer.get_data(as_text=True) == visitor
