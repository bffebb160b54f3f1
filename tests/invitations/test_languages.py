"""Invitations speak the guest's language, at first contact a second one too; what the organisers wrote is in all."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select, update

import config
from consult import clock
from consult.accounts.models import Person
from consult.extensions import db
from consult.i18n import in_language
from consult.invitations import campaigns, notes, sending
from consult.invitations.campaigns import Texts
from consult.invitations.lists import Row
from consult.invitations.models import Campaign
from consult.invitations.operations import INVITATION, REMINDER
from consult.outbox import mime
from consult.outbox.delivery import deliver
from consult.outbox.kinds import Mail, kind, sharing
from consult.outbox.models import OutboxMessage, State
from consult.site.queries import site_settings
from tests.client import Browser
from tests.invitations.factories import invitation_of, invite, link_of
from tests.meetings.factories import BEFORE, Circle, make_circle
from tests.sink import Sink

NOTE = "Bitte bringen Sie ein *Beispiel* mit."


@pytest.fixture
def circle(session: Any, app: Flask, at: Callable[[datetime], Any], monkeypatch: pytest.MonkeyPatch) -> Circle:
    monkeypatch.setitem(app.config, "PATH_LANGUAGES", config.PATH_LANGUAGES)
    at(BEFORE)
    return make_circle(starts_at=BEFORE + timedelta(days=20), ends_at=BEFORE + timedelta(days=20, hours=2))


def campaign_to(circle: Circle, langs: tuple[str, ...], **texts: Any) -> Campaign:
    """A campaign with words of its own to somebody of each language, none of whom ever got a mail from us."""
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    words = Texts(texts.pop("subject", "Kommen Sie"), texts.pop("note", NOTE), **texts)
    campaigns.change_texts(campaign, words, campaign.revision, circle.moderator)
    rows = [Row(n, f"Gast {lang}", f"{lang}@example.org") for n, lang in enumerate(langs, 1)]
    campaigns.add_list(campaign, rows, "Liste", circle.moderator)
    for lang in langs:
        db.session.execute(update(Person).where(Person.email == f"{lang}@example.org").values(locale=lang))
    campaigns.hand_in(campaign, campaign.revision, circle.moderator)
    sending.run(campaign.id)
    return campaign


def remind(campaign: Campaign, circle: Circle, at: Callable[[datetime], Any]) -> None:
    """All got the invitation; four days later those who are silent are asked again."""
    db.session.execute(update(OutboxMessage).values(state=State.sent, sent_at=clock.now()))
    at(BEFORE + timedelta(days=4))
    campaigns.remind(campaign, circle.moderator)
    db.session.commit()


def mails(name: str) -> dict[str, Mail]:
    """By language of the guest, rendered together as the worker does."""
    messages = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == name)).all()
    found = {}
    with sharing():
        prepare = kind(name).prepare
        assert prepare is not None
        prepare(messages)
        for message in messages:
            guest = db.session.get_one(Person, message.recipient_id)
            with in_language(guest.locale, of_path=True):
                found[guest.locale] = kind(name).render(message)
    return found


def test_the_first_mail_is_in_the_guests_language_and_in_the_citys(circle: Circle) -> None:
    campaign_to(circle, ("de", "tr", "ar"))
    found = mails(INVITATION)
    assert found["de"].below is None
    for lang, answer in {"tr": "Katılın veya", "ar": "قبول أو"}.items():
        assert answer in found[lang].body
        assert found[lang].below is not None
        assert (found[lang].below[0], "Zusagen" in found[lang].below[1]) == ("de", True)


def test_a_reminder_says_what_the_organisers_wrote_in_as_many_languages_as_the_invitation(
    circle: Circle, at: Callable[[datetime], Any]
) -> None:
    campaign = campaign_to(circle, ("de", "tr"), second_lang="en")
    known = db.session.scalars(select(Person).where(Person.email == "de@example.org")).one()
    db.session.add(OutboxMessage(kind="confirm", subject_id=1, recipient_id=known.id, state=State.sent))
    remind(campaign, circle, at)
    found = mails(REMINDER)
    assert found["tr"].subject == "Hatırlatma: Kommen Sie"
    assert found["de"].below is None
    assert found["tr"].below is not None
    assert found["tr"].below[0] == "en"
    for words in (found["de"].body, found["tr"].body, found["tr"].below[1]):
        assert r"ein \*Beispiel\* mit" in words
    assert "do not know yet" in found["tr"].below[1]
    assert found["tr"].filled(found["tr"].body).count(f"/i/{link_of(invitation_of('tr@example.org'))[3:]}") == 1


def test_without_a_subject_of_its_own_a_reminder_names_the_meeting(
    circle: Circle, at: Callable[[datetime], Any]
) -> None:
    campaign = campaign_to(circle, ("tr",), subject="")
    remind(campaign, circle, at)
    assert mails(REMINDER)["tr"].subject.startswith(f"Geliyor musunuz? {circle.meeting.title}")


def test_a_test_shows_the_same_words_in_both_languages(circle: Circle) -> None:
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    texts = Texts("Kommen Sie", NOTE, second_lang="ar")
    campaigns.change_texts(campaign, texts, campaign.revision, circle.moderator)
    campaigns.send_test(campaign, circle.moderator)
    message = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "invitation_test")).one()
    with in_language("de"):
        mail = kind("invitation_test").render(message)
    assert mail.below is not None
    assert mail.subject == "Test: Kommen Sie" or mail.subject.endswith("Kommen Sie")
    assert mail.below[0] == "ar"
    assert all("Beispiel" in words for words in (mail.body, mail.below[1]))


def test_a_guest_who_answers_in_another_language_is_written_to_in_it(circle: Circle, browser: Browser) -> None:
    invite(circle)
    db.session.commit()
    where = link_of(invitation_of("amira@example.org"))
    browser.client.set_cookie("lang", "uk")
    page = browser.follow(browser.post(where + "/maybe", browser.get(where).form_fields(where + "/accept")))
    assert page.html.html["lang"] == "uk"
    db.session.expire_all()
    assert invitation_of("amira@example.org").state == "maybe"
    assert db.session.scalar(select(Person.locale).where(Person.email == "amira@example.org")) == "uk"


def test_a_mail_in_two_languages_is_two_columns_of_words_each_from_its_side(circle: Circle) -> None:
    campaign_to(circle, ("ar",))
    mail = mails(INVITATION)["ar"]
    with in_language("ar", of_path=True):
        html = BeautifulSoup(mime.html_text(mail, site_settings()), "html.parser")
    assert "<p" not in html.text
    assert "قبول أو" in html.select("a.button")[0].text
    below = html.select_one("hr + div[lang=de][dir=ltr]")
    assert "Zusagen" in below.select_one("a.button").text
    # What the organisers wrote stands among Arabic words: in German, as it is said to be.
    assert "Beispiel" in html.select_one(".sheet > div[lang=de][dir=ltr]").text
    assert all(one["dir"] == "auto" for one in html.select(".sheet > p"))
    assert not below.select("p[dir]")


def test_the_message_centre_keeps_both_languages_with_the_links_blanked(circle: Circle, sink: Sink) -> None:
    campaign_to(circle, ("tr",))
    db.session.commit()
    ident = db.session.scalars(select(OutboxMessage.id).where(OutboxMessage.kind == INVITATION)).one()
    assert deliver(ident) == State.sent
    db.session.expire_all()
    kept = db.session.get_one(OutboxMessage, ident).sent_text or ""
    assert ("Katılın veya" in kept, "Zusagen" in kept) == (True, True)
    assert link_of(invitation_of("tr@example.org"))[3:] not in kept


IN_TWO = "Bitte bringen Sie ein Beispiel mit.\n\n[en] Come along\nPlease bring an *example*.\n[xx] is no language"


def test_organisers_write_in_several_languages_and_everybody_reads_their_own(circle: Circle) -> None:
    campaign_to(circle, ("de", "en", "tr"), note=IN_TWO)
    found = mails(INVITATION)
    assert "Beispiel" in found["de"].body
    assert "[en]" not in found["de"].body
    assert "example" not in found["de"].body
    assert (found["de"].subject, found["en"].subject) == ("Kommen Sie", "Come along")
    assert r"an \*example\*" in found["en"].body
    assert "Beispiel" not in found["en"].body
    assert "Beispiel" in found["en"].below[1], "below stands what the city says in its own language"
    assert "xx" in found["en"].body
    # Nobody wrote in Turkish: the words of the city, said to be German.
    with in_language("tr", of_path=True):
        html = BeautifulSoup(mime.html_text(found["tr"], site_settings()), "html.parser")
    words = html.select_one(".sheet > div[lang=de]").select("p")
    assert [one.text for one in words] == ["Bitte bringen Sie ein Beispiel mit."]
    assert not html.select("hr + div div[lang]"), "in the German half German is nothing else"
    with in_language("en"):
        html = BeautifulSoup(mime.html_text(found["en"], site_settings()), "html.parser")
    assert not html.select(".sheet > div[lang=en]")


def test_plain_text_and_the_kept_copy_show_nothing_of_the_marks(circle: Circle, sink: Sink) -> None:
    campaign_to(circle, ("tr",), note=IN_TWO)
    db.session.commit()
    ident = db.session.scalars(select(OutboxMessage.id).where(OutboxMessage.kind == INVITATION)).one()
    assert deliver(ident) == State.sent
    db.session.expire_all()
    kept = db.session.get_one(OutboxMessage, ident).sent_text or ""
    assert kept.count("Bitte bringen Sie ein Beispiel mit.\n\n") == 2
    assert not re.search(r"x[0-9a-f]{16}", kept + sink.messages[0].message.get_body(("plain",)).get_content())


def test_readers_of_a_language_nobody_wrote_in_get_the_second_one(circle: Circle) -> None:
    campaign = campaign_to(circle, ("tr",), note=IN_TWO, second_lang="en")
    found = mails(INVITATION)["tr"]
    assert (found.subject, found.below[0]) == ("Come along", "en")
    assert "example" in found.body
    assert "Beispiel" not in found.body + found.below[1]
    with in_language("de"):
        assert notes.words_for("", "[EN]\nOnly in English").lang == "en"
        assert notes.words_for("S", "").subject == "S"
    assert list(notes.languages_of(campaign.note)) == ["de", "en"]


def test_the_page_to_answer_shows_the_words_in_its_language(circle: Circle, browser: Browser) -> None:
    campaign_to(circle, ("en",), note=IN_TWO)
    db.session.commit()
    where = link_of(invitation_of("en@example.org"))
    page = browser.get(where + "?lang=en")
    assert "Please bring an *example*." in page.html.select_one("div[lang=en]").text
    page = browser.get(where + "?lang=tr")
    assert "Bitte bringen Sie" in page.html.select_one("div[lang=de]").text
