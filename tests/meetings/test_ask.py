"""Questions of the organisers' own: required only when their condition holds, deleted when their days are over."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from consult import retention
from consult.extensions import db
from consult.meetings import fields
from consult.meetings.fields import Question
from consult.meetings.models import FieldAnswer, FieldKind, Registration
from consult.meetings.registering import Given
from tests.client import Browser
from tests.invitations.factories import invitation_of, invite
from tests.invitations.factories import link_of as invitation_link
from tests.meetings.factories import BEFORE, Circle, refused
from tests.meetings.registrants import come, link_of, public_meeting

BUS = Question(FieldKind.yes_no, "Kommen Sie mit dem Bus?", required=True, keep_days=5)
STOP = Question(FieldKind.line, "Ab welcher Haltestelle?", required=True, depends_on=0)
TABLE = Question(FieldKind.choices, "Welche Tische?", choices="Wohnen\nArbeit\nSprache", keep_days=60)
PEOPLE = Question(FieldKind.number, "Mit wie vielen?")


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(BEFORE)
    made = public_meeting()
    fields.set_fields(made.meeting, [BUS, STOP, TABLE, PEOPLE], None)
    session.commit()
    return made


def names(circle: Circle) -> list[str]:
    return [f"own_{field.id}" for field in fields.fields_of(circle.meeting.id)]


def answers() -> dict[str, str]:
    rows = db.session.execute(
        select(fields.MeetingField.label, FieldAnswer.value).join(
            FieldAnswer, FieldAnswer.field_id == fields.MeetingField.id
        )
    )
    return {label: value for label, value in rows}  # noqa: C416  (mypy)


def test_all_questions_stand_on_the_page_with_their_condition(circle: Circle, browser: Browser) -> None:
    page = browser.get(circle.meeting_path("/register"), headers={"Accept-Language": "en"})
    for label in ("Kommen Sie mit dem Bus?", "Ab welcher Haltestelle?", "Welche Tische?", "Mit wie vielen?"):
        assert label in page.text
    assert "Only if you answer “Kommen Sie mit dem Bus?” with yes." in page.text


def test_a_question_is_required_only_when_its_condition_holds(
    circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    bus, stop, tables, people = names(circle)
    browser = browser_of(circle.citizen)
    where = circle.meeting_path("/register")
    browser.submit(where, status=422)
    page = browser.submit(where, {bus: "yes", people: "3"}, status=422)
    assert page.form_fields(where)[people] == "3"
    browser.submit(where, {bus: "no", stop: "Markt", tables: ["Wohnen", "Sprache"], people: "3"})
    # What was typed in below a "no" does not count.
    assert answers() == {
        "Kommen Sie mit dem Bus?": "no", "Welche Tische?": "Wohnen\nSprache", "Mit wie vielen?": "3",
    }  # fmt: skip
    mine = link_of(db.session.scalars(select(Registration)).one())
    shown = browser.get(mine)
    assert [box["value"] for box in shown.html.select(f"input[name={tables}][checked]")] == ["Wohnen", "Sprache"]
    browser.submit(mine + "/change", {bus: "yes", stop: "Markt"}, form_at=mine)
    assert answers()["Ab welcher Haltestelle?"] == "Markt"


@pytest.mark.parametrize(("place", "value"), [(2, "Garten"), (3, "viele"), (0, "vielleicht")])
def test_values_nobody_offered_come_back(
    circle: Circle, browser_of: Callable[..., Browser], place: int, value: str
) -> None:
    where = circle.meeting_path("/register")
    all_names = names(circle)
    browser_of(circle.citizen).submit(where, {all_names[0]: "no", all_names[place]: value}, status=422)
    assert answers() == {}


def test_an_invited_person_answers_them_too_but_not_to_decline(circle: Circle, browser: Browser) -> None:
    invite(circle)
    db.session.commit()
    where = invitation_link(invitation_of("amira@example.org"))
    token = browser.get(where).form_fields(where + "/accept")
    browser.post(where + "/accept", token, 422)
    browser.post(where + "/accept", {**token, names(circle)[0]: "no"})
    assert answers() == {"Kommen Sie mit dem Bus?": "no"}
    browser.post(where + "/decline", {**token, "form_id": "zwei"})
    assert answers() == {}


def test_organisers_set_questions_and_taking_one_away_takes_its_answers(
    circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    first, *_rest = fields.fields_of(circle.meeting.id)
    last = fields.fields_of(circle.meeting.id)[-1]
    come(circle.meeting, given=Given(answers={first.id: "no", last.id: "3"}))
    db.session.commit()
    desk, where = browser_of(circle.moderator), circle.meeting_path("/questions")
    desk.submit(where, {"rows-3-label": "", "rows-4-label": "Noch etwas?", "rows-4-kind": "text"})
    db.session.expire_all()
    stored = fields.fields_of(circle.meeting.id)
    assert [field.label for field in stored] == [BUS.label, STOP.label, TABLE.label, "Noch etwas?"]
    assert stored[1].depends_on_id == stored[0].id == first.id
    assert list(answers()) == [BUS.label]
    desk.submit(where, {"rows-2-choices": "nur eins"}, status=422)
    desk.submit(where, {"rows-1-depends_on": "2"}, status=422)


def test_conditions_that_cannot_be_are_refused(circle: Circle) -> None:
    with refused("before it"):
        fields.set_fields(circle.meeting, [PEOPLE, Question(FieldKind.line, "Was?", depends_on=0)], None)
    with refused("two things"):
        fields.set_fields(circle.meeting, [Question(FieldKind.choice, "Was?", choices="eins")], None)


def test_answers_go_when_their_days_are_over_each_by_its_own(circle: Circle) -> None:
    bus, _stop, tables, people = (field.id for field in fields.fields_of(circle.meeting.id))
    come(circle.meeting, given=Given(answers={bus: "no", tables: "Wohnen", people: "2"}))
    ends = circle.meeting.ends_at
    assert retention.own_questions(ends + timedelta(days=4)) == 0
    assert retention.own_questions(ends + timedelta(days=6)) == 1
    assert set(answers()) == {TABLE.label, PEOPLE.label}
    assert retention.own_questions(ends + timedelta(days=31)) == 1
    assert retention.own_questions(ends + timedelta(days=61)) == 1
    assert db.session.scalar(select(func.count(FieldAnswer.id))) == 0


def test_setting_questions_and_shares_asks_few_questions_of_the_database(
    circle: Circle, browser_of: Callable[..., Browser], count_queries: Callable[[], Any]
) -> None:
    desk = browser_of(circle.moderator)
    for rest in ("/questions", "/quotas", "/gaps", "/registrations", "/registrations/add"):
        desk.get(circle.meeting_path(rest))
        with count_queries() as asked:
            desk.get(circle.meeting_path(rest))
        assert len(asked) <= 15, (rest, asked)
