"""Loading the demonstration: a door into the features' operations, in the order in which the story happened.

Every number on the pages comes from rows that were made the ordinary way; only the clock is told by the story.
"""

from collections.abc import Callable
from datetime import datetime

from flask import current_app
from sqlalchemy import func, select

from consult import clock, jobs
from consult.audit import operations as audit
from consult.demo import contacts, drafts, facts, frame, gatherings, guests, hall, people, text, voices
from consult.demo.dates import Dates
from consult.demo.source import content
from consult.demo.story import Story, Timeline
from consult.digests import operations as digests
from consult.extensions import db
from consult.i18n import in_language
from consult.invitations.models import Invitation
from consult.outbox import past
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process

#: What the mail server of a full or missing mailbox says.
BOUNCED = "smtp: 550 5.1.1 mailbox unavailable"


class NoDemo(Exception):
    """This instance is not a demonstration; the message says what to do."""


def load() -> bool:
    """Load the demonstration and commit; returns False, changing nothing, when it is there already.

    Raises `NoDemo` unless the setting DEMO is on.
    """
    if not current_app.config["DEMO"]:
        raise NoDemo("DEMO is off: the demonstration is for instances that are started with DEMO=1.")
    texts = content()
    slug = texts["process"]["slug"]
    if db.session.scalar(select(Process.id).where(Process.slug == slug)) is not None:
        return False
    # Nothing that is loaded is work for the worker: the mails of the story have left long ago.
    publisher = jobs.set_publisher(None)
    try:
        with in_language("de"):
            dates = Dates(texts["clock"]["story_monday"], clock.now(), current_app.config["TIMEZONE"])
            _load(Story(texts, dates))
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        jobs.set_publisher(publisher)
    return True


def _load(story: Story) -> None:
    people.add_organisations(story)
    people.add_cast(story)
    frame.name_instance(story)
    frame.add_process(story)
    people.add_groups(story)
    contacts.add(story)
    frame.add_stages(story)
    frame.add_reasons(story)
    frame.publish(story)
    timeline = Timeline()
    for part in (text, facts, gatherings, contacts, guests, hall, voices, drafts):
        part.plan(story, timeline)
    for row in story.texts["digests"]:
        timeline.add(story.dates.until(row["until"]), _digest_of(story, row["for"]))
    left: dict[int, datetime] = {}
    newest = db.session.scalar(select(func.max(OutboxMessage.id))) or 0

    def note_mails(moment: datetime) -> None:
        for message_id in past.queued_since(max([newest, *left])):
            left[message_id] = moment

    timeline.run(note_mails)
    bounced = _bounced(story)
    for message_id, moment in left.items():
        past.settle(message_id, moment, BOUNCED if message_id in bounced else "")
    _seal()


def _digest_of(story: Story, meeting: str) -> Callable[[datetime], None]:
    """Everything older has happened: seal it and report on it."""

    def compile(now: datetime) -> None:
        _seal()
        digest = digests.compile(story.process, audit.head(), now, meeting_id=story.meetings[meeting].id)
        if digest is None or digest.issued_at is None:
            raise RuntimeError(f"the report for {meeting} could not be made")

    return compile


def _seal() -> None:
    while audit.seal():
        db.session.flush()


def _bounced(story: Story) -> set[int]:
    """The mails to those whose mailbox did not take them."""
    ids = [story.people[row["address"]].id for row in story.texts["invitees"] if row["state"] == "bounced"]
    return set(
        db.session.scalars(
            select(OutboxMessage.id)
            .join(Invitation, Invitation.id == OutboxMessage.subject_id)
            .where(OutboxMessage.kind == "invitation", OutboxMessage.recipient_id.in_(ids))
        )
    )
