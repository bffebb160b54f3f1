"""What everybody sees: the list of meetings, one meeting, its calendar entry."""

from datetime import timedelta

from flask import current_app, make_response, render_template
from markupsafe import Markup
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import allowed, authorize, current_person
from consult.concept.queries import names_of
from consult.html import render_markdown
from consult.meetings import (
    attendees,
    calendar,
    deadlines,
    event_words,
    materials,
    policy,
    queries,
    series,
    survey,
    words,
)
from consult.meetings.mailing import until_words
from consult.meetings.models import AttendeeList, Meeting, MeetingKind, MeetingState, Minutes, RegistrationMode
from consult.meetings.views.blueprint import bp
from consult.meetings.views.materials import belongs, takes_part
from consult.outbox.links import link
from consult.pages import rendered_once
from consult.processes.loading import load_process
from consult.processes.models import Process


@bp.get("/p/<slug>/meetings")
@rendered_once
def index(slug: str) -> str:
    process = load_process(slug)
    authorize(policy.can_read_meetings, process)
    now = clock.now()
    meetings = queries.all_of(process.id)
    taken = queries.places_taken(process.id, now)
    return render_template(
        "meetings/index.html",
        process=process,
        ahead=[m for m in reversed(meetings) if not m.is_over(now)],
        past=[m for m in meetings if m.is_over(now)],
        groups=queries.group_names(process.id),
        with_minutes=queries.meetings_with_minutes(process.id),
        kinds=words.kind_names(),
        when=words.when_words,
        block=event_words.date_block,
        states={m.id: event_words.state_of(m, taken.get(m.id, 0), now) for m in meetings},
        organises=allowed(policy.can_organise, process),
    )


@bp.get("/p/<slug>/meetings/<int:meeting_id>")
@rendered_once
def show(slug: str, meeting_id: int) -> str:
    process = load_process(slug)
    authorize(policy.can_read_meetings, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    organises = allowed(policy.can_organise, process)
    agenda = queries.agenda_of(meeting.id, with_internal=organises)
    minutes = queries.minutes_of(meeting.id)
    if minutes is not None and (
        minutes.revision == 0 or not allowed(policy.can_read_minutes, process, meeting, minutes)
    ):
        minutes = None
    lines = minutes.lines if minutes else []
    now, inside = clock.now(), belongs(process, meeting)
    closes = meeting.registration_closes_at
    about = {meeting.element_id, *(i.element_id for i in agenda), *(line.element_id for line in lines)} - {None}
    return render_template(
        "meetings/show.html",
        process=process,
        meeting=meeting,
        now=now,
        block=event_words.date_block(meeting),
        state=event_words.state_of(meeting, queries.places_taken_at(meeting, now), now),
        change_until=until_words(deadlines.changes_end_at(meeting), meeting)
        if meeting.registration == RegistrationMode.everybody and deadlines.changes_apart(meeting, now)
        else None,
        last_day_to_register=closes - timedelta(microseconds=1) if closes else None,
        online=bool(meeting.online_url) and meeting.state != MeetingState.cancelled and takes_part(process, meeting),
        materials=materials.of_meeting(meeting.id, with_internal=inside),
        attendees=attendees.published(
            meeting, now, for_guest=meeting.attendee_list == AttendeeList.guests and takes_part(process, meeting)
        ),
        there=attendees.were_there([meeting.id]).get(meeting.id) if meeting.present else None,
        survey=survey.figures_of([meeting.id] if meeting.is_over(now) else []).get(meeting.id),
        following=series.following(meeting, now) if organises else [],
        kind=words.kind_names()[meeting.kind],
        when=words.when_words(meeting),
        group_name=queries.name_of_group(meeting.group_id),
        description=Markup(render_markdown(meeting.description)),  # noqa: S704  (sanitised)
        agenda=agenda,
        organises=organises,
        takes_cards=organises and meeting.kind in (MeetingKind.kickoff, MeetingKind.public_dialogue),
        elements=names_of(process, {i for i in about if i}, current_person()),
        **minutes_context(minutes),
    )


def minutes_context(minutes: Minutes | None) -> dict[str, object]:
    """What the part with the minutes shows."""
    if minutes is None:
        return {"minutes": None}
    until = minutes.objections_until
    return {
        "minutes": minutes,
        "minutes_text": Markup(render_markdown(queries.free_text(minutes))),  # noqa: S704  (sanitised)
        "line_names": words.line_names(),
        "numbers": queries.numbers_of(minutes),
        "owners": queries.owners_of(minutes),
        "last_day": until - timedelta(microseconds=1) if until else None,
    }


def calendar_file(data: bytes, name: str) -> Response:
    """An .ics as a download."""
    response = make_response(data)
    response.headers["Content-Type"] = "text/calendar; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def public_entry(process: Process, meeting: Meeting) -> bytes:
    """The calendar entry for everybody: names nobody."""
    return calendar.entry(
        meeting,
        public_url=current_app.config["PUBLIC_URL"],
        page_url=link("meetings.show", slug=process.slug, meeting_id=meeting.id, lang=None),
        description=f"{process.title}\n\n{meeting.description}",
    )


@bp.get("/p/<slug>/meetings/<int:meeting_id>/meeting.ics")
def ics(slug: str, meeting_id: int) -> Response:
    process = load_process(slug)
    authorize(policy.can_read_meetings, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    return calendar_file(public_entry(process, meeting), f"meeting-{meeting.id}.ics")
