"""What `deliver` promises, with a real mail server."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from consult import clock, path
from consult.accounts.models import Account
from consult.extensions import db
from consult.outbox import claims, delivery
from consult.outbox.claims import LADDER, LEASE
from consult.outbox.delivery import deliver
from consult.outbox.kinds import Guarantee, Mail
from consult.outbox.models import OutboxMessage, State
from tests.conftest import MONDAY
from tests.factories import make_person
from tests.outbox.factories import in_the_air, queued, registered, row
from tests.sink import Sink

SECOND = timedelta(seconds=1)


def test_a_message_is_sent_once_however_often_it_is_poked(session: Any, sink: Sink, letter: str) -> None:
    ident = queued(make_person(email="amira@example.org"))
    assert [deliver(ident) for _ in range(5)] == [State.sent] * 5
    assert len(sink.messages) == 1
    assert row(ident).attempts == 1


def test_each_person_gets_an_own_message_and_sees_no_other_address(session: Any, sink: Sink, letter: str) -> None:
    people = [make_person() for _ in range(12)]
    for ident in [queued(person) for person in people]:
        deliver(ident)
    addresses = {person.email for person in people}
    assert {received.recipients[0] for received in sink.messages} == addresses
    for received in sink.messages:
        assert len(received.recipients) == 1
        others = addresses - set(received.recipients)
        assert not any(other and other.encode() in received.content for other in others)
        assert received.message["Cc"] is None
        assert [a.addr_spec for a in received.message["To"].addresses] == received.recipients


def test_the_kept_copy_has_no_personal_link(session: Any, sink: Sink, letter: str) -> None:
    ident = queued(make_person())
    deliver(ident)
    stored = row(ident)
    assert "abcdefghijklmnopqrstuvwx" not in (stored.sent_text or "")
    assert "Zur Antwort" in (stored.sent_text or "")
    assert stored.sent_subject == "Einladung 1"
    assert "abcdefghijklmnopqrstuvwx" in sink.messages[0].text


def test_a_personal_link_that_nobody_named_is_blanked_all_the_same(session: Any, sink: Sink) -> None:
    def careless(message: OutboxMessage) -> Mail:
        return Mail("x", "http://consult.test/i/7.ABCDEFGHIJKLMNOPQRSTUVWX", "why")

    with registered(render=careless):
        ident = queued(make_person())
        deliver(ident)
    assert "ABCDEFGHIJ" not in (row(ident).sent_text or "")


def test_the_mail_is_rendered_in_the_language_of_its_reader(session: Any, sink: Sink, letter: str) -> None:
    ident = queued(make_person(locale="en"))
    deliver(ident)
    assert row(ident).lang == "en"
    assert sink.messages[0].message["Content-Language"] == "en"


@pytest.mark.parametrize(("of_path", "lang"), [(True, "ar"), (False, "de")])
def test_mails_of_the_path_speak_every_language_others_fall_back(
    app: Flask, session: Any, sink: Sink, letter: str, monkeypatch: pytest.MonkeyPatch, of_path: bool, lang: str
) -> None:
    monkeypatch.setitem(app.config, "PATH_LANGUAGES", ("ar",))
    if of_path:
        monkeypatch.setattr(path, "MAILS", path.MAILS | {letter})
    ident = queued(make_person(locale="ar"))
    assert deliver(ident) == State.sent
    (mail,) = sink.messages
    assert mail.message["Content-Language"] == lang
    html = mail.message.get_body(("html",))
    assert f'<html lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}"' in html.get_content()
    assert row(ident).lang == lang


def test_one_poisoned_mail_does_not_stop_the_others(session: Any, sink: Sink) -> None:
    def poisoned(message: OutboxMessage) -> Mail:
        if message.subject_id == 77:
            raise KeyError("missing@example.org")
        return Mail("Betreff", "Text", "weil")

    person = make_person()
    with registered(render=poisoned):
        idents = [queued(person, number) for number in range(200)]
        for ident in idents:
            deliver(ident)
    assert len(sink.messages) == 199
    broken = row(idents[77])
    assert (broken.state, broken.note) == (State.failed, "render: KeyError")


@pytest.mark.parametrize("what", ["unwanted", "erased", "suspended", "no_address"])
def test_a_mail_that_is_no_longer_wanted_is_dropped_at_the_last_moment(session: Any, sink: Sink, what: str) -> None:
    person = make_person()
    wanted = [True]
    with registered(wanted=lambda message: wanted[0]):
        ident = queued(person)
        if what == "unwanted":
            wanted[0] = False
        elif what == "erased":
            person.email, person.erased_at = None, clock.now()
        elif what == "suspended":
            session.get(Account, person.id).suspended_at = clock.now()
        else:
            person.email = None
        session.commit()
        assert deliver(ident) == State.dropped
    assert not sink.messages
    assert row(ident).note == {"unwanted": "not_wanted"}.get(what, what)


def test_a_changed_address_counts(session: Any, sink: Sink, letter: str) -> None:
    person = make_person(email="old@example.org")
    ident = queued(person)
    person.email = "new@example.org"
    session.commit()
    deliver(ident)
    assert sink.messages[0].recipients == ["new@example.org"]


def test_greylisting_is_waited_out_with_the_same_message_id(session: Any, sink: Sink, letter: str, at: Any) -> None:
    moment = at(MONDAY)
    ident = queued(make_person())
    sink.refuse_all = "451 4.7.1 greylisted, try later"
    for rung in LADDER[:3]:
        assert deliver(ident) == State.retry
        assert deliver(ident) == State.retry, "before its time nothing happens"
        stored = row(ident)
        assert stored.due_at == moment + rung
        moment = at(moment + rung)
    assert row(ident).attempts == 3
    sink.refuse_all = None
    assert deliver(ident) == State.sent
    assert len(sink.messages) == 1
    assert row(ident).note == "250 2.0.0 kept"


def test_a_server_that_stays_away_is_given_up_after_two_days(session: Any, sink: Sink, letter: str, at: Any) -> None:
    moment = at(MONDAY)
    ident = queued(make_person())
    sink.refuse_all = "450 4.2.0 mailbox busy"
    for rung in LADDER:
        assert deliver(ident) == State.retry
        moment = at(moment + rung)
    assert deliver(ident) == State.failed
    assert timedelta(hours=40) < moment - MONDAY <= timedelta(hours=48)
    assert (row(ident).note or "").startswith("gave_up: smtp: 450")


@pytest.mark.parametrize("refusal", ["550 5.1.1 unknown", "552 5.2.2 mailbox full"])
def test_a_permanent_refusal_ends_it_at_once(session: Any, sink: Sink, letter: str, refusal: str) -> None:
    person = make_person(email="gone@example.org")
    ident, other = queued(person), queued(make_person())
    sink.refuse = {"gone@example.org": refusal}
    assert deliver(ident) == State.failed
    assert deliver(other) == State.sent
    assert row(ident).note == f"smtp: {refusal}"
    assert row(ident).attempts == 1


def test_notes_hold_no_address(session: Any, sink: Sink, letter: str) -> None:
    ident = queued(make_person(email="gone@example.org"))
    sink.refuse = {"gone@example.org": "550 5.1.1 <gone@example.org> unknown"}
    deliver(ident)
    assert "gone@example.org" not in (row(ident).note or "")


@pytest.mark.parametrize("address", ["not an address", "a@b@c", "ümläut@example.org", "a@example.org, b@x.org"])
def test_an_unusable_address_fails_without_harm(session: Any, sink: Sink, letter: str, address: str) -> None:
    ident = queued(make_person(email=address))
    assert deliver(ident) == State.failed
    assert row(ident).note == "bad_mail: not a mail address"
    assert not sink.messages


def test_an_answer_lost_after_the_text_is_sent_again_when_the_kind_says_so(
    session: Any, sink: Sink, letter: str, at: Any
) -> None:
    moment = at(MONDAY)
    ident = queued(make_person())
    sink.cut_after_data = True
    assert deliver(ident) == State.retry
    assert (row(ident).note or "").startswith("cut off")
    sink.cut_after_data = False
    at(moment + LADDER[0])
    assert deliver(ident) == State.sent
    assert len({received.message_id for received in sink.messages}) == 1
    assert len(sink.messages) == 2


def test_an_answer_lost_after_the_text_is_left_alone_when_the_kind_says_so(session: Any, sink: Sink) -> None:
    with registered(guarantee=Guarantee.at_most_once):
        ident = queued(make_person())
        sink.cut_after_data = True
        assert deliver(ident) == State.uncertain
        assert deliver(ident) == State.uncertain
    assert len(sink.messages) == 1


@pytest.mark.parametrize(
    ("guarantee", "then"), [(Guarantee.at_least_once, State.sent), (Guarantee.at_most_once, State.uncertain)]
)
def test_what_a_dead_worker_left_is_decided_by_the_guarantee(
    session: Any, sink: Sink, at: Any, guarantee: Guarantee, then: State
) -> None:
    moment = at(MONDAY)
    with registered(guarantee=guarantee):
        ident = queued(make_person())
        in_the_air(ident, moment)
        at(moment + LEASE - SECOND)
        assert deliver(ident) == State.sending
        at(moment + LEASE)
        assert deliver(ident) == then


def test_a_message_that_kills_every_worker_comes_to_an_end(session: Any, sink: Sink, letter: str, at: Any) -> None:
    moment = at(MONDAY)
    ident = queued(make_person())
    for _attempt in range(len(LADDER) + 1):
        in_the_air(ident, moment)
        moment = at(moment + LEASE)
    assert deliver(ident) == State.failed
    assert not sink.messages


def test_a_worker_that_comes_back_late_overwrites_nothing(session: Any, sink: Sink, letter: str, at: Any) -> None:
    moment = at(MONDAY)
    ident = queued(make_person())
    late = in_the_air(ident, moment)
    moment = at(moment + LEASE)
    assert deliver(ident) == State.sent
    with claims.one_by_one(durable=True) as connection:
        assert not claims.record(connection, late, claims.Outcome(State.failed, "too late"), moment)
    assert row(ident).note != "too late"


def test_a_row_that_is_gone_is_no_error(session: Any, sink: Sink) -> None:
    assert deliver(999_999) == delivery.GONE


def test_a_kind_that_nobody_knows_is_shown_as_failed(session: Any, sink: Sink) -> None:
    ident = queued(make_person(), kind="tests.unknown")
    assert deliver(ident) == State.failed
    assert row(ident).note == "unknown_kind"


def test_a_mail_that_changes_something_while_it_is_rendered_is_refused(session: Any, sink: Sink) -> None:
    def meddling(message: OutboxMessage) -> Mail:
        message.note = "I was here"
        return Mail("x", "y", "z")

    with registered(render=meddling):
        ident = queued(make_person())
        assert deliver(ident) == State.failed
    assert row(ident).note == "render: RuntimeError"


def test_no_transaction_is_open_while_the_mail_server_is_spoken_to(session: Any, sink: Sink, letter: str) -> None:
    seen: list[bool] = []
    sink.on_message = lambda received: seen.append(db.session.registry().in_transaction())
    ident = queued(make_person())
    scoped = db.session.registry()
    sink.on_message = lambda received: seen.append(scoped.in_transaction())
    deliver(ident)
    assert seen == [False]
