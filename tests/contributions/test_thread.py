"""The contributions on the page of a goal."""

import pytest

from consult.contributions import operations, queries, translating
from consult.contributions.models import Stance, State
from consult.moderation import operations as deciding
from tests.contributions.factories import make_element, make_heir, make_town, make_version, make_wording


def numbers(items):
    return [item.number for item in items]


def thread(town, person=None, **kwargs):
    return queries.thread(town.process, town.goal.id, person, **kwargs)


def test_newest_first_with_replies_below_in_order_of_arrival(session):
    town = make_town()
    first, second = town.write("Erstens"), town.write("Zweitens")
    answer = town.write("Antwort", reply_to=first, actor=town.neighbour)
    town.write("Antwort auf die Antwort", reply_to=answer)
    town.write("Noch eine", reply_to=first)
    page = thread(town)
    assert numbers(page.items) == [second.number, first.number]
    assert numbers(page.items[1].replies) == [3, 5]
    assert numbers(page.items[1].replies[0].replies) == [4]
    assert page.next_cursor is None


def test_what_waits_is_shown_to_its_author_only(session):
    town = make_town()
    town.write("Öffentlich")
    mine = town.write("Meins")
    mine.state = State.pending
    session.flush()
    assert numbers(thread(town).items) == [1]
    assert not thread(town, town.moderator).waiting
    assert numbers(thread(town, town.citizen).waiting) == [2]


@pytest.mark.parametrize("state", [State.hidden, State.withdrawn, State.pending])
def test_a_placeholder_stands_only_where_a_public_reply_hangs_on_it(session, state):
    town = make_town()
    lonely, answered = town.write("Geheimnis A"), town.write("Geheimnis B")
    town.write("Dazu etwas", reply_to=answered)
    answered_again = town.write("Geheimnis C", reply_to=answered)
    for contribution in (lonely, answered, answered_again):
        contribution.state = state
    session.flush()
    page = thread(town)
    assert numbers(page.items) == [answered.number]
    assert page.items[0].body_html is None
    assert page.items[0].author_name == ""
    assert numbers(page.items[0].replies) == [3]


def test_the_published_reason_stands_in_the_place_of_a_hidden_text(session):
    town = make_town()
    contribution = town.write("Geheimnis")
    town.write("Dazu", reply_to=contribution)
    deciding.hide(contribution, town.moderator, town.reason, "nur für Sie")
    item = thread(town).items[0]
    assert "Enthält private Daten" in str(item.state_note)
    assert "nur für Sie" not in str(vars(item))


def test_contributions_on_a_split_goal_show_at_all_heirs_and_are_counted_once(session):
    town = make_town()
    old = town.write("Zum alten Ziel")
    heirs = [make_element(town.concept, "begegnung"), make_element(town.concept, "wohnen")]
    for heir in heirs:
        make_heir(town.goal, heir)
    new = town.write("Zum neuen Ziel", element_id=heirs[0].id)
    pages = [queries.thread(town.process, heir.id, None) for heir in heirs]
    assert [numbers(page.items) for page in pages] == [[new.number, old.number], [old.number]]
    counts = queries.counts(town.process.id, [town.goal.id, *(heir.id for heir in heirs)])
    assert counts == {town.goal.id: {"change": 1}, heirs[0].id: {"change": 2}, heirs[1].id: {"change": 1}}
    assert queries.counts_of_process(town.process.id) == {"change": 2}


def test_another_process_on_the_same_text_has_its_own_thread(session):
    town, later = make_town(), make_town()
    town.write()
    assert queries.thread(later.process, town.goal.id, None).items == []
    assert queries.counts(later.process.id, [town.goal.id]) == {}


def test_pages_go_on_from_a_number_and_show_everything_once(session):
    town = make_town()
    for n in range(45):
        town.write(f"Beitrag {n}")
    seen, cursor = [], None
    for size in (20, 20, 5):
        page = thread(town, before=cursor)
        assert len(page.items) == size
        seen += numbers(page.items)
        cursor = page.next_cursor
    assert seen == list(range(45, 0, -1))
    assert cursor is None


def test_many_replies_are_cut_and_counted(session):
    town = make_town()
    root = town.write()
    for n in range(33):
        town.write(f"Antwort {n}", reply_to=root)
    item = thread(town).items[0]
    assert (len(item.replies), item.more_replies) == (30, 3)


def test_text_changed_since_means_another_wording_than_the_one_placed_publicly_now(session):
    town = make_town()
    town.write("Zum ersten Entwurf")
    assert not thread(town).items[0].changed_since
    newer = make_wording(town.goal, "Neuer Wortlaut")
    make_version(town.concept, 2, (town.goal, newer, "2.1"))
    town.write("Zum zweiten Entwurf")
    assert [item.changed_since for item in thread(town).items] == [False, True]
    make_version(town.concept, 3)
    assert [item.changed_since for item in thread(town).items] == [True, True], "no longer in the text at all"


def test_reactions_and_ones_own_are_marked(session):
    town = make_town()
    contribution = town.write()
    for person in (town.neighbour, town.steering):
        operations.react(contribution, person)
    assert [(i.agrees, i.reacted) for i in thread(town).items] == [(2, None)]
    assert [(i.agrees, i.reacted) for i in thread(town, town.neighbour).items] == [(2, "agree")]
    own = thread(town, town.citizen, may_react=True).items[0]
    assert (own.mine, own.editable, own.may_react) == (True, True, False)


def test_a_translation_stands_beside_the_text_it_was_made_of(session):
    town = make_town()
    contribution = town.write("Bir bank istiyoruz", lang="tr")
    translating.translate(contribution, actor=town.moderator, lang="de", body="Wir möchten eine Bank.")
    (item,) = thread(town).items
    assert (item.translation, item.translation_outdated) == ("Wir möchten eine Bank.", False)
    assert item.translator_name == "Moderation"
    operations.edit(contribution, town.citizen, "Iki bank istiyoruz", 0)
    (item,) = thread(town).items
    assert (item.translation, item.translation_outdated) == ("Wir möchten eine Bank.", True), "of the earlier text"


@pytest.mark.parametrize("person", ["nobody", "citizen"])
def test_the_number_of_queries_does_not_grow(session, count_queries, person):
    town = make_town()
    reader = None if person == "nobody" else town.citizen
    needed = []
    for more in (3, 60):
        for n in range(more):
            contribution = town.write(f"Beitrag {n}", actor=town.neighbour, stance=list(Stance)[n % 4])
            town.write("Antwort", reply_to=contribution)
            operations.react(contribution, town.steering)
        session.flush()
        with count_queries() as queries_sent:
            thread(town, reader, wording_id=town.wording.id)
        needed.append(len(queries_sent))
    assert needed == ([2, 2] if reader is None else [3, 3])
