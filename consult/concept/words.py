"""Plain words for kinds of elements, changes and audiences."""

from flask_babel import gettext as _

from consult.concept.kinds import CHECK_QUESTION, CHECKED
from consult.concept.models import ChangeKind, DraftActKind, DraftState, ElementKind, VersionAudience


def kind_names() -> dict[str, str]:
    return {
        ElementKind.chapter: _("Chapter"),
        ElementKind.paragraph: _("Paragraph"),
        ElementKind.theme: _("Theme"),
        ElementKind.goal: _("Guiding goal"),
        ElementKind.sub_goal: _("Sub-goal"),
        ElementKind.field: _("Field of action"),
        ElementKind.need: _("Need"),
        ElementKind.measure_group: _("Group of measures"),
        ElementKind.measure: _("Measure"),
        ElementKind.example: _("Example of good practice"),
    }


def kind_hints() -> dict[str, str]:
    """What each kind is for, for those who add one."""
    return {
        ElementKind.chapter: _("A heading with paragraphs below it."),
        ElementKind.paragraph: _("Running text, in a chapter or by itself."),
        ElementKind.theme: _("A large subject that guiding goals belong to."),
        ElementKind.goal: _("What is to be reached; it serves the charter."),
        ElementKind.sub_goal: _("A step towards a guiding goal."),
        ElementKind.field: _("Where something is done: it gathers needs, measures and examples."),
        ElementKind.need: _("What is lacking in a field of action."),
        ElementKind.measure_group: _("A heading for measures that belong together."),
        ElementKind.measure: _("What somebody does, by when, and with which money; it serves goals."),
        ElementKind.example: _("Something that works already, here or elsewhere."),
    }


def change_names() -> dict[str, str]:
    return {
        ChangeKind.create: _("New"),
        ChangeKind.edit: _("New wording"),
        ChangeKind.move: _("Moved"),
        ChangeKind.split_: _("Split"),
        ChangeKind.merge: _("Merged"),
        ChangeKind.renumber: _("New number"),
        ChangeKind.retire: _("Taken out"),
        ChangeKind.restore: _("Taken in again"),
    }


def audience_names() -> dict[str, str]:
    return {
        VersionAudience.steering: _("For those who work in the process"),
        VersionAudience.public: _("For everybody"),
    }


def detail_names(kind: str = ElementKind.measure) -> dict[str, str]:
    """What an element of this kind says beside its words, in the order in which it is shown."""
    if kind not in CHECKED:
        return {}
    names = {
        "lead": _("Responsible"),
        "partners": _("Partners"),
        "target_group": _("For whom"),
        "favours": _("Whom does it favour?"),
        "disadvantages": _("Whom does it put at a disadvantage?"),
        "place": _("Place"),
        "time": _("From"),
        "finance": _("Paid from"),
        "indicator": _("How we notice success"),
    }
    if kind == ElementKind.measure:
        return names
    return {name: names[name] for name in ("target_group", *CHECK_QUESTION)}


def draft_state_names() -> dict[str, str]:
    return {
        DraftState.open: _("Being written"),
        DraftState.submitted: _("With the editors"),
        DraftState.returned: _("Returned to the group"),
        DraftState.adopted: _("Adopted"),
        DraftState.adapted: _("Adopted with changes"),
        DraftState.withdrawn: _("Withdrawn"),
    }


def draft_act_names() -> dict[str, str]:
    return {
        DraftActKind.submit: _("Handed in"),
        DraftActKind.give_back: _("Returned to the group"),
        DraftActKind.adopt: _("Adopted"),
        DraftActKind.adapt: _("Adopted with changes"),
        DraftActKind.withdraw: _("Taken back by the group"),
    }
