"""Who comes, as others may know it; how a meeting stands; what the page says for whom."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from consult.accounts.models import Organisation, OrganisationKind, Representation
from consult.i18n import in_language
from consult.meetings import attendees, operations
from consult.meetings.event_words import Standing, date_block, distance_words, state_of
from consult.meetings.models import Registration
from consult.meetings.registrations import link_to
from tests.client import Browser
from tests.factories import flushed, make_person
from tests.meetings.factories import AFTER, BEFORE, Circle, make_circle


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    made = make_circle(attendee_list="consenting")
    session.commit()
    return made


def organisation(name: str, kind: str = OrganisationKind.welfare) -> Organisation:
    made: Organisation = flushed(Organisation(name=name, kind=kind))
    return made


def guest(circle: Circle, name: str, of: Organisation | None = None, **fields: Any) -> Registration:
    fields.setdefault("state", "coming")
    made: Registration = flushed(
        Registration(
            meeting_id=circle.meeting.id, person_id=make_person(name).id, organisation_id=of.id if of else None,
            organisation_kind=of.kind if of else None, **fields,
        )
    )  # fmt: skip
    return made


def test_organisations_are_listed_persons_only_when_they_agreed_and_politics_apart(
    session: Any, circle: Circle, browser: Browser
) -> None:
    house, party = organisation("Frauentreff"), organisation("Ratsfraktion", OrganisationKind.politics)
    guest(circle, "Amira Offen", house, named=True)
    guest(circle, "Ben Still", house)
    guest(circle, "Cem Rat", party)
    guest(circle, "Dora Abgesagt", organisation("Fernbleiber"), state="declined", named=True)
    guest(circle, "Emil Frei", organisation_name="Erfundener Verein e. V.")
    session.commit()
    shown = attendees.published(circle.meeting, BEFORE)
    assert shown is not None
    assert (shown.organisations, shown.politics) == (["Frauentreff"], ["Ratsfraktion"])
    assert shown.persons == [("Amira Offen", "Frauentreff")]
    with in_language("en"):
        assert shown.count.words() == "3 people and 1 from politics"
    text = browser.get(circle.meeting_path()).text
    assert "Amira Offen" in text
    assert not [name for name in ("Ben Still", "Cem Rat", "Fernbleiber", "Erfundener") if name in text]


@pytest.mark.parametrize("vouched", ["nobody", "invited", "let in", "looked at", "speaks for it"])
def test_an_organisation_is_named_only_when_somebody_else_says_so(session: Any, circle: Circle, vouched: str) -> None:
    house = organisation("Frauentreff")
    state = "attended" if vouched == "let in" else "coming"
    origin = "invitation" if vouched == "invited" else "registration"
    came = guest(circle, "Wer Auch Immer", house, origin=origin, state=state, named=True)
    circle.meeting.approval = vouched == "looked at"
    if vouched == "speaks for it":
        flushed(
            Representation(person_id=came.person_id, organisation_id=house.id, starts_at=BEFORE - timedelta(days=1))
        )
    session.commit()
    shown = attendees.published(circle.meeting, BEFORE)
    assert shown is not None
    assert shown.organisations == ([] if vouched == "nobody" else ["Frauentreff"])
    assert shown.persons == [("Wer Auch Immer", "" if vouched == "nobody" else "Frauentreff")]


@pytest.mark.parametrize(("listed", "name", "house"), [("organisations", False, True), ("nobody", False, False)])
def test_what_is_public_is_what_the_organisers_chose(
    session: Any, circle: Circle, browser: Browser, listed: str, name: bool, house: bool
) -> None:
    guest(circle, "Amira Offen", organisation("Frauentreff"), named=True)
    circle.meeting.attendee_list = listed
    session.commit()
    text = browser.get(circle.meeting_path()).text
    assert ("Amira Offen" in text, "Frauentreff" in text) == (name, house)


def test_those_who_come_see_more_than_the_public(
    session: Any, circle: Circle, browser: Browser, browser_of: Callable[..., Browser]
) -> None:
    circle.meeting.attendee_list = "guests"
    guest(circle, "Amira Offen", organisation("Frauentreff"), named=True)
    ben, gone = guest(circle, "Ben Still"), guest(circle, "Dora Abgesagt", state="declined")
    session.commit()
    page = circle.meeting_path()
    for reader, sees in ((browser, False), (browser_of(circle.stranger), False), (browser_of(ben.person), True)):
        text = reader.get(page).text
        assert "Frauentreff" in text
        assert ("Amira Offen" in text) is sees
        assert "Ben Still" not in text.partition("Frauentreff")[2], "whoever did not agree stands nowhere"
    for link, sees in ((ben, True), (gone, False)):
        assert ("Amira Offen" in browser.get(f"/registration/{link_to(link)}").text) is sees


def test_who_agreed_to_be_seen_by_guests_is_not_shown_to_everybody_later(
    session: Any, circle: Circle, browser: Browser
) -> None:
    circle.meeting.attendee_list = "guests"
    mine = guest(circle, "Amira Offen", organisation("Frauentreff"), origin="invitation")
    session.commit()
    link = f"/registration/{link_to(mine)}"
    form = browser.get(link, headers={"Accept-Language": "en"})
    assert "Others who come may see my name" in form.text
    value = form.html.select_one("input[name=named]")["value"]
    change = {**form.form_fields(f"{link}/change"), "named": value}
    browser.post(f"{link}/change", change)
    session.refresh(mine)
    assert mine.named
    wider = replace(operations.plan_of(circle.meeting), attendee_list="consenting")
    operations.change(circle.meeting, wider, circle.moderator)
    session.commit()
    session.refresh(mine)
    assert not mine.named, "everybody is more than those who come"
    # A page that was open all the while asked for the narrower list.
    browser.post(f"{link}/change", {**change, "form_id": "spaeter"})
    session.refresh(mine)
    assert not mine.named
    fresh = browser.get(link)
    box = fresh.html.select_one("input[name=named]")
    browser.post(f"{link}/change", {**fresh.form_fields(f"{link}/change"), "named": box.get("value", "y")})
    session.refresh(mine)
    assert mine.named
    assert "Amira Offen" in browser.get(circle.meeting_path()).text


def test_after_the_meeting_who_was_there_counts_where_somebody_counted(session: Any, circle: Circle) -> None:
    guest(circle, "A", organisation("War da"), state="attended")
    guest(circle, "B", organisation("War nicht da"))
    later = attendees.published(circle.meeting, AFTER)
    assert later is not None
    assert later.organisations == ["War da"]
    assert later.count.total == 1
    earlier = attendees.published(circle.meeting, BEFORE)
    assert earlier is not None
    assert len(earlier.organisations) == 2


@pytest.mark.parametrize(
    ("fields", "taken", "standing"),
    [
        ({"state": "cancelled"}, 0, Standing.cancelled), ({"registration": "nobody"}, 0, Standing.open_door),
        ({"registration": "invited"}, 0, Standing.invited_only), ({}, 0, Standing.free),
        ({"capacity": 10}, 9, Standing.free), ({"capacity": 10}, 10, Standing.full),
        ({"capacity": 10}, 11, Standing.full),
        ({"registration_opens_at": BEFORE + timedelta(days=1)}, 0, Standing.not_yet),
        ({"registration_closes_at": BEFORE}, 0, Standing.closed),
    ],
)  # fmt: skip
def test_how_a_meeting_stands(
    session: Any, circle: Circle, fields: dict[str, Any], taken: int, standing: Standing
) -> None:
    for name, value in {"registration": "everybody", **fields}.items():
        setattr(circle.meeting, name, value)
    assert state_of(circle.meeting, taken, BEFORE).standing == standing
    assert state_of(circle.meeting, taken, AFTER).standing in (Standing.over, Standing.cancelled)


def test_free_places_are_counted_with_those_that_are_kept_for_somebody(
    session: Any, circle: Circle, browser: Browser
) -> None:
    circle.meeting.registration, circle.meeting.capacity = "everybody", 3
    guest(circle, "A")
    guest(circle, "B", state="offered")
    guest(circle, "C", state="waiting")
    session.commit()
    for address in (circle.meeting_path(), circle.path()):
        text = browser.get(address, headers={"Accept-Language": "en"}).text
        assert "1 place free" in text


@pytest.mark.parametrize(
    ("who", "sees"),
    [("lead", True), ("moderator", True), ("member", True), ("coming", True), ("waiting", False), ("maybe", False),
     ("citizen", False), (None, False)],
)  # fmt: skip
def test_the_link_for_taking_part_from_home_is_for_those_who_come_and_for_staff(
    session: Any, circle: Circle, browser: Browser, browser_of: Callable[..., Browser], who: str | None, sees: bool
) -> None:
    circle.meeting.online_url = "https://video.example.org/geheim"
    person = getattr(circle, who or "", circle.citizen)
    if who in ("coming", "waiting", "maybe"):
        flushed(Registration(meeting_id=circle.meeting.id, person_id=person.id, state=who))
    session.commit()
    visitor = browser_of(person) if who else browser
    page = visitor.get(circle.meeting_path())
    assert ("video.example.org" in str(page.html)) is sees
    assert "video.example.org" not in visitor.get(circle.meeting_path("/meeting.ics")).response.text


def test_the_page_asks_the_same_number_of_questions_with_one_and_forty_who_come(
    session: Any, circle: Circle, browser: Browser, count_queries: Any
) -> None:
    circle.meeting.registration, circle.meeting.capacity = "everybody", 100
    address, figures = circle.meeting_path(), []
    for many in (1, 39):
        for number in range(many):
            guest(circle, f"Gast {many} {number}", organisation(f"Haus {many} {number}"), named=True)
        session.commit()
        with count_queries() as asked:
            browser.get(address)
        figures.append(len(asked))
    assert figures[0] == figures[1] <= 10


def test_a_leaf_of_the_calendar_shows_the_day_at_the_place(session: Any, circle: Circle) -> None:
    with in_language("de"):
        block = date_block(circle.meeting)
    assert (block.weekday, block.day, block.month, block.year) == ("Sa", "2", "Mai", "2026")


def test_distances_in_words(session: Any) -> None:
    with in_language("en"):
        assert distance_words(-3 * 24 * 60) == "3 days before the beginning"
        assert distance_words(24 * 60 + 120) == "1 day 2 hours after the end"
