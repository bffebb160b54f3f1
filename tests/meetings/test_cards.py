"""Typing in the cards of the pinboard."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from consult.contributions.models import Contribution, ContributionText, State
from consult.meetings import cards
from consult.meetings.cards import Place
from consult.meetings.models import Card, CardKind
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests.client import Browser
from tests.meetings.factories import AFTER, Circle, make_circle, refused


def test_each_card_gets_its_number_and_the_table_stays_for_the_next(
    session: Any, browser_of: Callable[..., Browser], at: Callable[[datetime], Any]
) -> None:
    at(AFTER)
    circle = make_circle(kind="kickoff")
    visitor = browser_of(circle.moderator)
    page = visitor.submit(
        circle.meeting_path("/cards"),
        {
            "kind": "need",
            "table": "4",
            "cluster": "Sprache und Ankommen",
            "text": "Eine Liste für alle!",
            "stance": "change",
            "element_id": str(circle.theme.id),
            "lang": "tr",
        },
    )
    again = visitor.follow(page)
    fields = again.form_fields(circle.meeting_path("/cards"))
    assert (fields["table"], fields["cluster"], fields["kind"]) == ("4", "Sprache und Ankommen", "need")
    assert (fields["element_id"], fields["lang"], fields["text"]) == (
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
    # Where it hung, for everybody.
    page = browser_of(circle.citizen).get(f"/p/{circle.process.slug}/contributions/1")
    assert all(words in page.text for words in (circle.meeting.title, "4", "Sprache und Ankommen"))


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


def type_in(circle: Circle, text: str = "Mer Sprachkurse", **place: Any) -> Contribution:
    return cards.capture_card(circle.process, circle.meeting, circle.moderator, text=text, place=Place(**place))


def test_a_typing_mistake_is_mended_and_the_earlier_text_stays_on_record(session: Any, browser_of: Any) -> None:
    circle = make_circle(kind="kickoff")
    card = type_in(circle, table="4")
    staff, path = browser_of(circle.moderator), circle.meeting_path("/cards/1")
    staff.submit(path, {"text": "Mehr Sprachkurse", "kind": "need", "table": "5", "cluster": "Sprache"})
    row = session.get(Card, card.id)
    assert (card.revision, card.state, row.kind, row.place, row.cluster) == (1, "published", "need", "5", "Sprache")
    assert card.author_name.endswith("5")
    texts = session.scalars(select(ContributionText.body).order_by(ContributionText.revision))
    assert list(texts) == ["Mer Sprachkurse", "Mehr Sprachkurse"]
    # Somebody else had the old text in front of them.
    page = staff.submit(path, {"text": "Weniger Sprachkurse", "base_revision": "0"}, status=409)
    assert "Mehr Sprachkurse" in page.text
    assert card.revision == 1
    staff.submit(path, {"text": "Mehr Sprachkurse"})
    assert card.revision == 1


def test_a_card_typed_in_twice_is_taken_back_and_keeps_its_number(session: Any, browser_of: Any) -> None:
    circle = make_circle(kind="kickoff")
    card = type_in(circle)
    staff = browser_of(circle.moderator)
    staff.submit(circle.meeting_path("/cards/1/take-back"), form_at=circle.meeting_path("/cards/1"))
    assert (card.state, card.number) == (State.withdrawn, 1)
    assert cards.newest(circle.meeting.id) == []
    staff.get(circle.meeting_path("/cards/2"), status=404)


def test_a_card_that_was_answered_stays_as_it_is(session: Any) -> None:
    circle = make_circle(kind="kickoff")
    card = type_in(circle)
    decide(card, DispositionKind.note, "Gehört.", actor=circle.lead)
    with refused("answered already"):
        cards.take_back(card, circle.moderator, AFTER)
    with refused("answered already"):
        cards.correct(card, circle.meeting, circle.moderator, text="Anders", base_revision=0, place=Place(), now=AFTER)


def test_a_card_and_where_it_hung_are_written_together_or_not_at_all(session: Any, monkeypatch: Any) -> None:
    circle = make_circle(kind="kickoff")
    card = type_in(circle, kind=CardKind.offer, cluster="x" * 500)
    row = session.get(Card, card.id)
    assert (row.kind, row.meeting_id, len(row.cluster)) == ("offer", circle.meeting.id, 200)


def test_the_page_for_typing_asks_few_questions(session: Any, browser_of: Any, count_queries: Any) -> None:
    circle = make_circle(kind="kickoff")
    for n in range(15):
        type_in(circle, f"Karte {n}", table=str(n % 3), cluster=f"Überschrift {n}")
    staff = browser_of(circle.moderator)
    for path in ("/cards", "/cards/3", "/photos"):
        with count_queries() as queries:
            staff.get(circle.meeting_path(path))
        assert len(queries) <= 15, path
