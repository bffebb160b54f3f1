"""Questions are answered by a day: which one, and where it is said."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from consult import clock
from consult.contributions import operations
from consult.contributions.due import due_on, is_open_question, overdue, promised_for
from consult.contributions.models import Contribution
from consult.extensions import db
from consult.moderation import operations as deciding
from consult.processes.models import Moderation
from consult.processes.operations import change_process
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests.contributions.factories import make_town

EN = {"Accept-Language": "en"}
DAY = timedelta(days=1)
PROMISED = "An answer is promised by"


def ask(town, body="Wann?", **fields):
    return town.write(body, stance="question", **fields)


def late_ones(town, now):
    return list(db.session.scalars(select(Contribution.number).where(overdue(town.process, now))))


@pytest.mark.parametrize("days", [1, 14, 90])
def test_the_function_and_the_condition_agree_at_every_hour(session, at, days):
    """Around midnight at the place, and over the night in which clocks change."""
    town = make_town(answer_days=days)
    published = datetime(2026, 3, 20, 22, 59, tzinfo=UTC) + 3 * timedelta(minutes=1) * (days % 2)
    one = ask(town)
    one.published_at = published
    session.flush()
    due = due_on(town.process, published)
    assert due == clock.local_date(published, "Europe/Berlin") + days * DAY
    for hours in range(-36, 37, 3):
        now = clock.end_of_day(due, "Europe/Berlin") + timedelta(hours=hours)
        expected = [one.number] if clock.local_date(now, "Europe/Berlin") > due else []
        assert late_ones(town, now) == expected, now


def test_it_counts_from_when_everybody_can_read_it(session, at):
    written = at(datetime(2026, 4, 12, 10, tzinfo=UTC))
    town = make_town(moderation=Moderation.pre, answer_days=14)
    one = ask(town)
    assert due_on(town.process, one.published_at) is None
    at(written + 3 * DAY)
    deciding.approve(one, town.moderator)
    assert due_on(town.process, one.published_at) == date(2026, 4, 29)


def test_without_a_promise_nothing_is_due(session):
    town = make_town()
    one = ask(town)
    assert due_on(town.process, one.published_at) is None
    assert late_ones(town, clock.now() + 400 * DAY) == []
    assert promised_for(town.process, one) is None


def test_only_questions_that_nobody_answered_are_open(session):
    town = make_town(answer_days=14)
    asked, answered, talked, gone = (ask(town, f"Frage {n}?") for n in range(4))
    town.write("Mehr Bänke!")
    town.write("Am Montag.", reply_to=answered, actor=town.lead)
    town.write("Weiß ich auch nicht.", reply_to=talked, actor=town.neighbour)
    operations.withdraw(gone, town.citizen)
    found = db.session.scalars(select(Contribution.number).where(is_open_question(town.process.id)))
    assert set(found) == {asked.number, talked.number}
    assert promised_for(town.process, answered) is None
    assert promised_for(town.process, asked) == due_on(town.process, asked.published_at)


def test_whoever_asks_is_told_before_sending(session, browser, browser_of):
    town = make_town(answer_days=14)
    session.commit()
    said = "Questions are answered within 14 days after everybody can read them."
    path = town.path(f"/e/{town.goal.key}/comment")
    for visitor in (browser, browser_of(town.citizen)):
        page = visitor.get(path, headers=EN)
        assert said in page.html.select_one("#what-next, #guest-next").parent.get_text(" ", strip=True)
        assert said in visitor.get(town.path("/rules"), headers=EN).text
    town.process.answer_days = None
    session.commit()
    for visitor in (browser, browser_of(town.citizen)):
        assert "Questions are answered" not in visitor.get(path, headers=EN).text
    town.process.answer_days, town.process.offered_stances = 14, "support change"
    session.commit()
    assert "Questions are answered" not in browser.get(path, headers=EN).text


def test_a_proposal_of_words_promises_no_answer_to_a_question(session, browser, browser_of):
    town = make_town(answer_days=14)
    session.commit()
    for visitor in (browser, browser_of(town.citizen)):
        page = visitor.get(town.path(f"/e/{town.goal.key}/propose"), headers=EN)
        assert "Questions are answered" not in page.text


def test_the_page_says_until_when_as_long_as_nobody_answered(session, browser, at):
    at(datetime(2026, 4, 15, 10, tzinfo=UTC))
    town = make_town(answer_days=14)
    first, second, other = ask(town), ask(town), town.write("Mehr Bänke!")
    session.commit()
    said = "An answer is promised by April 29, 2026."
    for one, expected in ((first, True), (second, True), (other, False)):
        assert (said in browser.get(town.number_path(one), headers=EN).text) is expected
    town.write("Am Montag.", reply_to=first, actor=town.lead)
    decide(second, DispositionKind.note, "Am Montag.", actor=town.lead)
    session.commit()
    for one in (first, second):
        assert PROMISED not in browser.get(town.number_path(one), headers=EN).text


def test_a_page_without_a_promise_costs_nothing_more(session, browser, count_queries):
    town = make_town()
    asked = ask(town)
    session.commit()

    path = town.number_path(asked)

    def cost():
        with count_queries() as queries:
            browser.get(path)
        return len(queries)

    before = cost()
    change_process(town.process, town.lead.id, {"answer_days": 14})
    session.commit()
    assert cost() == before + 1
