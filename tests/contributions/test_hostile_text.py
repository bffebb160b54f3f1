"""Hostile texts through every field of contributions: inert and legible on every page that shows them."""

import re

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select

from consult import clock
from consult.contributions import operations, translating
from consult.contributions.models import Channel, Contribution, Kind, ModerationReason, State
from consult.html import clean_line, clean_text, clean_words, render_markdown
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from consult.processes.models import Moderation
from tests.contributions.factories import make_representation, make_town
from tests.factories import flushed, make_organisation
from tests.payloads import ODD_TEXTS, PAYLOADS, inert

CHUNK = 20
CHUNKS = [PAYLOADS[start : start + CHUNK] for start in range(0, len(PAYLOADS), CHUNK)]


def squeezed(text):
    """Without white space: how a text is broken into lines and paragraphs does not matter here."""
    return re.sub(r"\s+", "", text)


def safe(page, *expected):
    """Nothing on the page could run, and the texts can be read as they were written."""
    assert inert(page.html) == []
    shown = squeezed(page.html.get_text())
    for text in expected:
        assert squeezed(clean_text(text)) in shown
    return page


@pytest.mark.parametrize("chunk", CHUNKS, ids=lambda chunk: PAYLOADS.index(chunk[0]))
def test_in_lists(browser, browser_of, session, chunk):
    town = make_town(moderation=Moderation.pre)
    for state in (State.published, State.pending):
        for payload in chunk:
            contribution = operations.capture(
                town.process, actor=town.moderator, text=payload, stance="change", kind=Kind.comment,
                channel=Channel.web, author_name=payload, element_id=town.goal.id, created_at=clock.now(),
                state=state, lang="tr",
            )  # fmt: skip
            translating.translate(contribution, actor=town.moderator, lang="de", body=payload)
    session.commit()
    for address in ("/e/ankommen", "/contributions"):
        safe(browser.get(town.path(address)), *chunk)
    safe(browser_of(town.moderator).get(town.path("/moderation")), *chunk)
    safe(browser_of(town.moderator).get(town.path("/contributions?state=pending")), *chunk)


@pytest.mark.parametrize("chunk", CHUNKS, ids=lambda chunk: PAYLOADS.index(chunk[0]))
def test_on_the_pages_of_one_contribution(browser, browser_of, session, chunk):
    town = make_town(moderation=Moderation.post)
    # Markdown and Jinja see the joined text once; a blank line keeps each in its own paragraph.
    text, line = "\n\n".join(chunk), clean_line(" ".join(chunk))[:300]
    town.citizen.name = town.moderator.name = line
    make_representation(town.citizen, club := make_organisation(line[:200]))
    author, moderator = browser_of(town.citizen), browser_of(town.moderator)
    safe(author.get(town.path("/comment")), line)
    sent = author.submit(town.path("/comment"), {"stance": "support", "text": text, "organisation_id": str(club.id)})
    page = safe(browser.get(sent.location), *chunk)
    assert squeezed(line) in squeezed(page.html.get_text())
    parent = session.scalar(select(Contribution).order_by(Contribution.id.desc()))
    here = town.number_path(parent)
    other = browser_of(town.neighbour)
    safe(other.get(f"{here}/reply"), *chunk)
    safe(other.submit(f"{here}/reply", {"text": text, "lang": "x"}, status=200), *chunk)
    other.submit(f"{here}/reply", {"text": text})
    safe(browser.get(here), *chunk)
    safe(author.get(f"{here}/withdraw"), *chunk)
    edited = f"{text}\n\nund mehr"
    fields = author.get(f"{here}/edit").form_fields(f"{here}/edit")
    author.post(f"{here}/edit", {**fields, "text": edited})
    safe(author.post(f"{here}/edit", {**fields, "form_id": "another", "text": f"{text} anders"}, status=409), *chunk)
    safe(author.get(here), *chunk)
    reason = flushed(ModerationReason(process_id=town.process.id, key="r-odd", text=line))
    hide = town.path("/moderation/1/hide")
    typed = {"reason_id": str(reason.id), "note": text[:2000]}
    safe(moderator.submit(hide, {**typed, "reason_id": "0"}, form_at=town.path("/moderation?list=unseen"), status=200))
    moderator.submit(hide, typed, form_at=town.path("/moderation?list=unseen"))
    safe(moderator.get(town.path("/moderation")), line)
    safe(author.get(here), text[:2000], line)
    safe(browser.get(town.path("/contributions")), line)  # the placeholder above the reply, with the reason
    safe(browser.get(town.path("/rules")), line)
    safe(browser_of(town.lead).get(town.path(f"/rules/reasons/{reason.id}")))
    message = session.scalar(
        select(OutboxMessage).where(
            OutboxMessage.kind == "contribution_hidden", OutboxMessage.recipient_id == town.citizen.id
        )
    )
    mail = kind(message.kind).render(message)
    html = BeautifulSoup(render_markdown(mail.body), "html5lib")
    assert inert(html) == []
    assert all(a["href"].startswith("http://consult.test/") for a in html.find_all("a")), "a note makes no links"


def test_payloads_in_the_address_of_the_list(browser, session):
    town = make_town()
    town.write()
    for payload in PAYLOADS[::5]:
        for name in ("stance", "element", "lang", "before", "mine"):
            page = browser.get(town.path("/contributions"), query_string={name: payload})
            assert inert(page.html) == []


def test_odd_but_honest_texts_are_kept_and_isolated(browser, browser_of, session):
    town = make_town()
    for text in ODD_TEXTS:
        sent = browser_of(town.citizen).submit(town.path("/e/ankommen/comment"), {"stance": "support", "text": text})
        page = browser.get(sent.location)
        body = page.html.find(class_="body")
        assert body["dir"] == "auto"
        assert squeezed(clean_words(text)) in squeezed(body.get_text())
        assert page.html.find("bdi", string="Birke")


def test_a_name_keeps_no_marks_that_turn_the_line(session):
    town = make_town()
    card = operations.capture(
        town.process, actor=town.lead, text="Karte", stance=None, created_at=clock.now(),
        author_name="Admin\u202e\u2066nimdA\u200b",
    )  # fmt: skip
    assert card.author_name == "AdminnimdA"


@pytest.mark.parametrize("bad", ["\x00", "a\x00b", "\ud800", "x\udfffy"])
@pytest.mark.parametrize(
    ("who", "address", "field"),
    [
        ("citizen", "/e/ankommen/comment", "text"),
        ("citizen", "/e/ankommen/comment", "lang"),
        ("citizen", "/e/ankommen/comment", "stance"),
        ("citizen", "/comment", "organisation_id"),
        ("neighbour", "/contributions/1/reply", "text"),
        ("citizen", "/contributions/1/edit", "text"),
        ("citizen", "/contributions/1/edit", "base"),
        ("neighbour", "/contributions/1/react", "next"),
        ("moderator", "/moderation/1/hide", "note"),
        ("moderator", "/moderation/1/hide", "reason_id"),
        ("moderator", "/moderation/1/approve", "seen"),
        ("moderator", "/moderation/1/undo", "act_id"),
        ("lead", "/rules/reasons/new", "text"),
    ],
)
def test_nul_and_surrogates_are_refused_with_400(browser_of, session, who, address, field, bad):
    town = make_town()
    town.write()
    visitor = browser_of(getattr(town, who))
    token = visitor.get("/contact").form_fields()["csrf_token"]
    # As raw bytes: a client of ours could not even encode a lone surrogate.
    raw = "&".join(
        f"{name}={value}"
        for name, value in {
            "csrf_token": token,
            field: "".join(f"%{byte:02X}" for byte in bad.encode("utf-8", "surrogatepass")),
        }.items()
    )
    answer = visitor.client.post(town.path(address), data=raw, content_type="application/x-www-form-urlencoded")
    if "\x00" in bad:
        assert answer.status_code == 400
    else:
        # The three bytes of a surrogate are no UTF-8: what arrives are replacement characters, harmless in a text.
        assert answer.status_code < 500
    stored = session.scalar(select(func.count()).where(Contribution.process_id == town.process.id))
    assert stored in (1, 2)


@pytest.mark.parametrize("bad", ["%00", "a%00"])
def test_nul_in_an_address_is_refused_with_400(browser, session, bad):
    town = make_town()
    assert browser.client.get(town.path(f"/contributions?lang={bad}")).status_code == 400
    assert browser.client.get(town.path(f"/e/{bad}/comment")).status_code == 400
