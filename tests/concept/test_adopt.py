"""Editors adopt a draft as it is or changed, or return it to the group."""

import pytest
from sqlalchemy import func, select

from consult.audit.models import AuditEntry
from consult.concept import drafts
from consult.concept.models import Change, DraftState, Wording
from consult.concept.operations import Text
from consult.contributions import sources
from consult.contributions.models import ChangeSource
from consult.errors import Refused
from tests.concept.drafting import NEW, acts, first_contribution, url
from tests.concept.factories import publish


def test_editors_return_it_with_a_note_and_the_group_hands_it_in_again(session, browser_of, town):
    draft = town.draft(state=DraftState.submitted)
    editor = browser_of(town.editor)
    page = editor.submit(url(draft, "/return"), {"note": ""}, status=200)
    assert page.html.find(id="note")["aria-invalid"] == "true"
    editor.submit(url(draft, "/return"), {"note": "Bitte ohne Uhrzeit."})
    session.refresh(draft)
    assert draft.state == DraftState.returned
    member = browser_of(town.member)
    for where in (url(draft), url(draft, "/edit")):
        assert "Bitte ohne Uhrzeit." in member.get(where).html.find(class_="callout").get_text()
    member.submit(url(draft, "/edit"), {"markdown": "Begegnung wird zu vielen Zeiten gefördert."})
    member.submit(url(draft, "/submit"))
    assert acts(draft) == ["submit", "return", "submit"]


def test_adopted_as_it_is_the_words_reason_sources_and_dissent_arrive(session, browser, browser_of, town):
    town.say(), town.say("Schicht")
    draft = town.draft(state=DraftState.open, dissent="Drei sind dagegen.")
    browser_of(town.member).submit(url(draft, "/edit"), {"sources": "IK-1: auch am Abend\n2"})
    session.refresh(draft)
    drafts.submit(draft, **town.by())
    session.commit()
    editor = browser_of(town.editor)
    form = editor.get(url(draft, "/adopt")).form_fields(url(draft, "/adopt"))
    assert "Initiativkreis Quartier" in form["reason"]
    assert "Schichtarbeit" in form["reason"]
    editor.submit(url(draft, "/adopt"))
    session.refresh(draft)
    assert draft.state == DraftState.adopted
    assert town.placed().markdown == NEW
    change = session.get(Change, draft.change_id)
    assert change.to_wording_id == town.placed().wording_id
    found = session.scalars(
        select(ChangeSource).where(ChangeSource.change_id == change.id).order_by(ChangeSource.contribution_id)
    ).all()
    start = NEW.index("auch am Abend")
    assert [(s.to_start, s.to_end) for s in found] == [(start, start + len("auch am Abend")), (None, None)]
    actions = session.scalars(
        select(AuditEntry.action).where(AuditEntry.action.like("concept.draft.%")).order_by(AuditEntry.id)
    ).all()
    assert actions == [f"concept.draft.{act}" for act in ("begun", "saved", "saved", "submitted", "adopted")]
    # Beside the change everybody reads whose words they are, and who saw it differently.
    publish(town.concept, town.process, town.editor)
    session.commit()
    story = browser.get("/p/iko/e/lz-begegnung/history").text
    assert "Initiativkreis Quartier" in story
    assert "Drei sind dagegen." in story


def test_adopted_changed_the_group_stays_named_and_lost_passages_mean_the_whole(session, browser_of, town):
    town.say()
    draft = town.draft()
    sources.name_draft_sources(draft, [(first_contribution(), "auch am Abend")])
    drafts.submit(draft, **town.by())
    session.commit()
    browser_of(town.editor).submit(url(draft, "/adapt"), {"markdown": "Begegnung wird zu jeder Zeit gefördert."})
    session.refresh(draft)
    assert draft.state == DraftState.adapted
    assert town.placed().markdown == "Begegnung wird zu jeder Zeit gefördert."
    assert session.get(Wording, draft.wording_id).markdown == NEW
    source = session.scalars(select(ChangeSource).where(ChangeSource.change_id == draft.change_id)).one()
    assert (source.to_start, source.to_end) == (None, None)
    assert acts(draft)[-1] == "adapt"
    # Members see the editors' words with the version, not before.
    member = browser_of(town.member)
    assert "zu jeder Zeit" not in member.get(url(draft)).text
    assert "zu jeder Zeit" in browser_of(town.editor).get(url(draft)).text
    publish(town.concept, town.process, town.editor)
    session.commit()


def test_the_groups_own_words_sent_through_the_form_for_changes_count_as_adopted(session, town):
    draft = town.draft(state=DraftState.submitted)
    drafts.adopt(draft, town.placed().wording_id, reason="r", text=Text(markdown=NEW), **town.by(town.editor))
    assert draft.state == DraftState.adopted


def test_when_the_text_moved_on_it_is_adopted_changed_only(session, browser_of, town):
    draft = town.draft(state=DraftState.submitted)
    town.edit("Begegnung wird gefördert. Für alle Generationen.")
    with pytest.raises(Refused):
        drafts.adopt(draft, town.placed().wording_id, reason="r", **town.by(town.editor))
    session.commit()
    editor = browser_of(town.editor)
    page = editor.get(url(draft))
    assert "Für alle Generationen." in page.text
    assert not page.html.find("a", href=url(draft, "/adopt"))
    assert not editor.get(url(draft, "/adopt")).html.find("textarea")
    form = editor.get(url(draft, "/adapt")).form_fields(url(draft, "/adapt"))
    assert form["markdown"] == "Begegnung wird auch am Abend gefördert. Für alle Generationen."
    editor.submit(url(draft, "/adapt"))
    session.refresh(draft)
    assert draft.state == DraftState.adapted
    assert town.placed().markdown == "Begegnung wird auch am Abend gefördert. Für alle Generationen."


def test_an_edit_between_seeing_and_adopting_shows_both_texts(session, browser_of, town):
    draft = town.draft(state=DraftState.submitted)
    editor = browser_of(town.editor)
    seen = {where: editor.get(url(draft, where)).form_fields(url(draft, where)) for where in ("/adopt", "/adapt")}
    town.edit("Begegnung wird gefördert. Überall.")
    session.commit()
    page = editor.post(url(draft, "/adopt"), seen["/adopt"], status=200)
    assert "Überall." in page.text
    page = editor.post(url(draft, "/adapt"), {**seen["/adapt"], "markdown": "Meine Fassung."}, status=409)
    assert "Überall." in page.text
    assert page.form_fields(url(draft, "/adapt"))["markdown"] == "Meine Fassung."
    session.refresh(draft)
    assert draft.state == DraftState.submitted
    editor.post(url(draft, "/adapt"), {**page.form_fields(url(draft, "/adapt"))})
    assert town.placed().markdown == "Meine Fassung."


def test_of_two_editors_who_answer_at_once_the_second_is_refused(session, browser_of, town):
    draft = town.draft(state=DraftState.submitted)
    first, second = browser_of(town.editor), browser_of(town.colleague)
    late = {
        where: second.get(url(draft, where)).form_fields(url(draft, where)) for where in ("/adopt", "/adapt", "/return")
    }
    first.submit(url(draft, "/adopt"))
    changes = session.scalar(select(func.count()).select_from(Change))
    for where, fields in late.items():
        second.post(url(draft, where), {**fields, "note": "n"}, status=409)
    assert session.scalar(select(func.count()).select_from(Change)) == changes
    assert acts(draft) == ["submit", "adopt"]


def test_what_the_working_text_says_already_is_not_adopted_again(session, town):
    draft = town.draft(state=DraftState.submitted)
    town.edit(NEW)
    with pytest.raises(Refused):
        drafts.adopt(
            draft, town.placed().wording_id, reason="r", text=Text(markdown=NEW), **town.by(town.editor)
        )  # fmt: skip
    session.rollback()
