"""What the night removes is written down, in numbers, and can be read by operators alone."""

from datetime import timedelta

from sqlalchemy import func, select

from consult import clock, retention
from consult.accounts.models import LinkToken, Person
from consult.audit.models import Deletion
from consult.extensions import db
from consult.invitations.models import Subscription
from consult.newsletters import subscribing
from consult.outbox.models import OutboxMessage
from tests.factories import make_person, make_process


def test_a_step_that_removed_something_leaves_a_line_and_one_that_did_not_leaves_none(session):
    now = clock.now()
    assert retention.run(lambda _now: 0, now) == 0

    def three_things(_now):
        return 3

    assert retention.run(three_things, now) == 3
    [line] = db.session.scalars(select(Deletion))
    assert (line.what, line.rows, line.at) == ("three_things", 3, now)


def test_every_step_has_a_name_people_understand(app):
    with app.test_request_context():
        assert {step.__name__ for step in retention.STEPS} == set(retention.step_names())


def test_an_address_entered_for_a_newsletter_and_never_proven_is_forgotten(session, at):
    now = at(clock.now())
    process = make_process()
    reader = make_person("", account=False)
    subscribing.subscribe(process, reader, "de")
    subscribing.ask(process, "fremd@example.org", "de")
    session.commit()
    at(now + retention.KEEP_GUESTS - timedelta(minutes=1))
    for step in (retention.unproven_readers, retention.unproven_guests):
        retention.run(step, clock.now())
    assert db.session.scalar(select(func.count()).select_from(Subscription)) == 2
    at(now + retention.KEEP_GUESTS + timedelta(minutes=1))
    # The link has expired long ago; it is removed by its own step.
    for step in (retention.unproven_readers, retention.unproven_guests):
        retention.run(step, clock.now())
    assert db.session.scalar(select(func.count()).select_from(Person).where(Person.email == "fremd@example.org")) == 0
    assert db.session.scalars(select(Subscription.person_id)).all() == [reader.id]
    assert db.session.scalar(select(func.count()).select_from(LinkToken)) == 0
    assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 0
    assert {line.what for line in db.session.scalars(select(Deletion))} == {"unproven_readers", "unproven_guests"}


def test_operators_read_the_lines_and_nobody_else_does(session, browser_of, count_queries):
    operator, citizen = make_person("Betrieb", operator=True), make_person("Bürgerin")
    for n in range(60):
        db.session.add(Deletion(at=clock.now(), what="mail_copies", rows=n + 1))
    session.commit()
    visitor = browser_of(operator)
    with count_queries() as sent:
        page = visitor.get("/settings/deletions")
    assert len(sent) <= 8
    assert len(page.html.select("tbody tr")) == 50
    browser_of(citizen).get("/settings/deletions", status=403)
