"""The mandate of a group: who writes, sees and answers drafts, and the pages and lists that show them."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.audit.models import AuditEntry
from consult.concept import draft_queries, drafts, operations, policy
from consult.concept.models import Draft, DraftState, Mandate
from consult.contributions import sources
from consult.groups.models import SeatHolder
from consult.processes.models import Function, ProcessState
from tests import factories
from tests.concept.drafting import BEGIN, first_contribution, url
from tests.concept.factories import make_concept

# -- who ----------------------------------------------------------------------------------------------------------


def test_who_may_what(session, town):
    draft = town.draft(state=DraftState.submitted)
    former = factories.make_person("Ehemalig")
    factories.make_member(town.circle, former, ends_at=clock.now() - timedelta(hours=1))
    coming = factories.make_person("Kommt noch")
    factories.make_member(town.circle, coming, starts_at=clock.now() + timedelta(hours=1))
    seated, left = factories.make_person("Auf dem Sitz"), factories.make_person("War auf dem Sitz")
    seat = factories.flushed(
        factories.Membership(
            group_id=town.circle.id, organisation_id=factories.make_organisation().id,
            starts_at=clock.now() - timedelta(days=1),
        )
    )  # fmt: skip
    for person, ends_at in ((seated, None), (left, clock.now() - timedelta(hours=1))):
        factories.flushed(
            SeatHolder(
                membership_id=seat.id, person_id=person.id, starts_at=clock.now() - timedelta(days=1), ends_at=ends_at
            )
        )
    people = {
        "member": town.member, "seated": seated, "former": former, "coming": coming, "left": left,
        "other": town.other, "moderator": town.moderator, "editor": town.editor, "lead": town.lead,
        "citizen": town.citizen, "nobody": None,
    }  # fmt: skip

    def who(predicate, *objects):
        return {name for name, person in people.items() if predicate(person, town.process, *objects)}

    group, editors = {"member", "seated"}, {"editor", "lead"}
    assert who(policy.can_draft, town.goal.id) == group
    assert who(policy.can_write_draft, draft) == group
    assert who(policy.can_see_draft, draft) == group | editors
    assert who(policy.can_answer_draft, draft) == editors
    assert who(policy.can_set_mandate) == {"lead"}
    assert who(policy.can_see_drafts) == group | editors | {"other", "moderator"}
    town.process.state = ProcessState.archived
    for closed in (policy.can_draft, policy.can_write_draft, policy.can_answer_draft):
        assert who(closed, town.goal.id if closed is policy.can_draft else draft) == set()
    assert who(policy.can_see_draft, draft) == group | editors
    assert who(policy.can_set_mandate) == set()


def test_a_group_that_left_the_process_writes_no_more(session, town):
    draft = town.draft()
    session.execute(factories.ProcessGroup.__table__.delete().where(factories.ProcessGroup.group_id == town.circle.id))
    town.member.__dict__.pop("_functions", None)
    assert not policy.can_write_draft(town.member, town.process, draft)
    assert not policy.can_draft(town.member, town.process, town.goal.id)


def test_a_mandate_reaches_down_and_not_up(session, town):
    assert policy.can_draft(town.member, town.process, town.goal.id)
    drafts.change_mandate(town.circle, [town.goal.id], actor=town.lead, process=town.process)
    assert policy.can_draft(town.member, town.process, town.goal.id)
    assert not policy.can_draft(town.member, town.process, town.theme_id)
    draft = town.draft()
    drafts.change_mandate(town.circle, [], actor=town.lead, process=town.process)
    assert not policy.can_draft(town.member, town.process, town.goal.id)
    assert policy.can_write_draft(town.member, town.process, draft)


def test_others_find_no_draft(browser, browser_of, session, town):
    draft = town.draft(state=DraftState.submitted, dissent="Nadel im Heuhaufen")
    session.commit()
    for person in (town.other, town.moderator):
        visitor = browser_of(person)
        for rest in ("", "/edit", "/adopt", "/adapt", "/return", "/submit"):
            visitor.get(url(draft, rest), status=403)
        assert not visitor.get("/p/iko/drafts").html.find("a", href=url(draft))
        assert not visitor.get(f"/p/iko/groups/{town.circle.id}/mandate").html.find("a", href=url(draft))
    browser_of(town.citizen).get(url(draft), status=403)
    assert "/sign-in" in browser.get(url(draft), status=303).location
    for where in ("/p/iko/e/lz-begegnung", "/p/iko/e/lz-begegnung/history", "/p/iko/concept"):
        assert "Nadel" not in browser.get(where).text


def test_drafts_of_another_process_are_not_found(session, browser_of, town):
    draft = town.draft(state=DraftState.submitted)
    other = factories.make_process(slug="nebenan", code="NE")
    factories.make_group(other, Function.lead, town.lead)
    factories.flushed(factories.ProcessGroup(process_id=other.id, group_id=town.circle.id, function=Function.working))
    session.commit()
    for person in (town.lead, town.member):
        visitor = browser_of(person)
        token = visitor.get(f"/p/iko/drafts/{draft.id}").form_fields() if person is town.member else None
        for rest in ("", "/edit", "/adopt", "/adapt", "/return", "/submit"):
            visitor.get(f"/p/nebenan/drafts/{draft.id}{rest}", status=404)
        if token:
            visitor.post(f"/p/nebenan/drafts/{draft.id}/take-back", token, status=404)
    assert draft.state == DraftState.submitted


def test_a_group_one_is_not_in_cannot_be_chosen(session, browser_of, town):
    drafts.change_mandate(town.neighbours, [town.goal.id], actor=town.lead, process=town.process)
    session.commit()
    browser = browser_of(town.member)
    fields = browser.get(BEGIN).form_fields(BEGIN)
    browser.post(BEGIN, {**fields, "group_id": str(town.neighbours.id)}, status=404)
    assert not session.scalars(select(Draft)).all()


# -- mandate, lists, desk -----------------------------------------------------------------------------------------


def test_a_lead_chooses_the_mandate_and_mandates_elsewhere_stay(session, browser_of, town):
    other = factories.make_process(slug="nebenan", code="NE")
    _concept, far = make_concept(other)
    operations.set_mandate(town.circle.id, [town.theme_id, far.id], actor=town.lead, process=other)
    session.commit()
    where = f"/p/iko/groups/{town.circle.id}/mandate/edit"
    lead = browser_of(town.lead)
    page = lead.get(where)
    assert {box["value"] for box in page.html.select("input[name=elements]")} == {str(town.theme_id), str(town.goal.id)}
    assert [box["value"] for box in page.html.select("input[name=elements][checked]")] == [str(town.theme_id)]
    lead.submit(where, {"elements": str(town.goal.id)})
    known = set(session.scalars(select(Mandate.element_id).where(Mandate.group_id == town.circle.id)))
    assert known == {town.goal.id, far.id}
    before = session.scalar(select(func.count()).select_from(AuditEntry))
    assert not drafts.change_mandate(town.circle, [town.goal.id], actor=town.lead, process=town.process)
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == before
    page = lead.post(where, {**lead.get(where).form_fields(where), "elements": str(far.id)}, status=200)
    assert page.html.find(class_="error-summary")


def test_the_mandate_page_shows_parts_and_drafts_to_whom_they_concern(session, browser_of, town):
    draft = town.draft()
    session.commit()
    where = f"/p/iko/groups/{town.circle.id}/mandate"
    page = browser_of(town.member).get(where)
    assert page.html.find("a", href=url(draft))
    assert page.html.find("a", href="/p/iko/e/th-quartier/draft")
    assert browser_of(town.editor).get(where).html.find("a", href=url(draft))
    page = browser_of(town.moderator).get(where)
    assert not page.html.find("a", href=url(draft))
    assert not page.html.find("a", href="/p/iko/e/th-quartier/draft")
    assert page.html.find("a", href="/p/iko/e/lz-begegnung")
    assert browser_of(town.member).get(f"/p/iko/groups/{town.circle.id}").html.find("a", href=where)
    assert browser_of(town.lead).get(f"/p/iko/groups/{town.neighbours.id}/mandate").html.find(class_="empty")


def test_the_list_pages_through(session, browser_of, town, monkeypatch):
    monkeypatch.setattr(draft_queries, "PAGE", 2)
    made = []
    for _n in range(3):
        draft = town.draft()
        drafts.withdraw(draft, **town.by())
        made.append(draft)
    session.commit()
    rows = draft_queries.drafts_of(town.process.id, [DraftState.withdrawn], limit=2)
    assert [row.id for row in rows] == [draft.id for draft in reversed(made)]
    page = browser_of(town.member).get("/p/iko/drafts?list=withdrawn")
    assert len(page.html.select(".work-list > li")) == 2
    following = page.html.find("a", rel="next")["href"]
    assert [a["href"] for a in browser_of(town.member).get(following).html.select(".work-list a")] == [url(made[0])]


def test_the_desk_tells_editors_and_the_group_what_waits(session, browser_of, town):
    def tasks(person):
        return {a["href"] for a in browser_of(person).get("/tasks").html.select("main tbody a")}

    waiting = "/p/iko/drafts?list=waiting"
    draft = town.draft(state=DraftState.submitted)
    session.commit()
    assert waiting in tasks(town.editor)
    assert waiting not in tasks(town.member) | tasks(town.moderator)
    drafts.give_back(draft, "Kürzer", **town.by(town.editor))
    session.commit()
    assert url(draft) in tasks(town.member)
    assert url(draft) not in tasks(town.other) | tasks(town.editor)
    assert waiting not in tasks(town.editor)


PAGES = {
    "/p/iko/drafts": 8, "draft": 14, "draft/edit": 12, "draft/adapt": 14, "draft/submit": 9, BEGIN: 13,
    "mandate": 12, "mandate/edit": 11,
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_pages_ask_few_questions(session, browser_of, count_queries, town, page):
    town.say()
    state = DraftState.submitted if page.endswith(("draft", "adapt")) else DraftState.open
    draft = town.draft()
    sources.name_draft_sources(draft, [(first_contribution(), "")])
    if state != DraftState.open:
        drafts.submit(draft, **town.by())
    session.commit()
    person = {"draft/adapt": town.editor, "mandate/edit": town.lead}.get(page, town.member)
    where = page.replace("draft/", f"/p/iko/drafts/{draft.id}/") if page.startswith("draft/") else page
    where = where.replace("mandate", f"/p/iko/groups/{town.circle.id}/mandate")
    where = url(draft) if page == "draft" else where
    browser = browser_of(person)
    with count_queries() as queries:
        browser.get(where)
    assert len(queries) <= PAGES[page], "\n".join(queries)
