"""How the text has changed since somebody wrote about it: beside the contribution, on demand, with the reasons."""

import pytest

from consult.concept import operations as concept_ops
from consult.concept.models import VersionAudience
from consult.concept.operations import Part, Text
from consult.concept.queries import placed_one, working_version
from consult.contributions import operations
from consult.contributions.models import State
from consult.processes.models import Activity, Function
from tests import factories
from tests.concept.factories import make_concept, publish
from tests.contributions.proposing import marked
from tests.payloads import PAYLOADS, inert

BASE = "Begegnung wird gefördert."
EN = {"Accept-Language": "en"}
SINCE = "/p/iko/contributions/1/since"


class Story:
    """A published goal, a comment on it, and an editor who changes and publishes."""

    def __init__(self):
        self.process = factories.make_process(slug="iko", code="IK")
        factories.make_stage(self.process, Activity.comment, Activity.propose)
        self.citizen, self.editor = factories.make_person("Birke"), factories.make_person("Redaktion")
        factories.make_group(self.process, Function.editing, self.editor)
        self.concept, self.goal = make_concept(self.process, self.editor, text=BASE)
        publish(self.concept, self.process)
        self.comment = operations.submit(
            self.process, actor=self.citizen, text="Zu kurz.", stance="change", element_id=self.goal.id
        )

    def change(self, markdown, reason, **text):
        placed = placed_one(working_version(self.concept.id).id, self.goal.id)
        concept_ops.edit(
            self.goal, placed.wording_id, Text(markdown=markdown, **text), reason=reason, actor=self.editor,
            process=self.process,
        )  # fmt: skip

    def publish(self, **kwargs):
        return publish(self.concept, self.process, **kwargs)


@pytest.fixture
def story(session):
    return Story()


def test_beside_the_contribution_stands_the_way_to_what_changed(session, story, browser):
    story.change("Begegnung wird auch am Abend gefördert.", "Zeiten am Abend")
    story.publish()
    session.commit()
    page = browser.get("/p/iko/e/lz-begegnung")
    link = page.html.find("a", attrs={"data-inplace": "#since-IK-1"})
    assert link["href"] == f"{SINCE}?at=lz-begegnung"
    assert page.html.find(id="since-IK-1").get_text(strip=True) == "", "loaded on demand"
    found = browser.get(link["href"])
    part = found.html.find(attrs={"data-unfold": True})
    assert marked(part) == ([], ["auch am Abend"])
    assert "Zeiten am Abend" in part.get_text()
    for address in ("/p/iko/contributions", "/p/iko/contributions/1"):
        assert browser.get(address).html.find("a", attrs={"data-inplace": "#since-IK-1"})["href"].startswith(SINCE)


def test_every_reason_in_between_is_told_the_newest_first(session, story, browser):
    story.change("Begegnung wird am Abend gefördert.", "Eins")
    story.publish()
    story.change("Begegnung wird am Abend gern gefördert.", "Zwei", title="Begegnung")
    story.publish()
    story.change("Noch nicht öffentlich.", "Nadel")
    session.commit()
    page = browser.get(SINCE, headers=EN)
    reasons = [item.get_text(" ", strip=True) for item in page.html.select("[data-unfold] ul li")]
    assert [text.split("(")[0].strip() for text in reasons] == ["Reason: Zwei", "Reason: Eins"]
    assert marked(page.html.find(attrs={"data-unfold": True})) == ([], ["Begegnung", "am Abend gern"])
    assert "Nadel" not in page.text
    assert "öffentlich" not in page.text


def test_what_changed_before_it_was_written_is_not_told(session, story, browser):
    story.change("Begegnung wird am Abend gefördert.", "Vorher")
    story.publish()
    operations.submit(story.process, actor=story.citizen, text="Gut.", stance="support", element_id=story.goal.id)
    session.commit()
    page = browser.get("/p/iko/contributions/2/since")
    assert "Vorher" not in page.text
    assert marked(page.html.find(attrs={"data-unfold": True})) == ([], [])
    assert not browser.get("/p/iko/contributions/2").html.find("a", attrs={"data-inplace": True})


def test_after_a_split_it_is_compared_with_the_part_it_is_shown_at(session, story, browser):
    parts = [Part("lz-a", Text(markdown="Begegnung wird am Abend gefördert.")), Part("lz-b", Text(markdown="Sport."))]
    concept_ops.split(story.goal, parts, reason="Zwei Aufgaben", actor=story.editor, process=story.process)
    story.publish()
    session.commit()
    for key, changed in (("lz-a", ([], ["am Abend"])), ("lz-b", (["Begegnung wird gefördert"], ["Sport"]))):
        href = browser.get(f"/p/iko/e/{key}").html.find("a", attrs={"data-inplace": True})["href"]
        assert href == f"{SINCE}?at={key}"
        part = browser.get(href).html.find(attrs={"data-unfold": True})
        assert marked(part) == changed
        assert "Zwei Aufgaben" in part.get_text()
    everywhere = browser.get(SINCE).html.find(attrs={"data-unfold": True})
    assert marked(everywhere) == (["Begegnung wird gefördert"], ["am Abend", "Sport"])


def test_a_part_that_is_gone_says_so(session, story, browser):
    concept_ops.retire(story.goal, reason="fort", actor=story.editor, process=story.process)
    story.publish()
    session.commit()
    assert "no longer in the text" in browser.get(SINCE, headers=EN).text


def test_words_that_are_not_public_are_not_compared(session, story, browser, browser_of):
    """Somebody of the process wrote about a draft for the steering group."""
    story.change("Nadel 4711.", "Nadel")
    story.publish(audience=VersionAudience.steering)
    operations.submit(story.process, actor=story.editor, text="Intern gesehen.", stance="concern",
                      element_id=story.goal.id)  # fmt: skip
    session.commit()
    for address in (SINCE, "/p/iko/contributions/2/since"):
        assert "Nadel" not in browser.get(address).text
    assert "Nadel" in browser_of(story.editor).get(SINCE).text


@pytest.mark.parametrize("state", [State.pending, State.hidden])
def test_of_what_is_not_public_nobody_learns_it_was_written(session, story, browser, browser_of, state):
    story.comment.state = state
    session.commit()
    browser.get(SINCE, 404)
    browser_of(story.citizen).get(SINCE)


@pytest.mark.parametrize("address", ["/p/iko/contributions/9/since", f"{SINCE}?at=gibt-es-nicht", f"{SINCE}?at=%20"])
def test_addresses_that_lead_nowhere(session, story, browser, address):
    session.commit()
    page = browser.get(address, 404 if "/9/" in address else 200)
    assert marked(page.html) == ([], [])


def test_a_contribution_to_the_whole_has_no_text_that_changed(session, story, browser):
    operations.submit(story.process, actor=story.citizen, text="Allgemein.", stance="support")
    session.commit()
    browser.get("/p/iko/contributions/2/since")


def test_texts_that_try_to_become_code_stay_texts(session, story, browser):
    for n in range(2):
        story.change("\n\n".join(PAYLOADS[n::9]), "\n".join(PAYLOADS[:40])[:2000], title=PAYLOADS[n])
        story.publish()
    session.commit()
    page = browser.get(SINCE)
    assert inert(page.html) == []
    assert page.text.count("XSS") > 20


def test_it_asks_the_same_however_much_changed(session, story, browser, count_queries):
    needed = []
    for changes in (1, 12):
        for n in range(changes):
            story.change(f"Begegnung {changes} {n}.", f"Grund {n}")
            story.publish()
        session.commit()
        browser.get(SINCE)
        story.process.title += "."
        with count_queries() as queries:
            browser.get(SINCE)
        needed.append(len(queries))
    assert needed[0] == needed[1] <= 10, needed
