"""Everything that people come for works in a browser that runs no scripts."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from consult import clock
from consult.extensions import db
from consult.invitations.models import Invitation
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process
from tests.browser.conftest import Visitor
from tests.browser.filling import form_with, main_button, press, send, text_of
from tests.browser.scenery import Scene
from tests.browser.town import Town
from tests.meetings.factories import make_meeting

Arrive = Callable[..., Visitor]


@pytest.fixture
def plain(visit: Arrive) -> Arrive:
    """A browser without scripts."""
    return lambda person=None: visit(person, java_script_enabled=False)


def number_of(visitor: Visitor) -> int:
    """The number of the contribution on whose page one is."""
    return int(urlsplit(visitor.page.url).path.rpartition("/")[2])


def test_reading_from_the_front_page_to_a_goal_and_its_history(scene: Scene, plain: Arrive) -> None:
    reader = plain()
    page = reader.go("/")
    press(page, page.locator("main a[href^='/p/']").first)
    reader.go(f"/p/{scene.demo['slug']}/concept")
    press(page, page.locator(f"main a[href$='/e/{scene.demo['key']}']").first)
    assert page.locator("article.contribution").count()
    press(page, page.locator("a[href$='/history']").first)
    assert page.locator("h1").count() == 1


def test_language_and_colours_are_chosen_and_kept(plain: Arrive) -> None:
    visitor = plain()
    page = visitor.go("/")
    page.locator("header details.menu summary").first.click()
    press(page, page.locator("header a[hreflang='en']"))
    assert page.get_attribute("html", "lang") == "en"
    send(visitor.go("/display"), theme="dark", language="de")
    visitor.go("/contact")
    assert page.get_attribute("html", "lang") == "de"
    assert page.get_attribute("html", "data-theme") == "dark"


def test_comment_reply_moderate(scene: Scene, plain: Arrive) -> None:
    """A comment waits, is approved, answered; the answer is held back with a reason, and that is undone."""
    author, moderator, reader = plain(scene.cast["citizen"]), plain(scene.cast["moderator"]), plain()
    send(author.go("/p/offen/e/lz-begegnung/comment"), stance="support", text="Ohne Skript geschrieben.")
    number = number_of(author)
    show = f"/p/offen/contributions/{number}"
    reader.go(show, status=404)

    moderator.go("/p/offen/moderation")
    press(moderator.page, moderator.page.locator(f"form[action='/p/offen/moderation/{number}/approve'] button"))
    reader.go(show)
    assert "Ohne Skript geschrieben." in text_of(reader.page)

    send(author.go(f"{show}/reply"), text="Eine Antwort ohne Skript.")
    answer = number_of(author)
    moderator.go("/p/offen/moderation")
    form = moderator.page.locator(f"form[action='/p/offen/moderation/{answer}/hide']")
    moderator.page.locator("details", has=form).last.locator("summary").click()
    form.locator("select").select_option(index=1)
    form.locator("textarea").fill("Bitte anders.")
    press(moderator.page, form.locator("button[type=submit]"))
    reader.go(f"/p/offen/contributions/{answer}", status=404)
    moderator.go("/p/offen/moderation?list=decided")
    press(moderator.page, moderator.page.locator(f"form[action='/p/offen/moderation/{answer}/undo'] button").first)
    moderator.go("/p/offen/moderation")
    press(moderator.page, moderator.page.locator(f"form[action='/p/offen/moderation/{answer}/approve'] button"))
    reader.go(f"/p/offen/contributions/{answer}")


def invited(here: Town, meeting_id: int) -> int:
    """How many mails that invite to this meeting are promised."""
    with here.inside():
        mails = db.session.query(OutboxMessage).join(Invitation, Invitation.id == OutboxMessage.subject_id)
        return mails.filter(OutboxMessage.kind == "invitation", Invitation.meeting_id == meeting_id).count()


def test_a_list_is_checked_put_right_and_invited(here: Town, scene: Scene, plain: Arrive) -> None:
    with here.inside():
        process = db.session.query(Process).filter_by(slug="offen").one()
        starts = clock.now() + timedelta(days=30)
        meeting = make_meeting(
            process, title="Ohne Skript", starts_at=starts, ends_at=starts + timedelta(hours=2),
            wall_start=starts.strftime("%Y-%m-%dT%H:%M:%S"),
        )  # fmt: skip
        meeting_id, base = meeting.id, f"/p/offen/meetings/{meeting.id}"
    moderator = plain(scene.cast["moderator"])
    page = moderator.go(f"{base}/invite")
    send(page, text="Amira; liste-eins@example.org\nkeine Adresse hier\nBerk; liste-zwei@example.org")
    assert "keine Adresse hier" in text_of(page)
    assert invited(here, meeting_id) == 0
    form = form_with(page, "fix")
    form.locator("[name=fix]").fill("Chen; liste-drei@example.org")
    press(page, form.locator("button[formaction]"))
    press(page, page.locator("form.form button.primary"))
    assert urlsplit(page.url).path == f"{base}/invitations"
    assert invited(here, meeting_id) == 3


def test_a_wording_is_edited_and_published(scene: Scene, plain: Arrive) -> None:
    editor, reader = plain(scene.cast["editor"]), plain()
    send(
        editor.go("/p/offen/e/lz-begegnung/edit"), markdown="Begegnung wird ohne Skript gefördert.",
        reason="Weil es ohne Skript gehen muss.", sources=str(scene.offen["number"]),
    )  # fmt: skip
    reader.go("/p/offen/e/lz-begegnung")
    assert "ohne Skript gefördert" not in text_of(reader.page)
    send(editor.go("/p/offen/concept/publish"), title="Fassung ohne Skript", audience="public", sure=True)
    reader.go("/p/offen/e/lz-begegnung")
    assert "ohne Skript gefördert" in text_of(reader.page)
    reader.go("/p/offen/e/lz-begegnung/history")
    assert "Weil es ohne Skript gehen muss." in text_of(reader.page)


def test_a_form_sent_empty_says_what_is_missing(scene: Scene, plain: Arrive) -> None:
    author = plain(scene.cast["citizen"])
    page = author.go("/p/offen/comment")
    press(page, main_button(form_with(page, "text")))
    summary = page.locator(".error-summary")
    assert summary.locator("a").count() == 2
    for target in summary.locator("a").all():
        assert page.locator(str(target.get_attribute("href"))).count() == 1
