"""The digest says how many were at the sittings whose minutes were approved, politics apart."""

import pytest

from consult import clock
from consult.digests import reading, words
from consult.i18n import in_language
from consult.meetings import minutes as writing
from consult.meetings.minutes import Line
from consult.meetings.models import Registration
from tests.digests.factories import issued, make_council, make_digest
from tests.factories import flushed, make_organisation, make_person
from tests.meetings.factories import make_meeting


@pytest.fixture
def council(session):
    return make_council()


def sitting(council, title):
    """A meeting with approved minutes."""
    meeting = make_meeting(council.process, title=title)
    lines = [Line("information", "Es wurde gesprochen.", None)]
    writing.record(meeting, lines, "", 0, council.town.moderator)
    writing.approve(council.process, meeting, 1, council.town.moderator, clock.now())
    return meeting


def came(meeting, **fields):
    person = make_person("", account=False)
    flushed(
        Registration(
            meeting_id=meeting.id, person_id=person.id, state="attended", code=f"{person.id:08d}"[-8:], **fields
        )
    )


def said(council, digest):
    with in_language("en"):
        return words.events(reading.of_digest(council.process, digest))


def test_who_was_there_is_said_with_politics_apart(session, council):
    meeting, party = sitting(council, "Vierte Sitzung"), make_organisation("Fraktion", kind="politics")
    for _n in range(3):
        came(meeting)
    came(meeting, organisation_id=party.id)
    came(meeting, organisation_kind="politics")
    digest = issued(make_digest(council.process))
    assert "There at “Vierte Sitzung”: 3 people and 2 from politics" in said(council, digest)
    # What was counted once stays so, whoever is added afterwards.
    came(meeting)
    assert digest.content["attendance"] == [[meeting.id, 3, 2]]
    assert "There at “Vierte Sitzung”: 3 people and 2 from politics" in said(council, digest)


def test_where_nobody_counted_nothing_is_said(session, council):
    sitting(council, "Fünfte Sitzung")
    digest = issued(make_digest(council.process))
    assert "attendance" not in digest.content
    assert not [sentence for sentence in said(council, digest) if sentence.startswith("There at")]
