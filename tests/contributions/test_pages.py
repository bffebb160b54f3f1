"""Reading and writing over HTTP: what stands on the pages, and what each form does."""

import re
from datetime import timedelta

import pytest

from consult import clock
from consult.contributions import operations
from consult.contributions.models import Contribution, State
from consult.moderation import operations as deciding
from consult.processes.models import Activity, Moderation
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests.contributions.factories import make_representation, make_town
from tests.factories import make_organisation, make_stage


def newest(session):
    return session.query(Contribution).order_by(Contribution.id.desc()).first()


def test_a_guest_can_write_at_once_or_sign_in_and_come_back_to_the_form_of_the_same_goal(browser, session):
    town = make_town()
    page = browser.get(town.path("/e/ankommen/comment"))
    assert page.html.find("textarea", attrs={"name": "text"})
    for way in ("/sign-in", "/register"):
        assert page.html.find("a", href=f"{way}?next=/p/{town.process.slug}/e/ankommen/comment")


def test_commenting_on_a_goal_leads_to_the_contributions_own_page(browser_of, session):
    town = make_town(moderation=Moderation.pre)
    visitor = browser_of(town.citizen)
    form = visitor.get(town.path("/e/ankommen/comment"), headers={"Accept-Language": "en"})
    assert "Who reads this: everybody" in form.text
    assert "A moderator reads your text first, as a rule within 24 hours" in form.text
    sent = visitor.submit(town.path("/e/ankommen/comment"), {"stance": "concern", "text": "Wer bezahlt das?"})
    contribution = newest(session)
    assert sent.location == town.number_path(contribution)
    assert (contribution.element_id, contribution.stance, contribution.lang) == (town.goal.id, "concern", "de")
    page = visitor.follow(sent)
    assert "Wer bezahlt das?" in page.text
    assert f"{town.process.code}-1" in page.h1


def test_a_post_moderated_comment_is_there_for_everybody_at_once(browser, browser_of, session):
    town = make_town()
    browser_of(town.citizen).submit(town.path("/comment"), {"stance": "question", "text": "Wann geht es los?"})
    assert "Wann geht es los?" in browser.get(town.path("/contributions/1")).text
    assert "Wann geht es los?" in browser.get(town.path("/contributions")).text


def test_a_form_without_a_stance_or_text_is_shown_again_with_what_was_typed(browser_of, session):
    town = make_town()
    visitor = browser_of(town.citizen)
    page = visitor.submit(town.path("/e/ankommen/comment"), {"text": "Nur Text"}, status=200)
    assert page.html.find(class_="error-summary")
    assert "Nur Text" in page.html.find("textarea").get_text()
    page = visitor.submit(town.path("/e/ankommen/comment"), {"stance": "support"}, status=200)
    assert page.html.find("input", value="support").has_attr("checked")
    assert newest(session) is None


def test_a_text_that_is_too_long_is_not_cut_and_not_lost(browser_of, session):
    town = make_town()
    visitor = browser_of(town.citizen)
    too_long = "ä" * 4003
    page = visitor.submit(town.path("/e/ankommen/comment"), {"stance": "support", "text": too_long}, status=200)
    assert page.html.find("textarea").get_text().strip() == too_long
    assert " 3 " in page.html.find(class_="error-summary").get_text()


def test_when_the_stage_closes_while_somebody_writes_the_text_is_kept(browser_of, session, at):
    town = make_town(open_now=False)
    now = at(clock.now())
    make_stage(town.process, Activity.comment, ends_at=now + timedelta(minutes=5))
    visitor = browser_of(town.citizen)
    address = town.path("/e/ankommen/comment")
    fields = visitor.get(address).form_fields(address)
    at(now + timedelta(minutes=5))
    page = visitor.post(address, {**fields, "stance": "support", "text": "Fast geschafft"}, status=409)
    assert "Fast geschafft" in page.html.find("textarea").get_text()
    assert newest(session) is None


def test_a_closed_form_says_when_it_opens_again(browser_of, session):
    town = make_town(open_now=False)
    soon = clock.now() + timedelta(days=3)
    make_stage(town.process, Activity.comment, starts_at=soon, ends_at=soon + timedelta(days=9))
    visitor = browser_of(town.citizen)
    page = visitor.get(town.path("/e/ankommen/comment"))
    assert page.html.find("textarea") is None
    assert str(soon.year) in page.text
    assert visitor.get(town.path("/comment")).html.find("textarea") is None


def test_sending_the_same_form_twice_has_one_effect_and_the_same_answer(browser_of, session):
    town = make_town()
    visitor = browser_of(town.citizen)
    address = town.path("/e/ankommen/comment")
    fields = {**visitor.get(address).form_fields(address), "stance": "support", "text": "Doppelt"}
    answers = [visitor.post(address, fields).location for _ in range(2)]
    assert answers[0] == answers[1]
    assert session.query(Contribution).count() == 1
    react = town.number_path(newest(session), "/react")
    other = browser_of(town.neighbour)
    fields = other.get(town.number_path(newest(session))).form_fields(react)
    assert other.post(react, fields).location == other.post(react, fields).location
    assert "1 " in other.get(town.number_path(newest(session))).text


def test_a_representative_chooses_for_whom_to_speak(browser_of, session):
    town = make_town()
    club = make_organisation("Frauentreff Beispiel e. V.")
    make_representation(town.citizen, club)
    visitor = browser_of(town.citizen)
    sent = visitor.submit(
        town.path("/e/ankommen/comment"),
        {"stance": "change", "text": "Wir wünschen uns Zeiten am Abend.", "organisation_id": str(club.id)},
    )
    assert newest(session).organisation_id == club.id
    assert "Frauentreff Beispiel e. V." in visitor.follow(sent).text
    other = browser_of(town.neighbour)
    assert "organisation_id" not in other.get(town.path("/e/ankommen/comment")).form_fields()
    other.submit(
        town.path("/e/ankommen/comment"),
        {"stance": "change", "text": "Fälschung", "organisation_id": str(club.id)},
    )
    assert newest(session).organisation_id is None, "a field that was not offered is not read"


@pytest.mark.parametrize("way", ["withdrawn", "held back"])
def test_whose_opinion_it_was_is_not_shown_with_words_that_are_not(browser, browser_of, session, way):
    town = make_town()
    club = make_organisation("Frauentreff Beispiel e. V.")
    make_representation(town.citizen, club)
    said = town.write("Wir wünschen uns Zeiten am Abend.", organisation_id=club.id)
    town.write("Wir auch.", actor=town.neighbour, reply_to=said)
    session.commit()
    places = [town.path("/e/ankommen"), *([town.number_path(said)] if way == "withdrawn" else [])]
    if way == "withdrawn":
        operations.withdraw(said, town.citizen)
    else:
        deciding.hide(said, town.moderator, town.reason)
    session.commit()
    for place in places:
        page = browser.get(place)
        assert page.html.find(id=f"{town.process.code}-{said.number}"), place
        assert club.name not in page.text, place
    assert club.name in browser_of(town.citizen).get(town.number_path(said)).text


def test_replying_shows_the_parent_and_hangs_below_it(browser, browser_of, session):
    town = make_town()
    parent = town.write("Der Hof ist laut.")
    visitor = browser_of(town.neighbour)
    address = town.number_path(parent, "/reply")
    assert "Der Hof ist laut." in visitor.get(address).text
    visitor.submit(address, {"text": "Bei uns auch."})
    page = browser.get(town.number_path(parent))
    assert "Bei uns auch." in page.text
    assert f"{town.process.code}-1" in browser.get(town.number_path(newest(session))).text


def test_editing_and_what_stays_on_record(browser, browser_of, session):
    town = make_town()
    contribution = town.write("Mehr Benke.")
    visitor = browser_of(town.citizen)
    address = town.number_path(contribution, "/edit")
    visitor.submit(address, {"text": "Mehr Bänke."})
    page = visitor.get(town.number_path(contribution))
    assert "Mehr Bänke." in page.text
    assert "Mehr Benke." in page.text
    assert "Mehr Benke." not in browser.get(town.number_path(contribution)).text, "it may have been held back"


def test_a_stale_edit_shows_both_texts_and_loses_none(browser_of, session):
    town = make_town()
    contribution = town.write("Eins.")
    visitor = browser_of(town.citizen)
    address = town.number_path(contribution, "/edit")
    fields = visitor.get(address).form_fields(address)
    operations.edit(contribution, town.citizen, "Zwei.", 0)
    session.commit()
    page = visitor.post(address, {**fields, "text": "Drei."}, status=409)
    assert "Zwei." in page.text
    assert page.html.find("textarea").get_text().strip() == "Drei."
    fields = page.form_fields(address)
    visitor.post(address, fields)
    assert operations.newest_text(contribution) == "Drei."


def test_withdrawing_asks_once_and_leaves_the_number(browser, browser_of, session):
    town = make_town()
    contribution = town.write("Das war voreilig.")
    visitor = browser_of(town.citizen)
    address = town.number_path(contribution, "/withdraw")
    visitor.submit(address)
    session.refresh(contribution)
    assert contribution.state == State.withdrawn
    page = browser.get(town.number_path(contribution))
    assert "Das war voreilig." not in page.text
    assert "Birke" not in page.text


def test_agreeing_and_taking_it_back(browser, browser_of, session):
    town = make_town()
    contribution = town.write()
    visitor = browser_of(town.neighbour)
    here, react = town.number_path(contribution), town.number_path(contribution, "/react")
    visitor.submit(react, form_at=here)
    assert visitor.get(here).form_fields(react)["take_back"] == "1"
    visitor.submit(react, form_at=here)
    assert "take_back" not in visitor.get(here).form_fields(react)
    assert not browser.get(here).html.find("form"), "anonymous pages carry no form"


def test_agreeing_in_a_thread_leads_back_to_the_thread(browser_of, session):
    town = make_town()
    contribution = town.write()
    visitor = browser_of(town.neighbour)
    react = town.number_path(contribution, "/react")
    fields = visitor.get(town.path("/contributions")).form_fields(react)
    assert visitor.post(react, fields).location == town.path(f"/contributions#{town.process.code}-1")


def test_the_list_is_narrowed_by_what_one_chooses(browser, browser_of, session):
    town = make_town()
    town.write("Alpha", stance="support")
    town.write("Beta", stance="concern", lang="tr")
    town.write("Gamma", stance="question", element_id=None)
    operations.capture(
        town.process, actor=town.lead, text="Delta", stance=None, created_at=clock.now(), author_name="Karte"
    )

    def found(query):
        text = browser.get(town.path("/contributions" + query)).text
        return [word for word in ("Alpha", "Beta", "Gamma", "Delta") if word in text]

    assert found("") == ["Alpha", "Beta", "Gamma", "Delta"]
    assert found("?stance=support") == ["Alpha"]
    assert found("?lang=tr") == ["Beta"]
    assert found("?kind=card") == ["Delta"]
    assert found("?channel=card") == ["Delta"]
    assert found("?element=ankommen") == ["Alpha", "Beta"]
    assert found("?element=*") == ["Gamma", "Delta"]
    assert found("?stance=nonsense&element=none&state=pending") == ["Alpha", "Beta", "Gamma", "Delta"]
    assert browser_of(town.citizen).get(town.path("/contributions?mine=1")).text.count("Delta") == 0


def test_the_list_is_ordered_as_one_chooses_and_pages_in_that_order(browser, session):
    town = make_town()
    for n in range(45):
        contribution = town.write(f"Nummer {n:02}.")
        contribution.agrees, contribution.disagrees = n % 7, n % 5
        contribution.contested = min(n % 7, n % 5)
        if n == 3:
            town.write("Eine Antwort", reply_to=contribution)
        if n == 4:
            decide(contribution, DispositionKind.note, "Gesehen", actor=town.steering)
    session.flush()

    def read(order):
        address, found = town.path(f"/contributions?order={order}"), []
        while address:
            page = browser.get(address)
            found += [int(match) for match in re.findall(r"Nummer (\d\d)\.", page.html.find("main").text)]
            following = page.html.find("a", rel="next")
            address = following["href"] if following else None
        return found

    everything = range(45)
    assert read("newest") == sorted(everything, reverse=True)
    assert read("supported") == sorted(everything, key=lambda n: (n % 7, n), reverse=True)
    assert read("contested") == sorted(everything, key=lambda n: (min(n % 7, n % 5), n), reverse=True)
    assert read("unanswered") == [n for n in everything if n not in (3, 4)]


@pytest.mark.parametrize("cursor", ["", "x", "1.2.3", "99999999999", "1.99999999999", "-1", "٣"])
@pytest.mark.parametrize("order", ["newest", "supported", "contested", "unanswered", "nonsense"])
def test_a_cursor_that_is_none_begins_at_the_start(browser, session, cursor, order):
    town = make_town()
    town.write("Da.")
    assert "Da." in browser.get(town.path(f"/contributions?order={order}&before={cursor}")).text


def test_the_list_pages_by_number(browser, session):
    town = make_town()
    for n in range(25):
        town.write(f"Beitrag Nummer {n:02}.")
    page = browser.get(town.path("/contributions"))
    assert "Beitrag Nummer 24." in page.text
    assert "Beitrag Nummer 04." not in page.text
    following = page.html.find("a", rel="next")["href"]
    assert "Beitrag Nummer 04." in browser.get(following).text


def test_the_goals_page_shows_its_thread_and_the_way_to_the_form(browser, session):
    town = make_town()
    town.write("Bitte an Schichtarbeit denken.")
    page = browser.get(town.path("/e/ankommen"))
    assert "Bitte an Schichtarbeit denken." in page.text
    assert page.html.find("a", href=town.path("/e/ankommen/comment"))
    assert not page.html.find("form", method="post")


def test_nobody_sends_without_end(browser_of, session, app, monkeypatch):
    monkeypatch.setitem(app.config, "CONTRIBUTIONS_PER_HOUR", 2)
    town = make_town()
    visitor = browser_of(town.citizen)
    for _ in range(2):
        visitor.submit(town.path("/comment"), {"stance": "support", "text": "Hallo"})
    page = visitor.submit(town.path("/comment"), {"stance": "support", "text": "Noch eins"}, status=409)
    assert "Noch eins" in page.html.find("textarea").get_text()
