"""The life of an element, and what each version brought."""

import time

import pytest
from sqlalchemy import select

from bench.loader import make_text
from consult import clock
from consult.concept import history as past
from consult.concept import operations
from consult.concept.models import Draft, DraftState, Element, Version, VersionAudience, Wording
from consult.concept.operations import Part, Text
from consult.concept.queries import heirs_of, working_version
from consult.contributions import operations as contribution_ops
from consult.contributions import sources
from consult.contributions.models import Channel, Contribution, Kind, Stance, State
from consult.meetings.models import LineKind, Meeting, MeetingKind, MinuteLine, Minutes, MinutesState
from consult.processes.models import Function
from tests import factories
from tests.concept.factories import make_concept, publish
from tests.payloads import PAYLOADS, inert


@pytest.fixture
def process(session):
    return factories.make_process(slug="iko", code="IK")


@pytest.fixture
def english(browser):
    browser.client.set_cookie("lang", "en")
    return browser


@pytest.fixture
def text(process):
    """(concept, goal, say): a concept with one goal, and who says what."""
    concept, goal = make_concept(process)
    return concept, goal, lambda reason: {"reason": reason, "actor": None, "process": process}


def element(session, key):
    return session.scalar(select(Element).where(Element.key == key))


def edit(concept, goal, words, say, reason="bessere Worte"):
    base = operations.placement_of(working_version(concept.id), goal).wording_id
    text = words if isinstance(words, Text) else Text(markdown=words)
    return operations.edit(goal, base, text, **say(reason))


def story(page):
    """The headings and texts of the steps."""
    return [" ".join(item.get_text(" ").split()) for item in page.html.select("ol.history > li")]


def capture(process, goal, words="Räume müssen abends offen sein!", kind=Kind.card, channel=Channel.card):
    return contribution_ops.capture(
        process, actor=None, text=words, stance=Stance.change, element_id=goal.id, kind=kind, channel=channel,
        author_name="Karte", created_at=clock.now(),
    )  # fmt: skip


def test_each_step_shows_its_words_its_reason_and_its_source(session, english, process, text):
    concept, goal, say = text
    publish(concept, process, title="Erster")
    card = capture(process, goal)
    change = edit(concept, goal, "Begegnung wird gefördert, auch am Abend.", say, "Zeiten am Abend")
    sources.add_source(change, card, passage="auch am Abend")
    publish(concept, process, title="Zweiter")
    page = english.get("/p/iko/e/lz-begegnung/history")
    newest, oldest = story(page)
    assert newest.startswith("New wording – Version 2: Zweiter")
    assert "Zeiten am Abend" in newest
    assert "inserted: , auch am Abend" in newest
    assert "IK-1 Card – for these words: auch am Abend" in newest
    assert page.html.find("a", href="/p/iko/contributions/1")
    assert oldest.startswith("New – Version 1: Erster")
    assert "Begegnung wird gefördert." in oldest
    assert page.html.find("a", href="/p/iko/e/lz-begegnung/difference")


def test_a_source_from_the_minutes_leads_to_the_meeting(session, english, process, text):
    concept, goal, say = text
    line = capture(process, goal, "Teilen wir das Ziel.", Kind.minute_line, Channel.minutes)
    meeting = factories.flushed(
        Meeting(process_id=process.id, kind=MeetingKind.group_session, title="Initiativkreis",
                starts_at=clock.now(), ends_at=clock.now().replace(year=2099), wall_start="2026-03-01T18:00:00")
    )  # fmt: skip
    minutes = factories.flushed(Minutes(meeting_id=meeting.id, state=MinutesState.draft))
    factories.flushed(
        MinuteLine(minutes_id=minutes.id, position=1, kind=LineKind.result, text="Teilen.", contribution_id=line.id)
    )
    sources.add_source(edit(concept, goal, "Geteilt.", say), line)
    publish(concept, process)
    page = english.get("/p/iko/e/lz-begegnung/history")
    assert page.html.find("a", href=f"/p/iko/meetings/{meeting.id}").get_text().startswith("Initiativkreis, ")
    assert "From the minutes" in page.text


def test_a_hidden_source_shows_its_number_alone(session, english, process, text):
    concept, goal, say = text
    card = capture(process, goal)
    sources.add_source(edit(concept, goal, "Anders.", say), card)
    publish(concept, process)
    session.get_one(Contribution, card.id).state = State.hidden
    session.commit()
    page = english.get("/p/iko/e/lz-begegnung/history")
    assert "IK-1" in page.text
    assert "Räume müssen" not in page.text


def test_moves_and_numbers_are_told_with_names(session, english, process, text):
    concept, goal, say = text
    other = operations.add(concept, "theme", Part("th-zwei", Text("Bildung"), "4"), parent=None, **say("neu")).element
    publish(concept, process)
    operations.move(goal, other, label="4.1", **say("passt besser"))
    operations.renumber(goal, "4.2", **say("Zählung"))
    publish(concept, process)
    renumbered, moved, _new = story(english.get("/p/iko/e/lz-begegnung/history"))
    assert "The number was 4.1 and is now 4.2." in renumbered
    assert "It stood below “3 Zusammenleben im Quartier” and now stands below “4 Bildung”." in moved
    assert "The number was 3.1 and is now 4.1." in moved


def test_retired_and_restored_parts_keep_their_story(session, english, process, text):
    concept, goal, say = text
    theme = element(session, "th-quartier")
    publish(concept, process)
    operations.retire(goal, **say("vorerst"))
    publish(concept, process)
    told = story(english.get("/p/iko/e/lz-begegnung/history"))
    assert told[0].startswith("Taken out – Version 2")
    assert "deleted: Begegnung wird gefördert." in told[0]
    operations.restore(goal, theme, **say("doch wieder"))
    publish(concept, process)
    told = story(english.get("/p/iko/e/lz-begegnung/history"))
    assert [line.split(" – ")[0] for line in told] == ["Taken in again", "Taken out", "New"]


def grown(session, process, text):
    """A goal split in two, one of them split again and its second part merged with another goal."""
    concept, goal, say = text
    theme = element(session, "th-quartier")
    other = operations.add(
        concept, "goal", Part("lz-arbeit", Text(markdown="Arbeit finden."), "3.2"), parent=theme, **say("neu")
    ).element
    publish(concept, process)
    operations.split(
        goal, [Part("a", Text(markdown="Orte."), "3.1"), Part("b", Text(markdown="Wohnen und Arbeiten."), "3.3")],
        **say("zwei Aufgaben"),
    )  # fmt: skip
    publish(concept, process)
    b = element(session, "b")
    operations.split(
        b, [Part("b1", Text(markdown="Wohnen."), "3.3"), Part("b2", Text(markdown="Arbeiten."), "3.4")],
        **say("noch einmal geteilt"),
    )  # fmt: skip
    operations.merge(
        [other, element(session, "b2")], Part("c", Text(markdown="Arbeit."), "3.2"), Text(markdown="Arbeit."),
        **say("dasselbe"),
    )  # fmt: skip
    publish(concept, process)
    return concept, goal, say


def test_the_story_goes_on_with_what_a_part_came_from(session, english, process, text):
    grown(session, process, text)
    page = english.get("/p/iko/e/c/history")
    heads = [" ".join(head.get_text(" ").split()) for head in page.html.select("main section h2")]
    assert [head.split(":")[0] for head in heads].count("Before parts were merged") == 2
    assert [head.split(":")[0] for head in heads].count("Before it was split") == 2
    told = story(page)
    assert [line.split(" – ")[0] for line in told][0] == "Merged"
    for reason in ("dasselbe", "noch einmal geteilt", "zwei Aufgaben", "Erster Wurf", "neu"):
        assert any(reason in line for line in told), reason
    assert any("Begegnung wird gefördert." in line for line in told), "down to the first words"
    assert "It came from: 3.2 Arbeit finden." in " ".join(told)


def test_a_split_is_told_once_with_all_its_parts(session, english, process, text):
    grown(session, process, text)
    told = story(english.get("/p/iko/e/lz-begegnung/history"))
    assert [line.split(" – ")[0] for line in told] == ["Split", "New"]
    assert "It became: 3.1 Orte. , 3.3 Wohnen und Arbeiten." in told[0]


def test_retired_addresses_lead_to_the_heirs_over_several_steps(session, english, process, text):
    concept, goal, say = grown(session, process, text)
    assert set(heirs_of(goal.id)) == {element(session, key).id for key in ("a", "b1", "c")}
    for key, heirs in {"lz-begegnung": ["a", "b1", "c"], "b": ["b1", "c"], "lz-arbeit": ["c"]}.items():
        page = english.get(f"/p/iko/e/{key}")
        for heir in heirs:
            assert page.html.select_one(".callout").find("a", href=f"/p/iko/e/{heir}"), f"{key} -> {heir}"
    english.get("/p/iko/e/b2", 404)  # came and went between two versions: nobody ever had its address
    operations.retire(element(session, "b1"), **say("entfällt"))
    operations.retire(element(session, "a"), **say("entfällt"))
    publish(concept, process)
    callout = english.get("/p/iko/e/lz-begegnung").html.select_one(".callout")
    assert [link["href"] for link in callout.find_all("a")] == ["/p/iko/e/c"], "only what still stands"
    gone = english.get("/p/iko/e/a").html.select_one(".callout")
    assert "taken out later" in gone.get_text()
    assert not gone.find("a")


def test_what_is_not_published_is_not_told(session, browser, browser_of, process, text):
    concept, goal, say = text
    editor = factories.make_person()
    factories.make_group(process, Function.editing, editor)
    theme = element(session, "th-quartier")
    secret = operations.add(
        concept, "goal", Part("lz-geheim", Text(markdown="Geheimes Ziel."), "3.9"), parent=theme, **say("noch still")
    ).element
    publish(concept, process, audience=VersionAudience.steering)
    operations.retire(secret, **say("nicht öffentlich"))
    publish(concept, process)
    extra = operations.add(
        concept, "goal", Part("lz-neu", Text(markdown="Neues Ziel."), "3.8"), parent=theme, **say("kommt")
    ).element
    operations.merge([goal, extra], goal, Text(markdown="Beides."), **say("im Arbeitstext vereint"))
    session.commit()
    page = browser.get("/p/iko/e/lz-begegnung/history").text
    assert "vereint" not in page
    assert "Neues Ziel" not in page
    browser.get("/p/iko/e/lz-neu/history", 404)
    own = browser_of(editor).get("/p/iko/e/lz-begegnung/history").text
    assert "im Arbeitstext vereint" in own
    assert "Neues Ziel." in own


def test_the_group_behind_a_wording_is_named_with_its_dissent(session, english, process, text):
    concept, goal, say = text
    group = factories.make_group(process, Function.working, name="Fachforum Wohnen")
    change = edit(concept, goal, "Aus dem Forum.", say)
    wording = session.scalar(select(Wording).where(Wording.element_id == goal.id).limit(1))
    factories.flushed(
        Draft(process_id=process.id, group_id=group.id, element_id=goal.id, base_wording_id=wording.id,
              wording_id=wording.id, state=DraftState.adapted, dissent="Zwei Mitglieder wollten mehr.",
              change_id=change.id)
    )  # fmt: skip
    publish(concept, process)
    told = story(english.get("/p/iko/e/lz-begegnung/history"))[0]
    assert "The draft came from Fachforum Wohnen and was adopted with other words." in told
    assert "Zwei Mitglieder wollten mehr." in told


def test_long_stories_come_in_pages_without_a_gap(session, english, process, text, count_queries):
    concept, goal, say = text
    for n in range(120):
        edit(concept, goal, f"Wortlaut {n} von vielen.", say, f"Grund {n}.")
    publish(concept, process)
    session.commit()
    address, reasons = "/p/iko/e/lz-begegnung/history", []
    while address:
        with count_queries() as queries:
            page = english.get(address)
        assert len(queries) <= 10, "\n".join(queries)
        told = story(page)
        assert len(told) <= past.PAGE
        reasons += told
        following = page.html.find("a", rel="next")
        address = following["href"] if following else None
    assert len(reasons) == 121
    assert [n for n in range(120) if not any(f"Grund {n}." in told for told in reasons)] == []
    english.get("/p/iko/e/lz-begegnung/history?before=1", 404)
    english.get("/p/iko/e/lz-begegnung/history?before=x")


def test_a_history_with_everything_in_it_asks_ten_questions(session, browser, process, text, count_queries):
    concept, goal, say = grown(session, process, text)
    c = element(session, "c")
    line = capture(process, c, "Zeile.", Kind.minute_line, Channel.minutes)
    meeting = factories.flushed(
        Meeting(process_id=process.id, kind=MeetingKind.group_session, title="Kreis", starts_at=clock.now(),
                ends_at=clock.now().replace(year=2099), wall_start="2026-03-01T18:00:00")
    )  # fmt: skip
    minutes = factories.flushed(Minutes(meeting_id=meeting.id, state=MinutesState.draft))
    factories.flushed(
        MinuteLine(minutes_id=minutes.id, position=1, kind=LineKind.result, text="Zeile.", contribution_id=line.id)
    )
    sources.add_source(edit(concept, c, "Arbeit für alle.", say), line)
    operations.move(c, element(session, "th-quartier"), position=0, label="3.0", **say("nach vorn"))
    publish(concept, process)
    session.commit()
    with count_queries() as queries:
        page = browser.get("/p/iko/e/c/history")
    assert page.html.find("a", href=f"/p/iko/meetings/{meeting.id}")
    assert len(queries) <= 10, "\n".join(queries)


def test_the_heading_is_short(session, browser, process, text):
    concept, goal, say = text
    edit(concept, goal, "Ein sehr langes Leitziel " * 30, say)
    publish(concept, process)
    assert len(browser.get("/p/iko/e/lz-begegnung/history").h1) < 130


def test_hostile_words_are_inert_in_a_history(session, english, process, text):
    concept, goal, say = text
    for payload in PAYLOADS[::5]:
        words = Text(payload.replace("\n", " ")[:200], payload, {"lead": payload[:200]})
        edit(concept, goal, words, say, payload)
    operations.renumber(goal, "<svg onload=XSS>", **say(PAYLOADS[0]))
    publish(concept, process, title="<script>XSS</script>")
    assert inert(english.get("/p/iko/e/lz-begegnung/history").html) == []
    assert inert(english.get("/p/iko/concept/versions").html) == []


# What each version brought


def test_each_version_tells_its_changes_by_part_with_reasons_and_sources(session, english, process, text):
    concept, goal, say = text
    publish(concept, process, title="Erster")
    sources.add_source(edit(concept, goal, "Zweite Worte.", say, "Grund eins"), capture(process, goal))
    edit(concept, goal, "Dritte Worte.", say, "Grund zwei")
    publish(concept, process, title="Zweiter")
    page = english.get("/p/iko/concept/versions")
    second, first = page.html.select("main section")
    assert "2 parts were written." in first.get_text()
    assert "Erster Wurf" not in first.get_text()
    links = [link["href"] for link in second.find_all("a")]
    assert links.count("/p/iko/e/lz-begegnung/history") == 1, "one entry for the part"
    told = second.get_text()
    assert told.index("Grund eins") < told.index("Grund zwei")
    assert "/p/iko/contributions/1" in links
    assert "/p/iko/concept/difference?from=1&to=2" in links
    assert "What changed since version 1" in told


def test_a_version_tells_all_since_the_one_before_that_the_reader_may_see(session, english, process, text):
    concept, goal, say = text
    publish(concept, process)
    edit(concept, goal, "Für die Steuerung.", say, "Grund im Stillen")
    publish(concept, process, audience=VersionAudience.steering)
    edit(concept, goal, "Für alle.", say, "Grund für alle")
    publish(concept, process)
    newest = english.get("/p/iko/concept/versions").html.select("main section")[0]
    assert "Grund im Stillen" in newest.get_text()
    assert newest.find("a", href="/p/iko/concept/difference?from=1&to=3")


def test_many_changes_are_folded_and_counted(session, english, process, text):
    concept, goal, say = text
    theme = element(session, "th-quartier")
    publish(concept, process)
    for n in range(past.CHANGES + 5):
        operations.add(
            concept, "goal", Part(f"lz-{n}", Text(markdown=f"Ziel {n}"), f"5.{n}"), parent=theme, **say(f"weil {n}")
        )
    publish(concept, process)
    for n in range(past.CHANGES + 5):
        operations.renumber(element(session, f"lz-{n}"), f"6.{n}", **say(f"Zählung {n}"))
    publish(concept, process)
    newest, before, _first = english.get("/p/iko/concept/versions").html.select("main section")
    assert "45 new parts were written." in before.get_text()
    assert not before.find("details")
    newest = english.get("/p/iko/concept/versions").html.select("main section")[0]
    assert len(newest.find("details").select("ul.flow > li")) == past.CHANGES
    assert "And 5 more changes." in newest.get_text()


def test_many_versions_come_in_pages(session, english, process, text):
    concept, goal, say = text
    for n in range(past.VERSIONS + 5):
        edit(concept, goal, f"Wortlaut {n}.", say, f"Grund {n}.")
        publish(concept, process, title=f"Entwurf {n}")
    page = english.get("/p/iko/concept/versions")
    assert len(page.html.select("main section")) == past.VERSIONS
    rest = english.get(page.html.find("a", rel="next")["href"])
    assert [s.h2.get_text() for s in rest.html.select("main section")][-1] == "Konzept: Entwurf 0"
    assert len(rest.html.select("main section")) == 5
    assert "Grund 4." in rest.text


def test_a_large_changelog_is_quick_and_asks_few_questions(session, browser, count_queries):
    process = factories.make_process(slug="gross", code="GR")
    make_text(process)
    session.commit()
    browser.get("/p/gross/concept/versions")
    took = []
    for _try in range(3):
        start = time.process_time()
        with count_queries() as queries:
            browser.client.get("/p/gross/concept/versions")
        took.append(time.process_time() - start)
    assert len(queries) <= 10, "\n".join(queries)
    assert min(took) < 1.0, took
    key = session.scalar(
        select(Element.key).join(Version, Version.concept_id == Element.concept_id).order_by(Element.id.desc()).limit(1)
    )
    with count_queries() as queries:
        browser.get(f"/p/gross/e/{key}/history")
    assert len(queries) <= 10


def test_changes_that_are_not_published_are_counted(session, process, text):
    concept, goal, say = text
    assert past.unpublished_changes(concept.id) == 2
    publish(concept, process)
    assert past.unpublished_changes(concept.id) == 0
    edit(concept, goal, "Neu.", say)
    assert past.unpublished_changes(concept.id) == 1
    assert [change.reason for change in past.changes_since_last(concept.id)] == ["bessere Worte"]
