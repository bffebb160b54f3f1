"""The mail to somebody who was named as a deputy and is invited themselves."""

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import aliased, joinedload

from consult import clock
from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.invitations import answering
from consult.invitations.models import Invitation, InvitationState
from consult.invitations.queries import PURPOSE
from consult.meetings import registering
from consult.meetings.mailing import facts, greeting
from consult.meetings.models import Meeting, MeetingState, RegistrationState
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage
from consult.processes.models import Process
from consult.signing import sign


def _found(message: OutboxMessage) -> tuple[Invitation, Invitation, Meeting, Process] | None:
    """The invitation of who named somebody, that of who was named, and what for."""
    theirs = aliased(Invitation)
    row = db.session.execute(
        select(Invitation, theirs, Meeting, Process)
        .join(Meeting, Meeting.id == Invitation.meeting_id)
        .join(Process, Process.id == Meeting.process_id)
        .join(theirs, (theirs.meeting_id == Meeting.id) & (theirs.person_id == message.recipient_id))
        .where(Invitation.id == message.subject_id)
        .options(joinedload(Invitation.person), joinedload(theirs.person))
    ).first()
    return (row[0], row[1], row[2], row[3]) if row else None


def deputy_invited_wanted(message: OutboxMessage) -> bool:
    """Not taken back meanwhile, and the meeting is to come."""
    found = _found(message)
    if found is None or found[0].state != InvitationState.deputy_named:
        return False
    return found[2].state != MeetingState.cancelled and not found[2].is_over(clock.now())


@mail_kind(
    answering.DEPUTY_INVITED,
    Guarantee.at_least_once,
    deputy_invited_wanted,
    title=_l("Named to come instead of somebody, and invited already"),
)
def deputy_invited(message: OutboxMessage) -> Mail:
    """Somebody cannot come and has named you; you are invited already: what that means for you."""
    found = _found(message)
    if found is None:
        raise LookupError(f"invitation {message.subject_id} is gone")
    named_by, theirs, meeting, process = found
    personal = sign(PURPOSE, theirs.id, theirs.nonce)
    answer_url = link("invitations.respond", link=personal)
    registration = registering.of_person(meeting.id, theirs.person_id)
    state = registration.state if registration is not None else ""
    name = named_by.person.name or named_by.person.email or ""
    if theirs.state == InvitationState.revoked:
        says = _("The organisers have taken back your invitation. If you would like to come, please write to them.")
        leads = linked(_("Write to us"), link("site.contact"))
    elif state == RegistrationState.coming:
        says = _("You are on the list already. You need do nothing.")
        leads = linked(_("See or change my answer"), answer_url)
    else:
        says = _("You are invited already. Please tell us by your own link whether you are coming:")
        leads = linked(_("Accept or decline"), answer_url)
    parts = [
        greeting(theirs.person),
        _("%(name)s cannot come and has named you to come instead:", name=escape_markdown(name)),
        f"**{escape_markdown(meeting.title)}**",
        facts(meeting, process),
        says,
        leads,
    ]
    return Mail(
        subject=_("You were named: %(title)s", title=meeting.title),
        body="\n\n".join(parts),
        why=_("You get this mail because somebody who is invited to a meeting of “%(process)s” named you.",
              process=process.title),
        secrets=(answer_url, personal),
    )  # fmt: skip
