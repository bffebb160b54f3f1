"""The roster, and the one mail of the morning."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from consult import clock
from consult.errors import Refused
from consult.moderation import duty, mornings, operations, reports
from consult.moderation.models import Assignment, Duty
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from consult.processes.models import Function, Moderation
from tests.contributions.factories import make_town
from tests.factories import flushed, make_group

#: A Monday, eight in the morning in Berlin (summer time), on which the town's stage is open.
MONDAY = datetime(2026, 6, 15, 6, 0, tzinfo=UTC)


def on(town, person, first, last, substitute=None):
    return duty.add(town.process, town.lead, person.id, substitute.id if substitute else None, first, last)


def told(session):
    return sorted(
        m.recipient_id for m in session.scalars(select(OutboxMessage).where(OutboxMessage.kind == mornings.KIND))
    )


def waiting_town(at, moment=MONDAY, **since):
    at(moment - timedelta(**(since or {"hours": 2})))
    town = make_town(moderation=Moderation.pre)
    contribution = town.write("Wartet")
    at(moment)
    return town, contribution


def test_leads_and_moderators_keep_the_roster(browser_of, session):
    town = make_town()
    desk = browser_of(town.moderator)
    page = town.path("/moderation/duty")
    today = duty.today_in(town.process)
    fields = {
        "person_id": str(town.moderator.id), "substitute_id": str(town.lead.id),
        "first_day": today.isoformat(), "last_day": (today + timedelta(days=6)).isoformat(),
    }  # fmt: skip
    desk.submit(page, fields)
    turn = session.scalars(select(Duty)).one()
    assert (turn.starts_on, turn.ends_on) == (today, today + timedelta(days=7))
    assert town.moderator.name in desk.get(page).html.find(class_="duty-days").get_text()
    assert town.lead.name in desk.get(town.path("/moderation")).text
    desk.submit(town.path(f"/moderation/duty/{turn.id}/end"), form_at=page)
    assert not session.scalars(select(Duty)).all()


def test_a_turn_that_runs_ends_today_and_the_past_of_it_stays(session):
    town = make_town()
    today = date(2026, 6, 15)
    turn = on(town, town.moderator, date(2026, 6, 10), date(2026, 6, 20))
    duty.end(turn, town.lead, today)
    assert turn.ends_on == today
    with pytest.raises(Refused):
        duty.end(turn, town.lead, today)


@pytest.mark.parametrize(("first", "last"), [("2026-06-15", "2026-06-14"), ("2026-06-15", "2028-06-15")])
def test_days_have_to_be_in_order(session, first, last):
    town = make_town()
    with pytest.raises(Refused):
        on(town, town.moderator, date.fromisoformat(first), date.fromisoformat(last))


def test_only_the_team_is_on_the_roster_and_nobody_stands_in_for_themselves(session):
    town = make_town()
    day = date(2026, 6, 15)
    with pytest.raises(Refused):
        on(town, town.citizen, day, day)
    with pytest.raises(Refused):
        on(town, town.moderator, day, day, town.moderator)


def test_gaps_are_working_days_without_anybody_and_overlaps_are_shown(session):
    town = make_town()
    today = date(2026, 6, 15)
    on(town, town.moderator, today, date(2026, 6, 19))
    on(town, town.lead, date(2026, 6, 18), date(2026, 6, 25))
    days = duty.days_ahead(duty.roster(town.process, today), today)
    assert len(days[3].turns) == 2
    assert duty.gaps(days) == [date(2026, 6, 26)]


def test_a_turn_of_another_process_is_not_here(browser_of, session):
    town, other = make_town(), make_town()
    turn = on(other, other.moderator, date(2026, 6, 15), date(2026, 6, 15))
    desk = browser_of(town.moderator)
    token = desk.get(town.path("/moderation/duty")).form_fields(town.path("/moderation/duty"))["csrf_token"]
    desk.post(town.path(f"/moderation/duty/{turn.id}/end"), {"csrf_token": token}, status=404)


def test_whoever_is_on_duty_gets_one_mail_in_the_morning(session, at):
    town, _contribution = waiting_town(at)
    on(town, town.moderator, MONDAY.date(), MONDAY.date(), town.lead)
    assert mornings.send_due(clock.now()) == 1
    assert mornings.send_due(clock.now() + timedelta(minutes=5)) == 0
    assert told(session) == [town.moderator.id]


def test_no_mail_before_eight_after_the_morning_or_when_nothing_waits(session, at):
    town, contribution = waiting_town(at)
    on(town, town.moderator, MONDAY.date(), MONDAY.date())
    assert mornings.send_due(MONDAY - timedelta(minutes=1)) == 0
    assert mornings.send_due(MONDAY + timedelta(hours=3)) == 0
    operations.approve(contribution, town.moderator)
    assert mornings.send_due(MONDAY) == 0


def test_the_substitute_is_told_when_much_is_overdue(session, at):
    town, _contribution = waiting_town(at, days=5)
    on(town, town.moderator, MONDAY.date(), MONDAY.date(), town.lead)
    assert mornings.send_due(clock.now()) == 2
    assert told(session) == sorted([town.moderator.id, town.lead.id])


def test_without_a_roster_everybody_who_moderates_is_told_on_working_days(session, at):
    town, _contribution = waiting_town(at)
    assert mornings.send_due(MONDAY - timedelta(days=1)) == 0
    assert mornings.send_due(MONDAY) == 1
    assert told(session) == [town.moderator.id]


def test_two_processes_make_one_mail(session, at):
    town, _contribution = waiting_town(at)
    at(MONDAY - timedelta(hours=1))
    other = make_town(moderation=Moderation.pre)
    other.write("Wartet auch")
    at(MONDAY)
    make_group(other.process, Function.moderation, town.moderator)
    mornings.send_due(clock.now())
    assert told(session).count(town.moderator.id) == 1
    message = session.scalars(
        select(OutboxMessage).where(
            OutboxMessage.recipient_id == town.moderator.id, OutboxMessage.kind == mornings.KIND
        )
    ).one()
    mail = kind(mornings.KIND).render(message)
    assert f"/p/{town.process.slug}/moderation" in mail.body
    assert f"/p/{other.process.slug}/moderation" in mail.body


def test_the_mail_counts_what_waits_is_overdue_reported_appealed_and_mine(session, at, app):
    # Since Thursday: the weekend does not count.
    town, contribution = waiting_town(at, days=4)
    shown = town.write("Gemeldet")
    operations.approve(shown, town.moderator)
    reports.make(shown, reporter=town.neighbour, reason=town.reason, note="")
    flushed(Assignment(contribution_id=contribution.id, person_id=town.moderator.id, by_id=town.lead.id))
    load = mornings.load_of(town.process, town.moderator.id, clock.now())
    assert (load.waiting, load.overdue, load.reported, load.assigned) == (1, 1, 1, 1)
    mornings.send_due(clock.now())
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == mornings.KIND)).one()
    assert kind(mornings.KIND).wanted(message)
    operations.approve(contribution, town.lead)
    reports.keep(shown, town.lead, "Steht.")
    assert not kind(mornings.KIND).wanted(message)


@pytest.mark.parametrize("path", ["/moderation/duty"])
def test_the_page_asks_few_questions(browser_of, session, count_queries, path):
    town = make_town()
    on(town, town.moderator, clock.now().date(), clock.now().date())
    desk = browser_of(town.moderator)
    desk.get(town.path(path))
    with count_queries() as queries:
        desk.get(town.path(path))
    assert len(queries) <= 15


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_nobody_means_is_refused(browser_of, session, day):
    town = make_town()
    lead, path = browser_of(town.lead), town.path("/moderation/duty")
    values = {"person_id": str(town.moderator.id), "first_day": day, "last_day": day}
    assert lead.submit(path, values, status=200).html.find(class_="error-summary")
    assert session.scalar(select(Duty)) is None
