"""The promise: every input keeps its number, and stands beside the words it changed, version after version."""

import re
from typing import Any

import pytest
from sqlalchemy import select, text

from consult import clock
from consult.concept import history as concept_history
from consult.concept import operations as concept_ops
from consult.concept import queries as concept_queries
from consult.concept import seal
from consult.concept.models import ConceptKind, Element, ElementKind, Placement, Version, VersionAudience, Wording
from consult.concept.operations import Part, Text
from consult.contributions import operations as contribution_ops
from consult.contributions import queries as contribution_queries
from consult.contributions import sources
from consult.contributions.models import Channel, Kind, Stance
from consult.errors import Refused
from consult.processes.models import Activity, Function
from tests import factories


def frozen_bytes(session: Any) -> dict[int, str]:
    """The canonical form of every sealed version, as it is in the database now."""
    session.expire_all()
    versions = session.scalars(select(Version).where(Version.number.is_not(None))).all()
    return {version.id: seal.canonical(version) for version in versions}


@pytest.fixture
def story(session):
    """The whole life, by operations alone: card, change, publish, comment, split, publish, merge, publish."""
    citizen, editor = factories.make_person("Lindenblatt"), factories.make_person("Redaktion")
    process = factories.make_process(code="IK")
    factories.make_group(process, Function.editing, editor)
    factories.make_stage(process, Activity.comment)
    concept = concept_ops.create_concept(process, ConceptKind.concept, "Konzept", editor)

    def say(**kwargs):
        return {"actor": editor, "process": process, **kwargs}

    theme = concept_ops.add(
        concept, ElementKind.theme, Part("th-quartier", Text("Zusammenleben im Quartier"), "3"), parent=None,
        **say(reason="Themenfeld"),
    ).element  # fmt: skip
    goal = concept_ops.add(
        concept, ElementKind.goal, Part("lz-begegnung", Text(markdown="Begegnung wird gefördert."), "3.1"),
        parent=theme, **say(reason="Erster Wurf"),
    ).element  # fmt: skip

    card = contribution_ops.capture(
        process, actor=editor, text="Räume müssen abends offen sein!", stance=Stance.change, element_id=theme.id,
        kind=Kind.card, channel=Channel.card, author_name="Karte, Tisch 4", created_at=clock.now(),
    )  # fmt: skip
    base = session.scalar(select(Wording).where(Wording.element_id == goal.id))
    change = concept_ops.edit(
        goal, base.id, Text(markdown="Begegnung und Wohnen werden gefördert, auch am Abend."),
        **say(reason="Zeiten am Abend"),
    )  # fmt: skip
    assert change is not None
    sources.add_source(change, card, passage="auch am Abend")
    v1 = concept_ops.publish(concept, title="Zwischenentwurf", audience=VersionAudience.public, **say())

    comment = contribution_ops.submit(
        process, actor=citizen, text="Und wo finde ich eine Wohnung?", stance=Stance.concern, element_id=goal.id
    )
    parts = concept_ops.split(
        goal,
        [
            Part("lz-treffen", Text(markdown="In jedem Quartier gibt es offene Orte, auch am Abend."), "3.1"),
            Part("lz-wohnen", Text(markdown="Die Chance auf eine Wohnung ist für alle gleich."), "3.2"),
        ],
        **say(reason="Zwei Aufgaben"),
    )
    for part in parts:
        sources.add_source(part, comment)
    v2 = concept_ops.publish(concept, title="Entwurf", audience=VersionAudience.public, **say())

    heirs = session.scalars(select(Element).where(Element.key.in_(["lz-treffen", "lz-wohnen"])).order_by(Element.id))
    merged = concept_ops.merge(
        list(heirs), Part("lz-zuhause", Text(markdown="Wohnen und Begegnung gehören zusammen."), "3.1"),
        Text(markdown="Wohnen und Begegnung gehören zusammen."), **say(reason="Doch zusammen"),
    )  # fmt: skip
    sources.add_source(merged, comment)
    v3 = concept_ops.publish(concept, title="Beschlussfassung", audience=VersionAudience.public, **say())
    session.commit()
    return {
        "process": process, "concept": concept, "citizen": citizen, "editor": editor, "goal": goal, "theme": theme,
        "card": card, "comment": comment, "versions": [v1, v2, v3], "merged": merged, "parts": parts,
    }  # fmt: skip


def element(session, key):
    return session.scalar(select(Element).where(Element.key == key))


def test_each_number_stands_beside_the_words_it_changed(session, story):
    process, card, comment = story["process"], story["card"], story["comment"]
    assert (card.number, comment.number) == (1, 2)

    of_card = sources.trace(card, process, None).changes
    assert [(c.element_key, c.version_number, c.passage) for c in of_card] == [("lz-begegnung", 1, "auch am Abend")]
    assert of_card[0].before == "Begegnung wird gefördert."
    assert [heir.key for heir in of_card[0].heirs] == ["lz-zuhause"], "the retired goal leads on to what it became"

    of_comment = sources.trace(comment, process, None).changes
    assert [(c.element_key, c.kind, c.version_number) for c in of_comment] == [
        ("lz-treffen", "split", 2),
        ("lz-wohnen", "split", 2),
        ("lz-zuhause", "merge", 3),
    ]
    behind = sources.sources_of([c.change_id for c in of_comment + of_card])
    assert {n for found in behind.values() for n in (s.number for s in found)} == {1, 2}


def test_the_way_on_leads_nobody_to_parts_that_are_not_public_yet(session, story, browser, browser_of):
    process, editor = story["process"], story["editor"]
    concept_ops.split(
        element(session, "lz-zuhause"),
        [
            Part("lz-geheim", Text(markdown="Noch nicht öffentlich."), "3.1"),
            Part("lz-auch", Text(markdown="Auch."), "3.2"),
        ],
        reason="Wieder zwei", actor=editor, process=process,
    )  # fmt: skip
    concept_ops.publish(
        story["concept"], title="Für die Sitzung", audience=VersionAudience.steering, actor=editor, process=process
    )
    session.commit()
    here = f"/p/{process.slug}/contributions/{story['card'].number}"

    def way_on(page):
        links = page.html.find_all("a", href=re.compile("/e/lz-(geheim|auch|zuhause)$"))
        return [(link["href"].rsplit("/", 1)[1], link.get_text(strip=True)) for link in links]

    public = ("lz-zuhause", "3.1 Wohnen und Begegnung gehören zusammen.")
    assert way_on(browser.get(here)) == [public]
    assert way_on(browser_of(editor).get(here)) == [
        public, ("lz-geheim", "3.1 Noch nicht öffentlich."), ("lz-auch", "3.2 Auch.")
    ]  # fmt: skip


def test_the_way_back_leads_from_each_sentence_to_its_sources(session, story):
    entries = concept_history.history(element(session, "lz-zuhause"), ["public"], include_working=False)
    assert [entry.kind for entry in entries] == ["merge"]
    assert sorted(key for _id, key in entries[0].origins) == ["lz-treffen", "lz-wohnen"]
    assert [s.number for s in sources.sources_of([entries[0].change_id])[entries[0].change_id]] == [2]

    old = concept_history.history(story["goal"], ["public"], include_working=False)
    assert [entry.kind for entry in old] == ["split", "split", "edit", "create"]
    assert [entry.version_number for entry in old] == [2, 2, 1, 1]


def test_a_comment_shows_at_all_heirs_and_counts_once(session, story):
    process, comment = story["process"], story["comment"]
    goal, treffen, wohnen = story["goal"], element(session, "lz-treffen"), element(session, "lz-wohnen")
    heir = element(session, "lz-zuhause")
    assert concept_queries.heirs_of(goal.id) == [heir.id]
    assert set(concept_queries.origins_of(heir.id)) == {heir.id, goal.id, treffen.id, wohnen.id}
    thread = contribution_queries.thread(process, heir.id, None)
    assert [item.number for item in thread.items] == [comment.number]
    assert sources.count_of(concept_queries.origins_of(heir.id)) == 1


def test_after_the_split_both_parts_showed_the_comment(session):
    """The same as above, stopped after the split: two heirs, one contribution."""
    editor = factories.make_person()
    process = factories.make_process()
    factories.make_stage(process, Activity.comment)
    concept = concept_ops.create_concept(process, ConceptKind.concept, "Konzept", editor)
    goal = concept_ops.add(
        concept, ElementKind.goal, Part("alt", Text(markdown="Alt."), "1"), parent=None, reason="r", actor=editor,
        process=process,
    ).element  # fmt: skip
    concept_ops.publish(concept, title="1", audience=VersionAudience.public, actor=editor, process=process)
    comment = contribution_ops.submit(process, actor=editor, text="Hallo", stance=Stance.support, element_id=goal.id)
    concept_ops.split(
        goal,
        [Part("a", Text(markdown="A.")), Part("b", Text(markdown="B."))],
        reason="r",
        actor=editor,
        process=process,
    )
    concept_ops.publish(concept, title="2", audience=VersionAudience.public, actor=editor, process=process)
    session.commit()
    for key in ("a", "b"):
        thread = contribution_queries.thread(process, element(session, key).id, None)
        assert [item.number for item in thread.items] == [comment.number]
        assert thread.items[0].changed_since is True
    assert sources.count_of([goal.id, element(session, "a").id, element(session, "b").id]) == 1


def test_sealed_versions_stay_byte_for_byte_the_same(session, story):
    before = frozen_bytes(session)
    assert len(before) == 3
    process, editor, concept = story["process"], story["editor"], story["concept"]
    heir = element(session, "lz-zuhause")
    wording = session.scalar(select(Wording).where(Wording.element_id == heir.id).order_by(Wording.id.desc()))
    concept_ops.edit(heir, wording.id, Text(markdown="Ganz anders."), reason="r", actor=editor, process=process)
    concept_ops.move(heir, None, reason="r", actor=editor, process=process)
    concept_ops.retire(story["theme"], reason="r", actor=editor, process=process)
    concept_ops.publish(concept, title="4", audience=VersionAudience.public, actor=editor, process=process)
    session.commit()
    after = frozen_bytes(session)
    assert {key: after[key] for key in before} == before
    assert all(seal.is_intact(session.get(Version, key)) for key in after)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE wording SET markdown = 'gefälscht'",
        "DELETE FROM wording",
        "UPDATE placement SET label = '9.9'",
        "DELETE FROM placement",
        "UPDATE version SET title = 'gefälscht' WHERE number IS NOT NULL",
        "UPDATE version SET sealed_at = NULL, number = NULL WHERE number = 1",
        "UPDATE version SET sealed_at = NULL",
        "UPDATE version SET number = NULL WHERE number = 1",
        "UPDATE version SET audience = 'steering' WHERE number = 1",
        "UPDATE placement SET version_id = (SELECT id FROM version WHERE number = 1)",
        "INSERT INTO placed_link (version_id, from_element_id, to_element_id, kind)"
        " SELECT v.id, p.element_id, p.element_id, 'serves' FROM version v JOIN placement p ON p.version_id = v.id"
        " WHERE v.number = 1",
        "DELETE FROM version WHERE number IS NOT NULL",
        "INSERT INTO placement (version_id, element_id, position, label, wording_id)"
        " SELECT v.id, p.element_id, 9, '', p.wording_id FROM version v, placement p WHERE v.number = 1"
        " AND p.element_id NOT IN (SELECT element_id FROM placement WHERE version_id = v.id)",
        "UPDATE change SET reason = 'gefälscht'",
        "DELETE FROM lineage",
        "UPDATE contribution_text SET body = 'gefälscht'",
        "DELETE FROM contribution_text",
        "DELETE FROM audit_entry",
        "UPDATE audit_entry SET action = 'x'",
    ],
)
def test_the_database_itself_refuses_to_change_what_is_frozen(session, story, statement):
    table = re.search(r"(?:UPDATE|DELETE FROM|INSERT INTO) (\w+)", statement)[1]
    with pytest.raises(Exception, match=f"{table} is frozen"), session.begin_nested():
        session.execute(text(statement))


def test_a_contribution_may_only_be_blanked(session, story):
    session.execute(text("UPDATE contribution_text SET body = NULL"))
    assert session.execute(text("SELECT count(*) FROM contribution_text WHERE body IS NULL")).scalar() == 2


def test_publishing_without_a_change_is_refused(session, story):
    with pytest.raises(Refused):
        concept_ops.publish(
            story["concept"], title="nochmal", audience=VersionAudience.public, actor=story["editor"],
            process=story["process"],
        )  # fmt: skip


def test_the_working_text_can_still_be_changed(session, story):
    """The other side of freezing: the triggers leave the working text alone."""
    working = concept_queries.working_version(story["concept"].id)
    placement = session.scalar(select(Placement).where(Placement.version_id == working.id))
    placement.label = "7"
    session.flush()
