"""Typing in the cards of the pinboard."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from consult.contributions.models import Contribution, ContributionText
from tests.client import Browser
from tests.meetings.factories import AFTER, make_circle


def test_each_card_gets_its_number_and_the_table_stays_for_the_next(
    session: Any, browser_of: Callable[..., Browser], at: Callable[[datetime], Any]
) -> None:
    at(AFTER)
    circle = make_circle(kind="kickoff")
    visitor = browser_of(circle.moderator)
    page = visitor.submit(
        circle.meeting_path("/cards"),
        {
            "table": "4",
            "text": "Eine Liste für alle!",
            "stance": "change",
            "element_id": str(circle.theme.id),
            "lang": "tr",
        },
    )
    again = visitor.follow(page)
    fields = again.form_fields(circle.meeting_path("/cards"))
    assert (fields["table"], fields["element_id"], fields["lang"], fields["text"]) == (
        "4",
        str(circle.theme.id),
        "tr",
        "",
    )
    assert f"{circle.process.code}-1" in again.text
    visitor.submit(page.location, {"text": "Und die Kinder?", "stance": "question", "element_id": ""}, status=303)
    rows = session.execute(
        select(Contribution, ContributionText.body).join(ContributionText).order_by(Contribution.number)
    ).all()
    assert [(c.number, c.kind, c.channel, c.stance, c.element_id, body) for c, body in rows] == [
        (1, "card", "card", "change", circle.theme.id, "Eine Liste für alle!"),
        (2, "card", "card", "question", None, "Und die Kinder?"),
    ]
    card = rows[0][0]
    assert (card.lang, card.entered_by_id, card.author_id) == ("tr", circle.moderator.id, None)
    assert card.author_name.endswith("4")
    # Typed in the day after, and written at the meeting.
    assert card.created_at == circle.meeting.ends_at


def test_an_empty_card_is_sent_back(session: Any, browser_of: Callable[..., Browser]) -> None:
    circle = make_circle(kind="kickoff")
    page = browser_of(circle.moderator).submit(circle.meeting_path("/cards"), {"table": "4", "text": "  "}, status=422)
    assert page.form_fields(circle.meeting_path("/cards"))["table"] == "4"
    assert session.scalars(select(Contribution)).all() == []


def test_cards_are_offered_on_the_page_of_the_kickoff_only_to_those_who_organise(
    session: Any, browser: Browser, browser_of: Callable[..., Browser]
) -> None:
    circle = make_circle(kind="kickoff")
    link = {"href": circle.meeting_path("/cards")}
    assert browser_of(circle.moderator).get(circle.meeting_path()).html.find("a", link)
    assert not browser.get(circle.meeting_path()).html.find("a", link)
