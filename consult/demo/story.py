"""What the parts of the loader share: the texts, the rows made so far, and the order of events."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from consult.accounts.models import Organisation, Person
from consult.concept.models import Change, Concept, Draft, Element
from consult.contributions.models import Contribution
from consult.demo.dates import Dates
from consult.groups.models import Group
from consult.meetings.models import Meeting
from consult.processes.models import Process

Step = Callable[[datetime], None]

#: How long before a meeting it is announced, and before the first one everything is set up.
AHEAD = timedelta(weeks=6)


@dataclass
class Story:
    """Rows by the ids they have in the content."""

    texts: dict[str, Any]
    dates: Dates
    #: The cast by id, everybody by address.
    people: dict[str, Person] = field(default_factory=dict)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    meetings: dict[str, Meeting] = field(default_factory=dict)
    elements: dict[str, Element] = field(default_factory=dict)
    concepts: dict[str, Concept] = field(default_factory=dict)
    #: Changes by version and element, in the order they were made.
    changes: dict[tuple[str, str], list[Change]] = field(default_factory=dict)
    contributions: dict[str, Contribution] = field(default_factory=dict)
    #: Numbers of facts and pictures, as texts cite them.
    marks: dict[str, int] = field(default_factory=dict)
    drafts: dict[str, Draft] = field(default_factory=dict)
    process: Process = field(init=False)

    @property
    def begin(self) -> datetime:
        """When the bodies were set up: before the first meeting is announced."""
        first = min(row["date"] for row in self.texts["meetings"])
        return self.dates.moment(first - AHEAD - timedelta(days=1))

    def source(self, row: dict[str, Any], otherwise: str | None = None) -> str | None:
        """Where a fact is from, as the pages say it; None for sample text."""
        name = row.get("source") or otherwise
        return self.texts["source_names"][name] if row.get("fact") and name else None


class Timeline:
    """Everything that happens, each at its moment. Order matters: numbers and windows of digests follow it."""

    def __init__(self) -> None:
        self._events: list[tuple[datetime, int, Step]] = []

    def add(self, moment: datetime, step: Step) -> None:
        """`step` happens at `moment`, after what was added before for the same moment."""
        self._events.append((moment, len(self._events), step))

    def run(self, after_each: Step) -> None:
        """Let everything happen in order of time."""
        for moment, _order, step in sorted(self._events, key=lambda event: event[:2]):
            step(moment)
            after_each(moment)
