"""The desk of those who answer: lists, the form, several at once, somebody else being faster."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from consult import clock
from consult.contributions import operations as contributions
from consult.contributions.models import Channel, Contribution, Reaction
from consult.extensions import db
from consult.processes.models import Function
from consult.weighing.listing import PAGE
from consult.weighing.models import Disposition, DispositionKind
from consult.weighing.operations import TOGETHER, decide
from consult.weighing.queries import decisions_on
from tests.contributions.factories import make_many, make_representation, make_town
from tests.factories import flushed, make_group, make_organisation, make_person, make_process
from tests.meetings.factories import make_meeting
from tests.weighing.factories import Draft, gather, told

EN = {"Accept-Language": "en"}


@pytest.fixture
def town(session):
    return make_town()


@pytest.fixture
def desk(town, browser_of):
    return browser_of(town.steering)


def listed(page):
    return [tag["id"].partition("-")[2] for tag in page.html.select("article.contribution")]


def numbers(*contributions_):
    return [str(one.number) for one in contributions_]


def fill(**fields):
    return {"kind": "adopt", "reason": "Das ist gut.", "plain_reason": "Wir machen das.", "publish": "now", **fields}


def test_it_is_for_those_who_decide(town, browser, browser_of):
    one = town.write()
    for path in (town.path("/answers"), town.path(f"/answers/decide?n={one.number}")):
        assert "/sign-in" in browser.get(path, status=303).location
        for person in (town.citizen, town.moderator, town.editor, town.stranger):
            browser_of(person).get(path, status=403)
        office = make_person("Büro")
        make_group(town.process, Function.answering, office)
        for person in (town.steering, town.lead, office):
            browser_of(person).get(path)


def test_the_menu_leads_there(desk, town):
    assert desk.get(town.path("/answers")).html.select_one(f"nav a[href='{town.path('/answers')}'][aria-current]")


def test_nobody_is_offered_to_report_what_they_decide_about(desk, town):
    one = town.write("Eins")
    for path in (town.path("/answers"), town.path(f"/answers/decide?n={one.number}")):
        page = desk.get(path)
        assert listed(page) or page.html.select("form")
        assert not page.html.select("a[href$='/report']"), path
    assert desk.get(town.number_path(one)).html.select("a[href$='/report']")


def test_what_waits_stands_there_the_oldest_first(desk, town):
    first, second, answered = town.write("Eins"), town.write("Zwei", actor=town.neighbour), town.write("Drei")
    held, gone = town.write("Vier"), town.write("Fünf")
    town.write("Antwort", actor=town.neighbour, reply_to=first)
    decide(answered, DispositionKind.note, "Gehört.", actor=town.lead)
    decide(held, DispositionKind.note, "Gehört.", actor=town.lead, held=True)
    contributions.withdraw(gone, town.citizen)
    db.session.commit()
    assert listed(desk.get(town.path("/answers"))) == numbers(first, second)
    assert listed(desk.get(town.path("/answers?list=held"))) == numbers(held)
    assert listed(desk.get(town.path("/answers?list=decided"))) == numbers(answered, held)


def test_it_can_be_narrowed_and_ordered(desk, town):
    wish, question = town.write("Wunsch"), town.write("Frage?", stance="question")
    whole = town.write("Zu allem", stance="support", element_id=None)
    flushed(Reaction(contribution_id=whole.id, person_id=town.neighbour.id, created_at=clock.now()))
    whole.agrees = 3
    db.session.commit()
    path = town.path("/answers")
    assert listed(desk.get(f"{path}?order=questions")) == numbers(question, wish, whole)
    assert listed(desk.get(f"{path}?order=supported")) == numbers(whole, question, wish)
    assert listed(desk.get(f"{path}?stance=question")) == numbers(question)
    assert listed(desk.get(f"{path}?element=ankommen")) == numbers(wish, question)
    assert listed(desk.get(f"{path}?element=*")) == numbers(whole)
    assert listed(desk.get(f"{path}?order=nonsense&stance=x&element=y&list=z&before=q")) == numbers(
        wish, question, whole
    )


def test_it_can_be_narrowed_to_a_language_and_the_way_it_came(desk, town):
    here, turkish = town.write("Deutsch"), town.write("Güzel.", lang="tr")
    letter = town.write("Mit der Post")
    letter.channel = Channel.letter
    decided = town.write("Kısa.", lang="tr")
    decide(decided, DispositionKind.note, "Gehört.", actor=town.lead)
    db.session.commit()
    path = town.path("/answers")
    assert listed(desk.get(f"{path}?lang=tr")) == numbers(turkish)
    assert listed(desk.get(f"{path}?list=decided&lang=tr")) == numbers(decided)
    assert listed(desk.get(f"{path}?channel=letter")) == numbers(letter)
    assert listed(desk.get(f"{path}?lang=xx&channel=pigeon")) == numbers(here, turkish, letter)
    # The same choice holds when the whole list is answered together.
    town.write("Noch eins")
    db.session.commit()
    every = desk.get(f"{path}?channel=web&lang=de").html.select_one("a[href*='every=1']")["href"]
    assert desk.get(every, status=303).location.endswith(f"?n={here.number}&n={decided.number + 1}")


@pytest.mark.parametrize("order", ["oldest", "questions", "supported"])
def test_it_goes_on_page_by_page_and_shows_each_once(desk, town, order):
    make_many(town, PAGE + 8, every_reply=10**9)
    for n, one in enumerate(db.session.scalars(select(Contribution).order_by(Contribution.id))):
        one.agrees, one.stance = n % 3, "question" if n % 4 == 0 else "change"
    db.session.commit()
    first = desk.get(town.path(f"/answers?order={order}"))
    following = first.html.select_one("nav.pager a[rel=next]")["href"]
    second = desk.get(following)
    assert len(listed(first)) == PAGE
    assert len(listed(second)) == 8
    assert not set(listed(first)) & set(listed(second))
    assert not second.html.select_one("nav.pager a[rel=next]")


def test_what_is_gathered_is_answered_with_its_head(desk, town):
    head, like = town.write("Bänke"), town.write("Mehr Bänke", actor=town.neighbour)
    gather(town, head, like)
    db.session.commit()
    page = desk.get(town.path("/answers"), headers=EN)
    assert listed(page) == numbers(head)
    assert "1 more says nearly the same" in page.text
    # Without a head that is public it has to be answered by itself.
    contributions.withdraw(head, town.citizen)
    db.session.commit()
    assert listed(desk.get(town.path("/answers"))) == numbers(like)


def test_the_changes_it_led_to_stand_beside_it_and_can_be_chosen(desk, town):
    draft = Draft(town)
    one, other = town.write(), town.write("Anderer")
    change = draft.change(one, reason="Bänke kommen.")
    db.session.commit()
    assert "Bänke kommen." in desk.get(town.path("/answers")).text
    path = town.path(f"/answers/decide?n={one.number}")
    options = {option["value"] for option in desk.get(path).html.select("select[name=change] option")}
    assert options == {"0", str(change.id)}
    # Beforehand the newest one is chosen; whoever says "none" is taken at their word.
    desk.submit(path, fill())
    assert decisions_on([one.id])[one.id].change_id == change.id
    desk.submit(path, fill(change="0"))
    assert decisions_on([one.id])[one.id].change_id is None
    page = desk.get(town.path(f"/answers/decide?n={other.number}"))
    assert not page.html.select("select[name=change]")


def test_answering_tells_the_author_and_shows_it_to_everybody(desk, town, browser):
    one = town.write()
    meeting = make_meeting(
        town.process, title="Zwölfte Sitzung", starts_at=clock.now() - timedelta(days=2),
        ends_at=clock.now() - timedelta(days=2, hours=-2),
    )  # fmt: skip
    db.session.commit()
    path = town.path(f"/answers/decide?n={one.number}")
    page = desk.submit(path, fill(element="ankommen", decided_in=str(meeting.id)))
    assert page.location == town.path("/answers")
    made = db.session.scalars(select(Disposition)).one()
    assert (made.kind, made.element_id, made.decided_in_id, made.held, made.actor_id) == (
        "adopt", town.goal.id, meeting.id, False, town.steering.id)  # fmt: skip
    assert [(m.subject_id, m.recipient_id) for m in told()] == [(made.id, town.citizen.id)]
    shown = browser.get(town.number_path(one))
    for words in ("Wir machen das.", "Das ist gut.", "Zwölfte Sitzung"):
        assert words in shown.text
    assert listed(desk.get(town.path("/answers"))) == []


def test_nothing_typed_is_lost_when_something_is_missing(desk, town):
    one = town.write()
    db.session.commit()
    path = town.path(f"/answers/decide?n={one.number}")
    page = desk.submit(path, {"plain_reason": "Ein Satz, den ich nicht noch einmal schreiben will."}, status=200)
    assert "Ein Satz, den ich nicht noch einmal schreiben will." in page.text
    assert page.html.select_one(".error-summary")
    stale = desk.post(path, {"reason": "Getippt.", "kind": "note", "publish": "now", "csrf_token": "alt"}, status=200)
    assert "Getippt." in stale.text
    assert decisions_on([one.id]) == {}


def test_of_two_who_answer_the_second_is_told_and_can_send_again(desk, town, browser_of):
    one = town.write()
    db.session.commit()
    path = town.path(f"/answers/decide?n={one.number}")
    fields = desk.get(path).form_fields(path)
    browser_of(town.lead).submit(path, fill(kind="reject", reason="Leider nein."))
    mine = {k: v for k, v in {**fields, **fill(reason="Meine lange Begründung.")}.items() if v is not None}
    page = desk.post(path, mine, status=409)
    assert "Meine lange Begründung." in page.text
    assert "Leider nein." in page.text
    assert decisions_on([one.id])[one.id].kind == "reject"
    again = {**page.form_fields(path), **fill(reason="Meine lange Begründung.")}
    desk.post(path, {k: v for k, v in again.items() if v is not None})
    assert decisions_on([one.id])[one.id].reason == "Meine lange Begründung."
    earlier = browser_of(town.citizen).get(town.number_path(one))
    assert "Leider nein." in earlier.text


def test_what_is_withdrawn_while_somebody_types_is_refused_and_the_text_kept(desk, town):
    one, other = town.write(), town.write("Anderer")
    db.session.commit()
    path = town.path(f"/answers/decide?n={one.number}&n={other.number}")
    fields = desk.get(path).form_fields(path)
    contributions.withdraw(one, town.citizen)
    db.session.commit()
    page = desk.post(path, {k: v for k, v in {**fields, **fill()}.items() if v is not None})
    assert page.location == town.path("/answers")
    # What is left of the choice was decided; what was withdrawn was not.
    assert set(decisions_on([one.id, other.id])) == {other.id}


def test_several_get_the_same_reason(desk, town):
    ones = [town.write(f"Nummer {n}") for n in range(3)]
    db.session.commit()
    path = town.path("/answers/decide?" + "&".join(f"n={one.number}" for one in ones))
    desk.submit(path, fill(kind="forward", reason="An das Stadtplanungsamt."))
    assert {one.kind for one in decisions_on([one.id for one in ones]).values()} == {"forward"}
    assert len(told()) == 3


def test_a_whole_list_can_be_answered_together(desk, town):
    asked = [
        town.write(f"Frage {n}?", stance="question", actor=(town.citizen, town.neighbour)[n % 2]) for n in range(3)
    ]
    town.write("Keine Frage")
    db.session.commit()
    link = desk.get(town.path("/answers?stance=question")).html.select_one("a[href*='every=1']")["href"]
    path = desk.get(link, status=303).location
    assert path == town.path("/answers/decide?" + "&".join(f"n={one.number}" for one in asked))
    desk.submit(path, fill(kind="note"))
    assert set(decisions_on([one.id for one in asked])) == {one.id for one in asked}
    assert desk.get(town.path("/answers/decide?every=1&stance=question"), status=303).location == town.path(
        "/answers/decide"
    )


def test_too_many_at_once_are_refused_and_none_leads_back(desk, town):
    assert desk.get(town.path("/answers/decide"), status=303).location == town.path("/answers")
    path = town.path("/answers/decide?" + "&".join(f"n={n}" for n in range(1, TOGETHER + 2)))
    desk.get(path, status=409)
    desk.get(town.path("/answers/decide?n=x"), status=404)
    desk.get(town.path("/answers/decide?n=77"), status=404)


def test_the_own_organisation_is_said_before_and_marked_afterwards(desk, town, browser):
    club = make_organisation("Verein")
    make_representation(town.steering, club, starts_at=clock.now() - timedelta(days=1))
    one = town.write()
    one.organisation_id = club.id
    db.session.commit()
    path = town.path(f"/answers/decide?n={one.number}")
    before = desk.get(path, headers=EN)
    assert "You can decide all the same" in before.text
    assert "Own organisation" not in browser.get(town.number_path(one), headers=EN).text
    desk.submit(path, fill())
    assert "Own organisation" in browser.get(town.number_path(one), headers=EN).text
    assert "Own organisation" in browser.get(town.path("/contributions"), headers=EN).text


def test_meetings_and_changes_of_others_are_not_taken(desk, town):
    one = town.write()
    elsewhere = make_meeting(make_process(), title="Woanders", starts_at=clock.now() - timedelta(days=2),
                             ends_at=clock.now() - timedelta(days=1))  # fmt: skip
    db.session.commit()
    path = town.path(f"/answers/decide?n={one.number}")
    for wrong in ({"decided_in": str(elsewhere.id)}, {"element": "gibt-es-nicht"}, {"kind": "burn"}, {"publish": "x"}):
        desk.submit(path, fill(**wrong), status=200)
    assert decisions_on([one.id]) == {}


def test_the_public_list_says_how_many_were_answered(town, browser):
    one = town.write()
    town.write("Noch offen")
    decide(one, DispositionKind.note, "Gehört.", actor=town.lead)
    db.session.commit()
    assert "1 contribution has been answered" in browser.get(town.path("/contributions"), headers=EN).text


def test_my_tasks_tell_how_many_wait(town, browser_of):
    town.write()
    town.write("Zwei")
    db.session.commit()
    rows = browser_of(town.steering).get("/tasks", headers=EN).html.select("main tbody tr")
    assert any("2 contributions without an answer" in row.get_text(" ", strip=True) for row in rows)
    for person in (town.moderator, town.editor):
        assert "without an answer" not in browser_of(person).get("/tasks", headers=EN).text


@pytest.mark.parametrize(("path", "most"), [("/answers", 15), ("/answers?list=decided", 15), ("{decide}", 19)])
def test_the_desk_asks_the_same_few_questions_however_much_there_is(town, desk, count_queries, path, most):
    asked = []
    for number in (6, 300):
        make_many(town, number, every_reply=10**9)
        ids = list(db.session.scalars(select(Contribution.id).order_by(Contribution.id).limit(number // 2)))
        for ident in ids:
            db.session.add(Disposition(contribution_id=ident, kind="note", reason="Gehört.", held=True))
        db.session.commit()
        chosen = path.format(decide="/answers/decide?n=1&n=2&n=5")
        desk.get(town.path(chosen))
        with count_queries() as queries:
            desk.get(town.path(chosen))
        asked.append(len(queries))
    assert asked[0] == asked[1] <= most, queries


def test_overdue_questions_stand_first_then_those_due(town, desk, at, monkeypatch):
    monkeypatch.setattr("consult.weighing.listing.PAGE", 2)
    town.process.answer_days = 14
    wish = town.write("Mehr Bänke!")
    replied, due, late, other = (town.write(f"Frage {n}?", stance="question") for n in range(4))
    town.write("Am Montag.", reply_to=replied, actor=town.lead)
    late.published_at -= timedelta(days=15)
    due.published_at -= timedelta(days=14)
    replied.published_at -= timedelta(days=15)
    db.session.commit()
    first = desk.get(town.path("/answers"), headers=EN)
    second = desk.get(first.html.select_one("a[href*='before=']")["href"], headers=EN)
    third = desk.get(second.html.select_one("a[href*='before=']")["href"], headers=EN)
    assert [*listed(first), *listed(second), *listed(third)] == numbers(late, due, other, replied, wish)
    assert first.text.count("Overdue: the answer was due by ") == 1
    assert first.text.count("Answer by ") == 1
    assert "Answer by " not in third.text
    # Asked for by hand, the oldest stands first all the same; without a promise too.
    assert listed(desk.get(town.path("/answers?order=oldest"))) == numbers(wish, replied)
    town.process.answer_days = None
    db.session.commit()
    page = desk.get(town.path("/answers"), headers=EN)
    assert listed(page) == numbers(wish, replied)
    assert "due by" not in page.text


def test_a_promise_costs_the_desk_no_query(town, desk, count_queries):
    for n in range(3):
        town.write(f"Frage {n}?", stance="question")
    db.session.commit()

    def cost():
        with count_queries() as queries:
            desk.get(town.path("/answers"))
        return len(queries)

    before = cost()
    town.process.answer_days = 14
    db.session.commit()
    assert cost() == before <= 15
