"""A form of wording proposals as it came in: against which words, what to show, and whether to send it."""

from dataclasses import dataclass
from typing import Any

from flask import abort, request
from flask_babel import gettext as _
from markupsafe import Markup

from consult.concept.merging import merge
from consult.concept.models import Wording
from consult.concept.queries import ElementView, Placed
from consult.contributions import proposals
from consult.contributions.models import Contribution, Stance
from consult.contributions.proposal_forms import as_id
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes.models import Process

PREVIEW, NEWER = "preview", "newer"


@dataclass
class Preview:
    """What the text as typed would change."""

    change: Markup | None
    #: Why it cannot be sent like this.
    problem: str = ""


def preview_of(base: Wording, typed: str) -> Preview:
    """The difference as typed, or what is wrong with it."""
    try:
        proposals.checked(base, typed)
    except Refused as refused:
        return Preview(None, refused.message)
    return Preview(proposals.as_difference(base.markdown, typed, None))


def previewed(contribution: Contribution, form: Any) -> Preview | None:
    """The same for the correction of a proposal; None when it is none."""
    base = db.session.get(Wording, contribution.wording_id) if "proposed" in form else None
    return preview_of(base, entered(form.proposed)) if base is not None else None


class Proposing:
    """One request to the form. Buttons named `step` send nothing: they show a preview, or take over the newer text."""

    def __init__(self, process: Process, view: ElementView) -> None:
        self.placed: Placed = view.placed
        self.step = request.form.get("step", "")
        self.preview: Preview | None = None
        #: What changed in the text between the words the proposal is made against and today's.
        self.newer: Markup | None = None
        #: The proposal was just put together with today's text; whether both had changed the same words.
        self.taken = self.clashes = self.untold = False
        self._process, self._view = process, view
        self._form: Any = None
        self.version_id, self._base = view.version_id, db.session.get(Wording, view.placed.wording_id) or abort(404)

    def bind(self, form: Any) -> Any:
        """Fill in what the form does not ask, and find out against which words it was written."""
        self._form = form
        form.stance.data, form.lang.data = str(Stance.change), self.placed.lang
        today = self.placed.wording_id
        if request.method == "GET":
            form.proposed.data = self.placed.markdown
            form.base.data = form.newest.data = str(today)
            return form
        known = as_id(form.newest)
        if as_id(form.base) != today:
            found = proposals.words_seen(self._process, self.placed.element_id, as_id(form.base))
            # Words that nobody can have seen here are none to compare with.
            if found is not None:
                self.version_id, self._base = found
        if self._base.id != today and self.step == NEWER:
            self._take_over()
        elif self._base.id != today:
            self.newer = proposals.as_difference(self._base.markdown, self.placed.markdown)
        form.base.data, form.newest.data = str(self._base.id), str(today)
        if self.step == PREVIEW:
            self.preview = preview_of(self._base, entered(form.proposed))
        # The writer has not been shown yet that the text is another one by now.
        self.untold = self.newer is not None and known != today
        return form

    def _take_over(self) -> None:
        merged = merge(self._base.markdown, self.placed.markdown, entered(self._form.proposed))
        self.taken, self.clashes = True, bool(merged.clashes)
        self._form.proposed.data = merged.suggestion
        self.version_id, self._base = self._view.version_id, db.session.get_one(Wording, self.placed.wording_id)

    @property
    def sends(self) -> bool:
        """Whether the form is to be sent: no button for looking was pressed, and the writer knows today's text."""
        return request.method == "POST" and not self.step and not self.untold and not self._view.retired

    @property
    def shows_newer(self) -> bool:
        """Whether sending was put off until the writer has seen that the text has changed."""
        return request.method == "POST" and not self.step and self.untold

    @property
    def seen(self) -> tuple[int, int]:
        """Version and wording the proposal is made against."""
        return self.version_id, self._base.id

    @property
    def proposed(self) -> str:
        return entered(self._form.proposed)

    def is_right(self) -> bool:
        """Whether the form is to be sent and says all it has to; what is wrong is said at each field at once."""
        return self.sends and all([self._form.validate(), self._check()])

    def _check(self) -> bool:
        try:
            proposals.checked(self._base, self.proposed)
        except Refused as refused:
            self._form.proposed.errors = [refused.message]
            return False
        return True

    def retired(self) -> bool:
        """The part was replaced meanwhile; what was typed is shown, and can be copied."""
        if self._view.retired and request.method == "POST":
            self._form.form_errors.append(
                _("This part has been replaced meanwhile. Copy your words and write to the part that stands there now.")
            )
        return self._view.retired
