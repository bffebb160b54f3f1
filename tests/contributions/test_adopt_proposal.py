"""Editors take a proposal over: as it is, with changes, into a text that has gone on; the author is named."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from consult.concept import operations as concept_ops
from consult.concept.models import Change, Element
from consult.concept.operations import Part, Text
from consult.concept.queries import placed_one, working_version
from consult.contributions import operations
from consult.contributions.models import ChangeSource, Channel, Kind, State
from consult.contributions.sources import trace
from consult.processes.models import Activity, Function
from consult.weighing.models import Disposition, DispositionKind
from consult.weighing.operations import decide, release
from tests import factories
from tests.concept.factories import make_concept, publish
from tests.contributions.proposing import WHY, marked
from tests.payloads import PAYLOADS, inert

BASE = "Begegnung wird im Stadtteil gefördert."
WISH = "Begegnung wird im Stadtteil auch am Abend gefördert."
EDIT = "/p/iko/e/lz-begegnung/edit"
EN = {"Accept-Language": "en"}


@dataclass
class Place:
    """A published goal, a proposal for it, and those who work on it."""

    process: Any
    concept: Any
    goal: Any
    author: Any
    #: May decide what becomes of contributions; may not.
    lead: Any
    editor: Any
    proposal: Any

    def propose(self, proposed: str, **fields: Any) -> Any:
        return operations.submit(
            self.process, actor=fields.pop("actor", self.author), text=WHY, stance="change",
            element_id=self.goal.id, kind=Kind.wording_proposal, proposed=proposed, **fields,
        )  # fmt: skip

    def change(self, markdown: str, **text: Any) -> Change:
        placed = placed_one(working_version(self.concept.id).id, self.goal.id)
        change = concept_ops.edit(
            self.goal, placed.wording_id, Text(markdown=markdown, **text), reason="Zwischendurch", actor=self.editor,
            process=self.process,
        )  # fmt: skip
        assert change is not None
        return change

    def words(self) -> str:
        placed = placed_one(working_version(self.concept.id).id, self.goal.id)
        assert placed is not None
        return placed.markdown


@pytest.fixture
def place(session):
    process = factories.make_process(slug="iko", code="IK")
    factories.make_stage(process, Activity.comment, Activity.propose)
    people = [factories.make_person(name) for name in ("Birke", "Leitung", "Redaktion")]
    factories.make_group(process, Function.lead, people[1])
    factories.make_group(process, Function.editing, people[2])
    concept, goal = make_concept(process, people[2], text=BASE)
    publish(concept, process)
    author, lead, editor = people
    it = Place(process, concept, goal, author, lead, editor, None)
    it.proposal = it.propose(WISH)
    session.commit()
    return it


def decisions(session):
    return session.scalars(select(Disposition).order_by(Disposition.id)).all()


def sources(session):
    return session.scalars(select(ChangeSource).order_by(ChangeSource.id)).all()


def asked(number=1):
    return f"{EDIT}?proposal={number}"


def test_the_way_leads_from_the_proposal_to_the_form(place, browser, browser_of):
    link = {"href": asked()}
    here = "/p/iko/contributions/1"
    for person in (place.lead, place.editor):
        assert browser_of(person).get(here).html.find("a", attrs=link)
        assert browser_of(person).get(EDIT).html.find("a", attrs=link)
    answer = {"href": "/p/iko/answers/decide?n=1"}
    assert browser_of(place.lead).get(here).html.find("a", attrs=answer)
    assert not browser_of(place.editor).get(here).html.find("a", attrs=answer)
    for visitor in (browser, browser_of(place.author)):
        assert not visitor.get(here).html.find("a", attrs=link)


def test_the_form_is_filled_with_it_as_its_source(place, browser_of):
    page = browser_of(place.lead).get(asked())
    fields = page.form_fields(EDIT)
    assert fields["markdown"] == WISH
    assert (fields["source"], fields["passage-1"]) == ("1", "auch am Abend")
    assert marked(page.html.find(id="adopting").find_parent("section")) == ([], ["auch am Abend"])


def test_saved_as_it_is_it_counts_as_taken_over(session, place, browser_of):
    visitor = browser_of(place.lead)
    visitor.post(EDIT, {**visitor.get(asked()).form_fields(EDIT), "reason": "Guter Vorschlag"})
    assert place.words() == WISH
    (source,), (decision,) = sources(session), decisions(session)
    assert WISH[source.to_start : source.to_end] == "auch am Abend"
    assert (decision.kind, decision.change_id, decision.element_id) == ("adopt", source.change_id, place.goal.id)
    assert decision.held, "it becomes public with the words"
    assert decision.reason == "Guter Vorschlag"


def test_saved_with_other_words_it_counts_as_taken_over_with_changes(session, place, browser_of):
    """What is left of its words is marked in the new text, though nobody named them."""
    visitor = browser_of(place.lead)
    better = "Begegnung wird überall gefördert, auch am Abend und am Wochenende."
    visitor.post(EDIT, {**visitor.get(asked()).form_fields(EDIT), "markdown": better, "reason": "r"})
    (source,), (decision,) = sources(session), decisions(session)
    assert decision.kind == DispositionKind.adopt_in_part
    assert better[source.to_start : source.to_end] == "auch am Abend"


def test_a_passage_named_by_the_editor_is_kept(session, place, browser_of):
    visitor = browser_of(place.lead)
    visitor.post(EDIT, {**visitor.get(asked()).form_fields(EDIT), "passage-1": "am Abend", "reason": "r"})
    (source,) = sources(session)
    assert WISH[source.to_start : source.to_end] == "am Abend"
    page = visitor.post(
        EDIT, {**visitor.get(asked()).form_fields(EDIT), "markdown": "Neu.", "passage-1": "steht nicht da",
               "reason": "r"}, 200,
    )  # fmt: skip
    assert page.html.find(id="passage-1")["aria-invalid"] == "true"
    assert page.form_fields(EDIT)["proposal"] == "1"


def test_whoever_may_not_decide_names_it_as_the_source_only(session, place, browser_of):
    visitor = browser_of(place.editor)
    visitor.post(EDIT, {**visitor.get(asked()).form_fields(EDIT), "reason": "r"})
    assert place.words() == WISH
    assert len(sources(session)) == 1
    assert decisions(session) == []


def test_what_changed_elsewhere_meanwhile_comes_along(session, place, browser_of):
    place.change("Begegnung wird im Stadtteil dauerhaft gefördert, für alle.")
    place.change("Begegnung und Sport werden im Stadtteil gefördert.")
    session.commit()
    visitor = browser_of(place.lead)
    page = visitor.get(asked(), headers=EN)
    together = "Begegnung und Sport werden im Stadtteil auch am Abend gefördert."
    assert page.form_fields(EDIT)["markdown"] == together
    assert "since the proposal was made" in page.text
    visitor.post(EDIT, {**page.form_fields(EDIT), "reason": "r"})
    assert place.words() == together
    assert decisions(session)[0].kind == DispositionKind.adopt, "nothing of its words was changed"


def test_where_both_changed_the_same_words_the_editor_decides(session, place, browser_of):
    place.change("Begegnung wird im Stadtteil am Wochenende gefördert.")
    session.commit()
    visitor = browser_of(place.lead)
    page = visitor.get(asked())
    assert page.html.select(".clashes li")
    fields = page.form_fields(EDIT)
    mine = visitor.post(EDIT, {**fields, "step": "theirs"}, 200).form_fields(EDIT)
    assert mine["markdown"] == "Begegnung wird im Stadtteil am Wochenende gefördert."
    assert mine["proposal"] == "1"
    both = "Begegnung wird im Stadtteil am Abend und am Wochenende gefördert."
    visitor.post(EDIT, {**mine, "markdown": both, "reason": "r"})
    assert place.words() == both
    assert decisions(session)[0].kind == DispositionKind.adopt_in_part


def test_it_can_be_taken_over_at_what_its_part_became(session, place, browser_of):
    parts = [Part("lz-a", Text(markdown=BASE)), Part("lz-b", Text(markdown="Sport wird gefördert."))]
    concept_ops.split(place.goal, parts, reason="r", actor=place.editor, process=place.process)
    publish(place.concept, place.process)
    session.commit()
    visitor = browser_of(place.lead)
    hrefs = [a["href"] for a in visitor.get("/p/iko/contributions/1").html.select(".buttons a")]
    assert "/p/iko/e/lz-a/edit?proposal=1" in hrefs
    assert "/p/iko/e/lz-b/edit?proposal=1" in hrefs
    address = "/p/iko/e/lz-a/edit"
    visitor.post(address, {**visitor.get(f"{address}?proposal=1").form_fields(address), "reason": "r"})
    (decision,) = decisions(session)
    assert decision.kind == DispositionKind.adopt
    assert decision.element_id == session.scalar(select(Element.id).where(Element.key == "lz-a"))


@pytest.mark.parametrize("number", ["2", "99", "x", "-1", "\u0663", "9999999999999", "3"])
def test_what_is_no_open_proposal_for_this_part_fills_in_nothing(session, place, browser_of, number):
    operations.submit(place.process, actor=place.author, text="Nur ein Kommentar", stance="change",
                      element_id=place.goal.id)  # fmt: skip
    hidden = place.propose("Ganz anders.")
    hidden.state = State.hidden
    session.commit()
    page = browser_of(place.lead).get(f"{EDIT}?proposal={number}")
    assert page.form_fields(EDIT)["markdown"] == BASE
    assert "proposal" not in page.form_fields(EDIT)


def test_a_proposal_of_another_process_fills_in_nothing(session, place, browser_of):
    other = factories.make_process(slug="anderswo", code="AW")
    factories.make_stage(other, Activity.propose)
    concept, goal = make_concept(other, text=BASE)
    publish(concept, other)
    operations.submit(
        other, actor=place.author, text=WHY, stance="change", element_id=goal.id, kind=Kind.wording_proposal,
        proposed="Fremd.",
    )  # fmt: skip
    place.proposal.state = State.hidden
    session.commit()
    assert browser_of(place.lead).get(asked()).form_fields(EDIT)["markdown"] == BASE


def test_withdrawn_while_the_editor_writes_it_is_not_taken_over(session, place, browser_of):
    """The editor's words are kept; saved again they stand for themselves."""
    visitor = browser_of(place.lead)
    fields = {**visitor.get(asked()).form_fields(EDIT), "markdown": "Mein Text.", "reason": "r"}
    operations.withdraw(place.proposal, place.author)
    session.commit()
    page = visitor.post(EDIT, fields, 409)
    assert place.words() == BASE
    again = page.form_fields(EDIT)
    assert again["markdown"] == "Mein Text."
    assert "proposal" not in again
    assert "source" not in again
    visitor.post(EDIT, again)
    assert place.words() == "Mein Text."
    assert (sources(session), decisions(session)) == ([], [])


def test_of_two_editors_who_take_it_over_one_decides(session, place, browser_of):
    first, second = browser_of(place.lead), browser_of(place.lead)
    opened = second.get(asked()).form_fields(EDIT)
    first.post(EDIT, {**first.get(asked()).form_fields(EDIT), "reason": "r"})
    page = second.post(EDIT, {**opened, "markdown": WISH + " Auch nachts.", "reason": "r"}, 409)
    assert len(decisions(session)) == 1
    assert place.words() == WISH
    # The conflict is settled; the decision that stands by now is not made twice.
    second.post(EDIT, {**page.form_fields(EDIT), "markdown": WISH + " Auch nachts."})
    assert place.words() == WISH + " Auch nachts."
    assert len(decisions(session)) == 1
    assert len(sources(session)) == 2


def test_decided_otherwise_meanwhile_the_editor_is_told(session, place, browser_of):
    visitor = browser_of(place.lead)
    fields = {**visitor.get(asked()).form_fields(EDIT), "reason": "r"}
    decide(place.proposal, DispositionKind.reject, "Geht nicht.", actor=place.lead)
    session.commit()
    page = visitor.post(EDIT, fields, 200, headers=EN)
    assert "decided about IK-1 meanwhile" in page.text
    assert place.words() == BASE
    visitor.post(EDIT, page.form_fields(EDIT))
    assert [row.kind for row in decisions(session)] == ["reject", "adopt"]


def test_other_proposals_for_the_same_words_are_named_to_the_editor(session, place, browser_of):
    place.propose("Begegnung wird im Stadtteil und online gefördert.")
    session.commit()
    page = browser_of(place.lead).get(asked())
    card = page.html.find(id="adopting").find_parent("section")
    assert card.find("details").find("a")["href"] == "/p/iko/contributions/2"


def test_the_author_is_named_where_the_words_stand_once_they_are_public(session, place, browser, browser_of):
    """The whole way of a proposal adopted with changes: beside its words, and with what became of it."""
    visitor = browser_of(place.lead)
    better = "Begegnung wird überall gefördert, auch am Abend."
    visitor.post(EDIT, {**visitor.get(asked()).form_fields(EDIT), "markdown": better, "reason": "Guter Vorschlag"})
    here = "/p/iko/contributions/1"
    assert "Guter Vorschlag" not in browser.get(here).text, "nothing of the working text is public"
    version = publish(place.concept, place.process)
    release(place.process, version, place.lead)
    session.commit()
    (found,) = trace(place.proposal, place.process, None).changes
    assert (found.version_number, found.passage) == (2, "auch am Abend")
    page = browser.get(here, headers=EN)
    assert "Taken over with changes, thanks to Birke" in page.text
    assert page.html.find("mark", string="auch am Abend")
    for address in ("/p/iko/e/lz-begegnung/history", "/p/iko/concept/versions"):
        assert browser.get(address).html.find("a", attrs={"href": here})


@pytest.mark.parametrize("claimed", [True, False])
def test_nobody_is_thanked_where_no_name_was_given(session, place, browser, claimed):
    if claimed:
        place.proposal.channel = Channel.guest
    else:
        place.author.name = ""
    decide(place.proposal, DispositionKind.adopt, "Das ist klarer.", actor=place.lead)
    session.commit()
    page = browser.get("/p/iko/contributions/1", headers=EN)
    assert "Taken over" in page.text
    assert "thanks to" not in page.text
    assert "Birke" not in page.text


def test_declined_it_says_why(session, place, browser):
    decide(place.proposal, DispositionKind.reject, "Dafür fehlt das Geld.", actor=place.lead)
    session.commit()
    page = browser.get("/p/iko/contributions/1", headers=EN)
    assert page.html.find(class_="proposal").find(class_="badge").get_text(strip=True) == "Not taken over"
    outcome = page.html.find(class_="outcome").get_text(" ", strip=True)
    assert "Not taken over" in outcome
    assert "Dafür fehlt das Geld." in outcome


def test_texts_that_try_to_become_code_stay_texts(session, place, browser_of):
    place.change("\n\n".join(PAYLOADS[::7]))
    hostile = operations.submit(
        place.process, actor=place.author, text="\n".join(PAYLOADS[:40])[:4000], stance="change",
        element_id=place.goal.id, kind=Kind.wording_proposal, proposed="\n\n".join(PAYLOADS[2::7]),
    )  # fmt: skip
    session.commit()
    visitor = browser_of(place.lead)
    for address in (asked(hostile.number), EDIT):
        page = visitor.get(address)
        assert inert(page.html) == []
        assert page.text.count("XSS") > 20


@pytest.mark.parametrize("number", [1, 40])
def test_the_form_asks_the_same_for_many_proposals(session, place, browser_of, count_queries, number):
    for n in range(number):
        place.propose(BASE.replace("wird", f"wird {n}-mal"))
    visitor = browser_of(place.lead)
    session.commit()
    visitor.get(EDIT)
    for address, most in ((EDIT, 15), (asked(), 18)):
        with count_queries() as queries:
            visitor.get(address)
        assert len(queries) <= most, "\n".join(queries)
