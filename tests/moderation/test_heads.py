"""Head entries: near-duplicates answered together."""

import pytest
from sqlalchemy import select

from consult.contributions import operations, queries, tallies
from consult.errors import Refused
from consult.moderation.heads import dissolve, gather, members_of, take_out, together
from consult.moderation.models import Gathered
from consult.moderation.queue import DeskList, counts, queue
from consult.processes.models import Moderation
from tests.contributions.factories import make_town


@pytest.fixture
def town(session):
    return make_town(moderation=Moderation.post)


def heads(session):
    session.expire_all()
    return {row.contribution_id: row.head_id for row in session.scalars(select(Gathered))}


def test_gathering_taking_out_and_dissolving(session, town):
    one, two, three = (town.write(f"Mehr Bänke {n}") for n in range(3))
    done = gather(town.process, town.moderator, 1, [1, 2, 3])
    assert (done.numbers, done.skipped) == ([2, 3], [])
    assert heads(session) == {two.id: one.id, three.id: one.id}
    take_out(two, town.moderator)
    assert heads(session) == {three.id: one.id}
    with pytest.raises(Refused):
        take_out(two, town.moderator)
    assert dissolve(one, town.moderator) == 1
    assert heads(session) == {}
    with pytest.raises(Refused):
        dissolve(one, town.moderator)


def test_the_order_stays_flat(session, town):
    one, two, three, four = (town.write(f"Mehr Bänke {n}") for n in range(4))
    gather(town.process, town.moderator, 2, [3])
    with pytest.raises(Refused, match=f"{town.process.code}-2"):
        gather(town.process, town.moderator, 3, [4])
    done = gather(town.process, town.moderator, 1, [2])
    assert heads(session) == {two.id: one.id, three.id: one.id}
    assert done.ids == [two.id, three.id]
    # One that is gathered elsewhere moves over.
    gather(town.process, town.moderator, 4, [3])
    assert heads(session) == {two.id: one.id, three.id: four.id}
    assert members_of([one.id, four.id]) == {one.id: [two.id], four.id: [three.id]}


def test_only_what_stands_in_the_same_process_is_gathered(session, town):
    other = make_town()
    for n in range(5):
        other.write(f"Woanders {n}")
    town.write("Hier")
    gone = town.write("Weg")
    operations.withdraw(gone, town.citizen)
    for head, numbers in ((1, []), (1, [1]), (1, [2]), (1, [4]), (4, [1]), (2, [1])):
        with pytest.raises(Refused):
            gather(town.process, town.moderator, head, numbers)
    assert heads(session) == {}
    town.write("Noch einer")
    assert gather(town.process, town.moderator, 1, [2, 3, 5]).skipped == [2, 5]


def test_nothing_is_counted_differently(session, town):
    for n in range(3):
        town.write(f"Mehr Bänke {n}")
    before = queries.counts(town.process.id, [town.goal.id])
    gather(town.process, town.moderator, 1, [2, 3])
    assert queries.counts(town.process.id, [town.goal.id]) == before == {town.goal.id: {"change": 3}}
    assert tallies.recount() == {}
    assert counts(town.process, town.moderator).heads == 1


def test_the_pages_say_what_is_answered_together(session, town, browser, browser_of):
    one, two, three = (town.write(f"Mehr Bänke {n}") for n in range(3))
    desk = browser_of(town.moderator)
    page = town.path("/moderation?list=unseen")
    desk.submit(town.path("/moderation/2/gather"), {"head": f"{town.process.code}-1"}, form_at=page)
    desk.submit(town.path("/moderation/3/gather"), {"head": "1"}, form_at=page)
    head_page, member_page = (browser.get(town.number_path(c)).html for c in (one, two))
    assert [a.get_text() for a in head_page.select("main p > a")][-2:] == [f"{town.process.code}-{n}" for n in (2, 3)]
    assert member_page.find("a", string=f"{town.process.code}-1", href=town.number_path(one))
    (item,) = queue(town.process, town.moderator, DeskList.heads).items
    assert (item.shown.number, item.past.members) == (1, [2, 3])
    # What is not public is told to nobody outside.
    three.state = "pending"
    session.flush()
    assert together(one).members == [2]
    assert together(one, everything=True).members == [2, 3]
    one.state = "hidden"
    session.flush()
    assert together(two).head is None
    assert together(two, everything=True).head == 1


def test_a_wrong_number_keeps_the_form_open(session, town, browser_of):
    town.write()
    desk = browser_of(town.moderator)
    address = town.path("/moderation/1/gather")
    for typed, status in (("", 200), ("IK-", 200), ("1", 200), ("quatsch", 200), ("99", 409)):
        desk.submit(address, {"head": typed}, form_at=town.path("/moderation?list=unseen"), status=status)


def test_ticked_ones_are_gathered_under_the_one_chosen_or_typed_in(session, town, browser_of):
    one, two, three = (town.write(f"Mehr Bänke {n}") for n in range(3))
    desk, address = browser_of(town.moderator), town.path("/moderation/bulk")
    page = desk.get(town.path("/moderation?list=unseen"))
    picks = [box["value"] for box in page.html.select("input[name=pick]")][1:]
    fields = {**page.form_fields(address), "verb": "gather", "pick": picks, "reason_id": "0"}
    asked = desk.post(address, fields, status=200)
    assert [option["value"] for option in asked.html.select("select[name=head] option")] == ["2", "3"]
    sure = desk.post(address, {**fields, "head": f"{town.process.code}-1"}, status=200)
    assert f"{town.process.code}-1" in sure.text
    assert heads(session) == {}
    desk.post(address, {**sure.form_fields(address), "pick": picks})
    assert heads(session) == {two.id: one.id, three.id: one.id}
    desk.submit(town.path("/moderation/1/dissolve"), form_at=town.path("/moderation?list=heads"))
    assert heads(session) == {}
