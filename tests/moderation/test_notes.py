"""Private notes among the moderators never leave the desk."""

import json

import pytest
from sqlalchemy import select

from consult.audit.models import AuditEntry
from consult.errors import Refused
from consult.moderation import operations as deciding
from consult.moderation.notes import add_note
from consult.outbox.kinds import kind
from consult.outbox.models import OutboxMessage
from consult.processes.models import Moderation
from tests.contributions.factories import make_town

NEEDLE = "Nadel-unter-uns-4711"


@pytest.fixture
def town(session):
    return make_town(moderation=Moderation.pre)


def test_a_note_stands_beside_the_contribution_for_the_team_alone(session, town, browser, browser_of):
    contribution = town.write()
    desk, page = browser_of(town.moderator), town.path("/moderation")
    desk.submit(town.path("/moderation/1/note"), {"body": NEEDLE}, form_at=page)
    assert NEEDLE in browser_of(town.lead).get(page).text
    deciding.hide(contribution, town.moderator, town.reason, "Hinweis an die Verfasserin")
    session.commit()
    mine = browser_of(town.citizen)
    for visitor, address in (
        (mine, town.number_path(contribution)),
        (mine, "/account"),
        (browser, town.path("/contributions")),
        (browser, town.path("/rules")),
        (desk, town.number_path(contribution)),
        (browser_of(town.steering), town.path("/contributions")),
    ):
        assert NEEDLE not in visitor.get(address).text, address
    for message in session.scalars(select(OutboxMessage)):
        assert NEEDLE not in kind(message.kind).render(message).body
    assert NEEDLE not in json.dumps([entry.facts for entry in session.scalars(select(AuditEntry))])


def test_an_empty_note_or_a_very_long_one_is_refused(session, town, browser_of):
    contribution = town.write()
    for body in ("", "  \n ", "x" * 2001):
        with pytest.raises(Refused):
            add_note(contribution, town.moderator, body)
    page = browser_of(town.moderator).submit(
        town.path("/moderation/1/note"), {"body": "x" * 2001}, form_at=town.path("/moderation"), status=200
    )
    assert "x" * 2001 in page.html.find("textarea", id="body-1").get_text(), "what was typed is still there"


def test_notes_of_others_and_of_other_processes_are_out_of_reach(session, town, browser_of):
    other = make_town(moderation=Moderation.pre)
    town.write()
    outsider = browser_of(other.moderator)
    token = outsider.get("/contact").form_fields()["csrf_token"]
    for address, status in (
        (town.path("/moderation/1/note"), 403),
        (other.path("/moderation/1/note"), 404),
        (other.path("/moderation/1/take"), 404),
        (other.path("/moderation/1/give"), 404),
        (other.path("/moderation/1/gather"), 404),
        (other.path("/moderation/1/take-out"), 404),
        (other.path("/moderation/1/dissolve"), 404),
    ):
        outsider.post(address, {"csrf_token": token, "body": "Hallo", "to_id": "1", "head": "1"}, status=status)
