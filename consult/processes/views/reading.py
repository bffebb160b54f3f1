"""What everybody sees: the list of processes, one process at a glance, its timeline."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from consult import clock
from consult.authz import authorize, current_person, public
from consult.concept import queries as concept
from consult.concept import topics
from consult.concept.models import VersionAudience
from consult.html import render_markdown
from consult.meetings import queries as meetings
from consult.meetings import words as meeting_words
from consult.meetings.models import Meeting, MeetingState
from consult.pages import rendered_once
from consult.processes import policy, queries, words
from consult.processes.loading import load_process
from consult.processes.models import Activity, Audience, Process, ProcessState, Stage
from consult.processes.queries import Opening
from consult.processes.views.blueprint import bp
from consult.shell import ProcessHead


@dataclass(frozen=True)
class Action:
    """The one thing to do now."""

    label: str
    url: str


@dataclass(frozen=True)
class Standing:
    """Where a process stands now."""

    stages: list[str]
    sentences: list[str]
    #: The last day of what is possible now, or None.
    last_day: date | None
    #: Title and beginning of the next stage, or None.
    following: tuple[str, datetime] | None
    #: Whether it begins while a stage of today still runs.
    overlaps: bool


def standing(process: Process, stages: list[Stage], now: datetime) -> Standing:
    """What is open now and what comes next, from stages loaded with their activities."""
    opened = queries.open_in(stages, now)
    ahead = [stage for stage in stages if stage.starts_at > now]
    ends = [opening.ends_at for opening in opened.values() if opening.ends_at is not None]
    running = [stage for stage in stages if stage.is_open(now)]
    return Standing(
        [stage.title for stage in running],
        _sentences(process, opened),
        words.day_before(min(ends), process.zone) if ends else None,
        (ahead[0].title, ahead[0].starts_at) if ahead else None,
        bool(ahead) and any(stage.is_open(ahead[0].starts_at) for stage in running),
    )


def _sentences(process: Process, opened: dict[str, Opening]) -> list[str]:
    if process.state == ProcessState.archived:
        return [_("This process is finished. You can read everything.")]
    return [
        words.activity_sentence(activity, _widest(opened[activity]))
        for activity in Activity
        if activity in opened and words.is_offered(activity, _widest(opened[activity]))
    ] or [_("You can read everything that is public.")]


def _widest(opening: Opening) -> str:
    return next(audience for audience in Audience if audience in opening.audiences)


def main_action(process: Process, opened: dict[str, Opening], has_version: bool) -> Action | None:
    """Where most people want to go now."""
    slug = process.slug
    may_write = process.state == ProcessState.published and any(
        Audience.public in opened[activity].audiences
        for activity in (Activity.comment, Activity.propose)
        if activity in opened
    )
    if has_version:
        label = _("Read the draft and say what you think") if may_write else _("Read the draft")
        return Action(label, url_for("concept.read", slug=slug))
    if may_write:
        return Action(_("Say what you think"), url_for("contributions.create_for_process", slug=slug))
    if Activity.register in opened:
        return Action(_("See the meetings"), url_for("meetings.index", slug=slug))
    return None


@bp.get("/")
@rendered_once
@public
def home() -> str:
    """What this platform is, and the processes; with a single one it leads straight there."""
    now = clock.now()
    processes = queries.processes_visible_to(current_person())
    stages = queries.stages_by_process(process.id for process in processes)
    entries = [
        {
            "process": process,
            "url": url_for("processes.overview", slug=process.slug),
            "standing": standing(process, stages[process.id], now),
            "influence": words.influence_sentence(process.influence),
        }
        for process in processes
    ]
    running = [entry for entry in entries if entry["process"].state != ProcessState.archived]  # type: ignore[attr-defined]
    page = "processes/home_single.html" if len(running) == 1 else "processes/home.html"
    return render_template(
        page,
        running=running,
        finished=[entry for entry in entries if entry not in running],
    )


@bp.get("/p/<slug>")
@rendered_once
def overview(slug: str) -> str:
    """One process at a glance: what is open now, until when, and the one main action."""
    process = load_process(slug)
    authorize(policy.can_read, process)
    now = clock.now()
    stages = queries.stages_of(process.id)
    opened = queries.open_in(stages, now)
    newest = concept.newest_versions(process.id, (VersionAudience.public,))
    main = concept.main_concept(process.id) if newest else None
    version = newest.get(main.id) if main else next(iter(newest.values()), None)
    return render_template(
        "processes/overview.html",
        process=process,
        process_home=True,
        process_head=ProcessHead(process, stages),
        standing=standing(process, stages, now),
        action=main_action(process, opened, version is not None),
        influence=words.influence_sentence(process.influence),
        intro=Markup(render_markdown(process.intro)),  # noqa: S704  (sanitised)
        version=version,
        topics=topics.entries(process.id) if version else [],
        upcoming=[_meeting_entry(meeting, process, now) for meeting in meetings.upcoming(process.id, 3)],
    )


def _stage_entry(stage: Stage, process: Process, now: datetime) -> dict[str, Any]:
    item = words.stage_item(stage, process.zone, now)
    doing = " ".join(words.stage_sentences(stage)) if item["state"] != "done" else ""
    return {
        **item,
        "text": " ".join(part for part in (stage.description, doing) if part),
        "sample": process.is_demo and not stage.source,
    }


def _meeting_entry(meeting: Meeting, process: Process, now: datetime, group: str | None = None) -> dict[str, Any]:
    state = "ahead" if meeting.starts_at > now else "now" if now < meeting.ends_at else "done"
    kind = meeting_words.kind_names().get(meeting.kind, meeting.kind)
    cancelled = [_("Cancelled")] if meeting.state == MeetingState.cancelled else []
    return {
        "title": meeting.title,
        "url": url_for("meetings.show", slug=process.slug, meeting_id=meeting.id),
        "period": meeting_words.when_words(meeting),
        "state": state,
        "text": " · ".join([*cancelled, group or kind, *([meeting.place] if meeting.place else [])]),
        "source": meeting.source,
        "historic_on": meeting.historic_on,
        "sample": process.is_demo and not meeting.source,
    }


@bp.get("/p/<slug>/timeline")
@rendered_once
def timeline(slug: str) -> str:
    """Stages and meetings in one list, and what one can do in each."""
    process = load_process(slug)
    authorize(policy.can_read, process)
    now = clock.now()
    stages = queries.stages_of(process.id)
    items = [(stage.starts_at, _stage_entry(stage, process, now)) for stage in stages]
    groups = meetings.group_names(process.id)
    items += [
        (meeting.starts_at, _meeting_entry(meeting, process, now, groups.get(meeting.group_id or 0)))
        for meeting in meetings.all_of(process.id)
    ]
    return render_template(
        "processes/timeline.html",
        process=process,
        process_head=ProcessHead(process, stages),
        items=[item for _when, item in sorted(items, key=lambda pair: pair[0])],
    )
