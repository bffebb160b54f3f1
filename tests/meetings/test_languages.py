"""Page and mail agree: who registers or wants the newsletter in a language is written to in it, all the way."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

import config
from consult.accounts.models import Person
from consult.extensions import db
from consult.newsletters import subscribing
from consult.outbox.delivery import deliver
from consult.outbox.models import OutboxMessage, State
from tests.client import Browser
from tests.factories import make_person
from tests.meetings.factories import BEFORE, Circle
from tests.meetings.registrants import come, link_of, of, public_meeting
from tests.outbox.conftest import sink
from tests.sink import Sink

__all__ = ["sink"]
#: A word of the page for registering, and of the mails "is this your address" and "you have a place".
WORDS = {
    "de": ("Zur Veranstaltung anmelden", "Anmeldung bestätigen", "Ihr Code für den Einlass"),
    "en": ("Register for the meeting", "Confirm my registration", "Your code for the door"),
    "tr": ("Toplantıya kaydol", "Kaydımı onayla", "Giriş kodunuz"),
    "ar": ("التسجيل في اللقاء", "تأكيد تسجيلي", "رمز الدخول الخاص بك"),
    "fr": ("S’inscrire à la rencontre", "Confirmer mon inscription", "Votre code pour l’entrée"),
    "uk": ("Записатися на зустріч", "Підтвердити мій запис", "Ваш код для входу"),
    "ru": ("Записаться на встречу", "Подтвердить мою запись", "Ваш код для входа"),
    "zh": ("报名参加活动", "确认我的报名", "您的入场码"),
}
FORM = {"name": "Amira B.", "email": "amira@example.org"}


@pytest.fixture
def circle(session: Any, app: Flask, at: Callable[[datetime], Any], monkeypatch: pytest.MonkeyPatch) -> Circle:
    monkeypatch.setitem(app.config, "PATH_LANGUAGES", config.PATH_LANGUAGES)
    at(BEFORE)
    made = public_meeting()
    session.commit()
    return made


def speaking(browser: Browser, lang: str) -> Browser:
    """The browser after its user chose this language."""
    browser.client.set_cookie("lang", lang)
    return browser


def send_all() -> None:
    waiting = select(OutboxMessage.id).where(OutboxMessage.state == State.queued).order_by(OutboxMessage.id)
    for ident in db.session.scalars(waiting).all():
        deliver(ident)
    db.session.expire_all()


def press(browser: Browser, address: str) -> Any:
    """Open a link and press the button on its page."""
    browser.get(address)
    where = address.split("?")[0]
    return browser.submit(where, {}, form_at=where)


def link_in(mail: Any, part: str) -> str:
    return next(str(link).removeprefix("http://consult.test") for link in mail.links if part in link)


@pytest.mark.parametrize("lang", sorted(WORDS))
def test_who_registers_in_a_language_gets_page_and_mails_in_it(
    circle: Circle, browser: Browser, sink: Sink, lang: str
) -> None:
    page, asking, code = WORDS[lang]
    where = circle.meeting_path("/register")
    speaking(browser, lang)
    shown = browser.get(where)
    assert page in shown.text
    assert shown.html.html["dir"] == ("rtl" if lang == "ar" else "ltr")
    browser.submit(where, FORM)
    send_all()
    [mail] = sink.messages
    assert (mail.message["Content-Language"], asking in mail.text) == (lang, True)
    # In the mail program nobody knows what was chosen in the browser: the link says it.
    elsewhere = Browser(browser.client.application)
    address = link_in(mail, "/registration/confirm/")
    assert f"lang={lang}" in address
    done = press(elsewhere, address)
    assert elsewhere.get(done.location.split("?")[0], headers={"Accept-Language": "fi"}).html.html["lang"] == lang
    send_all()
    assert (sink.messages[-1].message["Content-Language"], code in sink.messages[-1].text) == (lang, True)


def test_who_is_known_by_another_language_is_asked_in_both_and_then_spoken_to_in_theirs(
    circle: Circle, browser: Browser, sink: Sink
) -> None:
    make_person("Amira", email="amira@example.org", account=False, locale="de")
    db.session.commit()
    speaking(browser, "tr").submit(circle.meeting_path("/register"), FORM)
    assert of("amira@example.org") is not None
    assert locale_of("amira@example.org") == "de"
    send_all()
    [mail] = sink.messages
    assert mail.message["Content-Language"] == "de"
    assert WORDS["de"][1] in mail.text
    assert WORDS["tr"][1] in mail.text
    turkish = next(link for link in mail.links if "lang=tr" in link).removeprefix("http://consult.test")
    press(Browser(browser.client.application), turkish)
    assert locale_of("amira@example.org") == "tr"
    send_all()
    assert sink.messages[-1].message["Content-Language"] == "tr"


def test_a_stranger_and_a_page_in_another_language_change_nothing_for_who_has_an_account(
    circle: Circle, browser: Browser
) -> None:
    person = make_person("Ben", email="ben@example.org", locale="de")
    registration = come(circle.meeting, person)
    db.session.commit()
    speaking(browser, "ar").submit(link_of(registration, "/cancel"), {}, form_at=link_of(registration))
    assert locale_of("ben@example.org") == "de"


def test_the_newsletter_asks_in_the_language_of_the_page_and_keeps_to_it(
    circle: Circle, browser: Browser, sink: Sink
) -> None:
    where = f"/p/{circle.process.slug}/newsletter"
    speaking(browser, "ar").submit(where, {"email": "leserin@example.org"})
    make_person("", email="leser@example.org", account=False, locale="de")
    subscribing.ask(circle.process, "leser@example.org", "ar")
    db.session.commit()
    send_all()
    fresh, known = sink.messages
    assert (fresh.message["Content-Language"], known.message["Content-Language"]) == ("ar", "de")
    assert ("نعم، أريد النشرة" in fresh.text, "Ja, ich möchte" in fresh.text) == (True, False)
    assert ("نعم، أريد النشرة" in known.text, "Ja, ich möchte" in known.text) == (True, True)
    address = next(link for link in known.links if "lang=ar" in link).removeprefix("http://consult.test")
    press(Browser(browser.client.application), address)
    assert locale_of("leser@example.org") == "ar"


def locale_of(address: str) -> str | None:
    db.session.expire_all()
    return db.session.scalar(select(Person.locale).where(Person.email == address))
