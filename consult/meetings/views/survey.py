"""The survey after a meeting: its questions, the sheet behind a personal link, the results."""

from datetime import timedelta
from typing import Any

from flask import abort, flash, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import allowed, authorize, current_person, public
from consult.errors import Conflict, Refused
from consult.limits import limit, visitor
from consult.meetings import policy, queries, survey, words
from consult.meetings.event_forms import QuestionsForm, sheet_answers, sheet_form
from consult.meetings.models import Meeting, SurveyKind
from consult.meetings.survey import Sheet
from consult.meetings.views.arranging import address_of
from consult.meetings.views.blueprint import bp
from consult.processes.loading import load_process
from consult.web import commit_and_go, keeps_text

#: Links that are none, and sheets, from one address.
GUESSES, SHEETS_PER_HOUR = 30, 240
_SPARE = 2


def _stored(meeting: Meeting) -> dict[str, Any]:
    asked = survey.questions_of(meeting.id)
    rows: list[dict[str, Any]] = [{"label": one.label, "kind": one.kind, "choices": one.choices} for one in asked]
    spare = [{"kind": SurveyKind.scale} for _n in range(_SPARE)]
    return {"questions": [*rows, *spare], "anonymous": "yes" if meeting.survey_anonymous else "no",
            "base": survey.mark_of(meeting, asked)}  # fmt: skip


@bp.route("/p/<slug>/meetings/<int:meeting_id>/survey/questions", methods=["GET", "POST"])
@keeps_text
def survey_questions(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    """What is asked after the meeting."""
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    form = QuestionsForm(data=_stored(meeting)) if request.method == "GET" else QuestionsForm()
    form.offer()
    status, theirs = 200, None
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                survey.set_questions(
                    meeting, form.asked(), form.anonymous.data == "yes", current_person(), form.base.data or ""
                )
            except Conflict as conflict:
                status, theirs = 409, conflict.theirs.splitlines()
                form.base.data = survey.mark_of(meeting, survey.questions_of(meeting.id))
            except Refused as refusal:
                form.form_errors.append(refusal.message)
            else:
                flash(_("The questions are saved."), "success")
                more = request.form.get("more") is not None
                here = url_for(".survey_questions", slug=slug, meeting_id=meeting_id)
                return commit_and_go(here if more else address_of(process, meeting))
    page = render_template(
        "meetings/survey_questions.html",
        form=form,
        process=process,
        meeting=meeting,
        theirs=theirs,
        empty=not survey.questions_of(meeting.id),
        begun=survey.has_replies(meeting.id),
    )
    return page, status


@bp.post("/p/<slug>/meetings/<int:meeting_id>/survey/usual")
def usual_questions(slug: str, meeting_id: int) -> Response:
    """Three questions by one button."""
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    none = survey.mark_of(meeting, [])
    try:
        survey.set_questions(meeting, survey.preset(), meeting.survey_anonymous, current_person(), none)
    except Conflict as conflict:
        raise Refused(_("Somebody else has written questions meanwhile.")) from conflict
    flash(_("The questions are saved. You can change them."), "success")
    return commit_and_go(url_for(".survey_questions", slug=slug, meeting_id=meeting_id))


@bp.get("/p/<slug>/meetings/<int:meeting_id>/survey")
def survey_results(slug: str, meeting_id: int) -> str:
    """What people answered: from five sheets on for everybody, own words for the organisers."""
    process = load_process(slug)
    authorize(policy.can_read_meetings, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    organises = allowed(policy.can_organise, process)
    many = survey.count_of(meeting.id)
    shown = organises or many >= survey.FEWEST
    return render_template(
        "meetings/survey_results.html",
        process=process,
        meeting=meeting,
        many=many,
        asked=queries.surveyed(meeting.id) if organises else 0,
        results=survey.results(meeting.id, with_texts=organises) if shown else [],
        organises=organises,
        shown=shown,
    )


# -- the sheet ---------------------------------------------------------------------------------------------------


def _sheet_or_404(link: str) -> Sheet:
    found = survey.opened(link)
    if found is None:
        limit("guess-link", visitor(), GUESSES, timedelta(minutes=10))
        abort(404)
    g.zone = found.meeting.zone
    return found


def _sheet_page(link: str, sheet: Sheet, form: Any, status: int) -> Response:
    response = make_response(
        render_template(
            "meetings/survey.html",
            link=link,
            sheet=sheet,
            meeting=sheet.meeting,
            process=sheet.process,
            when=words.when_words(sheet.meeting),
            open=sheet.is_open(clock.now()),
            form=form,
            fewest=survey.FEWEST,
        ),
        status,
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@bp.get("/survey/<link>", endpoint="survey")
@public
def sheet(link: str) -> Response:
    """Looking changes nothing."""
    found = _sheet_or_404(link)
    return _sheet_page(link, found, sheet_form(found.questions, found.answers), 200)


@bp.post("/survey/<link>", endpoint="answer_survey")
@public
@keeps_text
def answer(link: str) -> Response:
    """Saved to go on later, or handed in for good."""
    found = _sheet_or_404(link)
    limit("survey", visitor(), SHEETS_PER_HOUR, timedelta(hours=1))
    form = sheet_form(found.questions, None)
    if not form.validate():
        return _sheet_page(link, found, form, 422)
    send = request.form.get("later") is None
    try:
        survey.save(found, sheet_answers(form, found.questions), send=send)
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return _sheet_page(link, found, form, 422)
    done = _("Thank you! Your answers have arrived.") if send else _("Saved. You can go on later with the same link.")
    flash(done, "success")
    if send and found.meeting.survey_anonymous:
        # Where a form led to is kept for a week, in the order of the sheets: the personal link must not be in it.
        return commit_and_go(address_of(found.process, found.meeting))
    return commit_and_go(url_for("meetings.survey", link=link))
