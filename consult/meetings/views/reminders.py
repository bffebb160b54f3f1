"""Mails before and after a meeting: planned by one button, or with a time and words of one's own."""

from flask import abort, flash, g, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import authorize, current_person
from consult.errors import Refused
from consult.forms import entered
from consult.meetings import event_words, policy, queries, reminders
from consult.meetings.event_forms import ReminderForm
from consult.meetings.models import Meeting, RegistrationState, Reminder, ReminderKind
from consult.meetings.views.blueprint import bp
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text


def _preset_names() -> dict[str, str]:
    return {
        "three_days": _("Reminder 3 days before"),
        "day_before": _("Reminder the day before"),
        "thanks": _("Thanks the day after, with the minutes"),
        "survey": _("Survey 1 day after"),
    }


@bp.route("/p/<slug>/meetings/<int:meeting_id>/reminders", methods=["GET", "POST"])
@keeps_text
def edit_reminders(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    """What is planned, and the form for one more."""
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    g.zone = meeting.zone
    form = ReminderForm()
    form.offer()
    if request.method == "GET":
        return _page(form, process, meeting), 200
    if form.validate():
        try:
            reminders.add(
                meeting, form.kind.data, form.minutes(), form.states.data or (), current_person(),
                note=entered(form.note),
            )  # fmt: skip
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("The mail is planned."), "success")
            return commit_and_go(url_for(".edit_reminders", slug=slug, meeting_id=meeting_id))
    return _page(form, process, meeting), 422


def _whom(one: Reminder) -> str:
    """Who gets it, in words."""
    if one.kind == ReminderKind.thanks:
        return _("whoever was there; where nobody was checked in, whoever said that they come")
    names = event_words.state_names()
    words = [names[state] for state in reminders.states_of(one)]
    if one.minutes > 0 and RegistrationState.coming in reminders.states_of(one):
        words.append(_("of those who said that they come nobody, once somebody was checked in"))
    return ", ".join(words)


def _page(form: ReminderForm, process: Process, meeting: Meeting) -> str:
    now = clock.now()
    planned = reminders.of_meeting(meeting.id)
    taken = {(one.kind, one.minutes) for one in planned}
    counts = queries.registration_counts(meeting.id)
    counted = counts.get(RegistrationState.attended, 0) > 0
    asks = reminders.has_questions(meeting.id)
    return render_template(
        "meetings/reminders.html",
        form=form,
        process=process,
        meeting=meeting,
        counts=counts,
        planned=[
            {
                "id": one.id,
                "name": event_words.reminder_names()[one.kind],
                "distance": event_words.distance_words(one.minutes),
                "moment": reminders.moment_of(meeting, one.minutes),
                "states": _whom(one),
                "people": sum(counts.get(state, 0) for state in reminders.reached(one, counted)),
                "note": one.note,
                "sent": one.queued_at,
                "missed": one.queued_at is None
                and reminders.moment_of(meeting, one.minutes) <= now
                and not reminders.is_due(one, meeting, now),
            }
            for one in planned
        ],
        asks=asks,
        presets=[
            (name, label)
            for name, label in _preset_names().items()
            if (reminders.PRESETS[name].kind, reminders.PRESETS[name].minutes) not in taken
            and reminders.moment_of(meeting, reminders.PRESETS[name].minutes) > now
            # Without questions there is nothing to send: the page leads to them instead.
            and (asks or reminders.PRESETS[name].kind != ReminderKind.survey)
        ],
    )


@bp.post("/p/<slug>/meetings/<int:meeting_id>/reminders/<preset>")
def plan_reminder(slug: str, meeting_id: int, preset: str) -> Response:
    """One of the usual mails, by one button."""
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    usual = reminders.PRESETS.get(preset)
    if usual is None:
        abort(404)
    reminders.add(meeting, usual.kind, usual.minutes, usual.states, current_person())
    flash(_("The mail is planned."), "success")
    return commit_and_go(url_for(".edit_reminders", slug=slug, meeting_id=meeting_id))


@bp.post("/p/<slug>/meetings/<int:meeting_id>/reminders/<int:reminder_id>/remove")
def remove_reminder(slug: str, meeting_id: int, reminder_id: int) -> Response:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    reminders.remove(meeting, reminder_id, current_person())
    flash(_("This mail is no longer planned."), "success")
    return commit_and_go(url_for(".edit_reminders", slug=slug, meeting_id=meeting_id))
