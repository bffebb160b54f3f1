"""Texts that try to become code: in every field, on every page that shows them, in a browser that would run them."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from typing import Any

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Page
from sqlalchemy import select

from consult import clock
from consult.accounts import tokens
from consult.accounts.models import LinkPurpose, Representation
from consult.audit import operations as audit
from consult.concept import operations as concept
from consult.concept.models import Placement
from consult.contributions import operations as contributions
from consult.contributions.models import ModerationReason, Stance
from consult.digests import operations as digests
from consult.extensions import db
from consult.invitations import operations as invitations
from consult.invitations.lists import Row
from consult.moderation import operations as deciding
from consult.processes.models import Activity, Function, Moderation
from consult.site import operations as site
from tests import factories
from tests.browser.conftest import Visitor
from tests.browser.filling import SECONDS
from tests.browser.scenery import Scene, make_scene
from tests.browser.test_pages import arrive
from tests.browser.town import Town, twin
from tests.browser.visits import VISITS
from tests.concept.factories import make_concept, publish
from tests.meetings.factories import make_meeting
from tests.payloads import PAYLOADS, inert

Arrive = Callable[..., Visitor]
#: Forms that end what the other visits need.
NOT_SENT = {"accounts.sign_out", "accounts.enter_code"}
LINE = [" ".join(text.split()) for text in PAYLOADS]


def chunks(size: int) -> Iterator[list[str]]:
    """All payloads, so many at a time."""
    texts = iter(PAYLOADS)
    while part := list(islice(texts, size)):
        yield part


def harmless(visitor: Visitor) -> list[str]:
    """What on the page ran, was refused by the policy, was asked of another host, or stands there as an element."""
    page = visitor.page
    page.evaluate("() => new Promise(done => setTimeout(done, 30))")
    found = ["a text was run"] if page.evaluate("() => 'XSS' in window") else []
    found += inert(BeautifulSoup(page.content(), "html5lib"))
    return [f"{page.url}: {entry}" for entry in (*found, *visitor.watch.take())]


def test_the_trap_catches(visit: Arrive, here: Town) -> None:
    """A page of ours in which a payload became an element is noticed: by what it runs, loads or leaves behind."""
    visitor = visit()
    visitor.go("/contact")
    image = "<img src=//xss.example/XSS.png onerror=alert('XSS')>"
    visitor.page.evaluate("image => { document.querySelector('main').innerHTML += image; }", image)
    visitor.page.evaluate("() => { setTimeout(() => alert('XSS'), 1); }")
    found, deadline = harmless(visitor), time.monotonic() + SECONDS
    # What it runs and loads, it runs and loads when it finds the time.
    for sign in ("onerror", "dialog", "another host"):
        while not any(sign in entry for entry in found):
            assert time.monotonic() < deadline, f"{sign} is not noticed: {found}"
            found += harmless(visitor)


# -- typed into the forms ---------------------------------------------------------------------------------------


# Once per process: a module may be left and come back to.
@pytest.fixture(scope="session")
def elsewhere(here: Town) -> Iterator[tuple[Town, Scene]]:
    """A town that nobody else looks at: names become payloads there, settings change, links are used up."""
    with twin(here) as made:
        yield made, make_scene(made)


@pytest.mark.parametrize("turn", range(2))
def test_typed_into_every_form(elsewhere: tuple[Town, Scene], visit: Arrive, turn: int) -> None:
    """Every form of every page is found by looking at the page; whatever it answers is harmless."""
    here, scene = elsewhere
    texts, found, typed = cycle(PAYLOADS[turn * 75 :] + PAYLOADS[: turn * 75]), [], 0
    visitors: dict[str | None, Visitor] = {}
    for place in {place.endpoint: place for place in VISITS if place.status == 200}.values():
        if place.endpoint in NOT_SENT or place.endpoint.startswith("outbox.mail"):
            continue
        if place.role not in visitors:
            visitors[place.role] = arrive(partial(visit, town=here), scene, place.role)
        visitor = visitors[place.role]
        answer = visitor.page.goto(here.url + place.url(here.app, scene))
        if answer is None or answer.status != 200:
            continue
        # Forms may lie folded in.
        visitor.page.evaluate("() => document.querySelectorAll('main details').forEach(d => { d.open = true; })")
        fields = visitor.page.locator("main form.form").first.locator(
            "textarea, input[type=text], input[type=search], input:not([type])"
        )
        if not visitor.page.locator("main form.form").count() or not fields.count():
            continue
        for field in fields.all():
            if field.is_visible():
                many = field.evaluate("e => e.tagName") == "TEXTAREA"
                field.fill("\n".join(islice(texts, 6)) if many else " ".join(next(texts).split()))
                typed += 1
        form = visitor.page.locator("main form.form").first
        for group in form.locator("fieldset:has(input[type=radio])").all():
            group.locator("input[type=radio]").first.check()
        with visitor.page.expect_navigation(wait_until="load"):
            # As without scripts: some forms are answered in place, and the whole answer is wanted here.
            form.evaluate("form => HTMLFormElement.prototype.submit.call(form)")
        found += harmless(visitor)
    assert typed > 60, f"only {typed} fields were typed into"
    assert not found, "\n".join(found[:40])


# -- stored, and shown ------------------------------------------------------------------------------------------


# Once per process: a module may be left and come back to.
@pytest.fixture(scope="session")
def poisoned(here: Town, scene: Scene) -> dict[str, Any]:
    """A process in which every text and every name is a payload; all payloads stand in texts and in names."""
    with here.inside():
        lead = factories.make_person(LINE[0])
        process = factories.make_process(
            slug="gift", code="GI", title=LINE[1], motto=LINE[2], intro="\n\n".join(PAYLOADS),
            stance_words={stance: {"de": LINE[n], "en": LINE[-n]} for n, stance in enumerate(Stance, 3)},
        )  # fmt: skip
        for function in (Function.lead, Function.steering):
            factories.make_group(process, function, lead, name=LINE[5])
        factories.make_stage(process, Activity.comment, Activity.react, moderation=Moderation.post, title=LINE[6])
        text, goal = make_concept(process, lead, text="\n\n".join(PAYLOADS[:40]))
        publish(text, process, lead, title=LINE[7])
        organisation = factories.make_organisation(LINE[8], area=LINE[9])
        written = []
        for part, name in zip(chunks(12), cycle(LINE[10:]), strict=False):
            author = factories.make_person(name)
            factories.flushed(Representation(person_id=author.id, organisation_id=organisation.id))
            written.append(
                contributions.submit(
                    process, actor=author, text="\n\n".join(part)[:3900], stance=Stance.concern, element_id=goal.id
                )
            )
        for name in LINE:
            someone = factories.make_person(name)
            factories.make_group(process, Function.working, someone, name=name)
        contributions.submit(process, actor=lead, text="\n".join(PAYLOADS[:30]), stance=None, reply_to=written[0])
        reason = factories.flushed(ModerationReason(process_id=process.id, key="r-gift", text=LINE[11]))
        deciding.hide(written[-1], lead, reason, "\n".join(PAYLOADS[:20]))
        for start in range(40, len(PAYLOADS), 40):
            placed = db.session.scalars(
                select(Placement).where(Placement.element_id == goal.id).order_by(Placement.wording_id.desc())
            ).first()
            concept.edit(
                goal, placed.wording_id, concept.Text(markdown="\n\n".join(PAYLOADS[start : start + 40])),
                reason="\n".join(PAYLOADS[start : start + 20]), actor=lead, process=process,
            )  # fmt: skip
            publish(text, process, lead, title=LINE[start])
        starts = clock.now() + timedelta(days=9)
        meeting = make_meeting(
            process, title=LINE[12], place=LINE[13], description="\n\n".join(PAYLOADS), languages=LINE[14],
            starts_at=starts, ends_at=starts + timedelta(hours=2), wall_start=starts.strftime("%Y-%m-%dT%H:%M:%S"),
        )  # fmt: skip
        rows = [Row(n, name, f"gift-{n}@example.org", LINE[n - 1]) for n, name in enumerate(LINE, 1)]
        invitations.invite(meeting, rows=rows, by=lead, subject=LINE[15][:150], note="\n".join(PAYLOADS[:40]))
        while audit.seal():
            db.session.flush()
        digest = digests.compile(process, audit.head(), clock.now())
        preview = tokens.issue(
            LinkPurpose.preview, None, subject_id=process.id, expires_at=clock.now() + timedelta(days=1)
        )
        return {
            "day": clock.local_date(clock.now(), process.zone).isoformat(),
            "lead": lead.id, "key": goal.key, "numbers": [one.number for one in written], "meeting": meeting.id,
            "organisation": organisation.id, "digest": digest.id, "preview": tokens.link_of(preview),
        }  # fmt: skip


def shown_at(made: dict[str, Any]) -> list[str]:
    """The pages that show them."""
    base, meeting = "/p/gift", f"/p/gift/meetings/{made['meeting']}"
    return [
        "/", "/tasks", "/account", base, f"{base}/timeline", f"{base}/concept", f"{base}/concept/versions",
        f"{base}/concept/versions/1", f"{base}/concept/whole", f"{base}/concept/th-quartier",
        f"{base}/concept/on/{made['day']}",
        f"{base}/e/{made['key']}", f"{base}/e/{made['key']}/history",
        f"{base}/e/{made['key']}/edit", f"{base}/e/{made['key']}/split", f"{base}/concept/working",
        f"{base}/concept/publish", f"{base}/contributions", f"{base}/rules",
        *(f"{base}/contributions/{number}" for number in made["numbers"]),
        f"{base}/contributions/{made['numbers'][0]}/reply", f"{base}/e/{made['key']}/comment",
        f"{base}/moderation", f"{base}/moderation?list=unseen", f"{base}/meetings", meeting, f"{meeting}/edit",
        f"{meeting}/invite", f"{meeting}/invitations", f"{meeting}/agenda", f"{meeting}/minutes",
        f"{base}/groups", f"{base}/stages", f"{base}/settings", f"{base}/preview-links", f"{base}/digests",
        f"{base}/digests/{made['digest']}", "/contacts/organisations",
        f"/contacts/organisations/{made['organisation']}",
    ]  # fmt: skip


def test_shown_wherever_it_is_stored(visit: Arrive, poisoned: dict[str, Any]) -> None:
    visitor, found, names = visit(poisoned["lead"]), [], 0
    for path in shown_at(poisoned):
        page = visitor.go(path)
        names += page.content().count("XSS")
        found += harmless(visitor)
    assert names > 1000, "the texts are not on the pages"
    assert not found, "\n".join(found[:40])


def test_shown_to_operators_and_in_what_the_instance_says_of_itself(
    here: Town, scene: Scene, visit: Arrive, poisoned: dict[str, Any]
) -> None:
    with here.inside():
        before = {"city_name": "Musterstadt", "platform_name": "Beteiligung"}
        operator = scene.cast["operator"]
        site.change_settings(operator, {"city_name": LINE[20], "platform_name": LINE[21][:80]})
        for key in ("imprint", "privacy", "accessibility"):
            site.change_text(operator, key, "de", "\n\n".join(PAYLOADS))
    visitor, found = visit(operator), []
    paths = (
        "/imprint", "/privacy", "/accessibility", "/settings", "/settings/texts", "/settings/texts/imprint/de",
        "/people", "/people?q=" + "%22%3E%3Cscript%3Ealert('XSS')%3C/script%3E", f"/people/{poisoned['lead']}",
        "/messages", "/contact/messages", "/p/%3Cscript%3Ealert('XSS')%3C%2Fscript%3E",
        "/p/gift/contributions?stance=%22%3E%3Csvg/onload=alert('XSS')%3E&after=%22%3E%3Csvg/onload=alert('XSS')%3E",
        "/sign-in?next=javascript:alert('XSS')", "/language?lang=de&next=//xss.example/XSS",
    )  # fmt: skip
    try:
        for path in paths:
            visitor.page.goto(here.url + path)
            found += harmless(visitor)
    finally:
        # Whatever comes after is about other things.
        with here.inside():
            site.change_settings(operator, before)
            for key in ("imprint", "privacy", "accessibility"):
                site.change_text(operator, key, "de", "Text.")
    assert not found, "\n".join(found[:40])


def test_two_who_change_the_same_text_see_both_without_harm(visit: Arrive, poisoned: dict[str, Any]) -> None:
    """The page of a conflict shows what was typed and what stands there now."""
    first, second = visit(poisoned["lead"]), visit(poisoned["lead"])
    path = f"/p/gift/e/{poisoned['key']}/edit"
    for visitor in (first, second):
        visitor.go(path)
    for n, visitor in enumerate((first, second)):
        page: Page = visitor.page
        page.locator("[name=markdown]").fill("\n\n".join(PAYLOADS[n * 60 : n * 60 + 60]))
        page.locator("[name=reason]").fill(PAYLOADS[n])
        with page.expect_navigation(wait_until="load"):
            page.locator("form.form button.primary").click()
    assert second.page.locator("main .callout.tone-warning ~ .grid .words").count() == 2
    assert not harmless(second)
