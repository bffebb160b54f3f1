"""Two organisers in the same list: the second one is told, loses nothing typed, and decides."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from consult.extensions import db
from consult.meetings import fields, queries, quotas, survey
from consult.meetings.fields import Question
from consult.meetings.models import FieldKind
from tests.client import Browser
from tests.meetings.factories import BEFORE, Circle
from tests.meetings.registrants import MIGRANTS, POLITICS, public_meeting, share

ENGLISH = {"Accept-Language": "en"}
TOLD = "Somebody else has changed this meanwhile"


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    made = public_meeting(capacity=20)
    fields.set_fields(made.meeting, [Question(FieldKind.line, "Haltestelle?")], None)
    session.commit()
    return made


def labels(circle: Circle) -> list[str]:
    return [field.label for field in fields.fields_of(circle.meeting.id)]


def test_a_question_somebody_added_meanwhile_is_not_lost_and_neither_is_what_was_typed(
    circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    one, two = browser_of(circle.moderator), browser_of(circle.lead)
    where = circle.meeting_path("/questions")
    mine, theirs = (browser.get(where).form_fields(where) for browser in (one, two))
    two.post(where, {**theirs, "rows-1-label": "Wie viele Kinder?", "rows-1-kind": "number"})
    assert labels(circle) == ["Haltestelle?", "Wie viele Kinder?"]
    page = one.post(where, {**mine, "rows-0-label": "Ab Haltestelle?", "rows-1-label": "Essen Sie mit?"}, status=409)
    assert labels(circle) == ["Haltestelle?", "Wie viele Kinder?"]
    shown = page.form_fields(where)
    assert (shown["rows-0-label"], shown["rows-1-label"]) == ("Ab Haltestelle?", "Essen Sie mit?")
    assert "Wie viele Kinder?" in shown.values()
    # Both lists have been seen: now it counts, and nothing of either is missing.
    one.post(where, shown)
    assert labels(circle) == ["Ab Haltestelle?", "Essen Sie mit?", "Wie viele Kinder?"]


def test_what_stands_there_now_is_said(circle: Circle, browser_of: Callable[..., Browser]) -> None:
    one = browser_of(circle.moderator)
    where = circle.meeting_path("/questions")
    mine = one.get(where).form_fields(where)
    fields.set_fields(circle.meeting, [Question(FieldKind.line, "Ganz anders?")], circle.lead)
    db.session.commit()
    page = one.post(where, mine, status=409, headers=ENGLISH)
    assert TOLD in page.text
    assert "Ganz anders?" in page.html.select_one(".callout").get_text()
    # A form that says nothing about its base is none of ours.
    one.post(where, {**mine, "base": "", "form_id": "another"}, status=409)
    assert labels(circle) == ["Ganz anders?"]


def test_saving_twice_in_a_row_is_no_conflict(circle: Circle, browser_of: Callable[..., Browser]) -> None:
    one = browser_of(circle.moderator)
    where = circle.meeting_path("/questions")
    for label in ("Eins?", "Zwei?"):
        one.submit(where, {"rows-0-label": label})
    assert labels(circle) == ["Zwei?"]


def test_shares_of_places_are_not_overwritten_unseen(circle: Circle, browser_of: Callable[..., Browser]) -> None:
    one = browser_of(circle.moderator)
    where = circle.meeting_path("/quotas")
    mine = one.get(where).form_fields(where)
    name = next(key for key, value in mine.items() if value == MIGRANTS).replace("kind", "reserved")
    share(circle.meeting, POLITICS, at_most=3)
    db.session.commit()
    page = one.post(where, {**mine, name: "5"}, status=409, headers=ENGLISH)
    assert TOLD in page.text
    assert "0 kept, at most 3" in page.text
    assert [row.organisation_kind for row in quotas.quotas_of(circle.meeting.id)] == [POLITICS]
    shown = page.form_fields(where)
    assert shown[name] == "5"
    one.post(where, shown)
    assert [(row.organisation_kind, row.reserved) for row in quotas.quotas_of(circle.meeting.id)] == [(MIGRANTS, 5)]


def test_questions_of_the_survey_are_not_overwritten_unseen(circle: Circle, browser_of: Callable[..., Browser]) -> None:
    one, two = browser_of(circle.moderator), browser_of(circle.lead)
    where = circle.meeting_path("/survey/questions")
    empty = two.get(where)
    mine = one.get(where).form_fields(where)
    survey.set_questions(circle.meeting, [survey.Question("text", "Was fehlte?")], True, circle.lead)
    db.session.commit()
    page = one.post(where, {**mine, "questions-0-label": "War es laut?"}, status=409, headers=ENGLISH)
    assert TOLD in page.text
    assert "Was fehlte?" in page.text
    assert page.form_fields(where)["questions-0-label"] == "War es laut?"
    # The button for the usual questions takes nobody's place either.
    usual = circle.meeting_path("/survey/usual")
    two.post(usual, empty.form_fields(usual), status=409)
    assert [row.label for row in survey.questions_of(circle.meeting.id)] == ["Was fehlte?"]


def test_an_item_of_the_agenda_somebody_added_meanwhile_is_not_lost(
    circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    one, two = browser_of(circle.moderator), browser_of(circle.lead)
    where = circle.meeting_path("/agenda")
    mine, theirs = (browser.get(where).form_fields(where) for browser in (one, two))
    two.post(where, {**theirs, "items-0-title": "Begrüßung"})
    page = one.post(where, {**mine, "items-0-title": "Räume"}, status=409, headers=ENGLISH)
    assert TOLD in page.text
    one.post(where, page.form_fields(where))
    assert [item.title for item in queries.agenda_of(circle.meeting.id, with_internal=True)] == ["Räume", "Begrüßung"]


def test_a_meeting_somebody_moved_meanwhile_is_not_moved_back_unseen(
    circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    """Else guests would be told of the old place once more."""
    one, two = browser_of(circle.moderator), browser_of(circle.lead)
    where = circle.meeting_path("/edit")
    mine, theirs = (browser.get(where).form_fields(where) for browser in (one, two))
    two.post(where, {**theirs, "place": "Rathaus", "capacity": "30", "approval": "y"})
    page = one.post(where, {**mine, "description": "Bitte klingeln."}, status=409, headers=ENGLISH)
    told = page.html.select_one(".callout").get_text()
    assert TOLD in told
    assert "Rathaus" in told
    assert "30" in told
    db.session.refresh(circle.meeting)
    assert (circle.meeting.place, circle.meeting.description) == ("Rathaus", "")
    one.post(where, {**page.form_fields(where), "place": "Rathaus"})
    db.session.refresh(circle.meeting)
    assert (circle.meeting.place, circle.meeting.description) == ("Rathaus", "Bitte klingeln.")
