"""One thin task per Job: operation, commit. All decisions are below; every task may run twice."""

import imaplib
import logging

from celery import shared_task
from flask import current_app

from consult import clock, retention
from consult.audit import operations as audit
from consult.backup import erasures
from consult.digests import monthly_running, running
from consult.extensions import db
from consult.invitations import answering, letters, long_lists, sending
from consult.invitations.dates import on_paper
from consult.jobs import Job, enqueue
from consult.meetings import reminders as remind
from consult.meetings import waiting
from consult.moderation import mornings as morning
from consult.newsletters import dates, issues
from consult.outbox import bounces, delivery, returned
from consult.outbox import operations as outbox

log = logging.getLogger(__name__)

#: Rounds per tick, so that one tick catches up after an outage without running for ever.
ROUNDS = 50


def _beat(job: Job) -> None:
    audit.beat(job.value, clock.now())
    db.session.commit()


@shared_task(name=Job.deliver.value)
def deliver(message_id: int) -> None:
    """Send one promised mail; owns its transactions, because no transaction may be open while SMTP talks."""
    delivery.deliver(message_id)


@shared_task(name=Job.deliver_due.value)
def deliver_due() -> None:
    """Send a batch of what is due, then stand in line again: others have their turn between two batches."""
    if delivery.deliver_due():
        enqueue(db.session, Job.deliver_due)
        db.session.commit()


@shared_task(name=Job.sweep.value)
def sweep() -> None:
    """Poke what was lost."""
    found = outbox.sweep(clock.now())
    _beat(Job.sweep)
    if found:
        log.info("swept %s messages", found)


@shared_task(name=Job.seal.value)
def seal() -> None:
    """Give committed audit entries their place in the chain."""
    for _round in range(ROUNDS):
        sealed = audit.seal()
        db.session.commit()
        if not sealed:
            break
    erasures.note()
    _beat(Job.seal)


@shared_task(name=Job.digests.value)
def digests() -> None:
    """Make the steering groups' digests that are due at this hour."""
    issued = running.run_due(clock.now())
    _beat(Job.digests)
    if issued:
        log.info("issued %s digests", len(issued))


@shared_task(name=Job.monthly.value)
def monthly() -> None:
    """Promise the monthly mail to those who want it, in the first days of a month."""
    promised = monthly_running.run_due(clock.now())
    _beat(Job.monthly)
    if promised:
        log.info("promised %s monthly mails", promised)


@shared_task(name=Job.mornings.value)
def mornings() -> None:
    """Tell whoever is on duty what waits, once in the morning."""
    promised = morning.send_due(clock.now())
    _beat(Job.mornings)
    if promised:
        log.info("promised %s mails of the morning", promised)


@shared_task(name=Job.campaign.value)
def campaign(campaign_id: int) -> None:
    """Bring one campaign from its audience to promised mails; owns its transactions, wave by wave."""
    invited = sending.run(campaign_id)
    if invited:
        log.info("campaign %s: invited %s people", campaign_id, invited)


@shared_task(name=Job.campaigns.value)
def campaigns() -> None:
    """Begin campaigns whose time has come, go on with those left behind, close those that are finished."""
    sending.tick(clock.now())
    _beat(Job.campaigns)


@shared_task(name=Job.people_list.value)
def people_list(list_id: int) -> None:
    """Read one long list of people, or take it into its campaign; owns its transactions, step by step."""
    long_lists.run(list_id)


@shared_task(name=Job.letters.value)
def make_letters(campaign_id: int) -> None:
    """Put the letters of one campaign into one file."""
    letters.make(campaign_id)


@shared_task(name=Job.newsletter.value)
def newsletter(issue_id: int) -> None:
    """Promise one issue of a newsletter to its subscribers."""
    issues.run(issue_id)


@shared_task(name=Job.newsletters.value)
def newsletters() -> None:
    """Look after the issues that are to leave, those that are leaving, and mails about other dates of stages."""
    issues.tick(clock.now())
    dates.tick(clock.now())
    _beat(Job.newsletters)


@shared_task(name=Job.reminders.value)
def reminders() -> None:
    """Promise the mails before and after meetings whose time has come."""
    promised = remind.run_due(clock.now(), on_paper)
    _beat(Job.reminders)
    if promised:
        log.info("promised %s mails around meetings", promised)


@shared_task(name=Job.waiting_lists.value)
def waiting_lists() -> None:
    """Let places that nobody took go on to the next ones."""
    changed = waiting.run_due(clock.now(), answering.follow_ended)
    _beat(Job.waiting_lists)
    if changed:
        log.info("waiting lists: %s changed", changed)


@shared_task(name=Job.bounces.value)
def read_bounces() -> None:
    """Read the box into which undelivered mail comes back, when there is one."""
    url = current_app.config["BOUNCE_MAILBOX"]
    if url:
        try:
            reports, _others = returned.read(url, bounces.take_now)
        except (OSError, imaplib.IMAP4.error) as error:
            log.warning("the box for undelivered mail cannot be read: %s", type(error).__name__)
        else:
            if reports:
                log.info("read %s reports of undelivered mail", reports)
    _beat(Job.bounces)


@shared_task(name=Job.purge.value)
def purge() -> None:
    """Remove what retention says, once a night."""
    now = clock.now()
    due = retention.is_due(now)
    db.session.rollback()
    if not due:
        return
    failed = False
    for step in retention.STEPS:
        try:
            removed = retention.run(step, now)
        except Exception:
            # What the others remove must not stay because of it; it is tried again with the next tick.
            db.session.rollback()
            log.exception("the purge of %s failed", step.__name__)
            failed = True
            continue
        if removed:
            log.info("purged %s: %s", step.__name__, removed)
    if not failed:
        _beat(Job.purge)


@shared_task(name=Job.heartbeat.value)
def heartbeat() -> None:
    """Show that the clock and the worker are alive."""
    _beat(Job.heartbeat)
