"""What groups and editors send about drafts."""

from typing import Any

from wtforms import BooleanField, HiddenField, SelectMultipleField, TextAreaField, widgets
from wtforms.validators import DataRequired, Length, Optional

from consult.concept.forms import CheckedForm, MeasureForm, WordingForm
from consult.concept.kinds import CHECKED
from consult.concept.models import ElementKind
from consult.forms import Form, _l, several_lines

_REASON = _l("Please give a reason: it is shown beside the change.")


class _Drafting:
    """What a group writes beside its words; `base` is the wording it began to write on."""

    reason = TextAreaField(
        _l("Why should it read like this?"),
        [Optional(), Length(max=1500)],
        filters=[several_lines],
        description=_l("Needed when you hand the draft in. Everybody can read it once the draft is adopted."),
    )
    dissent = TextAreaField(
        _l("What do some of you see differently?"),
        [Optional(), Length(max=1500)],
        filters=[several_lines],
        description=_l("Stays with the draft and is shown beside the change. Please name no persons."),
    )
    sources: Any = TextAreaField(
        _l("Contributions this is based on"),
        [Optional(), Length(max=5000)],
        filters=[several_lines],
        description=_l(
            "One per line. If you can, add a colon and the words of your draft that come from it, copied exactly. "
            "For example: 12: also in the evening"
        ),
    )
    #: The newest words the group may read, which it takes into account from now on.
    newest = HiddenField()
    caught_up = BooleanField(_l("Our draft takes the newer text into account"))


class DraftForm(_Drafting, WordingForm):
    pass


class CheckedDraftForm(_Drafting, CheckedForm):
    pass


class MeasureDraftForm(_Drafting, MeasureForm):
    pass


class _Answering:
    """Sources come with the draft; `base` is the wording of the working text the editor saw."""

    sources: Any = None


class AdaptForm(_Answering, WordingForm):
    pass


class CheckedAdaptForm(_Answering, CheckedForm):
    pass


class MeasureAdaptForm(_Answering, MeasureForm):
    pass


def draft_form(kind: str) -> type[WordingForm]:
    """The form a group fills in for an element of this kind."""
    if kind == ElementKind.measure:
        return MeasureDraftForm
    return CheckedDraftForm if kind in CHECKED else DraftForm


def adapt_form(kind: str) -> type[WordingForm]:
    """The form in which editors make their own words of a draft."""
    if kind == ElementKind.measure:
        return MeasureAdaptForm
    return CheckedAdaptForm if kind in CHECKED else AdaptForm


class SubmitForm(Form):
    note = TextAreaField(
        _l("Is there something the editors should know?"),
        [Optional(), Length(max=2000)],
        filters=[several_lines],
        description=_l("Only your group and the editors read it."),
    )


class AdoptForm(Form):
    reason = TextAreaField(
        _l("Reason beside the change"),
        [DataRequired(_REASON), Length(max=2000)],
        filters=[several_lines],
        description=_l("One or two sentences. Everybody can read them once the version is published."),
    )
    base = HiddenField()


class ReturnForm(Form):
    note = TextAreaField(
        _l("What should the group look at again?"),
        [DataRequired(_l("Please tell the group why the draft comes back.")), Length(max=2000)],
        filters=[several_lines],
        description=_l("Only the group and the editors read it."),
    )


class MandateForm(Form):
    elements = SelectMultipleField(
        _l("Parts the group works on"),
        coerce=int,
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
        description=_l("What stands below a part belongs to it."),
    )
