"""Other days for a stage: those who follow the process are told once, and calendars move the entry."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from consult import clock
from consult.extensions import db
from consult.invitations.models import Subscription
from consult.jobs import Job
from consult.newsletters import dates, subscribing
from consult.outbox import delivery
from consult.outbox.models import OutboxMessage, State
from consult.processes import operations
from consult.processes.models import Function, ProcessState, Stage
from consult.processes.operations import StagePlan
from consult.processes.presets import Preset
from consult.processes.queries import stage_or_404
from tests import factories
from tests.client import Browser
from tests.meetings.test_follow import same
from tests.sink import Sink

FIRST, LAST = date(2027, 5, 4), date(2027, 5, 27)


@pytest.fixture
def process(session):
    return factories.make_process(title="Leitbild", zone="Europe/Berlin")


@pytest.fixture
def lead(process):
    person = factories.make_person("Leitung")
    factories.make_group(process, Function.lead, person)
    return person


@pytest.fixture
def stage(process, lead, session):
    made = operations.create_stage(process, lead.id, StagePlan("Rückmeldung", FIRST, LAST, Preset.feedback))
    session.commit()
    return made


def follow(process, number=1, locale="en"):
    """So many people who get the newsletter, since a moment ago."""
    people = [factories.make_person("", account=False, locale=locale) for _n in range(number)]
    for person in people:
        subscribing.subscribe(process, person, locale)
    db.session.execute(update(Subscription).values(confirmed_at=clock.now() - timedelta(minutes=5)))
    db.session.commit()
    return people


def path(process, stage):
    return f"/p/{process.slug}/stages/{stage.id}"


def move(browser: Browser, process, stage, first=FIRST, last=LAST, **more):
    """The lead sends the form; a box that is not to be ticked is None."""
    fields = {**browser.get(path(process, stage)).form_fields(), "first_day": str(first), "last_day": str(last), **more}
    return browser.post(path(process, stage), {name: value for name, value in fields.items() if value is not None})


def promised():
    """Mails about dates, as (recipient, period)."""
    db.session.expire_all()
    rows = db.session.execute(
        select(OutboxMessage.recipient_id, OutboxMessage.period).where(OutboxMessage.kind == dates.DATES)
    )
    return sorted((row[0], row[1]) for row in rows)


def deliver_all():
    # What is delivered stands in no open transaction of ours.
    db.session.commit()
    for ident in db.session.scalars(select(OutboxMessage.id).order_by(OutboxMessage.id)).all():
        delivery.deliver(ident)


def entry_in(received):
    """The calendar entry of a mail, read by two libraries."""
    [part] = [part for part in received.message.walk() if part.get_content_type() == "text/calendar"]
    data = part.get_payload(decode=True)
    assert part["Content-Type"].params["method"] == "PUBLISH"
    assert b"METHOD:PUBLISH" in data
    [event] = same(data)
    return event


def test_everybody_who_follows_is_told_once_with_the_days_before_and_now(process, stage, lead, browser_of, sink: Sink):
    people, [ended], [pending] = follow(process, 3), follow(process), [factories.make_person("", account=False)]
    subscribing.end(subscribing.of_person(process, ended.id))
    subscribing.ask(process, pending.email, "en")
    db.session.commit()
    browser = browser_of(lead)
    page = browser.get(path(process, stage))
    assert "Den 3 Menschen, die diesem Verfahren folgen, eine Mail schicken" in page.text
    assert page.html.find("input", id="tell").has_attr("checked")
    answer = move(browser, process, stage, last=date(2027, 6, 10))
    assert "3 Menschen, die diesem Verfahren folgen, bekommen eine Mail" in browser.get(answer.location).text
    assert promised() == sorted((person.id, "1") for person in people)
    deliver_all()
    mails = [mail for mail in sink.messages if mail.message["Subject"].startswith("Other dates")]
    assert sorted(mail.recipients[0] for mail in mails) == sorted(person.email for person in people)
    for mail in mails:
        until_now, new = (line for line in mail.text.splitlines() if line.startswith("- "))
        assert "27 May 2027" in until_now
        assert "10 June 2027" in new
        assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert f"http://consult.test/p/{process.slug}/timeline" in {link.partition("?")[0] for link in mail.links}
        event = entry_in(mail)
        assert event["uid"].startswith(f"stage-{stage.id}@")
        assert (event["start"], event["sequence"]) == (FIRST, 1)
    kept = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == dates.DATES)).first()
    assert "newsletter/stop" not in kept.sent_text


def test_the_feed_says_the_same_entry_with_a_higher_number(process, stage, lead, browser, browser_of):
    def seen():
        return next(one for one in same(browser.get(f"/p/{process.slug}/calendar.ics").response.data))

    before = seen()
    move(browser_of(lead), process, stage, last=date(2027, 6, 10))
    after = seen()
    assert after["uid"] == before["uid"]
    assert after["sequence"] == before["sequence"] + 1
    move(browser_of(lead), process, stage, last=date(2027, 6, 10), title="Anders")
    assert seen()["sequence"] == after["sequence"] + 1
    move(browser_of(lead), process, stage, last=date(2027, 6, 10), title="Anders", description="Worte")
    assert seen()["sequence"] == after["sequence"] + 1


def test_before_the_process_is_public_nothing_is_counted_and_nobody_told(process, stage, lead, browser_of):
    follow(process)
    process.state = ProcessState.draft
    db.session.commit()
    before = stage.sequence
    browser = browser_of(lead)
    assert browser.get(path(process, stage)).html.find("input", id="tell") is None
    move(browser, process, stage, last=date(2027, 6, 10), tell="y")
    assert promised() == []
    assert db.session.get(Stage, stage.id).sequence == before


def test_nobody_is_told_when_the_lead_takes_the_tick_away_or_only_words_change(process, stage, lead, browser_of):
    follow(process)
    browser = browser_of(lead)
    move(browser, process, stage, last=date(2027, 6, 10), tell=None)
    move(browser, process, stage, last=date(2027, 6, 10), title="Anders", description="Worte")
    assert promised() == []


def test_without_anybody_who_follows_the_form_asks_nothing(process, stage, lead, browser_of):
    browser = browser_of(lead)
    assert browser.get(path(process, stage)).html.find("input", id="tell") is None
    move(browser, process, stage, last=date(2027, 6, 10), tell="y")
    assert promised() == []


def test_the_same_form_twice_and_the_same_days_from_another_tab_tell_once(process, stage, lead, browser_of):
    [person] = follow(process)
    browser = browser_of(lead)
    one, other = (browser.get(path(process, stage)).form_fields() | {"last_day": "2027-06-10"} for _n in range(2))
    for fields in (one, one, other):
        browser.post(path(process, stage), fields)
    assert promised() == [(person.id, "1")]


def changed(process, stage, lead, last, first=FIRST, *, tell=True):
    """The same as the form, without it."""
    found = stage_or_404(process.id, stage.id)
    former = operations.change_stage(process, found, lead.id, StagePlan("Rückmeldung", first, last, Preset.feedback))
    if tell and former is not None:
        dates.tell(process, found, former, lead)
    db.session.commit()


def test_of_two_changes_in_a_row_the_later_one_is_sent_with_the_days_people_knew(process, stage, lead, sink: Sink):
    follow(process)
    changed(process, stage, lead, date(2027, 6, 10))
    changed(process, stage, lead, date(2027, 6, 20))
    deliver_all()
    [mail] = [mail for mail in sink.messages if "Until now" in mail.text]
    assert "27 May 2027" in mail.text
    assert "20 June 2027" in mail.text
    assert "10 June" not in mail.text
    states = db.session.execute(
        select(OutboxMessage.period, OutboxMessage.state)
        .where(OutboxMessage.kind == dates.DATES)
        .order_by(OutboxMessage.id)
    ).all()
    assert [tuple(row) for row in states] == [("1", State.dropped), ("2", State.sent)]
    sink.clear()
    # What was heard of is what the next one begins with.
    changed(process, stage, lead, date(2027, 6, 30))
    deliver_all()
    [mail] = sink.messages
    assert "20 June 2027" in mail.text
    assert "27 May" not in mail.text


def test_moved_back_before_anything_left_nothing_is_sent(process, stage, lead, sink: Sink):
    follow(process)
    changed(process, stage, lead, date(2027, 6, 10))
    changed(process, stage, lead, LAST)
    deliver_all()
    assert sink.messages == []


@pytest.mark.parametrize("what", ["ended", "archived", "removed"])
def test_a_mail_that_is_not_wanted_any_more_does_not_leave(process, stage, lead, sink: Sink, what):
    [person] = follow(process)
    changed(process, stage, lead, date(2027, 6, 10))
    if what == "ended":
        subscribing.end(subscribing.of_person(process, person.id))
    elif what == "archived":
        operations.archive_process(process, lead.id)
    else:
        operations.remove_stage(process, stage_or_404(process.id, stage.id), lead.id)
    db.session.commit()
    deliver_all()
    assert sink.messages == []
    assert db.session.scalar(select(OutboxMessage.state).where(OutboxMessage.kind == dates.DATES)) == State.dropped


def test_many_are_promised_their_mails_by_the_worker(process, stage, lead, poked, monkeypatch):
    people = follow(process, 5)
    monkeypatch.setattr(dates, "AT_ONCE", 4)
    monkeypatch.setattr(dates, "WAVE", 2)
    changed(process, stage, lead, date(2027, 6, 10))
    assert promised() == []
    assert (Job.newsletters, ()) in poked
    # A worker that was killed after its first wave, and another one that goes on.
    dates.wave(stage, dates.told_of(stage.id)[0])
    db.session.commit()
    assert len(promised()) == 2
    assert dates.tick(clock.now()) == 3
    assert dates.tick(clock.now()) == 0
    assert promised() == sorted((person.id, "1") for person in people)


def test_whoever_begins_to_follow_afterwards_gets_nothing_about_what_was_before(process, stage, lead):
    [first] = follow(process)
    changed(process, stage, lead, date(2027, 6, 10))
    late = factories.make_person("", account=False)
    subscribing.subscribe(process, late, "en", clock.now() + timedelta(minutes=1))
    db.session.commit()
    dates.tick(clock.now())
    assert [ident for ident, _period in promised()] == [first.id]


def test_what_was_left_behind_for_days_is_no_news(process, stage, lead, monkeypatch):
    follow(process)
    monkeypatch.setattr(dates, "AT_ONCE", 0)
    changed(process, stage, lead, date(2027, 6, 10))
    assert dates.tick(clock.now() + dates.CATCH_UP + timedelta(hours=1)) == 0
    assert promised() == []


def test_a_stage_with_the_id_of_a_removed_one_is_newer_than_it(process, stage, lead, session):
    follow(process)
    changed(process, stage, lead, date(2027, 6, 10))
    old = stage_or_404(process.id, stage.id)
    ident, sequence = old.id, old.sequence
    operations.remove_stage(process, old, lead.id)
    session.commit()
    made = Stage(
        id=ident, process_id=process.id, title="Neu", starts_at=datetime(2027, 1, 1, tzinfo=UTC), activities=[]
    )
    session.expunge_all()
    fresh = operations.create_stage(process, lead.id, StagePlan("Neu", FIRST, LAST, Preset.feedback))
    if fresh.id == made.id:
        # Only SQLite gives it once more.
        assert fresh.sequence > sequence
    assert dates.told_of(fresh.id) == []


@pytest.mark.parametrize("lang", ["de", "tr", "ar", "fr", "uk", "ru", "zh"])
def test_the_mail_is_in_the_language_of_whoever_reads_it(process, stage, lead, sink: Sink, lang):
    follow(process, locale=lang)
    changed(process, stage, lead, None, tell=True)
    deliver_all()
    [mail] = sink.messages
    assert "Other dates" not in mail.message["Subject"]
    assert not any(words in mail.text for words in ("Until now", "New:", "has other dates", "The attachment"))
    assert entry_in(mail)["sequence"] == 1


def test_the_message_centre_shows_the_mail_and_not_who_follows(process, stage, lead, browser_of, sink: Sink):
    [person] = follow(process)
    person.name = "Rita Leserin"
    changed(process, stage, lead, date(2027, 6, 10))
    deliver_all()
    page = browser_of(lead).get(f"/p/{process.slug}/mails", headers={"Accept-Language": "en"}).text
    assert "Other dates: Rückmeldung" in page
    assert "Rita" not in page
    assert person.email not in page


def test_the_form_asks_as_much_however_many_follow(process, stage, lead, browser_of, count_queries):
    browser, asked = browser_of(lead), []
    for more in (3, 20):
        follow(process, more)
        browser.get(path(process, stage))
        with count_queries() as statements:
            browser.get(path(process, stage))
        asked.append(len(statements))
    assert asked[0] == asked[1] <= 8


def test_the_stage_of_somebody_else_tells_nobody(process, stage, browser_of):
    follow(process)
    stranger = factories.make_person("Fremde")
    browser_of(stranger).get(path(process, stage), status=403)
    assert promised() == []
