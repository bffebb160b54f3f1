"""The moderators' desk: its lists, and the decisions about one contribution."""

from typing import Any

from flask import abort, flash, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import current_person
from consult.contributions import queries
from consult.contributions.models import Contribution, ModerationReason, State
from consult.contributions.similar import Similar, similar_to
from consult.extensions import db
from consult.moderation import duty as turns
from consult.moderation import erasing, operations
from consult.moderation.decided import PAGE as DECIDED
from consult.moderation.decided import act_of, recently_decided
from consult.moderation.forms import BulkGiveForm, BulkHideForm, GatherForm, GiveForm, HideForm, NarrowForm, NoteForm
from consult.moderation.queue import SIZES, Counts, DeskList, Narrowed, Queue, QueueItem, counts
from consult.moderation.queue import queue as page_of
from consult.moderation.team import names_of, team_of
from consult.moderation.views.blueprint import bp
from consult.moderation.views.entering import contribution_of, moderated, seen_on_page
from consult.moderation.views.here import Here, back_of, here_of, number_in
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, row_id


def _tabs(here: Here, numbers: Counts) -> list[dict[str, Any]]:
    names = {
        DeskList.pending: (_("Waiting for moderation"), numbers.pending),
        DeskList.overdue: (_("Later than promised"), numbers.overdue),
        DeskList.reported: (_("Reported"), numbers.reported),
        DeskList.mine: (_("Mine"), numbers.mine),
        DeskList.assigned: (_("Assigned"), numbers.assigned),
        DeskList.unseen: (_("Appeared, not yet looked at"), numbers.unseen),
        DeskList.heads: (_("Gathered"), numbers.heads),
        DeskList.decided: (_("Decided lately"), 0),
    }
    searching = here.by.number is not None
    return [
        {
            "label": label,
            "url": here.list_url(which),
            "current": which == here.which and not searching,
            "count": f"{number}+" if which == DeskList.unseen and numbers.unseen_and_more else number,
        }
        for which, (label, number) in names.items()
    ]


class Forms:
    """The forms beside each contribution; one that was refused stands in the place of its fresh one."""

    def __init__(self, process: Process, refused: Any = None) -> None:
        self.reasons = queries.reasons_of(process.id)
        self.team = names_of(team_of(process.id))
        self.refused = refused
        self._empty: dict[Any, Any] = {}

    def _of(self, kind: Any, entry: QueueItem, *choices: Any) -> Any:
        number = entry.shown.number
        if isinstance(self.refused, kind) and self.refused.number == number:
            return self.refused
        if kind not in self._empty:
            self._empty[kind] = kind(number, *choices, formdata=None)
        self._empty[kind].belongs_to(number)
        return self._empty[kind]

    def hide(self, entry: QueueItem) -> Any:
        return self._of(HideForm, entry, self.reasons)

    def note(self, entry: QueueItem) -> Any:
        return self._of(NoteForm, entry)

    def give(self, entry: QueueItem) -> Any:
        form = self._of(GiveForm, entry, self.team)
        if form is not self.refused:
            form.held_by.data = str(entry.holder_id or 0)
        return form

    def gather(self, entry: QueueItem) -> Any:
        return self._of(GatherForm, entry)

    def bulk(self) -> BulkHideForm:
        return BulkHideForm(0, self.reasons, formdata=None)

    def bulk_give(self) -> BulkGiveForm:
        return BulkGiveForm(self.team, formdata=None)


def _alike(here: Here, page: Queue) -> list[Similar]:
    """What resembles the one contribution that is looked at by its number: to be answered together, perhaps."""
    if here.by.number is None or not page.items:
        return []
    return similar_to(db.session.get_one(Contribution, page.items[0].shown.id))


def desk_page(process: Process, here: Here, refused: Any = None) -> str:
    """The desk as it stands; with a form that was refused, narrowed down to the one it belongs to."""
    back = here.url(all_ticked=False)
    if refused is not None:
        here = Here(process.slug, here.which, Narrowed(number=refused.number), size=here.size)
    numbers = counts(process, current_person())
    decided = []
    page = Queue([], None, [])
    if here.which == DeskList.decided and here.by.number is None:
        decided = recently_decided(process, DECIDED + 1, before=here.before)
    else:
        page = page_of(process, current_person(), here.which, by=here.by, size=here.size, after=here.after)
    rank, _dash, last = (page.next_cursor or "").partition("-")
    skipped = [number for part in request.args.get("skipped", "").split(".")[:200] if (number := number_in(part))]
    return render_template(
        "moderation/queue.html",
        process=process,
        here=here,
        back=back,
        which="number" if here.by.number is not None else here.which,
        tabs_of_desk=_tabs(here, numbers),
        counts=numbers,
        page=page,
        alike=_alike(here, page),
        forms=Forms(process, refused),
        refused=refused,
        narrow=NarrowForm(request.args if request.method == "GET" else None, page.places),
        sizes=SIZES,
        decided=decided[:DECIDED],
        earlier_url=here.url(before=decided[DECIDED - 1].act_id) if len(decided) > DECIDED else None,
        next_url=here.url(after=(int(rank), int(last)), all_ticked=False) if last else None,
        first_url=here.url(after=None, all_ticked=False) if here.after else None,
        skipped=skipped,
        me=current_person().id,
        on_duty=turns.on_duty_today(process),
        second_looks=erasing.second_looks(process.id),
    )


@bp.get("/p/<slug>/moderation")
def queue(slug: str) -> str:
    """One list of the desk: what was pointed out or reported first, then the oldest."""
    return desk_page(moderated(slug), here_of(slug, request.args))


@bp.post("/p/<slug>/moderation/<int:number>/approve")
def approve(slug: str, number: int) -> Response:
    """Let it appear, or note that it has been looked at."""
    process = moderated(slug)
    act = operations.approve(contribution_of(process, number), current_person(), seen=seen_on_page())
    label = f"{process.code}-{number}"
    if act.state_before == State.pending:
        flash(_("%(number)s is published.", number=label), "success")
    else:
        flash(_("%(number)s: looked at.", number=label), "success")
    return commit_and_go(back_of(slug)[1])


@bp.post("/p/<slug>/moderation/<int:number>/hide")
@keeps_text
def hide(slug: str, number: int) -> Response | tuple[str, int]:
    """Hold it back, with a published reason and a note to the author."""
    process = moderated(slug)
    form = HideForm(number, queries.reasons_of(process.id))
    contribution = contribution_of(process, number)
    if not form.validate_on_submit():
        return desk_page(process, back_of(slug)[0], refused=form), 200
    reason = db.get_or_404(ModerationReason, form.reason_id.data)
    operations.hide(contribution, current_person(), reason, form.note.data or "", seen=seen_on_page())
    label = f"{process.code}-{number}"
    if contribution.receipt_hash is None:
        told = _("%(number)s is held back. The author gets a message with the reason.", number=label)
    else:
        told = _("%(number)s is held back. The author reads the reason under the receipt code.", number=label)
    flash(told, "success")
    return commit_and_go(back_of(slug)[1])


@bp.post("/p/<slug>/moderation/<int:number>/undo")
def undo(slug: str, number: int) -> Response:
    """Undo a decision, as long as nothing happened since."""
    process = moderated(slug)
    act = act_of(process, number, request.form.get("act_id", default=0, type=row_id))
    if act is None:
        abort(404)
    operations.undo(act, current_person())
    label = f"{process.code}-{number}"
    flash(_("The decision about %(number)s has been undone.", number=label), "success")
    return commit_and_go(back_of(slug)[1])
