"""The stages of a process, edited by its lead."""

from flask import flash, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult import clock
from consult.authz import authorize, current_person
from consult.forms import entered
from consult.newsletters import dates
from consult.processes import operations, policy, queries, words
from consult.processes.forms import StageForm
from consult.processes.loading import load_process
from consult.processes.models import Activity, Audience, Moderation, Process, Stage
from consult.processes.operations import StagePlan
from consult.processes.presets import Preset
from consult.processes.views.blueprint import bp
from consult.web import commit_and_go, keeps_text


@bp.get("/p/<slug>/stages")
def stages(slug: str) -> str:
    """All stages and what is open in them."""
    process = load_process(slug)
    authorize(policy.can_edit_process, process)
    now = clock.now()
    rows = [
        {
            **words.stage_item(stage, process.zone, now),
            "sentences": words.stage_sentences(stage),
            "edit_url": url_for("processes.stage_edit", slug=slug, stage_id=stage.id),
        }
        for stage in queries.stages_of(process.id)
    ]
    return render_template("processes/stages.html", process=process, rows=rows)


@bp.route("/p/<slug>/stages/new", methods=["GET", "POST"])
@keeps_text
def stage_create(slug: str) -> Response | str:
    """One more stage."""
    process = load_process(slug)
    authorize(policy.can_edit_process, process)
    form = StageForm()
    del form.tell
    if form.validate_on_submit():
        operations.create_stage(process, current_person().id, _plan(form))
        flash(_("Saved."), "success")
        return commit_and_go(url_for("processes.stages", slug=slug))
    return render_template("processes/stage.html", process=process, form=form, stage=None)


@bp.route("/p/<slug>/stages/<int:stage_id>", methods=["GET", "POST"])
@keeps_text
def stage_edit(slug: str, stage_id: int) -> Response | str:
    """Change a stage."""
    process = load_process(slug)
    authorize(policy.can_edit_process, process)
    stage = queries.stage_or_404(process.id, stage_id)
    form = StageForm(
        own=stage.preset == Preset.own,
        title=stage.title,
        description=stage.description,
        **_present(process, stage),
    )
    followers = dates.followers(process)
    shown = words.period(stage, process.zone)
    if not followers:
        del form.tell
    if form.validate_on_submit():
        plan, tell = _plan(form), bool(followers and form.tell.data)
        former = operations.change_stage(process, stage, current_person().id, plan)
        told = dates.tell(process, stage, former, current_person()) if former and tell else 0
        if told:
            sentence = ngettext(
                "Saved. One person who follows this process gets a mail.",
                "Saved. %(num)s people who follow this process get a mail.",
                told,
            )
        flash(sentence if told else _("Saved."), "success")
        return commit_and_go(url_for("processes.stages", slug=slug))
    return render_template(
        "processes/stage.html", process=process, form=form, stage=stage, followers=followers, shown=shown
    )


@bp.post("/p/<slug>/stages/<int:stage_id>/remove")
def stage_remove(slug: str, stage_id: int) -> Response:
    """Take a stage out of the timeline."""
    process = load_process(slug)
    authorize(policy.can_edit_process, process)
    operations.remove_stage(process, queries.stage_or_404(process.id, stage_id), current_person().id)
    flash(_("The stage is removed. What was written in it stays."), "success")
    return commit_and_go(url_for("processes.stages", slug=slug))


def _present(process: Process, stage: Stage) -> dict[str, object]:
    """What the form shows of a stage: days instead of moments, and the strictest of its rows."""
    rows = [row for row in stage.activities if row.activity != Activity.register] or stage.activities
    audiences = {row.audience for row in rows}
    return {
        "first_day": words.first_day(stage, process.zone),
        "last_day": words.last_day(stage, process.zone),
        "preset": stage.preset,
        "audience": next((a.value for a in Audience if a in audiences), Audience.public.value),
        "moderation": Moderation.post.value
        if rows and all(row.moderation == Moderation.post for row in rows)
        else Moderation.pre.value,
    }


def _plan(form: StageForm) -> StagePlan:
    assert form.first_day.data is not None  # noqa: S101  (validated; for mypy)
    return StagePlan(
        title=entered(form.title),
        description=entered(form.description),
        first_day=form.first_day.data,
        last_day=form.last_day.data,
        preset=Preset(form.preset.data),
        moderation=Moderation(form.moderation.data),
        audience=Audience(form.audience.data),
    )
