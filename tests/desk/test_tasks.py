""" "Meine Aufgaben": what waits, for whom, how long."""

from datetime import timedelta

import pytest

from consult import clock
from consult.desk.views import tasks_of, workplaces
from consult.extensions import db
from consult.invitations.models import Campaign, Invitation
from consult.meetings.models import Meeting
from consult.moderation.assigning import assign
from consult.outbox.models import OutboxMessage, State
from consult.processes.models import Function, Moderation
from consult.signing import new_nonce
from consult.site.models import ContactMessage, SiteText
from consult.site.queries import TEXT_KEYS
from tests import factories
from tests.conftest import MONDAY
from tests.contributions.factories import make_town
from tests.digests.factories import make_digest, stir


@pytest.fixture
def town(session):
    return make_town(moderation=Moderation.pre, moderation_hours=24)


def rows(browser):
    return [row.get_text(" ", strip=True) for row in browser.get("/tasks").html.select("main tbody tr")]


def words(app, person):
    """What the list says to this person, in English."""
    person.__dict__.pop("_functions", None)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        return [(task.what, task.count, task.late) for task in tasks_of(person, workplaces(person))]


def test_the_list_is_for_staff(browser, browser_of, session):
    assert "/sign-in" in browser.get("/tasks", status=303).location
    browser_of(factories.make_person()).get("/tasks", status=403)


def test_with_nothing_to_do_it_says_so(browser_of, town):
    page = browser_of(town.editor).get("/tasks")
    assert page.html.find(class_="empty")


def test_waiting_contributions_show_to_moderators_and_leads(app, town):
    town.write()
    town.write(actor=town.neighbour)
    for person in (town.moderator, town.lead):
        assert ("Look at 2 contributions", 2, False) in words(app, person)
    for person in (town.steering, town.editor, town.stranger):
        assert not [what for what, _n, _late in words(app, person) if "contribution" in what]


def test_what_waits_longer_than_promised_is_late_and_stands_first(app, session, at):
    moment = at(MONDAY)
    town = make_town(moderation=Moderation.pre, moderation_hours=24)
    town.write()
    db.session.commit()
    at(moment + timedelta(hours=24))
    assert words(app, town.moderator)[0] == ("Look at 1 contribution", 1, False)
    at(moment + timedelta(hours=24, seconds=1))
    assert words(app, town.moderator)[0] == ("Look at 1 contribution", 1, True)


def test_what_one_looks_after_shows_to_that_person_alone(app, town):
    assign(town.write(), town.moderator, town.lead.id, held_by=None)
    mine = ("1 contribution that you look after", 1, False)
    assert mine in words(app, town.lead)
    assert mine not in words(app, town.moderator)


def test_open_questions_show_to_those_who_answer(app, session):
    town = make_town(moderation=Moderation.post)
    town.write(stance="question")
    office = factories.make_person()
    factories.make_group(town.process, Function.answering, office)
    assert ("Answer 1 question", 1, False) in words(app, office)
    assert words(app, town.steering) == [("1 contribution without an answer", 1, False)]


def test_questions_whose_day_has_passed_are_late_and_counted(app, session, at):
    moment = at(MONDAY)
    town = make_town(moderation=Moderation.post, answer_days=14)
    for n in range(2):
        town.write(f"Frage {n}?", stance="question")
    at(moment + timedelta(days=1))
    town.write("Noch eine?", stance="question")

    def told(person, days):
        at(moment + timedelta(days=days))
        person.__dict__.pop("_functions", None)
        with app.test_request_context(headers={"Accept-Language": "en"}):
            tasks = tasks_of(person, workplaces(person))
        return next((task.count, task.late, task.note, task.url) for task in tasks if task.what == "Answer 3 questions")

    count, late, note, url = told(town.lead, 14)
    assert (count, late) == (3, False)
    assert note.startswith("The next one is due on ")
    assert url == town.path("/answers?stance=question&order=questions")
    assert told(town.lead, 15)[:3] == (3, True, "2 are overdue")
    # Moderators have no desk of answers: the oldest question leads on.
    assert told(town.moderator, 16) == (3, True, "3 are overdue", town.path("/contributions/1"))


def test_invitations_without_an_answer_are_counted_per_coming_meeting(app, town):
    now = clock.now()
    for days, answers in ((5, 3), (-5, 2)):
        start = now + timedelta(days=days)
        meeting = factories.flushed(
            Meeting(
                process_id=town.process.id,
                kind="public_dialogue",
                title="Forum",
                starts_at=start,
                ends_at=start + timedelta(hours=2),
                wall_start="2026-05-05T10:00:00",
            )
        )
        campaign = factories.flushed(Campaign(process_id=town.process.id, meeting_id=meeting.id, subject="Einladung"))
        for n in range(answers):
            factories.flushed(
                Invitation(
                    campaign_id=campaign.id,
                    meeting_id=meeting.id,
                    person_id=factories.make_person().id,
                    state="accepted" if n == 0 else "open",
                    nonce=new_nonce(),
                )
            )
    assert words(app, town.moderator) == [("2 invitations without an answer", 2, False)]


def test_a_new_digest_is_to_be_read_for_two_weeks(app, town, at):
    stir(town.process)
    make_digest(town.process)
    assert ("Read the feedback digest", 1, False) in words(app, town.steering)
    assert words(app, town.moderator) == []
    at(clock.now() + timedelta(days=14, hours=1))
    assert words(app, town.steering) == []


def test_a_hidden_process_waits_to_be_published(app, session):
    process = factories.make_process(state="draft")
    lead, editor = factories.make_person(), factories.make_person()
    factories.make_group(process, Function.lead, lead)
    factories.make_group(process, Function.editing, editor)
    assert words(app, lead) == [("Publish the process", 1, False)]
    assert words(app, editor) == []


def test_operators_see_mail_in_trouble_messages_and_unfinished_texts(app, session):
    operator = factories.make_person(operator=True)
    for number, state in enumerate((State.failed, State.uncertain, State.sent)):
        factories.flushed(OutboxMessage(kind="confirm", subject_id=number, recipient_id=operator.id, state=state))
    factories.flushed(ContactMessage(topic="other", body="Hallo"))
    found = [what for what, _count, _late in words(app, operator)]
    assert set(found) == {"2 mails did not arrive", "1 message from a visitor", "Complete 6 legal texts"}


def test_finished_texts_ask_for_nothing(app, session):
    operator = factories.make_person(operator=True)
    for key in TEXT_KEYS:
        for lang in ("de", "en"):
            factories.flushed(SiteText(key=key, lang=lang, markdown="Fertig."))
    assert words(app, operator) == []


def test_archived_processes_ask_for_nothing(app, town):
    town.write()
    town.process.state = "archived"
    assert words(app, town.moderator) == []


def test_every_row_leads_to_a_page_that_opens(browser_of, town):
    town.write()
    town.process.state = "published"
    stir(town.process)
    make_digest(town.process)
    db.session.commit()
    browser = browser_of(town.lead)
    links = [a["href"] for a in browser.get("/tasks").html.select("main tbody a")]
    assert len(links) >= 2
    for link in links:
        browser.get(link)


def test_the_list_shows_where_each_task_belongs(browser_of, town):
    town.write()
    assert town.process.title in rows(browser_of(town.moderator))[0]


def test_the_list_leads_to_every_process_one_works_in(browser_of, town):
    links = [a["href"] for a in browser_of(town.editor).get("/tasks").html.select("main a")]
    assert f"/p/{town.process.slug}/groups" in links
    assert len(links) == len(set(links))


def test_ten_times_the_work_takes_the_same_queries(browser_of, town, count_queries):
    browser = browser_of(town.moderator)

    def queries_with(number):
        for _ in range(number):
            town.write(actor=factories.make_person())
        db.session.commit()
        with count_queries() as statements:
            browser.get("/tasks")
        return len(statements)

    assert queries_with(1) == queries_with(10) <= 14
