"""W7, its first half: a large audience is counted, promised by the worker, and looked at by the organisers."""

import contextvars
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person
from consult.extensions import db
from consult.invitations import campaigns, sending
from consult.invitations.lists import Row as Guest
from consult.invitations.models import Campaign
from consult.meetings.models import Meeting, MeetingKind
from consult.processes.models import Function, Process
from tests.factories import make_group, make_person, sign_in

#: A pasted list holds as many at most; larger audiences are several lists.
LIST = 5000
PAGES = 15


def _drafted(process: Process, actor: Person, size: int) -> tuple[Campaign, float]:
    """A campaign to so many people, and how long its last count took."""
    starts = clock.now() + timedelta(days=30)
    meeting = Meeting(
        process_id=process.id, kind=MeetingKind.kickoff, title="Große Veranstaltung", starts_at=starts,
        ends_at=starts + timedelta(hours=2), wall_start=starts.strftime("%Y-%m-%dT%H:%M:%S"), place="Rathaus",
    )  # fmt: skip
    db.session.add(meeting)
    db.session.flush()
    campaign = campaigns.draft(meeting, actor, "Kommen Sie")
    for start in range(0, size, LIST):
        numbers = range(start, min(start + LIST, size))
        guests = [Guest(n, f"Gast {n}", f"wide{n}@example.org") for n in numbers]
        campaigns.add_list(campaign, guests, f"Teil {start}", actor)
    started = time.perf_counter()
    campaigns.count_again(campaign, actor)
    db.session.commit()
    return campaign, time.perf_counter() - started


def measure(app: Flask, slug: str = "bench", size: int = 10_000) -> Iterator[tuple[str, float]]:
    """Seconds for counting and promising, milliseconds (median) for each page of the organisers."""
    with app.app_context():
        process = db.session.scalars(select(Process).where(Process.slug == slug)).one()
        process.confirm_above = size
        lead = make_person()
        make_group(process, Function.lead, lead)
        campaign, counting = _drafted(process, lead, size)
        yield "count", counting
        visitor: Any = app.test_client()
        sign_in(visitor, lead)
        db.session.commit()
        here, meeting = f"/p/{slug}/campaigns/{campaign.id}", f"/p/{slug}/meetings/{campaign.meeting_id}/invitations"
        yield "page people", _median(visitor, here + "/people")
        campaigns.hand_in(campaign, campaign.revision, lead)
        db.session.commit()
        started = time.perf_counter()
        if sending.run(campaign.id) != size:
            raise RuntimeError("not everybody was invited")
        yield "queue", time.perf_counter() - started
        for name, address in (("page progress", here), ("page silent", here + "?show=silent&still=1"),
                              ("page meeting", meeting)):  # fmt: skip
            yield name, _median(visitor, address)
        db.session.remove()


def _median(visitor: Any, address: str) -> float:
    taken = []
    for _n in range(PAGES):
        started = time.perf_counter()
        # In a context of its own: a page may only read, what follows here writes.
        answer = contextvars.Context().run(visitor.get, address)
        taken.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")
    return statistics.median(taken)
