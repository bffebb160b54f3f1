"""Who is missing at a meeting."""

from flask import render_template

from consult.accounts.words import organisation_kinds
from consult.authz import allowed
from consult.invitations import policy
from consult.invitations.gaps import gaps_of
from consult.invitations.views.blueprint import bp
from consult.meetings.views.registrations import load
from consult.meetings.words import when_words


@bp.get("/p/<slug>/meetings/<int:meeting_id>/gaps")
def gaps(slug: str, meeting_id: int) -> str:
    process, meeting = load(slug, meeting_id, changes=False)
    found = gaps_of(meeting)
    return render_template(
        "invitations/gaps.html",
        process=process,
        meeting=meeting,
        when=when_words(meeting),
        found=found,
        kinds=organisation_kinds(),
        open=allowed(policy.can_invite, process) and meeting.state == "planned",
    )
