"""Rules of arrival: what they look at, what they do, how they read, and what they cost."""

import time

import pytest
from sqlalchemy import select

from consult.contributions import guests, screening
from consult.contributions import operations as contributions
from consult.contributions.models import AuthorTrust, RuleEffect, RuleHit, ScreeningRule, Stance, State, TrustLevel
from consult.contributions.openness import first_state
from consult.contributions.screening import Arriving
from consult.contributions.sentences import sentence, sentence_of
from consult.contributions.trust import decide
from consult.errors import Refused
from consult.processes.models import Activity, Moderation
from tests.contributions.factories import make_many, make_town


def rule(town, effect=RuleEffect.wait, **conditions):
    return screening.add_rule(town.process, town.moderator, conditions, effect)


def hits(session):
    return [(row.contribution_id, row.rule_id) for row in session.scalars(select(RuleHit))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Siehe https://example.org/a", True), ("WWW.beispiel.de", True), ("beispiel.de", True),
        ("Das ist schön.Und gut", False), ("z.B. in der Schule", False), ("Uhr 14.30", False),
        ("max@beispiel.de", True), ("Die Seite hat keinen", False),
    ],
)  # fmt: skip
def test_links(text, found):
    assert screening.has_link(text) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Schreiben Sie an max.muster@beispiel.de", True), ("Ruf an: 0201 88-12345", True), ("+49 (0)201 123456", True),
        ("am 05.11.2026 um 18 Uhr", False), ("seit 01.02.03", False), ("2019-2024", False), ("1.200 Menschen", False),
        ("@alle", False), ("a @ b", False), ("Tel. ٠٢٠١ ٨٨١٢٣٤٥", False),
    ],
)  # fmt: skip
def test_addresses_and_numbers(text, found):
    assert screening.has_contact(text) is found


def test_words_are_whole_and_folded():
    it = Arriving("Das ist STRASSENMÜLL und Käse!", "de", 1, 1)
    assert screening.holds({"words": screening.words_in("kase, strassenmull")}, it)
    assert not screening.holds({"words": ["strasse"]}, it)


def test_all_conditions_have_to_hold():
    it = Arriving("Siehe www.beispiel.de", "de", None, 1)
    assert screening.holds({"link": True, "no_account": True}, it)
    assert not screening.holds({"link": True, "contact": True}, it)
    assert not screening.holds({"link": True, "not_langs": ["de", "en"]}, it)
    assert screening.holds({"link": True, "not_langs": ["tr"], "longer": 5, "new_author": 1}, it)
    assert not screening.holds({}, it)


@pytest.mark.pure
@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000, "@" * 100_000, "a@" * 50_000, "a@b." * 25_000, "0" * 100_000, "+4 " * 33_333, "." * 100_000,
        "www." * 25_000, "a-" * 50_000, "https://" * 12_500, "e\u0301" * 50_000, "\u0315\u0301" * 50_000, "ﷺ" * 100_000,
        "1.1." * 25_000, "(0" * 50_000,
    ],
    ids=lambda text: ascii(text[:6]),
)  # fmt: skip
def test_hostile_texts_take_no_time(text):
    every = {"link": True, "contact": True, "words": ["zzz"], "longer": 1}
    for name, value in every.items():
        begun = time.thread_time()
        screening.holds({name: value}, Arriving(text, "de", 1, 1))
        assert time.thread_time() - begun < 0.2, name


def test_a_rule_holds_back_and_says_why(session):
    town = make_town()
    one = rule(town, link=True)
    assert town.write("Ohne").state == State.published
    contribution = town.write("Siehe www.beispiel.de")
    assert contribution.state == State.pending
    assert hits(session) == [(contribution.id, one.id)]


def test_pointing_out_does_not_hold_back(session):
    town = make_town()
    rule(town, RuleEffect.point_out, words=["quatsch"])
    assert town.write("So ein Quatsch").state == State.published
    assert len(hits(session)) == 1


def test_a_new_author_is_one_with_few_published_ones(session):
    town = make_town()
    rule(town, new_author=2)
    make_many(town, 2, every_reply=9)
    assert town.write(actor=town.neighbour).state == State.published
    assert town.write(actor=town.citizen).state == State.pending


def test_a_change_is_looked_at_as_well(session):
    town = make_town()
    rule(town, link=True)
    contribution = town.write("Ohne")
    contributions.edit(contribution, town.citizen, "Mit www.beispiel.de", 0)
    assert contribution.state == State.pending
    assert len(hits(session)) == 1


def test_what_comes_without_an_account_is_marked(session):
    town = make_town()
    rule(town, RuleEffect.point_out, no_account=True, contact=True)
    guests.submit(
        town.process, text="Rufen Sie an: 0201 1234567", stance=Stance.change, code="X" * 16, element_id=town.goal.id
    )
    assert len(hits(session)) == 1


def test_a_retired_rule_is_not_asked(session):
    town = make_town()
    screening.retire_rule(rule(town, link=True), town.moderator)
    assert town.write("www.beispiel.de").state == State.published


@pytest.mark.parametrize(
    ("moderation", "level", "state"),
    [
        (Moderation.pre, TrustLevel.trusted, State.published),
        (Moderation.post, TrustLevel.watched, State.pending),
        (Moderation.pre, None, State.pending),
        (Moderation.post, None, State.published),
    ],
)
def test_trusted_and_watched_authors(session, moderation, level, state):
    town = make_town(moderation=moderation)
    decide(town.process, town.citizen.id, level, "Warum", town.moderator)
    assert first_state(town.citizen, town.process.id, Activity.comment) == state
    contribution = town.write()
    assert contribution.state == state
    contributions.edit(contribution, town.citizen, "Anders", 0)
    assert contribution.state == state


def test_a_rule_marks_a_trusted_author_and_does_not_hold_them_back(session):
    town = make_town(moderation=Moderation.pre)
    decide(town.process, town.citizen.id, TrustLevel.trusted, "", town.moderator)
    rule(town, link=True)
    assert town.write("www.beispiel.de").state == State.published
    assert len(hits(session)) == 1


def test_trust_holds_in_one_process_and_ends(session):
    town, other = make_town(), make_town()
    decide(town.process, town.citizen.id, TrustLevel.watched, "", town.moderator)
    assert (
        contributions.submit(
            other.process, actor=town.citizen, text="Dort", stance=Stance.change, element_id=other.goal.id
        ).state
        == State.published
    )
    decide(town.process, town.citizen.id, TrustLevel.trusted, "", town.moderator)
    decide(town.process, town.citizen.id, None, "", town.moderator)
    assert not session.scalars(select(AuthorTrust)).all()


def test_the_desk_says_it_and_nobody_else_learns_of_it(browser, browser_of, session):
    town = make_town()
    contribution = town.write()
    desk = browser_of(town.moderator)
    page = town.path(f"/moderation/authors/{town.citizen.id}")
    desk.submit(page, {"level": "watched", "note": "Nadel-Notiz"})
    assert "Nadel-Notiz" in str(desk.get(page).html)
    for visitor in (browser, browser_of(town.citizen), browser_of(town.editor)):
        for path in (town.number_path(contribution), town.path("/contributions"), town.path("/e/ankommen/comment")):
            assert "Nadel-" not in visitor.client.get(path).get_data(as_text=True)
    browser_of(town.citizen).get(page, status=403)
    desk.get(town.path(f"/moderation/authors/{town.stranger.id}"), status=404)


def test_a_sentence_says_every_condition(app):
    every = {
        "link": True, "contact": True, "new_author": 3, "no_account": True, "words": ["eins", "zwei"], "longer": 900,
        "not_langs": ["de", "tr"],
    }  # fmt: skip
    with app.test_request_context("/?lang=en", headers={"Accept-Language": "en"}):
        said = sentence_of(every, RuleEffect.wait)
    for part in ("link", "e-mail", "fewer than 3", "without an account", "eins", "zwei", "900", "Deutsch", "Türkçe"):
        assert part in said
    assert said.endswith(".")


def test_a_page_for_the_rules_shows_tries_and_keeps_one(browser_of, session):
    town = make_town()
    town.write("Siehe www.beispiel.de")
    town.write("Ohne", actor=town.neighbour)
    desk = browser_of(town.moderator)
    page = town.path("/moderation/arrival-rules")
    shown = desk.submit(page, {"link": "y", "do": "show"}, status=200)
    assert not session.scalars(select(ScreeningRule)).all()
    assert shown.html.find(class_="callout")
    tried = desk.submit(page, {"link": "y", "do": "try"}, status=200)
    assert tried.html.find(class_="callout").find("a", href=town.path("/contributions/1"))
    desk.submit(page, {"link": "y", "do": "keep"})
    kept = session.scalars(select(ScreeningRule)).one()
    assert kept.conditions == {"link": True}
    assert sentence(kept) in desk.get(page).text
    desk.submit(f"{page}/{kept.id}/retire", form_at=page)
    session.refresh(kept)
    assert kept.retired_at is not None


def test_a_rule_needs_a_condition_and_stands_in_its_own_process(browser_of, session):
    town, other = make_town(), make_town()
    desk = browser_of(town.moderator)
    page = town.path("/moderation/arrival-rules")
    assert desk.submit(page, {"do": "keep"}, status=200).html.find(class_="error-summary")
    foreign = rule(other, link=True)
    token = desk.get(page).form_fields(page)["csrf_token"]
    desk.post(f"{page}/{foreign.id}/retire", {"csrf_token": token}, status=404)


def test_trying_out_counts_new_authors_as_they_were_then(session):
    town = make_town()
    for _n in range(4):
        town.write(actor=town.neighbour)
    assert screening.try_out(town.process, {"new_author": 2}).held == 2
    assert screening.try_out(town.process, {}).held == 0


def test_there_are_at_most_so_many_rules(session, monkeypatch):
    monkeypatch.setattr(screening, "RULES", 1)
    town = make_town()
    rule(town, link=True)
    with pytest.raises(Refused):
        rule(town, contact=True)


def test_without_rules_nothing_more_is_asked_of_the_database(session, count_queries):
    town = make_town()
    town.write()
    with count_queries() as without:
        town.write("Ohne Regel")
    rule(town, link=True)
    with count_queries() as with_one:
        town.write("Mit Regel")
    assert len(with_one) == len(without) + 1


@pytest.mark.parametrize("path", ["/moderation/arrival-rules", "/moderation/authors/{citizen}"])
def test_the_pages_ask_few_questions(browser_of, session, count_queries, path):
    town = make_town()
    rule(town, link=True)
    town.write()
    desk = browser_of(town.moderator)
    address = town.path(path.format(citizen=town.citizen.id))
    desk.get(address)
    with count_queries() as queries:
        desk.get(address)
    assert len(queries) <= 15
