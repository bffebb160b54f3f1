"""What is printed for the door."""

from flask import g, make_response, render_template, request
from werkzeug.wrappers import Response

from consult.authz import authorize
from consult.meetings import papers, policy, queries
from consult.meetings.models import Meeting
from consult.meetings.views.blueprint import bp
from consult.processes.loading import load_process
from consult.processes.models import Process


def _load(slug: str, meeting_id: int) -> tuple[Process, Meeting]:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    g.zone = meeting.zone
    return process, meeting


def _pdf(data: bytes, name: str) -> Response:
    response = make_response(data)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/p/<slug>/meetings/<int:meeting_id>/paper", endpoint="paper")
def choose_paper(slug: str, meeting_id: int) -> str:
    """What to print, and how."""
    process, meeting = _load(slug, meeting_id)
    number = len(papers.expected(meeting.id))
    return render_template(
        "meetings/door_paper.html",
        process=process,
        meeting=meeting,
        number=number,
        by_hand=papers.by_hand(meeting.id),
        parts=range(1, number // papers.CODES_AT_ONCE + 2),
    )


@bp.get("/p/<slug>/meetings/<int:meeting_id>/sign-in-sheet.pdf")
def sign_in_sheet(slug: str, meeting_id: int) -> Response:
    _process, meeting = _load(slug, meeting_id)
    data = papers.sign_in_sheet(
        meeting,
        needs=request.args.get("needs") == "1",
        large=request.args.get("large") == "1",
        lines=request.args.get("lines", 10, type=int),
    )
    return _pdf(data, f"sign-in-{meeting.id}")


@bp.get("/p/<slug>/meetings/<int:meeting_id>/badges.pdf")
def badges(slug: str, meeting_id: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    codes, part = request.args.get("codes") == "1", max(1, request.args.get("part", 1, type=int))
    return _pdf(papers.badges(process, meeting, codes=codes, part=part), f"badges-{meeting.id}-{part}")
