"""One trip per kind of mail: something is done in the browser, the worker sends, the link in the mail is opened."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from playwright.sync_api import expect

from consult import clock
from consult.accounts.models import Person
from consult.broker import sender
from consult.contributions.models import Contribution
from consult.digests import monthly_running
from consult.extensions import db
from consult.jobs import set_publisher
from consult.moderation.models import Appeal, Duty
from consult.outbox.kinds import all_kinds
from consult.processes.models import Activity, Function, Moderation, Process
from tests import factories
from tests.browser.conftest import Visitor
from tests.browser.filling import form_with, press, send, text_of
from tests.browser.scenery import Scene
from tests.browser.town import Town
from tests.browser.trips import (
    PASSWORD,
    Visit,
    link_in,
    mail_to,
    new_address,
    new_person,
    signed_in_as,
    zone_where_it_is,
)
from tests.concept.factories import make_concept, publish

TRIP = re.compile(r"^def test_trip_(\w+)\(", re.MULTILINE)


def test_every_kind_of_mail_has_a_trip() -> None:
    here = Path(__file__).parent
    trips = [name for file in here.glob("test_mail_trips*.py") for name in TRIP.findall(file.read_text())]
    kinds = {name.replace(".", "_") for name in all_kinds()}
    without, unknown = kinds - set(trips), set(trips) - kinds
    assert sorted(trips) == sorted(kinds), f"without a trip: {sorted(without)}; without a kind: {sorted(unknown)}"


# -- accounts ---------------------------------------------------------------------------------------------------


def test_trip_confirm(here: Town, visit: Visit) -> None:
    visitor, address = visit(), new_address()
    send(visitor.go("/register"), name="Amira", email=address, new_password=PASSWORD)
    visitor.go(link_in(here, mail_to(here, address), "/register/confirm/"))
    send(visitor.page, name="Amira")
    assert address in signed_in_as(visitor)
    visitor.go(link_in(here, mail_to(here, address), "/register/confirm/"), status=410)


def test_trip_account_exists(here: Town, visit: Visit) -> None:
    _person, address = new_person(here)
    visitor = visit()
    send(visitor.go("/register"), name="Noch einmal", email=address, new_password=PASSWORD)
    visitor.go(link_in(here, mail_to(here, address), "/sign-in"))
    assert form_with(visitor.page, "password").count() == 1


def test_trip_sign_in_link(here: Town, visit: Visit) -> None:
    _person, address = new_person(here)
    visitor = visit()
    send(visitor.go("/sign-in/mail"), email=address)
    visitor.go(link_in(here, mail_to(here, address), "/sign-in/with/"))
    press(visitor.page, visitor.page.locator("main form button[type=submit]"))
    assert address in signed_in_as(visitor)


def test_trip_reset(here: Town, visit: Visit) -> None:
    _person, address = new_person(here)
    visitor = visit()
    send(visitor.go("/reset"), email=address)
    visitor.go(link_in(here, mail_to(here, address), "/reset/with/"))
    send(visitor.page, new_password=PASSWORD)
    other = visit()
    send(other.go("/sign-in"), email=address, password=PASSWORD)
    assert address in signed_in_as(other)


def change_address(here: Town, visit: Visit) -> tuple[Visitor, str, str]:
    """Somebody asks for another address and presses the button behind the link; the old and the new one."""
    person, old = new_person(here)
    new, visitor = new_address(), visit(person)
    send(visitor.go("/account/email"), email=new)
    visitor.go(link_in(here, mail_to(here, new), "/account/email/confirm/"))
    press(visitor.page, visitor.page.locator("main form button[type=submit]"))
    return visitor, old, new


def test_trip_change_email(here: Town, visit: Visit) -> None:
    visitor, _old, new = change_address(here, visit)
    assert new in signed_in_as(visitor)


def test_trip_email_changed_notice(here: Town, visit: Visit) -> None:
    _visitor, old, _new = change_address(here, visit)
    stranger = visit()
    stranger.go(link_in(here, mail_to(here, old), "/contact"))
    assert form_with(stranger.page, "body").count() == 1


def test_trip_staff_invitation(here: Town, scene: Scene, visit: Visit) -> None:
    operator, address = visit(scene.cast["demo_operator"]), new_address()
    send(operator.go("/people/invite"), name="Neue Kollegin", email=address)
    visitor = visit()
    visitor.go(link_in(here, mail_to(here, address), "/staff-invitation/"))
    send(visitor.page, name="Neue Kollegin", new_password=PASSWORD)
    assert address in signed_in_as(visitor)


# -- contributions ----------------------------------------------------------------------------------------------


def write(here: Town, visit: Visit, text: str, slug: str = "offen") -> tuple[int, str]:
    """Somebody writes about the process as a whole: the number it got, and the author's address."""
    person, address = new_person(here)
    author = visit(person)
    send(author.go(f"/p/{slug}/comment"), stance="concern", text=text)
    return int(urlsplit(author.page.url).path.rpartition("/")[2]), address


def test_trip_confirm_contribution(here: Town, scene: Scene, visit: Visit) -> None:
    address, guest = new_address(), visit()
    send(guest.go("/p/offen/comment"), stance="concern", text="Ohne Konto, mit Adresse.", email=address)
    mail = mail_to(here, address)
    assert "Ohne Konto" not in mail.text, "no word of a stranger goes to an address they typed in"
    phone = visit()
    phone.go(link_in(here, mail, "/claim/"))
    press(phone.page, phone.page.locator("main form button.primary"))
    assert "Ohne Konto, mit Adresse." in text_of(phone.page)
    phone.go(link_in(here, mail, "/claim/"), status=410)


def test_trip_contribution_published(here: Town, scene: Scene, visit: Visit) -> None:
    number, address = write(here, visit, "Bitte mehr Bänke.")
    moderator = visit(scene.cast["moderator"])
    moderator.go("/p/offen/moderation")
    moderator.page.locator(f"form[action='/p/offen/moderation/{number}/approve'] button").click()
    reader = visit()
    reader.go(link_in(here, mail_to(here, address), f"/p/offen/contributions/{number}"))
    assert "Bitte mehr Bänke." in text_of(reader.page)


def test_trip_contribution_hidden(here: Town, scene: Scene, visit: Visit) -> None:
    number, address = write(here, visit, "Unschöne Worte.")
    moderator = visit(scene.cast["moderator"])
    moderator.go("/p/offen/moderation")
    form = moderator.page.locator(f"form[action='/p/offen/moderation/{number}/hide']")
    form.evaluate("form => { form.closest('details').open = true; }")
    form.locator("select").select_option(index=1)
    form.locator("textarea").fill("Bitte freundlicher.")
    form.locator("button[type=submit]").click()
    mail = mail_to(here, address)
    assert "Bitte freundlicher." in mail.text
    stranger, author = visit(), visit(here.person(address))
    link = link_in(here, mail, f"/p/offen/contributions/{number}")
    stranger.go(link, status=404)
    author.go(link)
    assert "Unschöne Worte." in text_of(author.page)


def appear(here: Town, visit: Visit, moderator: int, text: str) -> tuple[int, str]:
    """Somebody writes and a moderator lets it appear: its number, and the author's address."""
    number, address = write(here, visit, text)
    desk = visit(moderator)
    desk.go(f"/p/offen/moderation?number={number}")
    desk.page.locator(f"form[action='/p/offen/moderation/{number}/approve'] button").click()
    mail_to(here, address)
    return number, address


def hold_back(page: Any, number: int) -> None:
    """Hold it back, with the first reason, from a page of the desk that has the form."""
    form = page.locator(f"form[action='/p/offen/moderation/{number}/hide']")
    form.evaluate("form => { form.closest('details').open = true; }")
    form.locator("select").select_option(index=1)
    form.locator("button[type=submit]").click()


def test_trip_report_closed(here: Town, scene: Scene, visit: Visit) -> None:
    number, _author = appear(here, visit, scene.cast["moderator"], "Das gefällt nicht allen.")
    person, address = new_person(here)
    reporter = visit(person)
    send(reporter.go(f"/p/offen/contributions/{number}/report"), reason_id="-1", note="Das sehe ich anders.")
    desk = visit(scene.cast["moderator"])
    send(desk.go(f"/p/offen/moderation/{number}/reports"), answer="Kritik ist erlaubt.")
    mail = mail_to(here, address)
    assert "Kritik ist erlaubt." in mail.text
    visit().go(link_in(here, mail, f"/p/offen/contributions/{number}"))


def test_trip_appeal_decided(here: Town, scene: Scene, visit: Visit) -> None:
    number, address = appear(here, visit, scene.cast["moderator"], "Eine deutliche Kritik.")
    desk = visit(scene.cast["moderator"])
    hold_back(desk.go(f"/p/offen/moderation?number={number}"), number)
    author = visit(here.person(address))
    author.go(link_in(here, mail_to(here, address, 2), f"/p/offen/contributions/{number}/appeal"))
    send(author.page, body="Das war nur Kritik.")
    other = visit(scene.cast["lead"])
    other.go("/p/offen/moderation/second-look")
    with here.inside():
        appeal_id = db.session.query(Appeal).order_by(Appeal.id.desc()).first().id
    press(other.page, other.page.locator(f"main a[href$='/appeals/{appeal_id}']"))
    send(other.page, granted="yes", answer="Sie haben recht.")
    mail = mail_to(here, address, 3)
    assert "Sie haben recht." in mail.text
    reader = visit()
    reader.go(link_in(here, mail, f"/p/offen/contributions/{number}"))
    assert "Eine deutliche Kritik." in text_of(reader.page)


def test_trip_contribution_erased(here: Town, scene: Scene, visit: Visit) -> None:
    number, address = appear(here, visit, scene.cast["moderator"], "Die Nummer von Frau X ist 0201.")
    page = f"/p/offen/moderation/{number}/erase"
    first, second = visit(scene.cast["moderator"]), visit(scene.cast["lead"])
    form = form_with(first.go(page), "reason_id")
    form.locator("select").select_option(index=1)
    press(first.page, form.locator("button[type=submit]"))
    second.go(page)
    press(second.page, second.page.locator(f"form[action='{page}/confirm'] button"))
    mail = mail_to(here, address, 2)
    author = visit(here.person(address))
    author.go(link_in(here, mail, f"/p/offen/contributions/{number}"))
    assert "Frau X" not in text_of(author.page)
    assert "Frau X" not in mail.text


def test_trip_moderation_waiting(here: Town, scene: Scene, visit: Visit) -> None:
    with here.inside():
        process = factories.make_process(slug="morgens", code="MO", title="Morgens", zone=zone_where_it_is(14))
        moderator = factories.make_person("Frühdienst", email=new_address())
        factories.make_group(process, Function.moderation, moderator)
        factories.make_stage(process, Activity.comment, moderation=Moderation.pre)
        address, moderator_id = str(moderator.email), moderator.id
        day = clock.now().date()
        turn = {"starts_on": day - timedelta(days=2), "ends_on": day + timedelta(days=3)}
        factories.flushed(Duty(process_id=process.id, person_id=moderator.id, **turn))
    number, _author = write(here, visit, "Wer sieht sich das an?", slug="morgens")
    with here.inside():
        db.session.query(Process).filter_by(slug="morgens").one().zone = zone_where_it_is(9)
    mail = mail_to(here, address)
    desk = visit(moderator_id)
    desk.go(link_in(here, mail, "/p/morgens/moderation"))
    assert f"MO-{number}" in text_of(desk.page)


def test_trip_contribution_answered(here: Town, scene: Scene, visit: Visit) -> None:
    number, address = write(here, visit, "Bitte antworten Sie mir.")
    with here.inside():
        process = db.session.query(Process).filter_by(slug="offen").one()
        one = db.session.query(Contribution).filter_by(process_id=process.id, number=number).one()
        one.state, one.published_at = "published", clock.now()
    steering = visit(scene.cast["steering"])
    send(
        steering.go(f"/p/offen/answers/decide?n={number}"), kind="note", reason="Wir haben es besprochen.",
        plain_reason="Ihr Wunsch ist gehört.",
    )  # fmt: skip
    mail = mail_to(here, address)
    assert "Ihr Wunsch ist gehört." in mail.text
    assert "Bitte antworten Sie mir." in mail.text
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    reader = visit()
    reader.go(link_in(here, mail, f"/p/offen/contributions/{number}"))
    assert "Wir haben es besprochen." in text_of(reader.page)
    reader.go(link_in(here, mail, "/mails/stop/"))
    press(reader.page, reader.page.locator("main form button[type=submit]"))
    assert reader.page.locator("input[name=wish][value=on]").count() == 1
    with here.inside():
        assert not db.session.get_one(Person, here.person(address)).tell_answers


def test_trip_monthly(here: Town, scene: Scene, visit: Visit) -> None:
    person, address = new_person(here)
    reader = visit(person)
    send(reader.go("/account/mails"), tell_monthly=True)
    with here.inside():
        # As the tick does on the first of the next month.
        set_publisher(sender(here.environment["BROKER_URL"]))
        zone = current_app.config["TIMEZONE"]
        following = (clock.local_date(clock.now(), zone).replace(day=1) + timedelta(days=32)).replace(day=1)
        assert monthly_running.run_due(clock.start_of_day(following, zone) + timedelta(hours=9)) >= 1
    mail = mail_to(here, address)
    reader.go(link_in(here, mail, "/p/"))
    reader.go(link_in(here, mail, "/mails/stop/"))
    press(reader.page, reader.page.locator("main form button[type=submit]"))
    reader.go("/account/mails")
    expect(reader.page.locator("input[name=tell_monthly]")).not_to_be_checked()


def test_trip_desk_contact_message(here: Town, scene: Scene, visit: Visit) -> None:
    operator, address = visit(scene.cast["demo_operator"]), new_address()
    send(operator.go("/settings"), contact_email=address)
    assert operator.page.locator(".callout.tone-success").count(), text_of(operator.page)
    visitor = visit()
    send(visitor.go("/contact"), body="Die Schrift auf der Karte ist zu klein.")
    assert visitor.page.url.endswith("/contact/thanks"), text_of(visitor.page)
    mail = mail_to(here, address)
    assert "zu klein" in mail.text
    operator.go(link_in(here, mail, "/contact/messages"))
    assert "zu klein" in text_of(operator.page)
    item = operator.page.locator("form[action$='/answered']")
    waiting = item.count()
    press(operator.page, item.first.locator("button"))
    assert operator.page.locator("form[action$='/answered']").count() == waiting - 1


def test_trip_steering_digest(here: Town, scene: Scene, visit: Visit) -> None:
    with here.inside():
        process = factories.make_process(slug="bericht", code="BE", title="Bericht", zone=zone_where_it_is(1))
        member = factories.make_person("Steuerung", email=new_address())
        factories.make_group(process, Function.steering, member)
        factories.make_stage(process, Activity.comment, moderation=Moderation.post)
        concept, _goal = make_concept(process)
        publish(concept, process)
        address, member_id = str(member.email), member.id
    number, _author = write(here, visit, "Das muss in den Bericht.", slug="bericht")
    with here.inside():
        db.session.query(Process).filter_by(slug="bericht").one().zone = zone_where_it_is(12)
    mail = mail_to(here, address)
    reader = visit(member_id)
    reader.go(link_in(here, mail, "/p/bericht/digests/"))
    assert f"BE-{number}" in text_of(reader.page)
