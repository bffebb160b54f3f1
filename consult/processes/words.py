"""Plain words for what the database holds as machine words, and dates of stages as people read them."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from consult.i18n import format_day, format_days
from consult.processes.models import Activity, Audience, Days, Function, Influence, Moderation, ProcessState, Stage
from consult.processes.presets import Preset


def function_names() -> dict[str, str]:
    """What a group does in a process."""
    return {
        Function.lead: _("Leads the process"),
        Function.moderation: _("Moderates contributions"),
        Function.steering: _("Decides on the draft (steering)"),
        Function.editing: _("Edits the text"),
        Function.answering: _("Answers questions"),
        Function.working: _("Works on topics"),
    }


def influence_names() -> dict[str, str]:
    """How far the public's word reaches, as a choice."""
    return {
        Influence.inform: _("Information: people learn what is planned"),
        Influence.consult: _("Consultation: people advise, the council decides"),
        Influence.cooperate: _("Cooperation: people and administration decide together on parts"),
        Influence.decide: _("Decision: what people decide is carried out"),
    }


def influence_sentence(influence: str) -> str:
    """The same, said to those who take part."""
    return {
        Influence.inform: _("You learn here what is planned. Nothing is decided by taking part."),
        Influence.consult: _("You advise; the council will decide."),
        Influence.cooperate: _("You work on the solution together with the administration."),
        Influence.decide: _("You decide here, and the city carries it out."),
    }[Influence(influence)]


def state_names() -> dict[str, str]:
    return {
        ProcessState.draft: _("Not published yet"),
        ProcessState.published: _("Published"),
        ProcessState.archived: _("Archived"),
    }


def moderation_names() -> dict[str, str]:
    return {
        Moderation.pre: _("Contributions are looked at before they appear"),
        Moderation.post: _("Contributions appear at once and are looked at afterwards"),
    }


def preset_names() -> dict[str, str]:
    """The four presets of a stage in one sentence each, and what was chosen by hand."""
    return {
        Preset.read: _("Read: nothing is open for writing"),
        Preset.feedback: _("Feedback: comment and agree with others"),
        Preset.write: _("Write: comment, propose other words, agree with others"),
        Preset.vote: _("Vote: agree with others; voting itself comes with a later edition"),
        Preset.own: _("As it is set up now"),
    }


def audience_names() -> dict[str, str]:
    return {
        Audience.public: _("everybody"),
        Audience.members: _("members of groups"),
        Audience.invited: _("invited people"),
    }


def activity_sentence(activity: str, audience: str) -> str:
    """What one can do in a stage, as one short sentence."""
    if audience == Audience.public:
        return {
            Activity.comment: _("You can write comments."),
            Activity.propose: _("You can propose other words."),
            Activity.react: _("You can say which contributions you agree with."),
            Activity.vote: _("You can vote."),
            Activity.register: _("You can register for meetings."),
        }[Activity(activity)]
    if audience == Audience.members:
        return {
            Activity.comment: _("Members of the groups can write comments."),
            Activity.propose: _("Members of the groups can propose other words."),
            Activity.react: _("Members of the groups can say which contributions they agree with."),
            Activity.vote: _("Members of the groups can vote."),
            Activity.register: _("Members of the groups can register for meetings."),
        }[Activity(activity)]
    return {
        Activity.comment: _("Invited people can write comments."),
        Activity.propose: _("Invited people can propose other words."),
        Activity.react: _("Invited people can say which contributions they agree with."),
        Activity.vote: _("Invited people can vote."),
        Activity.register: _("Invited people can register for meetings."),
    }[Activity(activity)]


def is_offered(activity: str, audience: str) -> bool:
    """Whether the platform has a page for it: voting has none yet, and meetings are joined by invitation."""
    return activity in (Activity.comment, Activity.propose, Activity.react) or (
        activity == Activity.register and audience == Audience.invited
    )


def stage_sentences(stage: Stage) -> list[str]:
    """What one can do in this stage; needs `stage.activities` loaded."""
    order = list(Activity)
    offered = [row for row in stage.activities if is_offered(row.activity, row.audience)]
    rows = sorted(offered, key=lambda row: (order.index(Activity(row.activity)), row.audience))
    return [activity_sentence(row.activity, row.audience) for row in rows] or [
        _("You can read everything that is public.")
    ]


def first_day(stage: Stage | Days, zone: str) -> date:
    return stage.starts_at.astimezone(ZoneInfo(zone)).date()


def day_before(end: datetime, zone: str) -> date:
    """The last day of a half-open interval: an end at midnight belongs to the day before."""
    return (end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()


def last_day(stage: Stage | Days, zone: str) -> date | None:
    """The last day of a stage; None when it has no end."""
    return None if stage.ends_at is None else day_before(stage.ends_at, zone)


def period(stage: Stage | Days, zone: str) -> str:
    """ "12. April - 27. Mai 2018", "ab 12. Juli 2018": the days of a stage, the year once where it is the same."""
    start, end = first_day(stage, zone), last_day(stage, zone)
    if end is None:
        return _("from %(day)s", day=format_day(start))
    if start == end:
        return format_day(start)
    return format_days(start, end)


def stage_state(stage: Stage, now: datetime) -> str:
    """done, now or ahead."""
    if stage.is_open(now):
        return "now"
    return "ahead" if stage.starts_at > now else "done"


def stage_item(stage: Stage, zone: str, now: datetime) -> dict[str, Any]:
    """A stage as the strip and the timeline show it."""
    return {
        "id": stage.id,
        "title": stage.title,
        "period": period(stage, zone),
        "state": stage_state(stage, now),
        "text": stage.description,
        "source": stage.source,
        "historic_on": stage.historic_on,
    }
