"""The lists of the desk: what is in them, in which order, narrowed down, page by page."""

from datetime import timedelta

import pytest

from consult import clock, personal
from consult.accounts.models import Person
from consult.contributions import operations
from consult.contributions.models import RuleEffect, RuleHit, ScreeningRule, State
from consult.extensions import db
from consult.moderation import operations as deciding
from consult.moderation.models import Report
from consult.moderation.queue import DeskList, Narrowed, counts, queue
from consult.moderation.views.here import number_in
from consult.processes.models import Moderation
from tests.conftest import MONDAY
from tests.contributions.factories import make_element, make_many, make_town
from tests.factories import flushed, make_person

#: The days before it are working days as well.
THURSDAY = MONDAY + timedelta(days=3)


@pytest.fixture
def town(session):
    return make_town(moderation=Moderation.pre)


def numbers(town, which=DeskList.pending, **kwargs):
    return [item.shown.number for item in queue(town.process, town.moderator, which, **kwargs).items]


def report(town, contribution, by=None, **fields):
    flushed(
        Report(
            process_id=town.process.id,
            contribution_id=contribution.id,
            reporter_id=(by or town.neighbour).id,
            note="",
            answer="",
            **fields,
        )
    )


def point_out(town, contribution, effect=RuleEffect.point_out):
    rule = flushed(ScreeningRule(process_id=town.process.id, conditions={"link": True}, effect=effect))
    flushed(RuleHit(contribution_id=contribution.id, rule_id=rule.id))


def test_what_a_rule_points_out_or_somebody_reported_comes_first(session, town):
    now = clock.now()
    written = [town.write(f"{n}", now=now - timedelta(hours=9 - n)) for n in range(6)]
    point_out(town, written[4])
    point_out(town, written[1], RuleEffect.wait)
    report(town, written[2])
    report(town, written[3], closed_at=now, outcome="kept")
    assert numbers(town) == [3, 5, 1, 2, 4, 6]
    items = {item.shown.number: item for item in queue(town.process, town.moderator).items}
    assert items[5].past.pointed_out
    assert not items[2].past.pointed_out
    assert len(items[2].past.rules) == 1, "why it waits is said as well"
    assert [len(items[n].past.reports) for n in (3, 4)] == [1, 0]


def test_paging_goes_through_both_parts_and_loses_nothing(session, town):
    now = clock.now()
    written = [town.write(f"{n}", now=now - timedelta(minutes=90 - n)) for n in range(50)]
    for contribution in written[25:]:
        report(town, contribution)
    seen, after = [], None
    while True:
        page = queue(town.process, town.moderator, after=after)
        seen += [item.shown.number for item in page.items]
        if page.next_cursor is None:
            break
        rank, _dash, number = page.next_cursor.partition("-")
        after = int(rank), int(number)
    assert seen == [*range(26, 51), *range(1, 26)]


def test_all_lists_are_counted_at_once(session, count_queries, at):
    now = at(THURSDAY)
    town = make_town(moderation=Moderation.pre)
    town.write("Alt", now=now - timedelta(days=2))
    public = town.write("Neu")
    town.write("Auch neu")
    deciding.approve(public, town.moderator)
    report(town, public)
    report(town, public, by=make_person())
    with count_queries() as sent:
        found = counts(town.process, town.moderator)
    assert len(sent) == 1
    assert (found.pending, found.overdue, found.reported, found.unseen) == (2, 1, 1, 0)
    assert found.oldest == now - timedelta(days=2)
    for which in (DeskList.pending, DeskList.overdue, DeskList.reported, DeskList.unseen):
        assert len(numbers(town, which)) == getattr(found, which)


def test_a_text_that_was_changed_waits_from_then_on(session, at):
    at(THURSDAY)
    town = make_town(moderation=Moderation.pre)
    contribution = town.write("Alt", now=clock.now() - timedelta(days=2))
    assert numbers(town, DeskList.overdue) == [1]
    operations.edit(contribution, town.citizen, "Neu", 0)
    assert numbers(town, DeskList.overdue) == []
    assert counts(town.process, town.moderator).overdue == 0


def test_narrowing_down(session, town):
    bench = make_element(town.concept, "baenke")
    town.write("Erste")
    second = town.write("Ikinci", lang="tr", element_id=bench.id)
    town.write("Ganz allgemein", element_id=None)
    town.write("Bekannt", actor=town.neighbour)
    known = town.write("Schon sichtbar", actor=town.neighbour)
    deciding.approve(known, town.moderator)
    for by, expected in (
        (Narrowed(place="baenke"), [2]),
        (Narrowed(place="ankommen"), [1, 4]),
        (Narrowed(place="*"), [3]),
        (Narrowed(place="gibt-es-nicht"), []),
        (Narrowed(lang="tr"), [2]),
        (Narrowed(channel="guest"), []),
        (Narrowed(new_author=True), [1, 2, 3]),
        (Narrowed(number=5), [5]),
        (Narrowed(number=77), []),
    ):
        assert numbers(town, by=by) == expected, by
    assert second.number == 2


def test_narrowing_down_and_searching_over_http(session, town, browser_of):
    for n in range(22):
        town.write(f"Beitrag {n}", lang="tr" if n == 20 else "de")
    desk = browser_of(town.moderator)

    def shown(query):
        return [
            li.find("article")["id"]
            for li in desk.get(town.path(f"/moderation?{query}")).html.select("#queue ol.thread > li")
        ]

    code = town.process.code
    assert len(shown("")) == 20
    assert len(shown("size=50")) == 22
    assert shown("after=1-20") == [f"{code}-21", f"{code}-22"]
    assert shown("lang=tr") == [f"{code}-21"]
    assert shown(f"number={code}-7") == shown("number=7") == shown("number=7&list=mine") == [f"{code}-7"]
    assert shown("number=99") == []
    for nonsense in (
        "list=quatsch&size=7&after=x&lang=xx&channel=q&place='",
        "after=9-9&before=-1",
    ):
        assert shown(nonsense)[0] == f"{code}-1"
    page = desk.get(town.path("/moderation?lang=tr&size=50"))
    approve = town.path("/moderation/21/approve")
    assert desk.post(approve, page.form_fields(approve)).location == town.path("/moderation?lang=tr&size=50")


def test_without_scripts_the_next_one_is_where_it_goes_on(session, town, browser_of):
    town.write("Eins")
    town.write("Zwei")
    desk, approve = browser_of(town.moderator), town.path("/moderation/1/approve")
    answer = desk.submit(approve, form_at=town.path("/moderation"))
    assert answer.location == town.path("/moderation") + f"#{town.process.code}-2"


def test_what_is_known_about_the_author(session, town):
    for n in range(3):
        deciding.approve(town.write(f"Gut {n}", actor=town.neighbour), town.moderator)
    deciding.hide(town.write("Schlecht", actor=town.neighbour), town.moderator, town.reason)
    town.write("Noch einer", actor=town.neighbour)
    town.write("Der erste")
    other = make_town()
    other.write("Woanders", actor=town.citizen)
    authors = [(item.author.published, item.author.held_back) for item in queue(town.process, town.moderator).items]
    assert authors == [(3, 1), (0, 0)]


def test_what_was_looked_at_offers_no_second_look(session):
    town = make_town(moderation=Moderation.post)
    contribution = town.write()
    report(town, contribution)

    def offered():
        return [(i.can_approve, i.can_hide) for i in queue(town.process, town.moderator, DeskList.reported).items]

    assert offered() == [(True, True)]
    deciding.approve(contribution, town.moderator)
    assert offered() == [(False, True)]


def test_an_account_erased_while_in_the_queue_leaves_the_text_to_decide(session, town, browser_of):
    contribution = town.write("Bleibt stehen")
    citizen = session.get_one(Person, town.citizen.id)
    personal.erase(citizen, citizen)
    session.commit()
    desk = browser_of(town.moderator)
    page = desk.get(town.path("/moderation"))
    assert "Bleibt stehen" in page.text
    assert "Birke" not in page.text
    desk.submit(town.path("/moderation/1/approve"), form_at=town.path("/moderation"))
    db.session.refresh(contribution)
    assert contribution.state == State.published


@pytest.mark.parametrize("which", [*DeskList])
def test_every_list_asks_at_most_fifteen_times(session, town, browser_of, count_queries, which):
    desk, address = browser_of(town.moderator), town.path(f"/moderation?list={which}")
    make_many(town, 60, state=State.pending, published_at=None, lang="tr")
    asked = []
    for size in (20, 50, 200):
        url = f"{address}&size={size}"
        desk.get(url)
        with count_queries() as sent:
            desk.get(url)
        asked.append(len(sent))
    assert max(asked) <= 15


def test_numbers_are_understood_as_people_type_them():
    assert [number_in(t) for t in ("17", "IK-17", "ik 17", "IK17", " 17 ", "P2-17")] == [17] * 6
    assert [number_in(t) for t in ("", "IK", "0", "17-IK", "-17", "1" * 12, "IK-17x", "²")] == [None] * 8


def test_a_list_that_is_counted_only_so_far_says_so(browser_of, session, monkeypatch):
    town = make_town()
    monkeypatch.setattr("consult.moderation.queue.NEWEST", 2)
    for _n in range(4):
        town.write()
    session.commit()
    page = browser_of(town.moderator).get(town.path("/moderation"))
    assert "3+" in [one.get_text() for one in page.html.select(".count")]
