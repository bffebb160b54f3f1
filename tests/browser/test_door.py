"""At the door with a real browser: the network is cut, people are checked in, the page is loaded again, it is back."""

import io
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import segno
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import func, select

from consult import clock
from consult.accounts.models import Person
from consult.extensions import db
from consult.meetings import cards, door, registrations
from consult.meetings.models import CheckIn, Meeting, MeetingKind, Registration
from consult.processes.models import Process
from tests.browser.conftest import Visitor
from tests.browser.filling import press as press_button
from tests.browser.filling import until
from tests.browser.scenery import Scene
from tests.browser.town import Town
from tests.factories import make_person
from tests.meetings.factories import make_meeting

Arrive = Callable[..., Visitor]
#: What the page does by itself every twenty seconds, and when the network comes back.
ASKED_AGAIN = "dispatchEvent(new Event('online')) && null"
PHONE = {"viewport": {"width": 375, "height": 740}}


@pytest.fixture
def hall(here: Town, scene: Scene) -> dict[str, Any]:
    """A meeting that is just beginning, with four guests."""
    with here.inside():
        process = db.session.scalars(select(Process).where(Process.slug == "offen")).one()
        starts = clock.now() - timedelta(minutes=5)
        meeting = make_meeting(
            process, kind=MeetingKind.kickoff, title="Auftakt im Saal", starts_at=starts,
            ends_at=starts + timedelta(hours=3), wall_start=starts.strftime("%Y-%m-%dT%H:%M:%S"),
        )  # fmt: skip
        ids = {}
        for name, state in (
            ("Ada Anders", "coming"),
            ("Bo Berg", "coming"),
            ("Cem Can", "coming"),
            ("Doro Dorn", "declined"),
        ):
            row = Registration(meeting_id=meeting.id, person_id=make_person(name, account=False).id, state=state)
            db.session.add(row)
            db.session.flush()
            ids[name] = row.id
        return {"id": meeting.id, "path": f"/p/offen/meetings/{meeting.id}/door", "guests": ids}


def counted(here: Town, hall: dict[str, Any]) -> dict[int, int]:
    """How often each registration is checked in."""
    with here.inside():
        rows = db.session.execute(
            select(CheckIn.registration_id, func.count())
            .where(CheckIn.meeting_id == hall["id"])
            .group_by(CheckIn.registration_id)
        )
        return {row[0]: row[1] for row in rows}


def open_door(visit: Arrive, scene: Scene, hall: dict[str, Any], own_clock: bool = False) -> Visitor:
    """The page on a device that has kept it; `own_clock`: one whose clock the test can put forward."""
    visitor = visit(scene.cast["moderator"], **PHONE)
    if own_clock:
        visitor.page.clock.install()
    visitor.go(hall["path"])
    visitor.page.locator("[data-door][data-kept]").wait_for(state="attached")
    return visitor


def press(visitor: Visitor, hall: dict[str, Any], name: str, act: str = "came") -> None:
    visitor.page.click(f'[data-guest="{hall["guests"][name]}"] [data-act={act}]')


def shows(visitor: Visitor, there: int, waiting: int | None = None) -> None:
    """So many are here, and so many of it are not sent yet, as the page says. It says nothing before it was refused."""
    page = visitor.page
    expect(page.locator("[data-count=there]")).to_have_text(str(there))
    if waiting is not None:
        expect(page.locator("[data-waiting]")).to_be_visible()
        expect(page.locator("[data-waiting] b")).to_have_text(str(waiting))


def all_sent(visitor: Visitor) -> None:
    """Wait until the server has everything, and the page knows it."""
    until(visitor.page, "!Object.keys(localStorage).some((key) => /^consult\\.door\\..*\\.q\\./.test(key))")
    visitor.page.locator("[data-waiting][hidden]").wait_for(state="attached")


def quiet(visitor: Visitor) -> list[str]:
    """What must not happen; that the network was missing is no surprise."""
    return [line for line in visitor.watch.take() if "ERR_INTERNET_DISCONNECTED" not in line]


def test_people_are_checked_in_without_a_network_and_counted_once_when_it_is_back(here, scene, hall, visit):
    visitor = open_door(visit, scene, hall)
    page = visitor.page
    press(visitor, hall, "Ada Anders")
    shows(visitor, 1)
    all_sent(visitor)
    visitor.context.set_offline(True)
    press(visitor, hall, "Bo Berg")
    press(visitor, hall, "Doro Dorn")
    page.fill("#q", "Eva Neu")
    # Two presses: the name stands in the form already.
    page.click("[data-walk-in] button")
    shows(visitor, 4, 3)
    assert counted(here, hall) == {hall["guests"]["Ada Anders"]: 1}
    # The page is loaded again in the cellar, and nothing is lost.
    page.reload()
    shows(visitor, 4, 3)
    # Not sent yet, taken back again: leaves no trace.
    press(visitor, hall, "Cem Can")
    press(visitor, hall, "Cem Can", "undo")
    shows(visitor, 4)
    visitor.context.set_offline(False)
    all_sent(visitor)
    page.reload()
    shows(visitor, 4)
    once = counted(here, hall)
    assert set(once.values()) == {1}
    assert len(once) == 4
    assert hall["guests"]["Cem Can"] not in once
    assert quiet(visitor) == []


def begins(here: Town, hall: dict[str, Any], ahead: timedelta) -> None:
    """From now on the meeting begins so far from now."""
    with here.inside():
        meeting = db.session.get_one(Meeting, hall["id"])
        meeting.starts_at = clock.now() + ahead
        meeting.ends_at = meeting.starts_at + timedelta(hours=3)


def test_the_buttons_come_when_the_door_opens_also_on_a_device_without_a_network(here, scene, hall, visit):
    # It opens a day before.
    begins(here, hall, timedelta(days=1, hours=1))
    visitor = open_door(visit, scene, hall, own_clock=True)
    page = visitor.page
    button = page.locator(f'[data-guest="{hall["guests"]["Ada Anders"]}"] [data-act=came]')
    expect(button).to_be_hidden()
    expect(page.locator(".when-shut")).to_be_visible()
    visitor.context.set_offline(True)
    code = page.locator(f'[data-guest="{hall["guests"]["Ada Anders"]}"]').get_attribute("data-code")
    page.fill("#q", code)
    page.press("#q", "Enter")
    expect(page.locator("[data-said]")).to_be_visible()
    shows(visitor, 0)
    # The time passes, on the device and for everybody.
    begins(here, hall, timedelta(days=1))
    page.clock.fast_forward("01:00:01")
    expect(button).to_be_visible()
    expect(page.locator(".when-shut")).to_be_hidden()
    button.click()
    shows(visitor, 1, 1)
    visitor.context.set_offline(False)
    all_sent(visitor)
    assert counted(here, hall) == {hall["guests"]["Ada Anders"]: 1}
    assert quiet(visitor) == []


def test_what_is_undone_while_it_is_on_its_way_is_undone(here, scene, hall, visit):
    visitor = open_door(visit, scene, hall)
    page, held = visitor.page, []
    page.route("**/door-sync", lambda route: held.append(route))
    press(visitor, hall, "Ada Anders")
    until(page, lambda: held)
    press(visitor, hall, "Ada Anders", "undo")
    # Lets go of what was held.
    page.unroute("**/door-sync")
    shows(visitor, 0)
    all_sent(visitor)
    assert counted(here, hall) == {}


def test_somebody_new_is_taken_off_again_while_it_is_on_its_way(here, scene, hall, visit):
    visitor = open_door(visit, scene, hall)
    page, held = visitor.page, []
    page.route("**/door-sync", lambda route: held.append(route))
    page.fill("#q", "Eva Neu")
    page.click("[data-walk-in] button")
    row = page.locator(".door-list > li", has_text="Eva Neu")
    until(page, lambda: held)
    row.locator("[data-act=undo]").click()
    # It stands there no longer before anybody has answered.
    expect(page.locator("[data-count=there]")).to_have_text("0")
    page.unroute("**/door-sync")
    page.locator("[data-waiting][hidden]").wait_for(state="attached")
    expect(row).to_have_count(0)
    expect(page.locator("[data-count=there]")).to_have_text("0")
    assert counted(here, hall) == {}
    with here.inside():
        assert db.session.scalar(select(func.count()).where(Registration.meeting_id == hall["id"])) == 4


def test_the_form_for_somebody_new_opens_for_a_name_nobody_has_and_folds_when_somebody_has_it(here, scene, hall, visit):
    with here.inside():
        code = db.session.get_one(Registration, hall["guests"]["Bo Berg"]).code
    visitor = open_door(visit, scene, hall)
    page, field, name = visitor.page, visitor.page.locator("#q"), visitor.page.locator("#walk-in-name")
    field.fill("Adax")
    expect(name).to_be_visible()
    expect(name).to_have_value("Adax")
    # A slip of the finger, put right: Ada is on the list.
    field.fill("Ada")
    expect(name).to_be_hidden()
    expect(name).to_have_value("")
    # Half a code is nobody's name.
    for typed in (f"9{code[:3]}", code[:4] + "9"):
        field.fill(typed)
        expect(name).to_be_hidden()
    # Put right by hand in the form: neither the search nor what the server says writes over it.
    field.fill("eva neu")
    expect(name).to_have_value("eva neu")
    name.fill("Eva Neumann")
    with here.inside():
        came = door.Entry("am-anderen-tisch", door.Act.came, clock.now(), hall["guests"]["Ada Anders"])
        meeting = db.session.get_one(Meeting, hall["id"])
        moderator = db.session.get_one(Person, scene.cast["moderator"])
        door.take_in(meeting, [came], moderator, now=clock.now())
    page.evaluate(ASKED_AGAIN)
    expect(page.locator("[data-count=there]")).to_have_text("1")
    expect(name).to_be_visible()
    expect(name).to_have_value("Eva Neumann")
    assert quiet(visitor) == []


def test_a_device_learns_that_the_door_was_opened_early_and_closed_again(here, scene, hall, visit):
    with here.inside():
        meeting = db.session.get_one(Meeting, hall["id"])
        meeting.starts_at = clock.now() + timedelta(days=5)
        meeting.ends_at = meeting.starts_at + timedelta(hours=3)
    helper = open_door(visit, scene, hall)
    button = helper.page.locator(f'[data-guest="{hall["guests"]["Ada Anders"]}"] [data-act=came]')
    expect(button).to_be_hidden()
    organiser = visit(scene.cast["moderator"], java_script_enabled=False, **PHONE)
    organiser.go(hall["path"])
    organiser.page.click('form[action$="/door/open"] button')
    expect(organiser.page.locator(".when-shut")).to_be_hidden()
    helper.page.evaluate(ASKED_AGAIN)
    expect(button).to_be_visible()
    # It is kept as well: loaded again without a network, the door is open.
    helper.context.set_offline(True)
    helper.page.reload()
    expect(button).to_be_visible()
    expect(helper.page.locator("[data-offline]")).to_be_visible()
    # Closing and opening need the network.
    expect(helper.page.locator('form[action$="/door/shut"]')).to_be_hidden()
    helper.context.set_offline(False)
    organiser.page.click('form[action$="/door/shut"] button')
    expect(organiser.page.locator(".when-shut")).to_be_visible()
    helper.page.evaluate(ASKED_AGAIN)
    expect(button).to_be_hidden()
    expect(helper.page.locator(".when-shut")).to_be_visible()
    assert quiet(helper) == []


def test_a_press_is_not_lost_when_the_list_is_made_anew_meanwhile(here, scene, hall, visit):
    visitor = open_door(visit, scene, hall, own_clock=True)
    page = visitor.page
    page.clock.pause_at(clock.now() + timedelta(minutes=1))
    button = page.locator(f'[data-guest="{hall["guests"]["Ada Anders"]}"] [data-act=came]')
    button.hover()
    page.mouse.down()
    with page.expect_response(lambda answer: answer.url.endswith(hall["path"])) as told:
        page.evaluate("() => { dispatchEvent(new Event('online')); }")
    told.value.finished()
    # Long enough for what is made of the answer.
    page.evaluate("async () => { for (let n = 0; n < 5; n += 1) await (await fetch('/health/live')).text(); }")
    page.mouse.up()
    shows(visitor, 1)
    page.clock.resume()
    all_sent(visitor)
    assert counted(here, hall) == {hall["guests"]["Ada Anders"]: 1}


def test_two_devices_at_two_doors_count_the_same_people_once(here, scene, hall, visit):
    first, second = open_door(visit, scene, hall), open_door(visit, scene, hall)
    for visitor in (first, second):
        visitor.context.set_offline(True)
        press(visitor, hall, "Ada Anders")
        press(visitor, hall, "Bo Berg")
    press(second, hall, "Cem Can")
    for visitor, waiting in ((first, 2), (second, 3)):
        shows(visitor, waiting, waiting)
        visitor.context.set_offline(False)
    for visitor in (first, second):
        all_sent(visitor)
    assert counted(here, hall) == {hall["guests"][name]: 1 for name in ("Ada Anders", "Bo Berg", "Cem Can")}
    # Each device learns of the other.
    first.page.reload()
    shows(first, 3)


def test_whoever_was_signed_out_meanwhile_signs_in_again_and_loses_nothing(here, scene, hall, visit):
    visitor = open_door(visit, scene, hall)
    visitor.context.set_offline(True)
    press(visitor, hall, "Ada Anders")
    shows(visitor, 1, 1)
    visitor.context.clear_cookies()
    visitor.context.set_offline(False)
    visitor.page.locator("[data-sign-in]").wait_for()
    assert counted(here, hall) == {}
    visitor.sign_in(scene.cast["moderator"])
    visitor.go(hall["path"])
    all_sent(visitor)
    shows(visitor, 1)
    assert counted(here, hall) == {hall["guests"]["Ada Anders"]: 1}


def test_signing_out_takes_the_list_from_the_device_and_warns_of_what_is_not_sent(here, scene, hall, visit):
    visitor = open_door(visit, scene, hall)
    assert visitor.page.evaluate("caches.keys()") == [f"consult-door-{hall['id']}"]
    visitor.page.evaluate(f"localStorage.setItem('consult.door.{hall['id']}.q.x', '{{}}')")
    visitor.go("/sign-out")
    visitor.page.locator("[data-unsent-check-ins]").wait_for()
    press_button(visitor.page, visitor.page.locator("main form [type=submit]"))
    assert visitor.page.evaluate("caches.keys()") == []
    assert visitor.page.evaluate("Object.keys(localStorage).filter(k => k.startsWith('consult.door.'))") == [
        f"consult.door.{hall['id']}.q.x"
    ]


def test_leaving_with_everything_sent_leaves_nothing_on_the_device(here, scene, hall, visit):
    visitor = open_door(visit, scene, hall)
    press(visitor, hall, "Ada Anders")
    visitor.page.click("[data-forget]")
    visitor.page.wait_for_url(f"**/meetings/{hall['id']}")
    assert visitor.page.evaluate("caches.keys()") == []
    assert visitor.page.evaluate("Object.keys(localStorage).filter(k => k.startsWith('consult.door.'))") in (
        [],
        ["consult.door."],
    )
    assert counted(here, hall) == {hall["guests"]["Ada Anders"]: 1}


def test_codes_are_typed_as_they_come(here, scene, hall, visit):
    with here.inside():
        code = db.session.get_one(Registration, hall["guests"]["Bo Berg"]).code
    visitor = open_door(visit, scene, hall)
    visitor.page.fill("#q", f" {code[:4].lower()} {code[4:].lower()}")
    expect(visitor.page.locator(".door-list > li:visible")).to_have_count(1)
    visitor.page.press("#q", "Enter")
    shows(visitor, 1)
    visitor.page.fill("#q", "cem")
    # The list may be made anew in this moment, because the server has answered.
    expect(visitor.page.locator(".door-list > li:visible").first).to_contain_text("Cem Can")
    expect(visitor.page.locator("#q")).to_have_value("cem")
    assert quiet(visitor) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_whole_code_stands_on_the_page_of_a_guest(here, hall, visit, scheme):
    """Every field of the square, and the white around it: else no camera reads it."""
    with here.inside():
        row = db.session.get_one(Registration, hall["guests"]["Ada Anders"])
        meeting = db.session.get_one(Meeting, hall["id"])
        process = db.session.get_one(Process, meeting.process_id)
        address, page = door.ticket_address(process, meeting, row.code), f"/registration/{registrations.link_to(row)}"
    visitor = visit(None, viewport={"width": 320, "height": 640}, color_scheme=scheme)
    visitor.go(page)
    square = visitor.page.locator("svg.qr")
    matrix = [[bool(field) for field in line] for line in segno.make(address, error="m", micro=False).matrix]
    around = 4
    with Image.open(io.BytesIO(square.screenshot(scale="css"))) as picture:
        shown = picture.convert("L")
    fields = len(matrix) + 2 * around
    step = shown.width / fields
    assert step >= 3, "too small to be read from a phone"

    def dark(line: int, column: int) -> bool:
        return bool(shown.getpixel((int((column + 0.5) * step), int((line + 0.5) * step))) < 128)

    inside = range(around, fields - around)
    wrong = [
        (line, column)
        for line in range(1, fields - 1)
        for column in range(1, fields - 1)
        if dark(line, column) != (line in inside and column in inside and matrix[line - around][column - around])
    ]
    assert wrong == []
    assert quiet(visitor) == []


def test_forty_cards_are_typed_in_by_keyboard_quickly(here, scene, visit, capsys):
    with here.inside():
        process = db.session.scalars(select(Process).where(Process.slug == "offen")).one()
        meeting: Meeting = make_meeting(process, kind=MeetingKind.kickoff, title="Kartenwand")
        path = f"/p/offen/meetings/{meeting.id}/cards"
    visitor = visit(scene.cast["moderator"])
    page = visitor.page
    visitor.go(path)
    page.fill("[name=table]", "4")
    page.fill("[name=cluster]", "Sprache und Ankommen")
    page.focus("[name=text]")
    took = []
    for n in range(40):
        began = time.monotonic()
        # The field has the focus: nobody touches the mouse.
        page.keyboard.type(f"Karte {n}: Sprachkurse auch am Abend, mit Kinderbetreuung")
        with page.expect_navigation():
            page.keyboard.press("Control+Enter")
        page.locator("[name=text]:focus").wait_for()
        took.append(time.monotonic() - began)
    # The middle one: what a machine does besides in one moment is not the page's.
    seconds = statistics.median(took)
    with capsys.disabled():
        print(f"\nforty cards by keyboard: {seconds:.2f} s each, {60 / seconds:.0f} a minute")  # noqa: T201  (the figure is wanted)
    with here.inside():
        assert cards.how_many(meeting.id) == 40
        assert {row.cluster for row in cards.newest(meeting.id)} == {"Sprache und Ankommen"}
    # More than six a minute is asked for; the middle one counts, so that a single busy moment does not.
    assert seconds < 5
    assert visitor.watch.take() == []
