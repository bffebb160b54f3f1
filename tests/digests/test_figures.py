"""What a digest counts, and that it agrees with what the pages show."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.audit import operations as audit
from consult.concept.models import Placement, Version
from consult.contributions import operations as contributions
from consult.contributions.models import Channel, Contribution, ContributionTally, Stance, State
from consult.contributions.queries import counts_of_process
from consult.digests import queries, reading
from consult.digests.figures import (
    MAX_CONTESTED,
    MAX_ELEMENTS,
    MAX_OPEN,
    MAX_QUESTIONS,
    MAX_QUOTES,
    figures,
    is_contested,
)
from consult.moderation import mornings, queue
from consult.processes.models import Function, Moderation
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests.conftest import MONDAY
from tests.contributions.factories import make_element, make_heir, make_version, make_wording
from tests.digests.factories import hide, issued, make_council, make_digest
from tests.factories import flushed, make_group, make_person

DAY = timedelta(days=1)


def element_of(digest, element):
    return next(e for e in digest.content["elements"] if e["element_id"] == (element and element.id))


def test_the_figures_add_up_to_those_of_the_threads(session):
    """New over all digests = in all = the tallies = what the list of contributions says."""
    council = make_council()
    town = council.town
    made = []
    for day, stances in enumerate([("support", "change", "change"), ("question", "concern"), ("support",)]):
        for stance in stances:
            root = town.write(f"{stance} am Tag {day}", stance=stance)
            town.write("Eine Antwort", reply_to=root, actor=town.neighbour)
        town.write("Zum Ganzen", stance="concern", element_id=None)
        made.append(issued(make_digest(council.process, MONDAY + day * DAY)))
    hide(town, town.write("Wird versteckt"))
    last = issued(make_digest(council.process, MONDAY + 3 * DAY))
    content = last.content
    assert {s: two["total"] for s, two in content["stances"].items()} == counts_of_process(council.process.id)
    new = {s: sum(d.content["stances"][s]["new"] for d in [*made, last]) for s in content["stances"]}
    assert new == counts_of_process(council.process.id)
    tally = {
        row.stance: row.published
        for row in session.execute(
            select(ContributionTally.stance, ContributionTally.published).where(
                ContributionTally.element_id == town.goal.id, ContributionTally.published > 0
            )
        )
    }
    goal = element_of(last, town.goal)
    assert {s: two["total"] for s, two in goal["stances"].items() if two["total"]} == tally
    for key in ("published", "replies"):
        assert sum(e[key]["total"] for e in content["elements"]) == content["stocks"][key]
        assert sum(e[key]["total"] for e in content["elements"]) == sum(
            e[key]["new"] for d in [*made, last] for e in d.content["elements"]
        )
    for counts in ("channels", "languages"):
        both = sum(two["total"] for two in content[counts].values())
        assert both == content["stocks"]["published"] + content["stocks"]["replies"]
    public = session.scalar(
        select(func.count()).where(Contribution.process_id == council.process.id, Contribution.state == State.published)
    )
    assert both == public
    assert (last.content["hidden"], last.content["received"], last.content["new"]) == (1, 1, 0)


def test_a_question_waits_until_staff_answer_or_something_is_decided(session):
    council = make_council()
    town = council.town
    answered, decided, talked_about, open_ = (town.write(f"Frage {n}?", stance="question") for n in range(4))
    town.write("Ja, dienstags.", reply_to=answered, actor=town.steering)
    decide(decided, DispositionKind.forward, "Geht an das Fachamt.", actor=town.steering)
    town.write("Das frage ich mich auch.", reply_to=talked_about, actor=town.neighbour)
    member = make_person("Kreis")
    make_group(town.process, Function.working, member)
    town.write("Im Kreis weiß es keiner.", reply_to=open_, actor=member)
    content = issued(make_digest(council.process, MONDAY)).content
    assert content["questions"] == [talked_about.number, open_.number]
    assert content["stocks"]["unanswered"] == 2
    hidden = contributions.submit(town.process, actor=town.steering, text="Falsch.", stance=None, reply_to=open_)
    hide(town, hidden)
    assert issued(make_digest(council.process, MONDAY + DAY)).content["stocks"]["unanswered"] == 2


def test_questions_whose_day_has_passed_are_marked(session, browser_of):
    council = make_council()
    town = council.town
    town.process.answer_days = 14
    late, due = (town.write(f"Frage {n}?", stance="question") for n in range(2))
    late.published_at = MONDAY - 15 * DAY
    due.published_at = MONDAY - 14 * DAY
    digest = issued(make_digest(council.process, MONDAY))
    assert digest.content["questions"] == [late.number, due.number]
    assert digest.content["questions_overdue"] == [late.number]
    session.commit()
    page = browser_of(town.steering).get(town.path(f"/digests/{digest.id}"), headers={"Accept-Language": "en"})
    lines = page.html.select("section[aria-labelledby=questions] li")
    assert ["overdue" in line.text for line in lines] == [True, False]
    town.process.answer_days = None
    town.write("Und jetzt?", stance="question")
    assert "questions_overdue" not in issued(make_digest(council.process, MONDAY + DAY)).content


def test_concerns_and_wishes_for_change_wait_for_a_decision(session):
    council = make_council()
    town = council.town
    town.write("Schön.", stance="support")
    wish, worry = town.write("Anders bitte."), town.write("Zu teuer?", stance="concern")
    first = issued(make_digest(council.process, MONDAY))
    assert first.content["stocks"]["open"] == element_of(first, town.goal)["open"] == 2
    decide(wish, DispositionKind.note, "Erst einmal notiert.", actor=town.steering)
    decide(wish, DispositionKind.adopt, "Übernommen.", actor=town.steering)
    second = issued(make_digest(council.process, MONDAY + DAY))
    assert second.content["stocks"]["open"] == 1
    assert second.content["decisions"] == [[wish.number, "adopt"]]
    assert second.content["prepared"] == 1
    assert second.content["before"]["open"] == 2
    assert second.content["before"]["digest_id"] == first.id
    assert worry.state == State.published


def test_what_waits_is_counted_with_its_age_against_the_promise(session, at):
    at(MONDAY)
    council = make_council(moderation=Moderation.pre)
    old = council.town.write("Wartet lange.")
    at(MONDAY + timedelta(hours=30))
    council.town.write("Wartet kurz.")
    content = issued(make_digest(council.process)).content
    assert content["stocks"]["waiting"] == 2
    assert content["overdue"] == 1
    assert content["oldest_waiting"] == old.created_at.isoformat()
    assert element_of(issued(queries.last_window(council.process.id)), council.town.goal)["waiting"] == 2


def test_what_was_edited_while_it_waited_is_late_when_the_desk_says_so(session, at):
    at(MONDAY)
    council = make_council(moderation=Moderation.pre)
    waiting = council.town.write("Wartet lange.")
    at(MONDAY + timedelta(hours=20))
    contributions.edit(waiting, actor=waiting.author, text="Wartet noch.", base_revision=waiting.revision)
    for hours, late in ((30, 0), (47, 1)):
        now = at(MONDAY + timedelta(hours=hours))
        assert queue.counts(council.process, council.town.moderator).overdue == late
        assert mornings.load_of(council.process, None, now).overdue == late
        assert figures(council.process, queries.Activity(0, 0), now)["overdue"] == late


def test_what_came_by_paper_counts_like_the_rest_by_way_and_language(session):
    council = make_council()
    town = council.town
    for channel, lang in ((Channel.letter, "de"), (Channel.helper, "ar"), (Channel.helper, "ar")):
        contributions.capture(
            town.process, actor=town.moderator, text="Abends öffnen.", stance=Stance.change, created_at=clock.now(),
            element_id=town.goal.id, channel=channel, lang=lang,
        )  # fmt: skip
    content = issued(make_digest(council.process, MONDAY)).content
    assert content["channels"] == {"helper": {"new": 2, "total": 2}, "letter": {"new": 1, "total": 1}}
    assert list(content["languages"].items()) == [
        ("ar", {"new": 2, "total": 2}), ("de", {"new": 1, "total": 1}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("favour", "against", "expected"),
    [(0, 50, False), (2, 2, False), (3, 3, True), (3, 9, True), (3, 10, False), (40, 20, True)],
)
def test_contested_means_many_on_both_sides(favour, against, expected):
    assert is_contested(favour, against) is expected
    assert is_contested(against, favour) is expected


def test_the_liveliest_element_comes_first_and_a_contested_one_before_its_like(session):
    council = make_council()
    town = council.town
    calm, argued = make_element(town.concept, "ruhig"), make_element(town.concept, "umstritten")
    make_version(
        town.concept, 2, (town.goal, town.wording, "2.1"), (calm, make_wording(calm, "Ruhig."), "2.2"),
        (argued, make_wording(argued, "Laut."), "2.3"),
    )  # fmt: skip
    for n in range(7):
        town.write(f"Ruhig {n}", stance="support", element_id=calm.id)
    for n in range(6):
        town.write(f"Laut {n}", stance="support" if n % 2 else "concern", element_id=argued.id)
    town.write("Einer.")
    elements = issued(make_digest(council.process, MONDAY)).content["elements"]
    assert [e["element_id"] for e in elements] == [argued.id, calm.id, town.goal.id]
    assert [e["contested"] for e in elements] == [True, False, False]


def test_an_element_keeps_the_name_it_had_and_says_what_stands_in_its_place_today(session):
    council = make_council()
    town = council.town
    town.write("Zu beidem.")
    first = issued(make_digest(council.process, MONDAY))
    heir = make_element(town.concept, "ankommen-neu")
    make_version(town.concept, 2, (heir, make_wording(heir, "Alles neu.", "Neu ankommen"), "2.1"))
    make_heir(town.goal, heir)
    town.write("Noch zum alten Ziel.", element_id=town.goal.id)
    second = issued(make_digest(council.process, MONDAY + DAY))
    for digest in (first, second):
        part = reading.of_digest(council.process, digest).parts[0]
        assert part.name == reading.Named("ankommen", "2.1 Gut ankommen")
    part = reading.of_digest(council.process, second).parts[0]
    assert part.heirs == [reading.Named("ankommen-neu", "2.1 Neu ankommen")]
    assert [e["published"]["total"] for e in second.content["elements"]] == [2]  # counted once


def test_an_element_that_no_version_has_yet_is_called_as_in_the_working_text(session):
    council = make_council()
    town = council.town
    theme = make_element(town.concept, "th-neu")
    working = flushed(Version(concept_id=town.concept.id, number=None))
    wording = make_wording(theme, "", "Neues Themenfeld")
    flushed(Placement(version_id=working.id, element_id=theme.id, wording_id=wording.id, label="5"))
    card = contributions.capture(
        town.process, actor=town.moderator, text="Karte", stance=None, created_at=clock.now(), element_id=theme.id
    )
    report = reading.of_digest(council.process, issued(make_digest(council.process, MONDAY)))
    assert [(part.name.heading, part.figures["numbers"]) for part in report.parts if part.name] == [
        ("5 Neues Themenfeld", [card.number])
    ]


def crowd(council, elements, each):
    """Many contributions of every kind on many elements."""
    town = council.town
    placed = []
    for n in range(elements):
        element = make_element(town.concept, f"e{n}")
        placed.append((element, make_wording(element, f"Text {n}", f"Ziel {n}"), f"9.{n}"))
    make_version(town.concept, 9, *placed)
    for element, _wording, _label in placed:
        for n in range(each):
            town.write(f"Beitrag {n}", stance=list(Stance)[n % 4], element_id=element.id)


def test_the_main_part_stays_within_its_limits_however_much_was_written(session):
    council = make_council()
    crowd(council, elements=9, each=16)
    report = reading.of_digest(council.process, issued(make_digest(council.process, MONDAY)))
    assert len(report.lively) == MAX_ELEMENTS
    assert report.more_lively == 9 - MAX_ELEMENTS
    assert sum(len(part.quotes) for part in report.parts) == MAX_QUOTES
    assert len(report.questions) == MAX_QUESTIONS
    assert len(report.contested) == MAX_CONTESTED
    assert len(report.undecided) == MAX_OPEN
    assert len(report.parts) == 9


def test_counting_and_showing_cost_the_same_queries_for_ten_and_for_three_hundred(session, count_queries):
    def cost(council):
        while audit.seal():
            pass
        head = audit.head()
        with count_queries() as queries_sent:
            happened = queries.activity(council.process, 0, head)
            content = figures(council.process, happened, MONDAY)
            reading.report(council.process, content)
        return len(queries_sent), len(happened.submitted)

    small, large = make_council(), make_council()
    crowd(small, elements=2, each=5)
    crowd(large, elements=20, each=15)
    (few, ten), (many, three_hundred) = cost(small), cost(large)
    assert (ten, three_hundred) == (10, 300)
    assert few == many
    assert many <= 16


def test_the_stored_figures_hold_no_text_and_no_name(session):
    council = make_council()
    town = council.town
    one = town.write("Unverwechselbarer Wortlaut")
    hide(town, one, "Bemerkung an die Autorin")
    town.write("Noch ein Wortlaut", author_name="Nachbarin Namenlos")
    stored = str(issued(make_digest(council.process, MONDAY)).content)
    for needle in ("Wortlaut", "Bemerkung", "Namenlos", "Birke", "Gut ankommen"):
        assert needle not in stored
