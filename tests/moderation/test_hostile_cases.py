"""Hostile texts through the fields of reports, appeals, erasures, trust, roster and rules: inert wherever read."""

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from consult.contributions import screening, trust
from consult.contributions.models import RuleEffect, TrustLevel
from consult.html import clean_line, render_markdown
from consult.moderation import appeals, duty, erasing, operations, reports
from consult.moderation.models import Appeal
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from tests.contributions.factories import make_town
from tests.payloads import PAYLOADS, inert

CHUNKS = [PAYLOADS[start : start + 60] for start in range(0, len(PAYLOADS), 60)]


@pytest.mark.parametrize("chunk", CHUNKS, ids=lambda chunk: PAYLOADS.index(chunk[0]))
def test_on_every_page_and_in_every_mail(browser, browser_of, session, chunk):
    town = make_town()
    text, line = "\n".join(chunk), clean_line(" ".join(chunk))[:300]
    town.reason.text = line
    for person in (town.citizen, town.neighbour, town.moderator, town.lead):
        person.name = line[:100]
    reported, hidden, gone = (town.write(text[:4000]) for _n in range(3))
    reports.make(reported, reporter=town.neighbour, reason=town.reason, note=text)
    operations.hide(hidden, town.moderator, town.reason, text)
    asked = session.get_one(Appeal, appeals.make(hidden, town.citizen, text))
    request = erasing.request(gone, town.lead, town.reason, text)
    trust.decide(town.process, town.citizen.id, TrustLevel.watched, line, town.moderator)
    screening.add_rule(town.process, town.moderator, {"words": screening.words_in(text)}, RuleEffect.wait)
    today = duty.today_in(town.process)
    duty.add(town.process, town.lead, town.moderator.id, town.lead.id, today, today)
    session.commit()
    desk, author = browser_of(town.lead), browser_of(town.citizen)
    for path in (
        "/moderation", f"/moderation/{reported.number}/reports", "/moderation/second-look",
        f"/moderation/appeals/{asked.id}", f"/moderation/{gone.number}/erase", "/moderation/duty",
        "/moderation/arrival-rules", f"/moderation/authors/{town.citizen.id}",
    ):  # fmt: skip
        page = desk.get(town.path(path))
        assert inert(page.html) == [], path
    assert inert(author.get(town.number_path(hidden)).html) == []
    appeals.decide(asked, town.lead, False, text)
    reports.keep(reported, town.moderator, text)
    erasing.confirm(request, town.moderator)
    session.commit()
    for visitor, path in (
        (browser, "/rules/figures"), (browser, f"/contributions/{reported.number}/report"),
        (author, f"/contributions/{hidden.number}"), (author, f"/contributions/{gone.number}"),
        (desk, f"/moderation/{reported.number}/reports"), (desk, f"/moderation/appeals/{asked.id}"),
    ):  # fmt: skip
        assert inert(visitor.get(town.path(path)).html) == [], path
    kinds = set()
    for message in session.scalars(select(OutboxMessage)):
        html = BeautifulSoup(render_markdown(kind(message.kind).render(message).body), "html5lib")
        kinds.add(message.kind)
        assert inert(html) == []
        assert all(a["href"].startswith("http://consult.test/") for a in html.find_all("a")), message.kind
    assert {"report_closed", "appeal_decided", "contribution_erased"} <= kinds


@pytest.mark.parametrize(
    ("who", "address", "field", "fields"),
    [
        ("neighbour", "/contributions/1/report", "note", {"reason_id": "-1"}),
        ("moderator", "/moderation/1/reports", "answer", {}),
        ("moderator", "/moderation/1/erase", "note", {"reason_id": "1"}),
        ("moderator", "/moderation/arrival-rules", "words", {"do": "keep"}),
    ],
)
def test_a_text_without_end_stays_in_the_form_and_is_not_stored(browser_of, session, who, address, field, fields):
    town = make_town()
    contribution = town.write()
    if address.endswith("/reports"):
        reports.make(contribution, reporter=town.neighbour, reason=town.reason, note="")
    if "reason_id" in fields and who == "moderator":
        fields = {**fields, "reason_id": str(town.reason.id)}
    long = "x" * 5000
    page = browser_of(getattr(town, who)).submit(town.path(address), {field: long, **fields}, status=200)
    assert page.html.find(class_="error-summary")
    assert long in page.html.find("textarea", attrs={"name": field}).get_text()
