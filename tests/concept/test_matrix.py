"""Two tables over the text: theme x field and goal x measure, with the empty places visible."""

import pytest

from consult.concept import operations
from consult.concept.matrix import measure_by_goal, theme_by_field
from consult.concept.models import ConceptKind, ElementKind, VersionAudience
from consult.concept.operations import Part, Text
from consult.concept.queries import working_version
from consult.concept.tree import links_in, outline
from consult.processes.models import Function
from tests import factories
from tests.concept.factories import publish


class Town:
    """Two themes with two goals each, two fields, five measures.

    m-1 in Bildung serves 1.1 and the sub-goal 1.1.1; m-2 (in a group) serves 1.1 and 2.1; m-3 in Wohnen serves 2.1;
    m-4 serves nothing; nothing serves 1.2 and 2.2.
    """

    def __init__(self):
        self.process = factories.make_process(slug="iko", code="IK")
        self.editor = factories.make_person("Redaktion")
        factories.make_group(self.process, Function.editing, self.editor)
        self.concept = operations.create_concept(self.process, ConceptKind.concept, "Konzept", self.editor)
        self.rows = {}
        for theme in ("1", "2"):
            self.add("theme", f"th-{theme}", theme)
            for goal in ("1", "2"):
                self.add("goal", f"lz-{theme}{goal}", f"{theme}.{goal}", f"th-{theme}")
        self.add("sub_goal", "tz", "1.1.1", "lz-11")
        self.add("field", "hf-bildung", "")
        self.add("field", "hf-wohnen", "")
        self.add("measure_group", "mg", "", "hf-bildung")
        for key, parent, served in (
            ("m-1", "hf-bildung", ("lz-11", "tz")), ("m-2", "mg", ("lz-11", "lz-21")), ("m-3", "hf-wohnen", ("lz-21",)),
            ("m-4", "hf-wohnen", ()),
        ):  # fmt: skip
            self.add("measure", key, "", parent)
            for target in served:
                self.link(key, target)

    def add(self, kind, key, label, parent=None):
        self.rows[key] = operations.add(
            self.concept, ElementKind(kind), Part(key, Text(key), label),
            parent=self.rows[parent] if parent else None, reason="r", actor=self.editor, process=self.process,
        ).element  # fmt: skip

    def link(self, source, target):
        operations.set_link(self.rows[source], self.rows[target], present=True, actor=self.editor, process=self.process)

    def __getitem__(self, key):
        return self.rows[key].id

    def text(self):
        version = working_version(self.concept.id)
        return outline([version.id])[version.id], links_in([version.id])


@pytest.fixture
def town(session):
    return Town()


def test_a_cell_counts_each_measure_once(town):
    table = theme_by_field(*town.text())
    assert table.cells == {
        (town["th-1"], town["hf-bildung"]): 2, (town["th-2"], town["hf-bildung"]): 1,
        (town["th-2"], town["hf-wohnen"]): 1,
    }  # fmt: skip
    assert table.measures == {town["hf-bildung"]: 2, town["hf-wohnen"]: 2}
    assert table.idle == {town["hf-wohnen"]: 1}
    assert table.totals == {town["th-1"]: 2, town["th-2"]: 2}


def test_goals_and_measures_meet_where_a_link_is(town):
    table = measure_by_goal(*town.text())
    assert [goal.key for goal in table.goals] == ["lz-11", "lz-12", "lz-21", "lz-22"]
    assert {m.row.key: m.serves for m in table.measures} == {
        "m-1": {town["lz-11"]: ["1.1.1"]}, "m-2": {town["lz-11"]: [], town["lz-21"]: []}, "m-3": {town["lz-21"]: []},
        "m-4": {},
    }  # fmt: skip
    assert table.totals == {town["lz-11"]: 2, town["lz-21"]: 2}
    some = measure_by_goal(*town.text(), theme="th-2", field_key="hf-wohnen")
    assert [goal.key for goal in some.goals] == ["lz-21", "lz-22"]
    assert [m.row.key for m in some.measures] == ["m-3", "m-4"]


def test_the_public_reads_the_table_of_the_published_text(session, town, browser):
    empty = browser.get("/p/iko/concept/matrix")
    assert not empty.html.find("table")
    publish(town.concept, town.process)
    session.commit()
    page = browser.get("/p/iko/concept/matrix")
    rows = [[cell.get_text(" ", strip=True) for cell in row.find_all("td")] for row in page.html.select("tbody tr")]
    assert [[cell.split()[0] for cell in row] for row in rows][0] == ["2", "1", "2"]
    assert page.html.select("tbody td.none")[0]["data-label"] == "1 th-1"
    assert all(th.get("scope") for th in page.html.find_all("th"))
    link = page.html.select_one("tbody td a")["href"]
    assert link == "/p/iko/concept/matrix/goals?theme=th-1&field=hf-bildung"
    table = browser.get(link)
    assert [row.th.a.get_text() for row in table.html.select("tbody tr")] == ["m-2", "m-1"]


def test_empty_places_are_said_in_words(session, town, browser):
    publish(town.concept, town.process)
    session.commit()
    page = browser.get("/p/iko/concept/matrix/goals")
    goals = {li.a.get_text(): li.find(class_="none") for li in page.html.select("#goals + ul > li")}
    assert [name for name, none in goals.items() if none] == ["1.2 lz-12", "2.2 lz-22"]
    idle = [row.th.a.get_text() for row in page.html.select("tbody tr") if row.th.find(class_="none")]
    assert idle == ["m-4"]
    assert all(th.get("scope") for th in page.html.find_all("th"))


def test_the_working_text_is_for_editors(session, town, browser, browser_of):
    stranger = factories.make_person()
    for address in ("/p/iko/concept/matrix", "/p/iko/concept/matrix/goals"):
        assert "/sign-in" in browser.get(f"{address}?text=working", 303).location
        browser_of(stranger).get(f"{address}?text=working", 403)
        assert browser_of(town.editor).get(f"{address}?text=working").html.find("table")
        assert not browser_of(stranger).get(address).html.find("table")


def test_a_draft_for_the_steering_group_is_not_public(session, town, browser, browser_of):
    member = factories.make_person()
    factories.make_group(town.process, Function.steering, member)
    publish(town.concept, town.process, audience=VersionAudience.steering)
    session.commit()
    assert not browser.get("/p/iko/concept/matrix").html.find("table")
    assert browser_of(member).get("/p/iko/concept/matrix").html.find("table")


def test_nonsense_in_the_address_shows_everything(session, town, browser):
    publish(town.concept, town.process)
    session.commit()
    for query in ("?theme=nichts", "?theme=hf-bildung", "?field=th-1", "?text=nichts"):
        assert len(browser.get(f"/p/iko/concept/matrix/goals{query}").html.select("tbody tr")) == 4


@pytest.mark.parametrize("address", ["/p/iko/concept/matrix", "/p/iko/concept/matrix/goals"])
@pytest.mark.parametrize("measures", [0, 107])
def test_the_tables_ask_at_most_ten_questions(session, town, browser, browser_of, count_queries, address, measures):
    for n in range(measures):
        town.add("measure", f"viel-{n}", "", "hf-wohnen")
        town.link(f"viel-{n}", ("lz-11", "lz-12", "lz-21", "lz-22")[n % 4])
    publish(town.concept, town.process)
    session.commit()
    with count_queries() as queries:
        browser.get(address)
    assert len(queries) <= 10, "\n".join(queries)
    visitor = browser_of(town.editor)
    with count_queries() as queries:
        visitor.get(f"{address}?text=working")
    assert len(queries) <= 10, "\n".join(queries)
