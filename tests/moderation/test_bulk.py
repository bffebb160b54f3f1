"""Deciding about many at once, and undoing it together."""

from typing import Any

import pytest
from sqlalchemy import func, select

from consult.audit.models import AuditEntry
from consult.contributions import operations, tallies
from consult.contributions.models import Contribution, ContributionTally, ModerationAct, ModerationReason, State
from consult.contributions.rules import add_reason, retire_reason
from consult.errors import Refused
from consult.moderation import operations as deciding
from consult.moderation.assigning import assign, holder_of
from consult.moderation.bulk import MOST, Pick, decide, picked, undo_batch
from consult.moderation.models import Report, ReportOutcome
from consult.outbox.models import OutboxMessage
from consult.processes.models import Moderation
from tests.contributions.factories import Town, make_many, make_town
from tests.factories import flushed, make_process


def pick(*contributions: Contribution) -> list[Pick]:
    return [Pick(one.number or 0, one.state, one.revision) for one in contributions]


def told(session: Any, kind: str) -> int:
    return int(session.scalar(select(func.count()).where(OutboxMessage.kind == kind)))


def published(session: Any, town: Town) -> int:
    return int(
        session.scalar(
            select(func.coalesce(func.sum(ContributionTally.published), 0)).where(
                ContributionTally.process_id == town.process.id
            )
        )
    )


def acts(session: Any) -> list[ModerationAct]:
    return list(session.scalars(select(ModerationAct).order_by(ModerationAct.id)))


@pytest.fixture
def town(session: Any) -> Town:
    return make_town(moderation=Moderation.pre)


def test_each_gets_an_act_an_entry_and_a_mail_of_its_own_under_one_name(session, town):
    written = [town.write(f"Beitrag {n}", stance=("change", "support")[n % 2]) for n in range(5)]
    before = session.scalar(select(func.count()).select_from(AuditEntry))
    outcome = decide(town.process, town.moderator, pick(*written))
    session.expire_all()
    assert outcome.done == [1, 2, 3, 4, 5]
    assert outcome.skipped == []
    assert {one.state for one in written} == {State.published}
    assert all(one.published_at is not None for one in written)
    assert {act.batch for act in acts(session)} == {outcome.batch}
    assert sorted(act.contribution_id for act in acts(session)) == [one.id for one in written]
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == before + 5
    assert told(session, "contribution_published") == 5
    assert published(session, town) == 5
    assert tallies.recount() == {}


def test_all_are_held_back_with_one_reason_and_note_and_open_reports_are_answered(session, town):
    written = [town.write(f"Beitrag {n}") for n in range(3)]
    decide(town.process, town.moderator, pick(*written))
    session.expire_all()
    for one in written:
        flushed(
            Report(
                process_id=town.process.id, contribution_id=one.id, reporter_id=town.neighbour.id, note="", answer=""
            )
        )
    outcome = decide(town.process, town.lead, pick(*written), reason=town.reason, note="Bitte ohne Namen")
    session.expire_all()
    assert {one.state for one in written} == {State.hidden}
    assert {(act.reason_id, act.note) for act in acts(session) if act.batch == outcome.batch} == {
        (town.reason.id, "Bitte ohne Namen")
    }
    assert told(session, "contribution_hidden") == 3
    assert set(session.scalars(select(Report.outcome))) == {ReportOutcome.hidden}
    assert told(session, "report_closed") == 3
    assert published(session, town) == 0
    assert tallies.recount() == {}


def test_what_changed_meanwhile_is_left_alone_and_named(session, town):
    same, edited, decided, withdrawn = (town.write(f"Beitrag {n}") for n in range(4))
    picks = pick(same, edited, decided, withdrawn)
    operations.edit(edited, town.citizen, "Ganz anders", 0)
    deciding.approve(decided, town.lead)
    operations.withdraw(withdrawn, town.citizen)
    outcome = decide(town.process, town.moderator, picks, reason=town.reason)
    session.expire_all()
    assert outcome.done == [same.number]
    assert outcome.skipped == [edited.number, decided.number, withdrawn.number]
    assert [one.state for one in (same, edited, decided, withdrawn)] == ["hidden", "pending", "published", "withdrawn"]
    assert tallies.recount() == {}


def test_what_was_looked_at_already_is_not_looked_at_again(session):
    town = make_town(moderation=Moderation.post)
    new, old = town.write("Neu"), town.write("Alt")
    deciding.approve(old, town.moderator)
    outcome = decide(town.process, town.moderator, pick(new, old))
    assert (outcome.done, outcome.skipped) == ([1], [2])
    assert told(session, "contribution_published") == 0


def test_numbers_of_another_process_are_not_found(session, town):
    other = make_town(moderation=Moderation.pre)
    for _n in range(3):
        other.write()
    mine = town.write()
    outcome = decide(town.process, town.moderator, [*pick(mine), Pick(3, State.pending, 0)])
    assert (outcome.done, outcome.skipped) == ([1], [3])
    assert {one.state for one in session.scalars(select(Contribution).filter_by(process_id=other.process.id))} == {
        State.pending
    }


def test_a_reason_out_of_use_or_of_another_process_is_refused(session, town):
    elsewhere = flushed(ModerationReason(process_id=make_process().id, key="x", text="Woanders"))
    written = town.write()
    with pytest.raises(Refused):
        decide(town.process, town.moderator, pick(written), reason=elsewhere)
    add_reason(town.process, town.lead, "Ein anderer Grund")
    retire_reason(town.reason, town.lead)
    with pytest.raises(Refused):
        decide(town.process, town.moderator, pick(written), reason=town.reason)
    with pytest.raises(Refused):
        decide(town.process, town.moderator, [])
    with pytest.raises(Refused):
        decide(town.process, town.moderator, [Pick(n, State.pending, 0) for n in range(1, MOST + 2)])
    assert acts(session) == []


def test_nobody_looks_after_what_is_decided(session, town):
    one, two = town.write(), town.write()
    for contribution in (one, two):
        assign(contribution, town.moderator, town.lead.id, held_by=None)
    decide(town.process, town.moderator, pick(one))
    deciding.hide(two, town.moderator, town.reason)
    assert holder_of(one.id) is holder_of(two.id) is None


def test_two_hundred_cost_as_many_statements_as_two(session, count_queries):
    town = make_town(moderation=Moderation.pre)
    needed = []
    for number in (2, 200):
        first = (session.scalar(select(func.max(Contribution.number))) or 0) + 1
        make_many(town, number, state=State.pending, published_at=None)
        with count_queries() as sent:
            outcome = decide(
                town.process,
                town.moderator,
                [Pick(n, State.pending, 0) for n in range(first, first + number)],
                reason=town.reason,
            )
        assert len(outcome.done) == number
        needed.append(len(sent))
    # Locked rows, states, acts, entries, mails, assignments, reports; the tallies do not move.
    assert needed[0] == needed[1] <= 9
    assert len({act.contribution_id for act in acts(session)}) == 202


# --- undo all -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [True, False])
def test_undoing_all_puts_everything_back(session, reason):
    town = make_town(moderation=Moderation.post)
    visible = [town.write(f"Sichtbar {n}") for n in range(2)]
    pending = town.write("Wartet")
    pending.state = State.pending
    session.flush()
    tallies.recount(repair=True)
    outcome = decide(town.process, town.moderator, pick(*visible, pending), reason=town.reason if reason else None)
    undone = undo_batch(town.process, town.lead, outcome.batch)
    session.expire_all()
    assert undone.done == [1, 2, 3]
    assert [one.state for one in (*visible, pending)] == ["published", "published", "pending"]
    assert tallies.recount() == {}
    assert told(session, "contribution_published") == (2 if reason else 1)
    with pytest.raises(Refused):
        undo_batch(town.process, town.lead, outcome.batch)
    with pytest.raises(Refused):
        undo_batch(town.process, town.lead, undone.batch)


def test_undoing_all_leaves_alone_what_was_touched_since(session, town):
    kept, edited, again = (town.write(f"Beitrag {n}") for n in range(3))
    outcome = decide(town.process, town.moderator, pick(kept, edited, again), reason=town.reason)
    session.expire_all()
    operations.edit(edited, town.citizen, "Ohne Namen", 0)
    deciding.undo(session.scalar(select(ModerationAct).filter_by(contribution_id=again.id)), town.lead)
    undone = undo_batch(town.process, town.moderator, outcome.batch)
    session.expire_all()
    assert (undone.done, undone.skipped) == ([1], [2, 3])
    assert [one.state for one in (kept, edited, again)] == [State.pending] * 3
    assert tallies.recount() == {}


def test_a_batch_of_another_process_is_not_there(session, town, browser_of):
    decide(town.process, town.moderator, pick(town.write(), town.write()))
    other = make_town(moderation=Moderation.pre)
    alone = deciding.approve(other.write(), other.moderator)
    session.commit()
    desk = browser_of(other.moderator)
    token = desk.get("/contact").form_fields()["csrf_token"]
    address = other.path("/moderation/undo-batch")
    for act_id in (acts(session)[0].id, 999_999, "x", ""):
        desk.post(address, {"csrf_token": token, "act_id": act_id}, status=404)
    # One that was decided alone is not undone by this door.
    desk.post(address, {"csrf_token": token, "act_id": alone.id}, status=409)


# --- the page -------------------------------------------------------------------------------------------


def ticked(page: Any, *numbers: int) -> list[str]:
    values = [box["value"] for box in page.html.select("input[name=pick]")]
    return [value for value in values if int(value.split("-")[0]) in numbers]


def test_the_desk_repeats_count_and_reason_before_anything_happens(session, town, browser_of):
    written = [town.write(f"Beitrag {n}") for n in range(3)]
    desk, address = browser_of(town.moderator), town.path("/moderation/bulk")
    page = desk.get(town.path("/moderation"))
    fields = {**page.form_fields(address), "verb": "hide", "note": "Für alle"}
    fields["pick"] = ticked(page, 1, 2)
    asked = desk.post(address, fields, status=200)
    assert asked.html.find("select", attrs={"name": "reason_id"}), "without a reason it asks for one"
    fields["reason_id"] = str(town.reason.id)
    sure = desk.post(address, fields, status=200)
    assert "2" in sure.h1.split()
    assert "Enthält private Daten" in sure.text
    assert "Für alle" in sure.text
    session.refresh(written[0])
    assert written[0].state == State.pending, "nothing has happened yet"
    again = {**sure.form_fields(address), "pick": fields["pick"]}
    answer = desk.post(address, again)
    assert desk.post(address, again).location == answer.location, "sent twice it has one effect"
    session.expire_all()
    assert [one.state for one in written] == ["hidden", "hidden", "pending"]
    decided = desk.get(town.path("/moderation?list=decided"))
    desk.post(town.path("/moderation/undo-batch"), decided.form_fields(town.path("/moderation/undo-batch")))
    session.expire_all()
    assert {one.state for one in written} == {State.pending}
    assert not desk.get(town.path("/moderation?list=decided")).html.select("form[action$=undo-batch]")


def test_the_list_names_what_was_left_alone(session, town, browser_of):
    written = [town.write(f"Beitrag {n}") for n in range(3)]
    desk, address = browser_of(town.moderator), town.path("/moderation/bulk")
    page = desk.get(town.path("/moderation?ticked=all"))
    assert len(page.html.select("input[name=pick][checked]")) == 3
    fields = {**page.form_fields(address), "verb": "approve", "pick": ticked(page, 1, 2, 3)}
    sure = {**desk.post(address, fields, status=200).form_fields(address), "pick": fields["pick"]}
    operations.edit(written[1], town.citizen, "Anders", 0)
    session.commit()
    answer = desk.post(address, sure)
    after = desk.follow(answer)
    assert f"{town.process.code}-2" in after.html.find(class_="tone-warning").get_text()
    session.expire_all()
    assert [one.state for one in written] == ["published", "pending", "published"]


def test_nonsense_in_the_boxes_is_left_out():
    assert picked(
        ["17-pending-0", "17-pending-0", "x-pending-0", "5", "", "6-nix-0", "7-hidden-²", "-1-pending-0"]
    ) == [Pick(17, "pending", 0)]
