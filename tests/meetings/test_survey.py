"""The survey after a meeting: partly saved, sent once, anonymous for good, few answers shown to nobody."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from consult import retention
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.audit.operations import head, record, seal
from consult.digests import operations as digests
from consult.digests import words as digest_words
from consult.digests.reading import report
from consult.i18n import in_language
from consult.meetings import minutes, survey
from consult.meetings.models import Registration, SurveyAnswer, SurveyReply
from consult.meetings.survey import Question
from consult.signing import sign
from tests.client import Browser
from tests.factories import flushed, make_person
from tests.meetings.factories import AFTER, BEFORE, Circle, make_circle, make_meeting, refused

NOON = datetime(2026, 5, 3, 11, 17, 23, tzinfo=UTC)


@pytest.fixture
def circle(session: Any, at: Callable[[datetime], Any]) -> Circle:
    at(NOON)
    made = make_circle()
    survey.set_questions(
        made.meeting,
        [
            Question("scale", "Nützlich?"),
            Question("choice", "Wie weiter?", ("Mehr", "Weniger")),
            Question("text", "Was?"),
        ],
        True,
        made.lead,
    )
    session.commit()
    return made


def guest(circle: Circle, state: str = "attended") -> Registration:
    made: Registration = flushed(
        Registration(meeting_id=circle.meeting.id, person_id=make_person("Gast").id, state=state)
    )
    return made


def path_of(registration: Registration) -> str:
    return f"/survey/{survey.link_for(registration)}"


def fields(circle: Circle, *values: str) -> dict[str, str]:
    return {
        f"q{question.id}": value
        for question, value in zip(survey.questions_of(circle.meeting.id), values, strict=False)
        if value
    }


def fill(circle: Circle, registration: Registration, *values: str, now: datetime = NOON) -> None:
    sheet = survey.opened(survey.link_for(registration))
    assert sheet is not None
    given = {int(name[1:]): value for name, value in fields(circle, *values).items()}
    survey.save(sheet, given, send=True, now=now)


def test_a_sheet_is_saved_in_part_changed_and_sent_once_without_an_account(
    session: Any, circle: Circle, browser: Browser
) -> None:
    registration = guest(circle)
    session.commit()
    path = path_of(registration)
    browser.submit(path, {**fields(circle, "2"), "later": "1"})
    assert browser.get(path).form_fields(path)[f"q{survey.questions_of(circle.meeting.id)[0].id}"] == "2"
    assert survey.count_of(circle.meeting.id) == 0
    browser.submit(path, {**fields(circle, "5", "Mehr"), "later": "1"})
    browser.submit(path, fields(circle, "4", "Mehr", "Mehr Zeit"))
    assert survey.count_of(circle.meeting.id) == 1
    assert sorted(session.scalars(select(SurveyAnswer.value))) == ["4", "Mehr", "Mehr Zeit"]
    page = browser.get(path)
    assert not page.html.find("input", type="radio")
    token = browser.get("/contact").form_fields("/contact")["csrf_token"]
    browser.post(path, {"csrf_token": token, **fields(circle, "1")}, 422)
    assert survey.count_of(circle.meeting.id) == 1


def test_looking_writes_nothing(session: Any, circle: Circle, browser: Browser) -> None:
    registration = guest(circle)
    session.commit()
    browser.get(path_of(registration))
    assert session.scalars(select(SurveyReply)).all() == []


def test_nothing_that_is_kept_says_who_sent_an_anonymous_sheet(session: Any, circle: Circle) -> None:
    people = [guest(circle) for _ in range(3)]
    for registration in people:
        sheet = survey.opened(survey.link_for(registration))
        assert sheet is not None
        survey.save(sheet, {}, send=False, now=NOON)
    drafts = [row.id for row in session.scalars(select(SurveyReply))]
    # Begun first, sent last.
    for number, registration in enumerate(reversed(people)):
        fill(circle, registration, str(number + 1), now=NOON + timedelta(minutes=number))
    session.expire_all()
    replies = session.scalars(select(SurveyReply).order_by(SurveyReply.id)).all()
    assert [(reply.key, reply.registration_id) for reply in replies] == [(None, None)] * 3
    # No time finer than the day, and none at all with the person.
    assert {reply.sent_at for reply in replies} == {datetime(2026, 5, 2, 22, 0, tzinfo=UTC)}
    assert {registration.surveyed_at for registration in people} == {circle.meeting.ends_at}
    assert {registration.updated_at for registration in people} == {None}
    # The number of a sheet is not that of the sheet somebody began.
    assert not set(drafts) & {reply.id for reply in replies}
    values = [session.scalar(select(SurveyAnswer.value).where(SurveyAnswer.reply_id == reply.id)) for reply in replies]
    assert values == ["1", "2", "3"]
    for entry in session.scalars(select(AuditEntry).where(AuditEntry.action == "meetings.survey.answered")):
        assert (entry.actor_id, entry.subject_type, entry.facts) == (None, "meeting", {})


def test_with_names_the_organisers_were_promised_to_see_them(session: Any, circle: Circle) -> None:
    survey.set_questions(circle.meeting, survey.preset(), False, circle.lead)
    registration = guest(circle)
    fill(circle, registration, "3")
    reply = session.scalars(select(SurveyReply)).one()
    assert (reply.registration_id, reply.sent_at, reply.key) == (registration.id, NOON, None)


def test_the_promise_about_names_and_the_questions_stay_once_somebody_has_begun(session: Any, circle: Circle) -> None:
    sheet = survey.opened(survey.link_for(guest(circle)))
    assert sheet is not None
    survey.save(sheet, {}, send=False, now=NOON)
    with refused("stay as they are"):
        survey.set_questions(circle.meeting, survey.preset(), False, circle.lead)
    assert circle.meeting.survey_anonymous is True


@pytest.mark.parametrize(
    ("state", "moment", "opens"),
    [
        ("attended", AFTER, True), ("coming", AFTER, True), ("declined", AFTER, False), ("absent", AFTER, False),
        ("waiting", AFTER, False), ("attended", BEFORE, False), ("attended", AFTER + timedelta(days=31), False),
    ],
)  # fmt: skip
def test_a_sheet_is_for_those_who_were_there_in_the_thirty_days_after(
    session: Any, circle: Circle, browser: Browser, at: Callable[[datetime], Any],
    state: str, moment: datetime, opens: bool,
) -> None:  # fmt: skip
    registration = guest(circle, state)
    session.commit()
    at(moment)
    assert bool(browser.get(path_of(registration)).html.find("input", type="radio")) is opens


@pytest.mark.parametrize("how", ["forged", "zero", "other purpose", "garbage"])
def test_links_that_are_no_good_open_nothing(session: Any, circle: Circle, browser: Browser, how: str) -> None:
    registration = guest(circle)
    session.commit()
    genuine = path_of(registration)
    path = {
        "forged": genuine[:-1] + ("A" if genuine.endswith("_") else "_"),
        "zero": path_of(registration).replace("/survey/", "/survey/0"),
        "other purpose": f"/survey/{sign('meeting_guest', registration.id, registration.code)}",
        "garbage": "/survey/%F0%9F%98%80",
    }[how]
    browser.get(path, 404)


def test_an_answer_that_was_not_offered_and_an_empty_sheet_do_not_count(
    session: Any, circle: Circle, browser: Browser
) -> None:
    registration = guest(circle)
    session.commit()
    path = path_of(registration)
    page = browser.submit(path, fields(circle, "6", "Vielleicht"), status=422)
    assert page.html.select(".error-summary li")
    assert survey.count_of(circle.meeting.id) == 0


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        ([Question("choice", "Was?", ("eins",))], "2 to 12"),
        ([Question("choice", "Was?", tuple(str(n) for n in range(13)))], "2 to 12"),
        ([Question("scale", f"Frage {n}") for n in range(21)], "at most 20"),
    ],
)
def test_questions_that_cannot_be_are_refused(
    session: Any, circle: Circle, questions: list[Question], words: str
) -> None:
    with refused(words):
        survey.set_questions(circle.meeting, questions, True, circle.lead)


def test_results_of_fewer_than_five_are_for_the_organisers_and_own_words_always(
    session: Any, circle: Circle, browser: Browser, browser_of: Callable[..., Browser]
) -> None:
    for number in range(4):
        fill(circle, guest(circle), str(number + 2), "Mehr", f"Eigene Worte {number}")
    session.commit()
    page, staff = circle.meeting_path("/survey"), browser_of(circle.moderator)
    assert "Nützlich?" not in browser.get(page).text
    assert "Eigene Worte 3" in staff.get(page).text
    assert survey.figures_of([circle.meeting.id]) == {}
    fill(circle, guest(circle), "1", "Weniger")
    session.commit()
    public = browser.get(page)
    assert "Nützlich?" in public.text
    assert "Eigene Worte" not in public.text
    table = public.html.find("table", class_="bars")
    assert [row.find("th").get_text() for row in table.find("tbody").find_all("tr")] == list(survey.SCALE)
    with in_language("en"):
        assert survey.figures_of([circle.meeting.id])[circle.meeting.id].words() == (
            "5 people answered the survey. “Nützlich?”: 3 of 5 on average."
        )
    assert browser.get(circle.meeting_path()).html.find("a", href=page)


def test_the_result_stands_with_the_minutes(
    session: Any, circle: Circle, browser: Browser, browser_of: Callable[..., Browser]
) -> None:
    for number in range(5):
        fill(circle, guest(circle), str(number + 1), "Mehr")
    minutes.record(circle.meeting, [], "Wir haben viel gehört.", 0, circle.moderator)
    session.commit()
    writing = browser_of(circle.moderator).get(circle.meeting_path("/minutes"), headers={"Accept-Language": "en"})
    assert "5 people answered the survey." in writing.text, "whoever writes the minutes sees it"
    minutes.approve(circle.process, circle.meeting, 1, circle.lead)
    session.commit()
    public = browser.get(circle.meeting_path(), headers={"Accept-Language": "en"})
    section = public.html.select_one("section[aria-labelledby=minutes]").get_text(" ")
    assert "Wir haben viel gehört." in section
    assert "5 people answered the survey." in section


def test_organisers_write_questions_in_the_browser(
    session: Any, circle: Circle, browser_of: Callable[..., Browser]
) -> None:
    other = make_meeting(circle.process)
    session.commit()
    visitor, page = browser_of(circle.moderator), circle.path(f"/{other.id}/survey/questions")
    visitor.submit(circle.path(f"/{other.id}/survey/usual"), form_at=page)
    assert [one.kind for one in survey.questions_of(other.id)] == ["scale", "scale", "text"]
    visitor.submit(page, {"questions-0-label": "Neu?", "questions-0-kind": "choice", "questions-0-choices": "Ja\nNein"})
    asked = survey.questions_of(other.id)
    assert survey.choices_of(asked[0]) == ["Ja", "Nein"]
    assert len(asked) == 3
    wrong = visitor.submit(page, {"questions-0-choices": "Ja"}, status=422)
    assert wrong.html.select(".error-summary li")


def test_sheets_that_were_begun_go_when_they_can_no_longer_be_sent(session: Any, circle: Circle) -> None:
    sheet = survey.opened(survey.link_for(guest(circle)))
    assert sheet is not None
    survey.save(sheet, {sheet.questions[0].id: "3"}, send=False, now=NOON)
    fill(circle, guest(circle), "4")
    assert retention.unsent_surveys(AFTER + timedelta(days=10)) == 0
    assert retention.unsent_surveys(AFTER + timedelta(days=31)) == 1
    assert session.scalars(select(SurveyAnswer.value)).all() == ["4"]


def test_pages_of_the_survey_ask_the_same_number_of_questions_with_one_and_many_answers(
    session: Any, circle: Circle, browser: Browser, browser_of: Callable[..., Browser], count_queries: Any
) -> None:
    registration = guest(circle)
    session.commit()
    staff, figures = browser_of(circle.moderator), []
    addresses = [
        (browser, path_of(registration)), (browser, circle.meeting_path("/survey")),
        (staff, circle.meeting_path("/survey")), (staff, circle.meeting_path("/survey/questions")),
        (browser, circle.meeting_path()),
    ]  # fmt: skip
    for many in (5, 20):
        for number in range(many):
            fill(circle, guest(circle), str(number % 5 + 1), "Mehr", f"Worte {number}")
        session.commit()
        row = []
        for who, address in addresses:
            who.get(address)
            with count_queries() as asked:
                who.get(address)
            row.append(len(asked))
        figures.append(row)
    assert figures[0] == figures[1]
    assert max(figures[0]) <= 12


def test_the_digest_keeps_the_result_as_it_was_counted(session: Any, circle: Circle) -> None:
    for number in range(5):
        fill(circle, guest(circle), str(number % 2 + 4))
    record(Action.minutes_approved, None, ("minutes", 1), process_id=circle.process.id, contributions=[])
    seal()
    digest = digests.compile(circle.process, head(), NOON)
    assert digest is not None
    fill(circle, guest(circle), "1")
    with in_language("en"):
        said = digest_words.events(report(circle.process, digest.content))
    assert "After “4. Treffen”: 5 people answered the survey. “Nützlich?”: 4.4 of 5 on average." in said


def test_where_the_form_led_to_does_not_say_whose_anonymous_sheet_it_was(
    session: Any, circle: Circle, browser: Browser
) -> None:
    registration = guest(circle)
    session.commit()
    path = path_of(registration)
    answer = browser.submit(path, fields(circle, "4"))
    assert survey.count_of(circle.meeting.id) == 1
    # Kept, sealed, for the same form sent twice; so it must not lead to the sheet.
    assert answer.location == circle.meeting_path()
