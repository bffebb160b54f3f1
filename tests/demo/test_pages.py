"""The loaded demonstration on the pages: alive for everybody who signs in with a card."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from consult.accounts.models import Person
from consult.digests.models import Digest
from tests.client import Browser
from tests.demo.factories import TEXTS, meeting, said
from tests.factories import sign_in

HOME = f"/p/{TEXTS['process']['slug']}"
CAST = {row["id"]: row["email"] for row in TEXTS["cast"]}


@pytest.fixture
def visit(loaded, demo):
    """`visit("p-leitung")`: a browser in which this one of the cast is signed in."""

    def as_one_of_the_cast(name):
        visitor = Browser(loaded)
        person = demo.scalars(
            select(Person).where(Person.email == CAST[name]).options(joinedload(Person.account))
        ).one()
        sign_in(visitor.client, person)
        return visitor

    return as_one_of_the_cast


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "Entwurf zur Beratung"),
        ("/timeline", "Auftakt und Bestandsaufnahme"),
        ("/timeline", "Initiativkreis Engagement"),
        ("/concept", "Die Chance auf eine gute Wohnung"),
        ("/concept/versions", "Begegnung und Wohnungsmarkt sind zwei Aufgaben"),
        ("/e/lz-begegnung", "kenne im Haus kaum noch jemanden"),
        ("/e/lz-begegnung/history", "Ältere Menschen ausdrücklich eingeschlossen"),
        ("/e/m-sprache-3", "Beispiel-Volkshochschule"),
        ("/e/lz-begegnung-und-wohnen", "Begegnung und gutes Wohnen"),
        ("/contributions", "Zur Polizei will ich nicht gleich"),
        ("/meetings", "Fachforum Quartier"),
    ],
)
def test_everybody_reads_the_story(loaded, demo, path, words):
    page = Browser(loaded).get(HOME + path)
    assert words in page.text


def test_what_has_no_source_on_the_timeline_is_labelled(loaded, demo):
    entries = [entry.get_text(" ") for entry in Browser(loaded).get(f"{HOME}/timeline").html.select(".timeline > li")]
    assert len(entries) > 10
    for entry in entries:
        assert ("Quelle:" in entry) is not ("Beispieltext" in entry), entry


def test_the_contents_of_the_concept_begin_with_the_charter(loaded, demo):
    page = Browser(loaded).get(f"{HOME}/concept").html
    links = page.select(".toc a")
    assert links[0].get_text(strip=True).startswith("Aachener Haltung")
    assert all(page.find(id=link["href"].removeprefix("#")) for link in links)


def test_a_card_of_the_opening_event_leads_to_its_sub_goal(loaded, demo):
    page = Browser(loaded).get(f"{HOME}/contributions/{said('c-01').number}")
    assert "Eine gepflegte Angebotsübersicht ist online und gedruckt verfügbar." in page.text
    assert "2.1.1" in page.text


def test_nobody_sees_the_queue_but_its_desk(loaded, demo, visit):
    Browser(loaded).get(f"{HOME}/moderation", status=303)
    queue = visit("p-moderation").get(f"{HOME}/moderation")
    for case in TEXTS["moderation_cases"]:
        assert case["author"] in queue.text or case.get("authors")


@pytest.mark.parametrize("name", ["p-moderation", "p-leitung", "p-buero", "p-steuerung", "p-betrieb"])
def test_every_desk_has_something_to_do(demo, visit, name):
    page = visit(name).get("/tasks")
    assert page.html.select("table tbody tr")


def test_questions_that_were_decided_wait_for_nobody(demo, visit):
    visitor = visit("p-leitung")
    tasks = visitor.get("/tasks").html.select("main tbody a")
    (asked,) = [task for task in tasks if "Fragen" in task.get_text()]
    waiting = [link.get_text() for link in visitor.get(asked["href"]).html.select("main a")]
    assert any(f"IK-{said('c-17').number}" in link for link in waiting)
    assert not any(f"IK-{said('c-02').number}" in link for link in waiting)


def test_who_could_not_be_reached_is_not_waited_for(demo, visit):
    row = next(
        row
        for row in visit("p-moderation").get("/tasks").html.select("table tbody tr")
        if "Fachforum" in row.get_text()
    )
    assert row.get_text().strip().startswith("19")


def test_the_steering_group_reads_its_second_report(demo, visit):
    digest = demo.scalars(select(Digest).order_by(Digest.id.desc()).limit(1)).one()
    visitor = visit("p-stellvertretung")
    page = visitor.get(f"{HOME}/digests/{digest.id}")
    assert f"IK-{said('c-27').number}" in page.text
    assert f"IK-{said('c-63').number}" not in page.text


def test_the_organisers_see_how_the_invitations_stand(demo, visit):
    page = visit("p-moderation").get(f"{HOME}/meetings/{meeting('e-ff-quartier').id}/invitations")
    assert "Kiosk am Beispielplatz" in page.text
