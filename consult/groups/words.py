"""Plain words for kinds of groups."""

from flask_babel import gettext as _

from consult.groups.models import GroupKind


def kind_names() -> dict[str, str]:
    return {
        GroupKind.steering_group: _("Steering group"),
        GroupKind.initiative_circle: _("Initiative circle"),
        GroupKind.specialist_forum: _("Specialist forum"),
        GroupKind.expert_talk: _("Expert talk"),
        GroupKind.working_group: _("Working group"),
        GroupKind.team: _("Team"),
    }
