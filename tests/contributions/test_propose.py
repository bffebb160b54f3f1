"""Proposing other words: the text changed in place, sent with a reason, shown as a difference everywhere."""

import pytest
from sqlalchemy import func, select, update

from consult import clock
from consult.concept import word_changes
from consult.concept.difference import word_difference
from consult.concept.models import VersionAudience, Wording
from consult.contributions import operations, proposals
from consult.contributions.models import MAX_LENGTH, Contribution, ContributionText, Kind, State
from consult.errors import Refused
from consult.html import render_markdown
from consult.processes.models import Activity, Audience, Moderation
from tests.contributions.factories import make_many, make_town, make_version, make_wording
from tests.contributions.guests import code_on, open_with
from tests.contributions.proposing import ADDRESS, BASE, WHY, WISH, marked, newest, propose, send
from tests.digests.factories import make_council, make_digest
from tests.factories import flushed, make_stage
from tests.payloads import PAYLOADS, inert

EN = {"Accept-Language": "en"}


def stored(session, contribution):
    return session.scalars(
        select(ContributionText).filter_by(contribution_id=contribution.id).order_by(ContributionText.revision)
    ).all()


def how_many(session):
    return session.scalar(select(func.count()).select_from(Contribution))


def test_it_is_kept_with_its_reason_against_the_words_seen(session, browser_of):
    town = make_town()
    visitor = browser_of(town.citizen)
    form = visitor.get(town.path(ADDRESS)).form_fields()
    assert form["proposed"] == BASE
    page = visitor.follow(send(visitor, town))
    found = newest(session)
    assert (found.kind, found.stance, found.lang, found.state) == (Kind.wording_proposal, "change", "de", "published")
    assert (found.version_id, found.wording_id) == (town.version.id, town.wording.id)
    (text,) = stored(session, found)
    assert (text.revision, text.body, text.proposed) == (0, WHY, WISH)
    assert marked(page.html.find(class_="proposal")) == ([], ["in ihrer Sprache"])


def test_the_element_links_to_it_only_while_it_is_open(session, browser):
    town = make_town()
    link = {"href": town.path(ADDRESS)}
    page = browser.get(town.path("/e/ankommen"))
    assert page.html.find("a", attrs=link)
    assert not page.html.select("main form"), "anonymous pages carry no form"
    later = make_town(open_now=False)
    make_stage(later.process, Activity.comment)
    assert not browser.get(later.path("/e/ankommen")).html.find("a", attrs={"href": later.path(ADDRESS)})
    assert not browser.get(later.path(ADDRESS)).html.find("textarea")


def test_nothing_arrives_when_it_has_closed_meanwhile_and_the_text_is_kept(session, browser_of):
    town = make_town(open_now=False)
    stage = make_stage(town.process, Activity.propose)
    visitor = browser_of(town.citizen)
    form = visitor.get(town.path(ADDRESS)).form_fields()
    stage.ends_at = clock.now()
    session.flush()
    page = visitor.post(town.path(ADDRESS), {**form, "proposed": WISH, "text": WHY}, 409)
    assert (page.form_fields()["proposed"], page.form_fields()["text"]) == (WISH, WHY)
    assert how_many(session) == 0


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"proposed": BASE}, "proposed"),
        ({"proposed": f"  {BASE}\r\n"}, "proposed"),
        ({"proposed": " "}, "proposed"),
        ({"proposed": BASE + "x" * (proposals.MORE + 1)}, "proposed"),
        ({"proposed": "x" * 200_001}, "proposed"),
        ({"proposed": BASE + " [[F9]]"}, "proposed"),
        ({"proposed": BASE + " ![Platz](picture:7)"}, "proposed"),
        ({"text": ""}, "text"),
        ({"text": "x" * (MAX_LENGTH + 1)}, "text"),
    ],
)
def test_what_cannot_be_proposed_is_said_at_its_field(session, browser_of, typed, field):
    """Unchanged, empty, grown by too much, citing what does not exist, without a reason: nothing typed is lost."""
    town = make_town()
    typed = {"proposed": WISH, "text": WHY, **typed}
    page = browser_of(town.citizen).submit(town.path(ADDRESS), typed, status=200)
    assert page.html.find(id=field)["aria-invalid"] == "true"
    assert [tag["id"] for tag in page.html.find_all(["textarea", "input"], attrs={"aria-invalid": "true"})] == [field]
    assert page.form_fields()["proposed"].strip() == typed["proposed"].strip()
    assert page.form_fields()["text"] == typed["text"]
    assert how_many(session) == 0


def test_everything_that_is_wrong_is_said_at_once(session, browser_of):
    town = make_town()
    page = send(browser_of(town.citizen), town, BASE, "", status=200)
    assert {tag["id"] for tag in page.html.find_all("textarea", attrs={"aria-invalid": "true"})} == {"proposed", "text"}


def test_the_preview_shows_the_difference_and_sends_nothing(session, browser_of):
    town = make_town()
    page = send(browser_of(town.citizen), town, step="preview", status=200)
    assert marked(page.html.find(id="preview")) == ([], ["in ihrer Sprache"])
    assert (page.form_fields()["proposed"], page.form_fields()["text"]) == (WISH, WHY)
    unchanged = send(browser_of(town.citizen), town, BASE, step="preview", status=200)
    assert marked(unchanged.html.find(id="preview")) == ([], [])
    assert unchanged.html.find(id="preview").find(attrs={"data-said": True})
    assert how_many(session) == 0


def newer_text(town, markdown="Neu Zugewanderte und ihre Kinder werden gut informiert."):
    wording = make_wording(town.goal, markdown, "Gut ankommen")
    make_version(town.concept, 2, (town.goal, wording, "2.1"))
    return wording


def test_a_text_changed_meanwhile_is_shown_before_anything_is_sent(session, browser_of):
    """Sent again as it is, it arrives against the words seen."""
    town = make_town()
    visitor = browser_of(town.citizen)
    form = {**visitor.get(town.path(ADDRESS)).form_fields(), "proposed": WISH, "text": WHY}
    newer_text(town)
    page = visitor.post(town.path(ADDRESS), form, 409)
    callout = page.html.find(value="newer").find_parent(class_="callout")
    assert marked(callout) == ([], ["und ihre Kinder"])
    again = page.form_fields()
    assert (again["proposed"], again["text"], again["base"]) == (WISH, WHY, str(town.wording.id))
    assert how_many(session) == 0
    visitor.post(town.path(ADDRESS), again)
    found = newest(session)
    assert (found.version_id, found.wording_id) == (town.version.id, town.wording.id)
    assert stored(session, found)[0].proposed == WISH


def test_the_newer_text_can_be_taken_over_with_ones_own_words_in_it(session, browser_of):
    town = make_town()
    visitor = browser_of(town.citizen)
    form = {**visitor.get(town.path(ADDRESS)).form_fields(), "proposed": WISH, "text": WHY}
    newer = newer_text(town)
    page = visitor.post(town.path(ADDRESS), {**form, "step": "newer"}, 200)
    together = "Neu Zugewanderte und ihre Kinder werden in ihrer Sprache gut informiert."
    assert page.form_fields()["proposed"] == together
    visitor.post(town.path(ADDRESS), page.form_fields())
    found = newest(session)
    assert (found.wording_id, stored(session, found)[0].proposed) == (newer.id, together)


def test_a_text_changed_once_more_is_shown_once_more(session, browser_of):
    town = make_town()
    visitor = browser_of(town.citizen)
    form = {**visitor.get(town.path(ADDRESS)).form_fields(), "proposed": WISH, "text": WHY}
    newer_text(town)
    page = visitor.post(town.path(ADDRESS), form, 409)
    third = make_wording(town.goal, "Alle werden gut informiert.", "Gut ankommen")
    make_version(town.concept, 3, (town.goal, third, "2.1"))
    visitor.post(town.path(ADDRESS), page.form_fields(), 409)
    assert how_many(session) == 0


@pytest.mark.parametrize("base", ["", "0", "x", "-1", "99999999999999", "\u0663", "other", "steering"])
def test_words_nobody_can_have_seen_here_are_no_base(session, browser_of, base):
    """Else the difference would show to everybody what is not public."""
    town = make_town()
    secret = make_wording(town.goal, "Geheim 4711 informiert.", "Gut ankommen")
    make_version(town.concept, 2, (town.goal, secret, "2.1"), audience=VersionAudience.steering)
    other = make_town()
    base = {"other": str(other.wording.id), "steering": str(secret.id)}.get(base, base)
    visitor = browser_of(town.steering)
    form = visitor.get(town.path(ADDRESS)).form_fields()
    assert form["proposed"] == BASE, "also those who may read more propose against public words"
    visitor.post(town.path(ADDRESS), {**form, "proposed": WISH, "text": WHY, "base": base})
    assert newest(session).wording_id == town.wording.id


def test_a_part_replaced_meanwhile_keeps_what_was_typed(session, browser_of):
    town = make_town()
    visitor = browser_of(town.citizen)
    form = visitor.get(town.path(ADDRESS)).form_fields()
    make_version(town.concept, 2)
    page = visitor.post(town.path(ADDRESS), {**form, "proposed": WISH, "text": WHY}, 409)
    assert page.form_fields()["proposed"] == WISH
    visitor.get(town.path(ADDRESS), 409)
    assert how_many(session) == 0


def test_a_part_with_a_title_only_has_no_text_to_change(session, browser_of):
    town = make_town()
    make_version(town.concept, 2, (town.goal, make_wording(town.goal, "", "Gut ankommen"), "2.1"))
    browser_of(town.citizen).get(town.path(ADDRESS), 409)


def test_a_guest_proposes_and_finds_it_again_with_the_code(session, browser):
    town = make_town()
    slip = browser.follow(send(browser, town, author_name="Wetterhahn"))
    found = newest(session)
    assert (found.kind, found.channel, found.state, found.author_id) == ("wording_proposal", "guest", "pending", None)
    assert (found.wording_id, stored(session, found)[0].proposed) == (town.wording.id, WISH)
    page = open_with(browser, code_on(slip))
    assert marked(page.html.find(class_="proposal")) == ([], ["in ihrer Sprache"])


def test_a_guest_is_refused_like_everybody_and_loses_nothing(session, browser):
    town = make_town()
    page = send(browser, town, BASE, status=200)
    assert page.html.find(id="proposed")["aria-invalid"] == "true"
    preview = send(browser, town, step="preview", status=200)
    assert marked(preview.html.find(id="preview")) == ([], ["in ihrer Sprache"])
    members = make_town(open_now=False)
    make_stage(members.process, Activity.propose, audience=Audience.members)
    assert not browser.get(members.path(ADDRESS)).html.find("textarea")
    assert how_many(session) == 0


def test_it_waits_where_contributions_wait_and_the_queue_shows_the_difference(session, browser_of, browser):
    town = make_town(moderation=Moderation.pre)
    contribution = propose(town)
    assert contribution.state == State.pending
    desk = browser_of(town.moderator).get(town.path("/moderation"))
    assert marked(desk.html.find(id="desk")) == ([], ["in ihrer Sprache"])
    assert "in ihrer Sprache" not in browser.get(town.path("/e/ankommen")).text


@pytest.mark.parametrize("address", ["/e/ankommen", "/contributions", "/contributions/1"])
def test_everybody_sees_the_difference_beside_the_reason(session, browser, address):
    town = make_town()
    propose(town, "Alle werden gut informiert.")
    page = browser.get(town.path(address), headers=EN)
    part = page.html.find(class_="proposal")
    assert "deleted:" in part.get_text()
    assert marked(part) == (["Neu Zugewanderte"], ["Alle"])
    assert WHY in page.html.find(class_="contribution").find(class_="body").get_text()


@pytest.mark.parametrize("state", [State.hidden, State.withdrawn, State.pending])
def test_words_that_are_not_shown_are_shown_in_no_difference(session, browser, state):
    town = make_town()
    contribution = propose(town, BASE + " Nadel.")
    town.write("Dazu etwas", reply_to=contribution)
    contribution.state = state
    session.flush()
    for address in ("/e/ankommen", "/contributions"):
        page = browser.get(town.path(address))
        assert "Nadel" not in page.text
        assert not page.html.find(class_="proposal")


def test_of_an_erased_proposal_nothing_is_left(session, browser, browser_of):
    town = make_town()
    propose(town, BASE + " Nadel.")
    session.execute(update(ContributionText).values(body=None, proposed=None))
    for visitor in (browser, browser_of(town.moderator), browser_of(town.citizen)):
        for address in ("/e/ankommen", "/contributions", "/contributions/1"):
            page = visitor.get(town.path(address))
            assert "Nadel" not in page.text
            assert not page.html.find(class_="proposal")


def test_it_can_be_answered_and_agreed_with_like_any_other(session, browser_of):
    town = make_town()
    contribution = propose(town)
    neighbour = browser_of(town.neighbour)
    neighbour.submit(town.number_path(contribution, "/reply"), {"text": "Und barrierefrei."})
    operations.react(contribution, town.neighbour)
    page = neighbour.get(town.path("/e/ankommen"))
    assert "Und barrierefrei." in page.text
    assert contribution.agrees == 1


def test_texts_that_try_to_become_code_stay_texts(session, browser, browser_of):
    town = make_town()
    markdown = "\n\n".join(PAYLOADS[::5])
    hostile = flushed(Wording(element_id=town.goal.id, markdown=markdown, html=render_markdown(markdown)))
    make_version(town.concept, 2, (town.goal, hostile, "2.1"))
    author = browser_of(town.citizen)
    text = "\n\n".join(PAYLOADS[1::5])
    preview = send(author, town, text, "\n".join(PAYLOADS[:40])[:MAX_LENGTH], step="preview", status=200)
    assert inert(preview.html) == []
    sent = send(author, town, text, "\n".join(PAYLOADS[:40])[:MAX_LENGTH])
    assert inert(author.follow(sent).html) == []
    for address in ("/e/ankommen", "/contributions", "/contributions/1"):
        page = browser.get(town.path(address))
        assert inert(page.html) == []
        assert page.text.count("XSS") > 20
    assert inert(author.get(town.path("/contributions/1/proposal")).html) == []


def test_a_form_sent_twice_is_one_proposal(session, browser_of):
    town = make_town()
    visitor = browser_of(town.citizen)
    form = {**visitor.get(town.path(ADDRESS)).form_fields(), "proposed": WISH, "text": WHY}
    visitor.post(town.path(ADDRESS), form)
    visitor.post(town.path(ADDRESS), form)
    assert how_many(session) == 1


def test_other_open_proposals_for_the_same_words_are_listed(session, browser):
    town = make_town()
    mine = propose(town)
    same = propose(town, BASE.replace("gut", "sehr gut"), actor=town.neighbour)
    apart = propose(town, BASE.replace("Neu Zugewanderte", "Alle"), actor=town.neighbour)
    gone = propose(town, BASE.replace("gut", "schnell"), actor=town.neighbour)
    gone.state = State.withdrawn
    session.flush()
    listed = browser.get(town.number_path(mine)).html.find(id="rivals").find_parent("section").find_all("a")
    assert [link["href"] for link in listed] == [town.number_path(same)]
    assert not browser.get(town.number_path(apart)).html.find(id="rivals")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a B c d e f", "a b c d E f", False),
        ("a B c d e f", "a BB c d e f", True),
        ("a B c d e f", "a b C d e f", True),
        ("a x b c d e f", "a y b c d e f", True),
        ("a b c d e f g", "a b c d e f g", True),
        ("a b c d e", "a b c d e f g", True),
        ("b c d e f", "a b c d e", False),
    ],
)
def test_which_proposals_change_the_same_words(one, other, same):
    assert proposals.changes_same_words("a b c d e f", one, other) is same
    assert proposals.changes_same_words("a b c d e f", other, one) is same


@pytest.mark.parametrize(
    ("proposed", "saved", "words"),
    [
        (WISH, WISH, "in ihrer Sprache"),
        (WISH, "Alle werden in ihrer Sprache bestens informiert.", "in ihrer Sprache"),
        (WISH, "Ganz anders.", None),
        ("Neu Zugewanderte werden informiert.", "Neu Zugewanderte werden informiert.", None),
        ("Alle werden gut beraten.", "Alle werden sehr gut beraten.", "beraten"),
    ],
)
def test_where_the_words_of_a_proposal_stand_in_what_was_made_of_it(proposed, saved, words):
    place = proposals.surviving(BASE, proposed, saved)
    found = saved[slice(*place)] if place else None
    assert (words in found) if words else found is None


def test_refusals_of_the_operation(session):
    town = make_town()
    with pytest.raises(Refused):
        propose(town, BASE)
    with pytest.raises(Refused):
        operations.submit(town.process, actor=town.citizen, text=WHY, stance="change", kind=Kind.wording_proposal)
    with pytest.raises(Refused):
        propose(town, "Neu.", seen=(town.version.id, make_town().wording.id))


def many_proposals(session, town, number):
    """Every tenth contribution is a proposal with words of its own."""
    make_many(town, number)
    found = session.scalars(select(Contribution).where(Contribution.number % 10 == 0, Contribution.depth == 0)).all()
    for contribution in found:
        contribution.kind = Kind.wording_proposal
        contribution.revision = 1
        session.add(
            ContributionText(
                contribution_id=contribution.id, revision=1, body=WHY, created_at=clock.now(),
                proposed=BASE.replace("gut", f"{contribution.number}-mal gut"),
            )
        )  # fmt: skip
    session.flush()


def test_a_page_with_many_proposals_asks_the_same_and_compares_each_once(
    session, browser, browser_of, count_queries, monkeypatch
):
    town = make_town()
    many_proposals(session, town, 1000)
    compared = []
    monkeypatch.setattr(word_changes, "word_difference", lambda a, b: compared.append(b) or word_difference(a, b))
    visitor, needed = browser_of(town.neighbour), []
    for _time in range(2):
        with count_queries() as queries:
            page = visitor.get(town.path("/e/ankommen"))
        needed.append(len(queries))
    shown = page.html.find_all(class_="proposal")
    assert len(compared) == len(shown) > 0
    assert needed[1] <= 15
    address = town.path("/e/ankommen")
    with count_queries() as queries:
        browser.get(address)
    assert len(queries) <= 10
    assert len(compared) == len(shown)


def test_the_steering_group_reads_the_difference_in_its_digest(session, browser_of):
    council = make_council()
    propose(council.town, "Alle werden gut informiert.")
    longer = propose(council.town, BASE + " Lang." * 400, actor=council.town.neighbour)
    session.commit()
    digest = make_digest(council.process)
    session.commit()
    page = browser_of(council.town.lead).get(council.town.path(f"/digests/{digest.id}"))
    (shown,) = page.html.find_all(class_="proposal")
    assert marked(shown) == (["Neu Zugewanderte"], ["Alle"])
    assert page.html.find("a", attrs={"href": council.town.number_path(longer)})


@pytest.mark.parametrize(("who", "rest", "most"), [("nobody", ADDRESS, 10), ("citizen", ADDRESS, 12),
                                                   ("citizen", "/contributions/1/proposal", 12)])  # fmt: skip
def test_the_forms_ask_little(session, browser, browser_of, count_queries, who, rest, most):
    town = make_town()
    propose(town)
    visitor = browser if who == "nobody" else browser_of(town.citizen)
    address = town.path(rest)
    visitor.get(address)
    with count_queries() as queries:
        visitor.get(address)
    assert len(queries) <= most, "\n".join(queries)
