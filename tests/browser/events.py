"""Links of people who were at a meeting, for the visits: a sheet to fill in, one that was sent, one too late."""

from datetime import timedelta

from consult import clock
from consult.meetings import feeds, survey
from consult.meetings.models import Meeting, Registration, RegistrationState
from tests import factories
from tests.meetings.factories import make_meeting
from tests.promises.world import World


def asked(world: World) -> dict[str, str]:
    """The texts of the links, by name."""
    now, found = clock.now(), {}
    feeds.renew(world.cast["member"], feeds.MY_DATES)
    for name, days in (("open", 1), ("sent", 1), ("late", 60)):
        ends = now - timedelta(days=days)
        meeting = make_meeting(
            world.process, title=f"Nachher gefragt: {name}", starts_at=ends - timedelta(hours=2), ends_at=ends,
            wall_start=(ends - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S"),
        )  # fmt: skip
        found[f"survey_{name}"] = _guest(world, meeting, sent=name == "sent")
    return found


def _guest(world: World, meeting: Meeting, sent: bool) -> str:
    survey.set_questions(
        meeting,
        [*survey.preset(), survey.Question("choice", "Wie weiter?", ("So", "Anders"))],
        True,
        world.cast["lead"],
    )
    guest: Registration = factories.flushed(
        Registration(
            meeting_id=meeting.id, person_id=world.cast["citizen"].id, state=RegistrationState.attended,
            surveyed_at=meeting.ends_at if sent else None,
        )
    )  # fmt: skip
    return survey.link_for(guest)
