"""Who of the team looks after a contribution."""

import pytest
from sqlalchemy import select

from consult.audit.models import AuditEntry
from consult.contributions import operations
from consult.errors import Refused
from consult.moderation.assigning import assign, give_many, holder_of
from consult.moderation.models import Assignment
from consult.moderation.queue import DeskList, queue
from consult.processes.models import Moderation
from tests.contributions.factories import make_many, make_town
from tests.factories import make_process


@pytest.fixture
def town(session):
    return make_town(moderation=Moderation.pre)


def test_taking_giving_and_releasing_leave_their_entries(session, town):
    contribution = town.write()
    assign(contribution, town.moderator, town.moderator.id, held_by=None)
    assign(contribution, town.moderator, town.lead.id, held_by=town.moderator.id)
    assert holder_of(contribution.id) == (town.lead.id, "Leitung")
    assign(contribution, town.lead, None, held_by=town.lead.id)
    assert holder_of(contribution.id) is None
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.action == "moderation.assignment.changed").order_by(AuditEntry.id)
    )
    assert [entry.facts["to_id"] for entry in entries] == [town.moderator.id, town.lead.id, None]


def test_whoever_comes_second_is_told_who_has_it(session, town):
    contribution = town.write()
    assign(contribution, town.lead, town.lead.id, held_by=None)
    # All three pages were opened while nobody, or somebody else, looked after it.
    for actor, to_id, held_by in (
        (town.moderator, town.moderator.id, None),
        (town.moderator, town.moderator.id, town.moderator.id),
        (town.moderator, None, town.moderator.id),
    ):
        with pytest.raises(Refused, match="Leitung"):
            assign(contribution, actor, to_id, held_by=held_by)
    assert holder_of(contribution.id) == (town.lead.id, "Leitung")
    assign(contribution, town.lead, None, held_by=town.lead.id)
    with pytest.raises(Refused):
        assign(contribution, town.lead, None, held_by=town.lead.id)


def test_only_the_team_looks_after_something_and_not_after_what_is_withdrawn(session, town):
    contribution = town.write()
    for outsider in (town.citizen, town.stranger, town.steering):
        with pytest.raises(Refused):
            assign(contribution, town.moderator, outsider.id, held_by=None)
    operations.withdraw(contribution, town.citizen)
    with pytest.raises(Refused):
        assign(contribution, town.moderator, town.moderator.id, held_by=None)
    assert session.scalar(select(Assignment.contribution_id)) is None


def test_the_desk_shows_mine_and_those_of_everybody(session, town, browser_of):
    mine, hers, free = town.write("Meiner"), town.write("Ihrer"), town.write("Frei")
    assign(mine, town.moderator, town.moderator.id, held_by=None)
    assign(hers, town.lead, town.lead.id, held_by=None)
    numbers = {
        which: [item.shown.number for item in queue(town.process, town.moderator, which).items]
        for which in (DeskList.mine, DeskList.assigned, DeskList.pending)
    }
    assert numbers == {"mine": [1], "assigned": [1, 2], "pending": [1, 2, 3]}
    desk = browser_of(town.moderator)
    text = desk.get(town.path("/moderation?list=assigned")).text
    assert "Leitung" in text
    assert free.number == 3


def test_taking_giving_and_releasing_over_http_lead_back_to_the_same_list(session, town, browser_of):
    contribution = town.write()
    desk, page = browser_of(town.moderator), town.path("/moderation?list=overdue&number=1")
    here = town.path("/moderation?list=overdue&number=1")
    take, give, release = (town.path(f"/moderation/1/{verb}") for verb in ("take", "give", "release"))
    late = desk.get(page).form_fields(take)
    assert desk.submit(take, form_at=page).location == f"{here}#{town.process.code}-1"
    desk.post(take, {**late, "form_id": "zu-spaet"}, status=409)
    refused = desk.submit(give, {"to_id": "0"}, form_at=page, status=200)
    assert refused.html.find(attrs={"aria-invalid": "true"})
    desk.submit(give, {"to_id": str(town.lead.id)}, form_at=page)
    assert holder_of(contribution.id) == (town.lead.id, "Leitung")
    browser_of(town.lead).submit(release, form_at=page)
    assert holder_of(contribution.id) is None


def test_forms_never_lead_away_from_the_desk(session, town, browser_of):
    town.write()
    desk, take = browser_of(town.moderator), town.path("/moderation/1/take")
    fields = desk.get(town.path("/moderation")).form_fields(take)
    for n, target in enumerate(("https://boese.example/", "//boese.example", "/account", "/p/x/moderation?list=mine")):
        answer = desk.post(
            take, {**fields, "back": target, "form_id": f"f{n}", "held_by": str(town.moderator.id * (n > 0))}
        )
        assert answer.location == town.path("/moderation")


def test_all_that_is_ticked_is_given_at_once_and_what_a_colleague_has_stays_with_them(session, town):
    free, mine, hers, gone = (town.write(f"Beitrag {n}") for n in range(4))
    assign(mine, town.moderator, town.moderator.id, held_by=None)
    assign(hers, town.lead, town.lead.id, held_by=None)
    operations.withdraw(gone, town.citizen)
    session.flush()
    elsewhere = make_process(slug="woanders", code="WO")
    given, left = give_many(town.process, town.moderator, town.moderator.id, [1, 2, 3, 4, 99])
    assert (given, left) == ([1, 2], [3, 4, 99])
    assert [holder_of(one.id) for one in (hers, gone)] == [(town.lead.id, "Leitung"), None]
    assert give_many(town.process, town.moderator, town.lead.id, [1, 2])[0] == [1, 2], "what is one's own is passed on"
    assert {holder_of(one.id) for one in (free, mine, hers)} == {(town.lead.id, "Leitung")}
    entries = session.scalars(select(AuditEntry.facts).where(AuditEntry.action == "moderation.assignment.changed"))
    assert [facts["to_id"] for facts in entries][-2:] == [town.lead.id, town.lead.id]
    with pytest.raises(Refused):
        give_many(town.process, town.moderator, town.citizen.id, [1])
    with pytest.raises(Refused):
        give_many(elsewhere, town.moderator, town.lead.id, [1])


def test_giving_two_hundred_costs_as_many_statements_as_giving_two(session, town, count_queries):
    make_many(town, 200, state="pending")
    session.commit()
    with count_queries() as few:
        give_many(town.process, town.moderator, town.lead.id, [1, 2])
    with count_queries() as many:
        give_many(town.process, town.moderator, town.lead.id, list(range(3, 201)))
    assert len(many) == len(few)


def test_what_is_about_one_part_is_narrowed_ticked_and_given_to_whoever_knows_it(session, town, browser_of):
    written = [town.write(f"Beitrag {n}") for n in range(3)]
    assign(written[2], town.lead, town.lead.id, held_by=None)
    session.commit()
    desk, address = browser_of(town.moderator), town.path("/moderation/bulk")
    page = desk.get(town.path(f"/moderation?place={town.goal.key}&ticked=all"))
    ticks = [box["value"] for box in page.html.select("input[name=pick][checked]")]
    assert len(ticks) == 3
    fields = {**page.form_fields(address), "verb": "give", "pick": ticks}
    asked = desk.post(address, {**fields, "to_id": "0"}, status=200)
    assert asked.html.find(attrs={"aria-invalid": "true"}), "somebody has to be chosen"
    sure = desk.post(
        address, {**asked.form_fields(address), "pick": ticks, "to_id": str(town.moderator.id)}, status=200
    )
    assert "3" in sure.h1.split()
    assert holder_of(written[0].id) is None, "nothing has happened yet"
    after = desk.follow(desk.post(address, {**sure.form_fields(address), "pick": ticks}))
    assert f"{town.process.code}-3" in after.html.find(class_="tone-warning").get_text()
    assert {holder_of(one.id)[0] for one in written[:2]} == {town.moderator.id}
    assert holder_of(written[2].id) == (town.lead.id, "Leitung")
