"""The monthly mail: when it is due, what it tells, whom it reaches, and that silence costs nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import current_app
from sqlalchemy import select

from consult import clock
from consult.concept.models import VersionAudience
from consult.contributions.models import Contribution
from consult.digests import monthly, monthly_running
from consult.digests.monthly import month_due
from consult.digests.monthly_emails import MONTHLY
from consult.extensions import db
from consult.i18n import in_language
from consult.outbox import kinds
from consult.outbox.mime import plain_text
from consult.outbox.models import OutboxMessage
from consult.processes.models import Activity
from consult.processes.operations import StagePlan, change_stage
from consult.processes.presets import Preset
from consult.processes.queries import stage_or_404
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests.contributions.factories import make_town
from tests.factories import make_person, make_process, make_stage
from tests.meetings.factories import make_meeting
from tests.weighing.factories import Draft

BERLIN = "Europe/Berlin"


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


#: In the middle of November, and 08:00 on the first of December.
DURING, DUE = utc(2026, 11, 17, 10), utc(2026, 12, 1, 7)


@pytest.mark.parametrize(
    ("now", "month"),
    [
        (utc(2026, 12, 1, 6, 59), None),
        (utc(2026, 12, 1, 7), date(2026, 11, 1)),
        (utc(2026, 12, 6, 6, 59), date(2026, 11, 1)),
        (utc(2026, 12, 6, 7), None),
        # Summer time: eight o'clock comes an hour earlier in UTC.
        (utc(2026, 6, 1, 5, 59), None),
        (utc(2026, 6, 1, 6), date(2026, 5, 1)),
        # The clocks change on 1 November 2026 in New York and on 25 October in Berlin; both are due at their own eight.
        (utc(2026, 11, 1, 6, 59), None),
        (utc(2026, 11, 1, 7), date(2026, 10, 1)),
        (utc(2027, 1, 1, 7), date(2026, 12, 1)),
    ],
)
def test_it_is_due_on_the_first_from_eight_o_clock_on_and_for_five_days(now, month):
    assert month_due(now, BERLIN) == month


def test_in_a_zone_whose_clocks_change_on_the_first_it_is_due_at_its_own_eight():
    assert month_due(utc(2026, 11, 1, 12, 59), "America/New_York") is None
    assert month_due(utc(2026, 11, 1, 13), "America/New_York") == date(2026, 10, 1)


def mails():
    return list(
        db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == MONTHLY).order_by(OutboxMessage.id))
    )


def rendered(message, lang="en"):
    with current_app.test_request_context(base_url="http://consult.test"), in_language(lang):
        return kinds.kind(MONTHLY).render(message)


def is_wanted(message):
    return kinds.kind(MONTHLY).wanted(message)


@pytest.fixture
def reader(session):
    return make_person("Leserin", tell_monthly=True)


@pytest.fixture
def lively(session, at, reader):
    """A process in which something of each kind happened in November."""
    at(DURING)
    town = make_town(slug="integration", title="Integrationskonzept", code="IK", open_now=False)
    make_stage(town.process, Activity.comment, title="Rückmeldung", starts_at=utc(2026, 11, 10),
               ends_at=utc(2026, 12, 20, 23))  # fmt: skip
    town.draft = Draft(town)
    for n in range(5):
        one = town.write(f"Nummer {n}")
        decide(one, DispositionKind.adopt, "Gut.", actor=town.steering)
    held = town.write("Wartet")
    decide(held, DispositionKind.adopt, "Noch nicht.", actor=town.steering, held=True)
    make_meeting(town.process, title="Bürgerforum", starts_at=utc(2026, 12, 12, 17), ends_at=utc(2026, 12, 12, 19))
    db.session.commit()
    return town


def test_it_tells_the_most_important_and_only_what_is_public(lively, at, reader):
    lively.draft.publish(VersionAudience.steering, title="Nur für die Steuerungsgruppe")
    make_town(slug="geheim", title="Noch geheim", state="draft")
    db.session.commit()
    at(DUE)
    assert monthly_running.run_due(DUE) == 1
    [message] = mails()
    assert (message.recipient_id, message.period) == (reader.id, "2026-11")
    assert is_wanted(message)
    mail = rendered(message)
    text = plain_text(mail.body)
    assert "November 2026" in mail.subject
    for words in ("Integrationskonzept", "Entwurf", "Begun: Rückmeldung", "Ends soon: Rückmeldung",
                  "5 contributions were answered", "Coming: Bürgerforum", "Open now:",
                  "/p/integration/contributions/5"):  # fmt: skip
        assert words in text, words
    assert text.count("/contributions/") == 3
    for words in ("Nur für die Steuerungsgruppe", "Noch geheim", "6 contributions"):
        assert words not in text
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_once_per_person_and_month_however_often_it_ticks(lively, at):
    at(DUE)
    assert [monthly_running.run_due(DUE + timedelta(minutes=15 * n)) for n in range(4)] == [1, 0, 0, 0]
    assert len(mails()) == 1
    lively.write("Gehört im Dezember")
    january = utc(2027, 1, 1, 7)
    at(january)
    # In December the stage ended and the forum took place: nothing to tell.
    assert monthly_running.run_due(january) == 0
    one = db.session.scalars(select(Contribution).order_by(Contribution.id.desc()).limit(1)).one()
    decide(one, DispositionKind.note, "Gehört.", actor=lively.steering, now=utc(2026, 12, 30))
    db.session.commit()
    assert monthly_running.run_due(january) == 1
    assert [message.period for message in mails()] == ["2026-11", "2026-12"]


def test_after_an_outage_it_is_still_sent_for_five_days_and_then_left_out(lively, at):
    late = DUE + timedelta(days=5) - timedelta(minutes=1)
    at(late + timedelta(minutes=1))
    assert monthly_running.run_due(late + timedelta(minutes=1)) == 0
    at(late)
    assert monthly_running.run_due(late) == 1


def test_nothing_happened_no_mail(session, at, reader):
    at(DURING)
    process = make_process()
    make_stage(process, Activity.comment, starts_at=utc(2026, 1, 1), ends_at=utc(2027, 9, 1))
    db.session.commit()
    at(DUE)
    assert monthly_running.run_due(DUE) == 0
    assert mails() == []


def test_only_those_who_switched_it_on_get_it(lively, at, reader):
    make_person("Andere")
    make_person("Ohne Adresse", tell_monthly=True, email=None)
    gone = make_person("Gelöscht", tell_monthly=True, email=None)
    gone.erased_at = DURING
    guest = make_person("Gast", account=False, tell_monthly=True)
    db.session.commit()
    at(DUE)
    monthly_running.run_due(DUE)
    assert {message.recipient_id for message in mails()} == {reader.id, guest.id}


def test_switched_off_or_nothing_left_to_tell_it_is_not_sent(lively, at, reader):
    at(DUE)
    monthly_running.run_due(DUE)
    [message] = mails()
    assert is_wanted(message)
    reader.tell_monthly = False
    assert not is_wanted(message)
    reader.tell_monthly = True
    lively.process.state = "archived"
    db.session.flush()
    assert not is_wanted(message)


def test_many_are_promised_in_batches_of_few_statements(lively, at, count_queries):
    for _n in range(40):
        make_person(tell_monthly=True)
    db.session.commit()
    at(DUE)
    with count_queries() as queries:
        assert monthly_running.run_due(DUE) == 41
    assert len(queries) <= 16, queries


def move(process, stage, first, last):
    plan = StagePlan(stage.title, first, last, Preset.own)
    change_stage(process, stage_or_404(process.id, stage.id), make_person().id, plan)


def test_stages_that_were_moved_are_told_with_their_new_days(lively, at):
    ahead = make_stage(lively.process, Activity.comment, title="Mitschreiben", starts_at=utc(2027, 1, 9, 23),
                       ends_at=utc(2027, 1, 30, 23))  # fmt: skip
    back = make_stage(lively.process, title="Lesen", starts_at=utc(2027, 1, 31, 23), ends_at=utc(2027, 2, 27, 23))
    over = make_stage(lively.process, title="Vorbei", starts_at=utc(2026, 11, 2), ends_at=utc(2026, 11, 20))
    at(DURING + timedelta(hours=1))
    move(lively.process, ahead, date(2027, 1, 15), None)
    move(lively.process, ahead, date(2027, 1, 20), date(2027, 2, 20))
    # There and back again: for readers nothing has changed.
    move(lively.process, back, date(2027, 3, 1), date(2027, 3, 9))
    move(lively.process, back, date(2027, 2, 1), date(2027, 2, 27))
    move(lively.process, over, date(2026, 11, 1), date(2026, 11, 21))
    at(DUE)
    [news] = monthly.of_month(date(2026, 11, 1), BERLIN, DUE)
    assert [stage.title for stage in news.moved] == ["Mitschreiben"]
    monthly_running.run_due(DUE)
    text = plain_text(rendered(mails()[0]).body)
    assert "Other dates: Mitschreiben, 20 January – 20 February 2027" in text
    assert "Other dates: Lesen" not in text


def test_what_was_moved_before_anybody_could_read_it_is_no_news(session, at, reader):
    at(DURING)
    process = make_process(state="draft", published_at=None)
    stage = make_stage(process, title="Mitschreiben", starts_at=utc(2027, 1, 9, 23),
                       ends_at=utc(2027, 1, 30, 23))  # fmt: skip
    move(process, stage, date(2027, 1, 15), None)
    at(DURING + timedelta(days=1))
    process.state, process.published_at = "published", clock.now()
    session.flush()
    assert monthly.of_month(date(2026, 11, 1), BERLIN, DUE) == []
    move(process, stage, date(2027, 1, 16), None)
    [news] = monthly.of_month(date(2026, 11, 1), BERLIN, DUE)
    assert news.moved == [stage]


def test_the_news_of_many_processes_cost_the_same_few_questions(lively, at, count_queries):
    at(DUE)
    with count_queries() as one:
        assert len(monthly.of_month(date(2026, 11, 1), BERLIN, DUE)) == 1
    at(DURING)
    for n in range(5):
        Draft(make_town(slug=f"weiter-{n}"))
    db.session.commit()
    at(DUE)
    with count_queries() as many:
        assert len(monthly.of_month(date(2026, 11, 1), BERLIN, DUE)) == 6
    assert len(one) == len(many) <= 8
