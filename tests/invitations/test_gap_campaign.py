"""From who is missing to a mailing that begins with those people; and pages that stay quick for long lists."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from consult import clock
from consult.accounts.affiliations import Source, affiliate
from consult.extensions import db
from consult.invitations import campaigns, counting, queries, sending
from consult.invitations.audience import Segment, SegmentKind, named_segments, segments_of
from consult.invitations.lists import Row
from consult.invitations.models import Campaign, CampaignRecipient, CampaignState
from consult.invitations.queries import Filter
from tests.factories import make_organisation, make_person
from tests.meetings.factories import BEFORE, Circle, make_circle

EN = {"Accept-Language": "en"}
MANY = 400


@pytest.fixture(autouse=True)
def _two_weeks_before(at: Callable[[datetime], Any]) -> None:
    at(BEFORE)


@pytest.mark.parametrize(("kind", "key"), [("migrant_organisation", "organisations migrant_organisation"),
                                           ("politics", "politics")])  # fmt: skip
def test_the_gap_view_begins_a_mailing_to_that_kind(browser_of: Any, kind: str, key: str) -> None:
    circle = make_circle()
    person = make_person("Amira", account=False)
    affiliate(person.id, make_organisation("Verein", kind=kind).id, Source.list)
    here = f"/p/{circle.process.slug}/meetings/{circle.meeting.id}"
    browser = browser_of(circle.moderator)
    page = browser.get(f"{here}/gaps")
    form = next(form for form in page.html.find_all("form") if form.find("input", {"name": "kind", "value": kind}))
    fields = {field["name"]: field.get("value", "") for field in form.find_all("input")}
    answer = browser.post(form["action"], fields)
    campaign = db.session.scalars(select(Campaign)).one()
    assert answer.location.endswith(f"/campaigns/{campaign.id}")
    assert [segment.key for segment in segments_of(campaign)] == [key]
    assert counting.counted(campaign).total.mails == 1
    assert campaign.state == CampaignState.draft


def test_a_mailing_begun_elsewhere_has_nobody_in_it(browser_of: Any) -> None:
    circle = make_circle()
    here = f"/p/{circle.process.slug}/meetings/{circle.meeting.id}"
    browser_of(circle.moderator).submit(f"{here}/campaigns", form_at=f"{here}/invitations")
    assert segments_of(db.session.scalars(select(Campaign)).one()) == []


def large(circle: Circle) -> Campaign:
    campaign = campaigns.draft(circle.meeting, circle.moderator)
    rows = [Row(number, f"Gast {number}", f"gast{number}@example.org") for number in range(MANY)]
    campaigns.add_list(campaign, rows, "Stadt", circle.moderator)
    return campaign


def test_one_more_kind_of_people_counts_only_those(session: Any, count_queries: Any) -> None:
    circle = make_circle()
    campaign = large(circle)
    body = make_organisation("Fraktion", kind="politics")
    affiliate(make_person("Rat", email="rat@example.org", account=False).id, body.id, Source.list)
    first = session.scalars(select(CampaignRecipient.id).order_by(CampaignRecipient.id)).first()
    with count_queries() as asked:
        campaigns.add_segment(campaign, Segment(SegmentKind.politics), circle.moderator)
    assert len(asked) <= 12
    assert counting.counted(campaign).total.mails == MANY + 1
    assert session.scalars(select(CampaignRecipient.id).order_by(CampaignRecipient.id)).first() == first
    campaigns.count_again(campaign, circle.moderator)
    assert counting.counted(campaign).total.mails == MANY + 1


def test_pages_do_not_unpack_the_people_of_a_list(session: Any) -> None:
    campaign = large(make_circle())
    assert [segment.people for segment in named_segments(campaign)] == [()]
    assert len(segments_of(campaign)[0].people) == MANY


def test_pages_of_a_large_mailing_ask_few_questions_whatever_is_shown(browser_of: Any, count_queries: Any) -> None:
    circle = make_circle()
    campaign = large(circle)
    base = f"/p/{circle.process.slug}/campaigns/{campaign.id}"
    browser = browser_of(circle.moderator)
    for page in (base, f"{base}/people", f"{base}/people?show=out", f"{base}/people?q=gast+3"):
        with count_queries() as asked:
            browser.get(page)
        assert len(asked) <= 15, page
    campaigns.hand_in(campaign, campaign.revision, circle.moderator)
    campaign.state = CampaignState.scheduled
    db.session.commit()
    sending.run(campaign.id, clock.now())
    for show in Filter:
        with count_queries() as asked:
            shown = browser.get(f"{base}?show={show}&still=1", headers=EN)
        assert len(asked) <= 15, show
        assert shown.text.count("@example.org") <= queries.PAGE
    with count_queries() as asked:
        assert "gast399@example.org" in browser.get(f"{base}?q=gast+399&still=1").text
    assert len(asked) <= 15


def test_the_list_goes_on_by_a_cursor_and_shows_everybody_once(session: Any) -> None:
    circle = make_circle()
    campaign = large(circle)
    campaign.state = CampaignState.scheduled
    db.session.commit()
    sending.run(campaign.id, clock.now())
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        entries, after = queries.page_of(circle.meeting.id, Filter.waiting, after, campaign.id)
        seen += [entry.invitation.id for entry in entries]
    assert len(seen) == len(set(seen)) == MANY
