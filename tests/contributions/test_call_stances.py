"""What the kinds of contributions are called is what the leads of the process say, wherever a kind is named."""

import pytest
from flask import current_app, url_for
from sqlalchemy import select

from consult import filled, pages
from consult.audit.models import AuditEntry
from consult.concept.models import Placement, Version, VersionAudience
from consult.contributions import operations
from consult.contributions.models import Stance
from consult.contributions.words import USUAL_STANCES, stance_names
from consult.digests import emails, reading
from consult.extensions import db
from consult.i18n import in_language, path_languages
from consult.moderation import operations as deciding
from consult.processes.models import Activity, Function, Moderation
from tests.contributions.factories import make_town
from tests.contributions.guests import code_on, open_with, send
from tests.digests.factories import issued, make_digest
from tests.factories import flushed, make_group, make_stage
from tests.meetings.factories import make_meeting
from tests.payloads import PAYLOADS, inert

EN = {"Accept-Language": "en"}
WORDS = {
    "support": {"de": "Lob", "en": "Praise"},
    "concern": {"de": "Kritik", "en": "Criticism"},
    "change": {"de": "Idee", "en": "Idea"},
    "question": {"de": "Anliegen", "en": "Request"},
}


@pytest.fixture
def town(session):
    town = make_town(answer_days=14)
    session.commit()
    return town


def call(town, words):
    town.process.stance_words = words
    db.session.commit()


def usual():
    with in_language("en"):
        return [str(name) for name in USUAL_STANCES.values()]


# -- what a lead enters -----------------------------------------------------------------------------------------------


@pytest.fixture
def form(session, town, browser_of):
    """Fills in lines of the lead's form; returns the page."""
    desk = browser_of(town.lead)

    def fill_in(status=303, **lines):
        named = {f"called_{name}": said for name, said in lines.items()} | {"stances": list(Stance)}
        page = desk.submit(town.path("/settings"), named, status=status, headers=EN)
        session.refresh(town.process)
        return page

    return fill_in


def test_leads_say_what_each_kind_is_called_in_each_language(session, town, form, browser_of):
    form(support_de="  Lob ", support_en="Praise", question_tr="Dilek")
    assert town.process.stance_words == {"support": {"de": "Lob", "en": "Praise"}, "question": {"tr": "Dilek"}}
    shown = browser_of(town.lead).get(town.path("/settings")).form_fields()
    assert (shown["called_support_de"], shown["called_question_tr"], shown["called_concern_de"]) == ("Lob", "Dilek", "")
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.action, entry.facts["fields"]) == ("processes.process.changed", ["stance_words"])
    # Emptied, they are called as everywhere.
    form(support_de="", support_en="\u200b", question_tr=" ")
    assert town.process.stance_words == {}


def test_there_is_a_line_for_each_language_the_platform_speaks(town, browser_of, app, monkeypatch):
    def lines():
        page = browser_of(town.lead).get(town.path("/settings"))
        return {tag["name"].rsplit("_")[-1] for tag in page.html.select("input[name^=called_]")}

    assert lines() == set(path_languages()) == {"de", "en", "tr", "ar", "fr", "uk", "ru", "zh"}
    monkeypatch.setitem(app.config, "PATH_LANGUAGES", ("tr",))
    assert lines() == {"de", "en", "tr"}


def test_words_in_a_language_that_is_switched_off_stay(town, form, app, monkeypatch):
    call(town, {"support": {"fr": "Bravo"}})
    monkeypatch.setitem(app.config, "PATH_LANGUAGES", ("tr",))
    form(support_de="Lob")
    assert town.process.stance_words == {"support": {"fr": "Bravo", "de": "Lob"}}


def test_words_that_are_too_long_are_refused_and_nothing_typed_is_lost(town, form):
    form(concern_de="x" * 40)
    page = form(status=200, concern_de="x" * 41, support_en="Praise", title="Neuer Titel")
    assert "Please write at most 40 characters." in page.html.select_one(".error-summary").text
    fields = page.form_fields()
    assert (fields["called_concern_de"], fields["called_support_en"]) == ("x" * 41, "Praise")
    assert town.process.stance_words == {"concern": {"de": "x" * 40}}


@pytest.mark.parametrize(
    ("lines", "at"),
    [
        ({"support_de": "Lob", "change_de": "lob"}, "change_de"),
        # One keeps our words.
        ({"support_en": "This worries me"}, "support_en"),
        ({"question_fr": "Bravo", "concern_fr": "bravo"}, "question_fr"),
        # In French the words of the city's language stand there.
        ({"concern_de": "Souci", "question_fr": "Souci"}, "question_fr"),
    ],
)
def test_no_two_kinds_are_called_the_same(town, form, lines, at):
    page = form(status=200, **lines)
    error = page.html.find(id=f"called_{at}-error")
    assert "Another kind is called" in error.text
    assert page.html.select_one(".error-summary a")["href"] == f"#called_{at}"
    fields = page.form_fields()
    assert {name: fields[f"called_{name}"] for name in lines} == lines
    assert town.process.stance_words == {}


def test_two_kinds_may_exchange_our_words(town, form):
    form(support_en="This worries me", concern_en="I like this")
    assert town.process.stance_words["support"] == {"en": "This worries me"}


def test_signs_nobody_types_are_refused(town, form):
    form(status=400, support_de="Lo\x00b")
    form(support_de="Lo\u202eb\u200b  x")
    assert town.process.stance_words == {"support": {"de": "Lob x"}}


@pytest.mark.parametrize("who", ["moderator", "steering", "editor", "citizen"])
def test_nobody_but_leads_says_so(town, browser_of, who):
    desk = browser_of(getattr(town, who))
    desk.get(town.path("/settings"), status=403)
    assert town.process.stance_words == {}


# -- what it is called then -------------------------------------------------------------------------------------------


def test_the_language_of_the_reader_comes_first_then_that_of_the_city_then_our_words(town):
    call(town, {"support": {"de": "Lob", "en": "Praise"}, "concern": {"de": "Kritik"}, "change": {"en": "Idea"}})
    with in_language("en"):
        assert list(stance_names(town.process).values()) == ["Praise", "Kritik", "Idea", "I have a question"]
    with in_language("de"):
        assert list(stance_names(town.process).values())[:2] == ["Lob", "Kritik"]
        assert stance_names(town.process)["change"] == str(USUAL_STANCES["change"])
    with in_language("tr", of_path=True):
        assert stance_names(town.process)["support"] == "Lob"


def fill(town, session):
    """One contribution of each kind, and a guest's."""
    written = {stance: town.write(f"Text {n}.", stance=stance) for n, stance in enumerate(Stance)}
    town.write("Eine Antwort.", reply_to=written[Stance.support], stance=None, actor=town.neighbour)
    session.commit()
    return written


def addresses(town, written):
    """(who, page, which kinds are named there)"""
    every, one = list(Stance), town.number_path(written[Stance.concern])
    meeting = make_meeting(town.process)
    placed = Placement(element_id=town.goal.id, wording_id=town.wording.id, label="2.1", position=0)
    working = flushed(Version(concept_id=town.concept.id, title="", audience=VersionAudience.public))
    placed.version_id = working.id
    flushed(placed)
    digest = issued(make_digest(town.process))
    goal = f"/e/{town.goal.key}"
    db.session.commit()
    return [
        *((who, town.path(page), every) for who in (None, "citizen") for page in ("/comment", f"{goal}/comment", goal)),
        (None, town.path("/contributions"), every),
        (None, town.path("/contributions?stance=concern"), every),
        (None, town.path(f"{goal}?stance=concern"), every),
        (None, town.path("/concept/whole"), every),
        (None, one, [Stance.concern]),
        ("citizen", "/account/contributions", every),
        ("citizen", town.path("/contributions?mine=1"), every),
        ("citizen", town.number_path(written[Stance.concern], "/edit"), []),
        ("moderator", town.path("/moderation"), []),
        ("moderator", town.path("/moderation?list=unseen"), every),
        ("moderator", town.path("/contributions?state=hidden"), every),
        ("steering", town.path("/answers"), every),
        ("lead", "/tasks", [Stance.question]),
        ("lead", town.path("/digests"), [Stance.question]),
        ("lead", town.path(f"/meetings/{meeting.id}/cards"), every),
        ("editor", town.path(f"{goal}/edit"), every),
        ("lead", town.path(f"/digests/{digest.id}"), every),
    ]


def test_every_page_about_a_process_uses_its_words(session, town, browser, browser_of):
    written = fill(town, session)
    looks = addresses(town, written)
    call(town, WORDS)
    wrong = []
    for who, address, kinds in looks:
        visitor = browser_of(getattr(town, who)) if who else browser
        text = visitor.get(address, headers=EN).html.select_one("main").get_text(" ", strip=True)
        wrong += [f"{who} {address} lacks {kind}" for kind in kinds if WORDS[kind]["en"] not in text]
        wrong += [f"{who} {address} says “{name}”" for name in usual() if name in text]
    assert not wrong, "\n".join(wrong)


def test_what_waits_is_called_so_as_well(session, town, browser_of):
    """Desks and digests speak of questions, of concerns and wishes for change: not where they are called otherwise."""
    fill(town, session)
    make_group(town.process, Function.answering, town.steering)
    digest = issued(make_digest(town.process))
    desk, said = browser_of(town.steering), ("question", "concerns", "worried")

    def read(page):
        return desk.get(page, headers=EN).html.select_one("main").get_text(" ", strip=True)

    looks = ["/tasks", town.path("/answers"), town.path("/digests"), town.path(f"/digests/{digest.id}")]
    assert all(any(word in read(page).lower() for word in said) for page in looks)
    call(town, WORDS)
    for page, own in zip(
        looks, ("Answer 1 × “Request”", "“Request” first", "“Request” without an answer", "2 × “Criticism” or “Idea”"),
        strict=True,
    ):  # fmt: skip
        text = read(page)
        assert own in text, page
        assert not [word for word in said if word in text.lower()], page


def test_without_words_of_its_own_the_same_pages_use_ours(session, town, browser, browser_of):
    """Or the test above would look at pages that name no kind at all."""
    written = fill(town, session)
    names = dict(zip(Stance, usual(), strict=True)) | {Stance.question: "uestion"}
    for who, address, kinds in addresses(town, written):
        visitor = browser_of(getattr(town, who)) if who else browser
        text = visitor.get(address, headers=EN).html.select_one("main").get_text(" ", strip=True)
        assert [names[kind] for kind in kinds if names[kind] not in text] == [], address


def test_the_form_that_comes_back_and_the_refusal_use_them_too(town, browser):
    call(town, WORDS)
    path = town.path("/comment")
    fields = {**browser.get(path).form_fields(path), "stance": "concern", "text": ""}
    page = browser.post(path, fields, status=200, headers=EN)
    assert [tag.get_text(strip=True) for tag in page.html.select("label:has(input[name=stance])")] == [
        "Praise", "Criticism", "Idea", "Request",
    ]  # fmt: skip
    town.process.offered_stances = "support question"
    db.session.commit()
    page = browser.post(path, {**fields, "text": "Zu dunkel."}, status=409, headers=EN)
    assert "“Criticism” cannot be chosen here any more." in page.text
    assert [tag.get_text(strip=True) for tag in page.html.select("label:has(input[name=stance])")] == [
        "Praise", "Request",
    ]  # fmt: skip


def test_the_page_behind_a_receipt_code_uses_them(session, town, browser):
    call(town, WORDS)
    code = code_on(send(browser, town))
    assert "Kritik" in open_with(browser, code).html.select_one("main").text


def test_the_mail_of_the_digest_uses_them_as_plain_words(session, town):
    fill(town, session)
    make_group(town.process, Function.steering, town.steering)
    call(town, {**WORDS, "concern": {"en": "*Criticism* [x](//xss.example)"}})
    digest = issued(make_digest(town.process))
    with current_app.test_request_context(), in_language("en"):
        mail = emails.compose(reading.of_digest(town.process, digest), url_for("processes.home", _external=True))
    assert "1 × Praise" in mail.body
    assert r"1 × \*Criticism\* \[x\]" in mail.body
    assert "1 × “Request” without an answer" in mail.body
    assert not [name for name in (*usual(), "question", "wish for change") if name in mail.body]


def test_in_a_list_over_processes_each_is_named_in_the_words_of_its_own(session, town, browser_of):
    elsewhere = make_town()
    call(town, WORDS)
    call(elsewhere, {"concern": {"de": "Bedenken"}})
    for one in (town, elsewhere, make_town()):
        operations.submit(one.process, actor=town.citizen, text="Zu laut.", stance="concern", element_id=one.goal.id)
    session.commit()
    page = browser_of(town.citizen).get("/account/contributions", headers=EN)
    labels = [tag.get_text(strip=True) for tag in page.html.select("article.contribution .stance")]
    assert labels == ["This worries me", "Bedenken", "Criticism"]


def test_what_is_promised_an_answer_is_called_as_everywhere_in_the_process(town, browser, browser_of):
    call(town, {"question": {"de": "Anliegen", "en": "Request"}})
    said = "Contributions of the kind “Request” are answered within 14 days after everybody can read them."
    for visitor in (browser, browser_of(town.citizen)):
        for page in ("/comment", "/rules"):
            text = visitor.get(town.path(page), headers=EN).text
            assert said in text
            assert "Questions are answered" not in text


# -- kept pages, costs, escaping ------------------------------------------------------------


def test_kept_pages_are_made_anew_when_the_words_change(session, app, monkeypatch, town, form, browser, browser_of):
    monkeypatch.setitem(app.config, "KEEP_PAGES", True)
    pages.pages.clear()
    filled.layouts.clear()
    fill(town, session)
    reader = browser_of(town.neighbour)
    looks = [(visitor, town.path(page)) for visitor in (browser, reader) for page in (
        "/e/ankommen", "/contributions", "/concept/whole", "/contributions/2",
    )]  # fmt: skip
    for word in ("This worries me", "Criticism", "Doubt"):
        if word != "This worries me":
            form(concern_en=word)
        for visitor, address in looks:
            for _again in range(2):
                labels = visitor.get(address, headers=EN).html.select_one("main").get_text(" ")
                assert word in labels, address
    pages.pages.clear()
    filled.layouts.clear()


def test_words_cost_no_question(session, town, browser, browser_of, count_queries):
    written = fill(town, session)
    looks = [(browser_of(getattr(town, who)) if who else browser, page) for who, page, _ in addresses(town, written)]

    def asked():
        numbers = []
        for visitor, address in looks:
            with count_queries() as queries:
                visitor.get(address)
            numbers.append(len(queries))
        return numbers

    asked()
    before = asked()
    call(town, WORDS)
    assert asked() == before


def test_the_form_of_the_lead_stays_within_its_questions(town, browser_of, count_queries):
    desk = browser_of(town.lead)
    desk.get(town.path("/settings"))
    with count_queries() as queries:
        desk.get(town.path("/settings"))
    assert len(queries) <= 6


@pytest.mark.parametrize("start", range(0, len(PAYLOADS), 40))
def test_hostile_words_are_words(session, browser, browser_of, start):
    town = make_town(moderation=Moderation.post)
    make_stage(town.process, Activity.comment)
    written = fill(town, session)
    looks = addresses(town, written)
    deciding.hide(written[Stance.change], town.moderator, town.reason, "")
    for turn in range(start, min(start + 40, len(PAYLOADS)), 4):
        chosen = [" ".join(text.split()) for text in (*PAYLOADS[turn : turn + 4], *"abcd")][:4]
        call(town, {stance: {"de": text, "en": text} for stance, text in zip(Stance, chosen, strict=True)})
        who, address, _kinds = looks[(turn // 4) % len(looks)]
        for visitor, page in (
            (browser, town.path("/comment")), (browser, town.path("/e/ankommen")),
            (browser_of(getattr(town, who)) if who else browser, address),
            (browser_of(town.lead), town.path("/settings")),
        ):  # fmt: skip
            assert inert(visitor.get(page).html) == [], (page, chosen)
