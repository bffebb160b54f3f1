"""Checking people in: the page for the phone at the door, what it sends when the network is back, and afterwards."""

import json
from datetime import datetime
from typing import Any, TypeGuard
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import current_app, flash, g, jsonify, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import authorize, current_person
from consult.errors import Refused
from consult.extensions import db
from consult.meetings import attendees, door, opening, papers, policy, queries
from consult.meetings.door import Act, Entry, Guest, Outcome, Result
from consult.meetings.door_words import kind_words, sentence_for, state_words
from consult.meetings.models import Meeting, MeetingState
from consult.meetings.views.blueprint import bp
from consult.meetings.words import when_words
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import MAX_ID, commit_and_go

#: How many people one page of the tick list shows.
SHEET_PAGE = 150
#: Empty lines for people who are not on the list.
SPARE_LINES = 5
WALK_IN_FIELDS = ("name", "organisation")


def _load(slug: str, meeting_id: int) -> tuple[Process, Meeting]:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    g.zone = meeting.zone
    return process, meeting


def _here(process: Process, meeting: Meeting, endpoint: str = "door", **values: Any) -> str:
    return url_for(f"meetings.{endpoint}", slug=process.slug, meeting_id=meeting.id, **values)


def _clock_time(meeting: Meeting, at: datetime | None) -> str:
    return at.astimezone(ZoneInfo(meeting.zone)).strftime("%H:%M") if at else ""


def _shown(meeting: Meeting, guest: Guest) -> dict[str, Any]:
    """One row of the list, as page and device know it."""
    return {
        "id": guest.id,
        "name": guest.name,
        "organisation": guest.organisation,
        "code": guest.code,
        "label": state_words().get(guest.state, ""),
        "at": _clock_time(meeting, guest.at),
        "key": guest.key,
    }


def _said(result: Result, meeting: Meeting, there: int) -> str:
    """The sentence about one result, and about the room when there are more people than places."""
    words = sentence_for(result)
    if result.outcome == Outcome.counted and meeting.capacity is not None and there > meeting.capacity:
        more = _(
            "More people are here than there are places: %(there)s of %(places)s.",
            there=there,
            places=meeting.capacity,
        )
        words = f"{words} {more}"
    return words


@bp.get("/p/<slug>/meetings/<int:meeting_id>/door", endpoint="door")
def at_the_door(slug: str, meeting_id: int) -> Response:
    """The list with a large button each; scripts add the camera, and work without a network."""
    process, meeting = _load(slug, meeting_id)
    known = door.guests(meeting.id)
    wanted = request.args.get("q", "").strip()[:100]
    found = known
    if wanted:
        one = door.by_code(known, wanted)
        low = wanted.casefold()
        found = [one] if one else [x for x in known if low in f"{x.name} {x.organisation}".casefold()]
    now = clock.now()
    response = make_response(
        render_template(
            "meetings/door.html",
            process=process,
            meeting=meeting,
            when=when_words(meeting),
            rows=[_shown(meeting, guest) for guest in known],
            shown={guest.id for guest in found},
            wanted=wanted,
            # Whoever is looked for and not found may be new; a code is nobody's name.
            new=wanted if wanted and not found and not any(c.isdecimal() for c in wanted) else "",
            counts=door.counts(known),
            kinds=kind_words(),
            is_open=opening.is_open(meeting, now),
            opens=opening.opens_at(meeting),
            # Before it opens by itself, one press opens it, and another one takes that back.
            by_hand=meeting.state != MeetingState.cancelled and now < opening.by_itself_at(meeting),
            by_itself=opening.by_itself_at(meeting),
            # For devices, whose clocks are wrong: how long it still is, and when it is. Never, when it is cancelled.
            opens_in=max(0, int((opening.opens_at(meeting) - now).total_seconds() * 1000)),
            is_over=meeting.is_over(now),
            has_begun=now >= meeting.starts_at,
            is_closed=door.is_closed(meeting, known),
            until=int(door.until(meeting).timestamp() * 1000),
        )
    )
    # The camera is for this page alone.
    response.headers["Permissions-Policy"] = "camera=(self), geolocation=(), microphone=()"
    # Read by the worker that keeps the page for halls without a network.
    response.headers["X-Door-Until"] = str(int(door.until(meeting).timestamp() * 1000))
    return response


@bp.get("/p/<slug>/meetings/<int:meeting_id>/door-worker.js")
def door_worker(slug: str, meeting_id: int) -> Response:
    """The service worker: from here, because it may only look after addresses below its own."""
    _load(slug, meeting_id)
    response = current_app.send_static_file("js/door/worker.js")
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/p/<slug>/meetings/<int:meeting_id>/door-sync")
def door_sync(slug: str, meeting_id: int) -> Response | tuple[Response, int]:
    """What a device kept while it had no network. Sent again after a lost answer, it changes nothing."""
    process, meeting = _load(slug, meeting_id)
    now = clock.now()
    entries, broken = _entries(request.form.get("entries", ""), request.form.get("sent_at", ""), now)
    try:
        results = door.take_in(meeting, entries, current_person(), now=now)
    except Refused as refusal:
        db.session.rollback()
        return jsonify(error=refusal.message), 409
    db.session.commit()
    there = door.counts(door.guests(meeting.id)).there
    # What cannot be read is not sent for ever.
    told = [{"key": key, "outcome": Outcome.unknown, "says": "", "warns": True} for key in broken]
    told += [
        {"key": r.key, "outcome": r.outcome, "says": _said(r, meeting, there), "warns": _warns(r)} for r in results
    ]
    return jsonify(results=told)


def _warns(result: Result) -> bool:
    """Whether whoever stands at the door should look twice."""
    unusual = result.outcome == Outcome.counted and result.before not in ("", "coming")
    return unusual or result.same_name or result.outcome == Outcome.unknown


def _entries(told: str, sent_at: str, now: datetime) -> tuple[list[Entry], list[str]]:
    """What a device sent, by our clock: how far its own is off shows in when it says it sent this."""
    try:
        items = json.loads(told or "[]")
    except (ValueError, RecursionError):
        return [], []
    off = now - (_moment(sent_at) or now)
    entries, broken = [], []
    for item in items[: door.MAX_ENTRIES] if isinstance(items, list) else []:
        key = item.get("key") if isinstance(item, dict) else None
        if not _is_key(key):
            continue
        entry = _entry(key, item, off, now)
        if entry is None:
            broken.append(key)
        else:
            entries.append(entry)
    return entries, broken


def _entry(key: str, item: dict[str, Any], off: Any, now: datetime) -> Entry | None:
    act, ident = item.get("act"), item.get("id")
    name, organisation = item.get("name") or "", item.get("organisation") or ""
    at = _moment(item.get("at"))
    if (
        not isinstance(act, str)
        or act not in set(Act)
        or not isinstance(name, str)
        or not isinstance(organisation, str)
    ):
        return None
    # True is a number as well, but no id.
    known = type(ident) is int and 0 < ident <= MAX_ID
    of = item.get("of")
    of = of if act == Act.undo and _is_key(of) else None
    if act != Act.walk_in and not known and of is None:
        return None
    try:
        when = at + off if at is not None else now
    except OverflowError:
        when = now
    return Entry(key, Act(act), when, ident if known else None, name, organisation, of)


def _is_key(told: Any) -> TypeGuard[str]:
    """Whether this can be a key that a device made."""
    return isinstance(told, str) and 8 <= len(told) <= 36 and told.isascii() and "\0" not in told


def _moment(told: Any) -> datetime | None:
    """A moment as scripts write it; None for anything else."""
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


@bp.post("/p/<slug>/meetings/<int:meeting_id>/door/open")
def open_door(slug: str, meeting_id: int) -> Response:
    """Earlier than a day before."""
    process, meeting = _load(slug, meeting_id)
    opening.open_early(meeting, current_person(), clock.now())
    flash(_("The door is open."), "success")
    return commit_and_go(_here(process, meeting))


@bp.post("/p/<slug>/meetings/<int:meeting_id>/door/shut")
def shut_door(slug: str, meeting_id: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    opening.shut_again(meeting, current_person(), clock.now())
    flash(_("The door is closed again."), "success")
    return commit_and_go(_here(process, meeting))


# The same without scripts: one button, one request.


def _do(process: Process, meeting: Meeting, entry: Entry) -> Response:
    result = door.take_in(meeting, [entry], current_person(), now=clock.now())[0]
    there = door.counts(door.guests(meeting.id)).there
    flash(_said(result, meeting, there), "warning" if _warns(result) else "success")
    return commit_and_go(_here(process, meeting))


def _chosen() -> int | None:
    value = request.form.get("registration", "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None


@bp.post("/p/<slug>/meetings/<int:meeting_id>/door/check-in")
def check_in(slug: str, meeting_id: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    return _do(process, meeting, Entry(str(uuid4()), Act.came, clock.now(), _chosen()))


@bp.post("/p/<slug>/meetings/<int:meeting_id>/door/undo")
def undo_check_in(slug: str, meeting_id: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    return _do(process, meeting, Entry(str(uuid4()), Act.undo, clock.now(), _chosen()))


@bp.post("/p/<slug>/meetings/<int:meeting_id>/door/walk-in")
def walk_in(slug: str, meeting_id: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    name, organisation = (request.form.get(field, "")[:200] for field in WALK_IN_FIELDS)
    return _do(process, meeting, Entry(str(uuid4()), Act.walk_in, clock.now(), None, name, organisation))


# Afterwards


@bp.post("/p/<slug>/meetings/<int:meeting_id>/attendance/close")
def close_attendance(slug: str, meeting_id: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    present, absent = door.close(meeting, current_person(), clock.now())
    there = attendees.were_there([meeting.id]).get(meeting.id)
    politics = there.politics if there else 0
    flash(
        " ".join([
            ngettext("One person was there.", "%(num)s people were there.", present),
            *([_("Of them from politics: %(number)s.", number=politics)] if politics else []),
            ngettext("One was absent.", "%(num)s were absent.", absent),
        ]),
        "success",
    )  # fmt: skip
    return commit_and_go(_here(process, meeting))


@bp.post("/p/<slug>/meetings/<int:meeting_id>/attendance/reopen")
def reopen_attendance(slug: str, meeting_id: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    door.reopen(meeting, current_person(), clock.now())
    flash(_("The attendance is open again."), "success")
    return commit_and_go(_here(process, meeting))


@bp.route("/p/<slug>/meetings/<int:meeting_id>/attendance", methods=["GET", "POST"])
def attendance(slug: str, meeting_id: int) -> Response | str:
    """The sign-in sheet on paper, ticked off on the screen."""
    process, meeting = _load(slug, meeting_id)
    if request.method == "POST":
        return _tick(process, meeting)
    known = door.guests(meeting.id)
    page = max(1, request.args.get("page", 1, type=int))
    rows = known[(page - 1) * SHEET_PAGE : page * SHEET_PAGE]
    return render_template(
        "meetings/door_sheet.html",
        process=process,
        meeting=meeting,
        numbers={guest.id: number for number, guest in enumerate(papers.printed(known), start=1)},
        rows=[_shown(meeting, guest) for guest in rows],
        counts=door.counts(known),
        page=page,
        more=len(known) > page * SHEET_PAGE,
        spare=range(SPARE_LINES),
    )


def _ids(values: list[str]) -> set[int]:
    return {int(v) for v in values if v.isascii() and v.isdecimal() and len(v) < 10}


def _tick(process: Process, meeting: Meeting) -> Response:
    """What was ticked and was not before came; what was and is no longer did not. Others are left alone."""
    seen, ticked = _ids(request.form.get("seen", "").split()[:SHEET_PAGE]), _ids(request.form.getlist("there"))
    now = clock.now()
    at = meeting.starts_at if meeting.starts_at < now else now
    entries = [Entry(str(uuid4()), Act.came, at, ident) for ident in sorted(ticked - seen)[:SHEET_PAGE]]
    entries += [Entry(str(uuid4()), Act.undo, now, ident) for ident in sorted(seen - ticked)]
    names, organisations = (request.form.getlist(field)[:SPARE_LINES] for field in WALK_IN_FIELDS)
    entries += [
        Entry(str(uuid4()), Act.walk_in, at, None, name[:200], organisation[:200])
        for name, organisation in zip(names, [*organisations, *[""] * SPARE_LINES], strict=False)
        if name.strip()
    ]
    outcomes = [result.outcome for result in door.take_in(meeting, entries, current_person(), now=now)]
    came, undone = outcomes.count(Outcome.counted), outcomes.count(Outcome.undone)
    says = [ngettext("One person more was there.", "%(num)s people more were there.", came)]
    if undone:
        says.append(ngettext("One tick was taken away.", "%(num)s ticks were taken away.", undone))
    flash(" ".join(says), "success")
    return commit_and_go(_here(process, meeting, "attendance", page=request.args.get("page", type=int)))
