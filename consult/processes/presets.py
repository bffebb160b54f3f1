"""What may be open in a stage, as four presets, and the usual course of a process, as a pattern to begin with."""

from dataclasses import dataclass
from enum import StrEnum

from flask_babel import gettext as _

from consult.groups.models import GroupKind
from consult.processes.models import Activity, Audience, Function


class Preset(StrEnum):
    """Four presets, so that nobody fills in a matrix. Registering for meetings follows the meetings."""

    read = "read"
    feedback = "feedback"
    write = "write"
    vote = "vote"
    #: Activities chosen one by one (demonstrations, imports); the form leaves them as they are.
    own = "own"


ACTIVITIES: dict[Preset, tuple[Activity, ...]] = {
    Preset.read: (),
    Preset.feedback: (Activity.comment, Activity.react),
    Preset.write: (Activity.comment, Activity.propose, Activity.react),
    Preset.vote: (Activity.vote, Activity.react),
}


@dataclass(frozen=True)
class StagePattern:
    """A stage of the usual course: its weeks, counted from the first day of the process."""

    title: str
    week: int
    weeks: int | None
    preset: Preset
    #: Meetings of this stage are open to these people.
    register: Audience | None = None


@dataclass(frozen=True)
class GroupPattern:
    name: str
    kind: GroupKind
    function: Function


def usual_stages() -> list[StagePattern]:
    """From the opening event to the resolution and on: as the model case went, in whole weeks."""
    return [
        StagePattern(_("Opening and inventory"), 0, 8, Preset.read, Audience.invited),
        StagePattern(_("Initiative circles and specialist forums"), 8, 78, Preset.read),
        StagePattern(_("Feedback on the interim draft"), 103, 9, Preset.write),
        StagePattern(_("Expert talks on the fields of action"), 105, 29, Preset.read, Audience.invited),
        StagePattern(_("Feedback on the draft"), 153, 7, Preset.write, Audience.public),
        StagePattern(_("Consultation and resolution"), 155, 11, Preset.read),
        StagePattern(_("Implementation and next edition"), 166, None, Preset.read),
    ]


def usual_groups() -> list[GroupPattern]:
    """The bodies of the model case, without people."""
    return [
        GroupPattern(_("Process lead"), GroupKind.team, Function.lead),
        GroupPattern(_("Moderation"), GroupKind.team, Function.moderation),
        GroupPattern(_("Steering group"), GroupKind.steering_group, Function.steering),
        GroupPattern(_("Editing group"), GroupKind.working_group, Function.editing),
        GroupPattern(_("Process office"), GroupKind.team, Function.answering),
        GroupPattern(_("Initiative circle %(number)s", number=1), GroupKind.initiative_circle, Function.working),
        GroupPattern(_("Initiative circle %(number)s", number=2), GroupKind.initiative_circle, Function.working),
        GroupPattern(_("Initiative circle %(number)s", number=3), GroupKind.initiative_circle, Function.working),
        GroupPattern(_("Initiative circle %(number)s", number=4), GroupKind.initiative_circle, Function.working),
        GroupPattern(_("Specialist forum"), GroupKind.specialist_forum, Function.working),
    ]
