"""Public counts of the moderation: right, cheap, and renewed with every decision."""

from datetime import timedelta

import pytest

from consult import clock
from consult.contributions import operations as contributions
from consult.contributions.models import State
from consult.moderation import appeals, erasing, operations, reports
from consult.moderation.figures import figures
from consult.moderation.models import Appeal
from consult.processes.models import Moderation
from tests.contributions.factories import make_many, make_town


def test_every_fate_is_counted_once(session):
    town = make_town()
    kept, hidden, withdrawn, erased, granted = (town.write(f"Nummer {n}") for n in range(5))
    reports.make(kept, reporter=town.neighbour, reason=town.reason, note="")
    reports.keep(kept, town.moderator, "Steht.")
    reports.make(hidden, reporter=town.neighbour, reason=town.reason, note="")
    operations.hide(hidden, town.moderator, town.reason)
    contributions.withdraw(withdrawn, town.citizen)
    erasing.confirm(erasing.request(erased, town.moderator, town.reason, ""), town.lead)
    operations.hide(granted, town.moderator, town.reason)
    appeal = session.get_one(Appeal, appeals.make(granted, town.citizen, "Bitte"))
    appeals.decide(appeal, town.lead, True, "Gern.")
    reports.make(granted, reporter=town.neighbour, reason=town.reason, note="")
    found = figures(town.process)
    assert (found.arrived, found.published, found.held_back, found.withdrawn, found.erased) == (5, 2, 2, 1, 1)
    assert found.by_reason == ((town.reason.text, 2),)
    assert (found.reported, found.reports_kept, found.reports_hidden, found.reports_open) == (3, 1, 1, 1)
    assert (found.appeals, found.appeals_granted, found.appeals_declined, found.appeals_open) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("hours", "median", "most"), [([], None, None), ([3], 3, 3), ([1, 2], 1, 2), (list(range(1, 11)), 5, 9)]
)
def test_how_long_it_took(session, hours, median, most):
    town = make_town(moderation=Moderation.pre)
    now = clock.now()
    for wait in reversed(hours):
        contribution = town.write(now=now)
        operations.approve(contribution, town.moderator, now + timedelta(hours=wait))
    found = figures(town.process)
    assert found.decided == len(hours)
    assert found.median_hours == (pytest.approx(median, abs=0.01) if median else None)
    assert found.most_hours == (pytest.approx(most, abs=0.01) if most else None)


def test_other_processes_do_not_count(session):
    town, other = make_town(), make_town()
    operations.hide(other.write(), other.moderator, other.reason)
    assert figures(town.process).arrived == 0


def test_the_page_is_public_linked_from_the_rules_and_renewed(browser, session):
    town = make_town()
    contribution = town.write()
    address = town.path("/rules/figures")
    assert browser.get(town.path("/rules")).html.find("a", href=address)
    assert town.reason.text not in browser.get(address).text
    operations.hide(contribution, town.moderator, town.reason)
    session.commit()
    assert town.reason.text in browser.get(address).text


def test_the_page_asks_few_questions_at_every_size(browser, session, count_queries):
    town = make_town()
    address = town.path("/rules/figures")
    make_many(town, 10, state=State.hidden)
    browser.get(address)
    with count_queries() as few:
        browser.get(address + "?a=1")
    make_many(town, 500, state=State.pending)
    with count_queries() as many:
        browser.get(address + "?a=2")
    assert len(few) == len(many) <= 10
