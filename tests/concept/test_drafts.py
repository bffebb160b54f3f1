"""Groups write candidate words for the parts of their mandate; editors adopt, adopt changed, or return them."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.audit.models import AuditEntry
from consult.concept import draft_queries, drafts, operations, policy
from consult.concept.models import Change, Draft, DraftAct, DraftState, Mandate, Wording
from consult.concept.operations import Part, Text
from consult.concept.queries import placed_one, working_version
from consult.contributions import operations as contribution_ops
from consult.contributions import sources
from consult.contributions.models import ChangeSource, DraftSource, State
from consult.errors import Refused
from consult.groups.models import SeatHolder
from consult.processes.models import Function, ProcessState
from tests import factories
from tests.concept.drafting import NEW, OLD, Town
from tests.concept.factories import make_concept, publish

BEGIN = "/p/iko/e/lz-begegnung/draft"


@pytest.fixture
def town(session):
    return Town()


def url(draft, rest=""):
    return f"/p/iko/drafts/{draft.id}{rest}"


def acts(session, draft):
    return session.scalars(select(DraftAct.kind).where(DraftAct.draft_id == draft.id).order_by(DraftAct.id)).all()


# -- the way of a draft -----------------------------------------------------------------------------------------


def test_a_member_begins_writes_and_hands_in(session, browser_of, town):
    browser = browser_of(town.member)
    page = browser.get("/p/iko/e/lz-begegnung")
    assert page.html.find("a", href=BEGIN)
    edit = browser.submit(BEGIN).location
    draft = session.scalars(select(Draft)).one()
    assert edit == url(draft, "/edit")
    assert (draft.base_wording_id, draft.wording_id) == (town.placed().wording_id,) * 2
    form = browser.get(edit)
    assert form.form_fields(edit)["markdown"] == OLD
    browser.submit(edit, {"markdown": NEW, "reason": "Schichtarbeit", "dissent": "Zwei finden es zu teuer."})
    browser.submit(url(draft, "/submit"), {"note": "Einstimmig bis auf zwei."})
    session.refresh(draft)
    assert draft.state == DraftState.submitted
    assert session.get(Wording, draft.wording_id).markdown == NEW
    assert acts(session, draft) == ["submit"]
    page = browser_of(town.editor).get(url(draft))
    assert page.html.ins.get_text().strip().endswith("auch am Abend")
    assert "Zwei finden es zu teuer." in page.text
    assert "Einstimmig bis auf zwei." in page.text
    assert town.placed().markdown == OLD


def test_two_who_begin_at_once_share_one_draft(session, browser_of, town):
    first, second = browser_of(town.member), browser_of(town.second)
    form = second.get(BEGIN).form_fields(BEGIN)
    first.submit(BEGIN)
    draft = session.scalars(select(Draft)).one()
    assert second.post(BEGIN, form).location == url(draft)
    assert drafts.begin(town.circle, town.goal, **town.by(town.second)) == (draft, False)
    # The database keeps it so, even when both looked before either wrote.
    assert session.scalar(select(func.count()).select_from(Draft)) == 1
    assert browser_of(town.second).get(BEGIN).html.find("a", href=url(draft))


def test_each_group_has_a_draft_of_its_own(session, town):
    drafts.change_mandate(town.neighbours, [town.goal.id], actor=town.lead, process=town.process)
    mine = town.draft()
    theirs, new = drafts.begin(town.neighbours, town.goal, **town.by(town.other))
    assert new
    assert theirs.id != mine.id


def test_an_unchanged_draft_or_one_without_reason_is_not_handed_in(session, town):
    draft, _new = drafts.begin(town.circle, town.goal, **town.by())
    with pytest.raises(Refused, match="wording first|Wortlaut"):
        drafts.submit(draft, **town.by())
    drafts.save(draft, draft.wording_id, Text(markdown=NEW), reason="", dissent="", **town.by())
    with pytest.raises(Refused):
        drafts.submit(draft, **town.by())
    assert draft.state == DraftState.open


def test_a_stale_save_shows_both_and_loses_nothing(session, browser_of, town):
    draft = town.draft("Erster Wurf.")
    mine, hers = browser_of(town.member), browser_of(town.second)
    where = url(draft, "/edit")
    seen = mine.get(where).form_fields(where)
    hers.submit(where, {"markdown": "Ihr Wurf.", "reason": "Ihr Grund", "sources": ""})
    page = mine.post(where, {**seen, "markdown": "Mein Wurf.", "reason": "Mein Grund"}, status=409)
    for words in ("Ihr Wurf.", "Mein Wurf.", "Ihr Grund", "Mein Grund"):
        assert words in page.text
    fields = page.form_fields(where)
    assert (fields["markdown"], fields["reason"]) == ("Mein Wurf.", "Mein Grund")
    session.expire_all()
    assert session.get(Wording, draft.wording_id).markdown == "Ihr Wurf."
    mine.post(where, {**fields, "markdown": "Unser Wurf."})
    assert session.get(Wording, draft.wording_id).markdown == "Unser Wurf."


def test_what_was_handed_in_is_not_written_on_until_it_is_taken_back(session, browser_of, town):
    draft = town.draft(state=DraftState.submitted)
    browser = browser_of(town.member)
    with pytest.raises(Refused):
        drafts.save(draft, draft.wording_id, Text(markdown="x"), reason="", dissent="", **town.by())
    browser.get(url(draft, "/edit"), status=409)
    browser.submit(url(draft, "/take-back"), form_at=url(draft))
    session.refresh(draft)
    assert draft.state == DraftState.open
    browser.submit(url(draft, "/edit"), {"markdown": "Noch besser."})
    drafts.submit(draft, **town.by())
    assert acts(session, draft) == ["submit", "withdraw", "submit"]


def test_somebody_who_types_while_it_is_handed_in_keeps_the_words(session, browser_of, town):
    draft = town.draft()
    browser, where = browser_of(town.second), url(draft, "/edit")
    fields = browser.get(where).form_fields(where)
    drafts.submit(draft, **town.by())
    session.commit()
    page = browser.post(where, {**fields, "markdown": "Mühsam getippt."}, status=200)
    assert page.form_fields(where)["markdown"] == "Mühsam getippt."
    assert page.html.find(class_="error-summary")


def test_a_withdrawn_draft_is_closed_and_another_may_begin(session, browser_of, town):
    draft = town.draft()
    browser = browser_of(town.member)
    browser.submit(url(draft, "/withdraw"), form_at=url(draft))
    session.refresh(draft)
    assert draft.state == DraftState.withdrawn
    for verb in (drafts.submit, drafts.withdraw, drafts.take_back):
        with pytest.raises(Refused):
            verb(draft, **town.by())
    with pytest.raises(Refused):
        drafts.give_back(draft, "n", **town.by(town.editor))
    with pytest.raises(Refused):
        drafts.adopt(draft, town.placed().wording_id, reason="r", **town.by(town.editor))
    with pytest.raises(Refused):
        drafts.save(draft, draft.wording_id, Text(markdown="x"), reason="", dissent="", **town.by())
    again, new = drafts.begin(town.circle, town.goal, **town.by())
    assert new
    assert again.id != draft.id


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
    assert acts(session, draft) == ["submit", "return", "submit"]


# -- adoption ---------------------------------------------------------------------------------------------------


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
    sources.name_draft_sources(draft, [(contribution_ops_first(session), "auch am Abend")])
    drafts.submit(draft, **town.by())
    session.commit()
    browser_of(town.editor).submit(url(draft, "/adapt"), {"markdown": "Begegnung wird zu jeder Zeit gefördert."})
    session.refresh(draft)
    assert draft.state == DraftState.adapted
    assert town.placed().markdown == "Begegnung wird zu jeder Zeit gefördert."
    assert session.get(Wording, draft.wording_id).markdown == NEW
    source = session.scalars(select(ChangeSource).where(ChangeSource.change_id == draft.change_id)).one()
    assert (source.to_start, source.to_end) == (None, None)
    assert acts(session, draft)[-1] == "adapt"
    # Members see the editors' words with the version, not before.
    member = browser_of(town.member)
    assert "zu jeder Zeit" not in member.get(url(draft)).text
    assert "zu jeder Zeit" in browser_of(town.editor).get(url(draft)).text
    publish(town.concept, town.process, town.editor)
    session.commit()
    assert "zu jeder Zeit" in member.get(url(draft)).text


def contribution_ops_first(session):
    return session.scalars(select(contribution_ops.Contribution)).first()


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
    assert acts(session, draft) == ["submit", "adopt"]


def test_what_the_working_text_says_already_is_not_adopted_again(session, town):
    draft = town.draft(state=DraftState.submitted)
    town.edit(NEW)
    with pytest.raises(Refused):
        drafts.adopt(
            draft, town.placed().wording_id, reason="r", text=Text(markdown=NEW), **town.by(town.editor)
        )  # fmt: skip
    session.rollback()


# -- the text the group may read --------------------------------------------------------------------------------


def test_a_group_begins_with_what_it_may_read_not_with_the_working_text(session, browser_of, town):
    town.edit("Geheimer Arbeitstext.")
    draft, _new = drafts.begin(town.circle, town.goal, **town.by())
    session.commit()
    assert session.get(Wording, draft.base_wording_id).markdown == OLD
    member = browser_of(town.member)
    for where in (BEGIN, url(draft), url(draft, "/edit"), "/p/iko/drafts", f"/p/iko/groups/{town.circle.id}/mandate"):
        assert "Geheimer" not in member.get(where).text
    drafts.save(draft, draft.wording_id, Text(markdown=NEW), reason="r", dissent="", **town.by())
    drafts.submit(draft, **town.by())
    session.commit()
    assert "Geheimer" not in member.get(url(draft)).text
    assert "Geheimer" in browser_of(town.editor).get(url(draft)).text


def test_a_group_takes_a_newer_version_into_account(session, browser_of, town):
    draft = town.draft(state=DraftState.returned)
    town.edit("Begegnung wird gefördert. Für alle.")
    publish(town.concept, town.process, town.editor)
    session.commit()
    member, where = browser_of(town.member), url(draft, "/edit")
    page = member.get(where)
    assert "Für alle." in page.text
    member.submit(where, {"markdown": NEW + " Für alle."})
    session.refresh(draft)
    assert session.get(Wording, draft.base_wording_id).markdown == OLD
    member.submit(where, {"caught_up": "y"})
    session.refresh(draft)
    assert draft.base_wording_id == town.placed().wording_id
    drafts.submit(draft, **town.by())
    drafts.adopt(draft, town.placed().wording_id, reason="r", **town.by(town.editor))
    assert draft.state == DraftState.adopted


def test_a_part_that_is_only_in_the_working_text_has_no_drafts(session, browser_of, town):
    theme = session.get(type(town.goal), town.theme_id)
    hidden = operations.add(
        town.concept, operations.ElementKind.goal, Part("lz-neu", Text(markdown="Neu."), "3.2"), parent=theme,
        reason="r", **town.by(town.editor),
    ).element  # fmt: skip
    session.commit()
    browser_of(town.member).get("/p/iko/e/lz-neu/draft", status=403)
    with pytest.raises(Refused):
        drafts.begin(town.circle, hidden, **town.by())


def test_a_split_part_says_so_and_leads_to_its_heirs(session, browser_of, town):
    draft = town.draft(state=DraftState.submitted)
    parts = [Part("lz-treffen", Text(markdown="Treffen."), "3.1"), Part("lz-wohnen", Text(markdown="Wohnen."), "3.2")]
    operations.split(town.goal, parts, reason="Zwei Themen", **town.by(town.editor))
    with pytest.raises(Refused):
        drafts.adopt(draft, draft.base_wording_id, reason="r", **town.by(town.editor))
    session.commit()
    editor, member = browser_of(town.editor), browser_of(town.member)
    assert not editor.get(url(draft)).html.find("a", href=url(draft, "/adapt"))
    editor.get(url(draft, "/adopt"), status=409)
    assert "Treffen" not in member.get(BEGIN).text
    drafts.give_back(draft, "Jetzt zwei Ziele.", **town.by(town.editor))
    with pytest.raises(Refused):
        drafts.submit(draft, **town.by())
    publish(town.concept, town.process, town.editor)
    session.commit()
    for where in (BEGIN, url(draft)):
        page = member.get(where)
        assert "lz-treffen" in str(page.html.main)
        assert "Treffen" in page.text
    assert not member.get(BEGIN).html.find("form", action=BEGIN)
    drafts.withdraw(draft, **town.by())
    session.commit()
    with pytest.raises(Refused):
        drafts.begin(town.circle, town.goal, **town.by())


def test_the_draft_of_a_measure_has_its_fields(session, browser_of, town):
    theme = session.get(type(town.goal), town.theme_id)
    operations.add(
        town.concept, operations.ElementKind.field, Part("hf-raum", Text("Räume")), parent=None, reason="r",
        **town.by(town.editor),
    )  # fmt: skip
    field = session.scalars(select(type(theme)).where(type(theme).key == "hf-raum")).one()
    measure = operations.add(
        town.concept, operations.ElementKind.measure,
        Part("m-raum", Text("Raum", "Ein Raum.", {"lead": "Stadt", "place": "Nord"})), parent=field, reason="r",
        **town.by(town.editor),
    ).element  # fmt: skip
    publish(town.concept, town.process, town.editor)
    drafts.change_mandate(town.circle, [town.theme_id, field.id], actor=town.lead, process=town.process)
    session.commit()
    member = browser_of(town.member)
    edit = member.submit("/p/iko/e/m-raum/draft").location
    assert member.get(edit).form_fields(edit)["lead"] == "Stadt"
    member.submit(edit, {"title": "Raum für alle", "lead": "Quartiersbüro", "place": "", "reason": "r"})
    draft = session.scalars(select(Draft)).one()
    drafts.submit(draft, **town.by())
    session.commit()
    assert "Quartiersbüro" in browser_of(town.editor).get(url(draft)).text
    browser_of(town.editor).submit(url(draft, "/adopt"))
    placed = placed_one(working_version(town.concept.id).id, measure.id)
    assert (placed.title, placed.details) == ("Raum für alle", {"lead": "Quartiersbüro"})


# -- sources ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["99", "IK-99", "XY-1", "zwei", "1: fehlt im Text", "2"], ids=lambda typed: typed.replace(" ", "_")
)
def test_a_source_that_cannot_be_named_is_said_at_its_field_and_nothing_is_lost(session, browser_of, town, typed):
    town.say()
    town.say("wartet", state=State.pending)
    draft = town.draft()
    session.commit()
    page = browser_of(town.member).submit(
        url(draft, "/edit"), {"markdown": "Mein langer Text.", "sources": typed}, status=200
    )
    assert page.html.find(id="sources")["aria-invalid"] == "true"
    assert page.form_fields(url(draft, "/edit"))["markdown"] == "Mein langer Text."
    assert not session.scalars(select(DraftSource)).all()


def test_sources_are_replaced_by_each_saving_and_kept_in_the_form(session, browser_of, town):
    first, second = town.say(), town.say()
    draft = town.draft()
    session.commit()
    browser, where = browser_of(town.member), url(draft, "/edit")
    browser.submit(where, {"sources": "ik-1: am Abend\n1, 2"})
    assert browser.get(where).form_fields(where)["sources"] == "IK-1: am Abend\nIK-2"
    browser.submit(where, {"sources": "2"})
    assert [row.contribution_id for row in sources.draft_sources(draft.id)] == [second.id]
    # One that is hidden later stays named, without a way to it.
    second.state = State.hidden
    session.commit()
    browser.submit(where, {"reason": "neu"})
    assert [row.state for row in sources.draft_sources(draft.id)] == [State.hidden]
    page = browser.get(url(draft))
    assert "IK-2" in page.text
    assert not page.html.find("a", href="/p/iko/contributions/2")
    assert first.id not in [row.contribution_id for row in sources.draft_sources(draft.id)]


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
    sources.name_draft_sources(draft, [(contribution_ops_first(session), "")])
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
