"""How many places there are left, and for whom."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select

from consult.extensions import db
from consult.meetings.models import HOLDING_STATES, Meeting, Quota, Registration


@dataclass
class Room:
    """Places of one meeting as they are given out. Kinds are those of organisations; None: people of none."""

    capacity: int | None
    taken: Counter[str | None] = field(default_factory=Counter)
    reserved: dict[str, int] = field(default_factory=dict)
    at_most: dict[str, int] = field(default_factory=dict)

    def total(self) -> int:
        return sum(self.taken.values())

    def left(self) -> int | None:
        """Places nobody holds, whoever they are kept for; None where there is no limit."""
        return None if self.capacity is None else max(0, self.capacity - self.total())

    def kept_for_others(self, kind: str | None) -> int:
        """Reserved places of other kinds that these have not filled yet."""
        return sum(max(0, kept - self.taken[other]) for other, kept in self.reserved.items() if other != kind)

    def free_for(self, kind: str | None) -> int | None:
        """How many more of this kind can come; None where nothing limits them."""
        bounds = []
        left = self.left()
        if left is not None:
            bounds.append(left - self.kept_for_others(kind))
        if kind is not None and kind in self.at_most:
            bounds.append(self.at_most[kind] - self.taken[kind])
        return max(0, min(bounds)) if bounds else None

    def has_place(self, kind: str | None) -> bool:
        free = self.free_for(kind)
        return free is None or free > 0


def lock(meeting: Meeting) -> None:
    """Hold the meeting until the commit, and see it as it is now: from here on places are counted and given out.

    Everybody takes this lock first, so that nobody waits for somebody who waits for them.
    """
    # What was changed and not written yet would be lost by reading it again.
    db.session.flush()
    db.session.refresh(meeting, with_for_update=True)


def room_of(meeting: Meeting) -> Room:
    """Count the places. Decide by it only while the meeting is locked."""
    room = Room(meeting.capacity)
    for kind, number in db.session.execute(
        select(Registration.organisation_kind, func.count())
        .where(Registration.meeting_id == meeting.id, Registration.state.in_(HOLDING_STATES))
        .group_by(Registration.organisation_kind)
    ):
        room.taken[kind] = number
    for quota in db.session.scalars(select(Quota).where(Quota.meeting_id == meeting.id)):
        if quota.reserved:
            room.reserved[quota.organisation_kind] = quota.reserved
        if quota.at_most is not None:
            room.at_most[quota.organisation_kind] = quota.at_most
    return room
