"""Groups write candidate words for the parts of their mandate, name their sources, and hand them in."""

import pytest
from sqlalchemy import func, select

from consult.concept import drafts, operations
from consult.concept.models import Draft, DraftState, Wording
from consult.concept.operations import Part, Text
from consult.concept.queries import placed_one, working_version
from consult.contributions import sources
from consult.contributions.models import DraftSource, State
from consult.errors import Refused
from tests.concept.drafting import BEGIN, NEW, OLD, acts, url
from tests.concept.factories import publish

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
    assert acts(draft) == ["submit"]
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
    assert acts(draft) == ["submit", "withdraw", "submit"]


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
