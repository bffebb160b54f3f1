"""What a process lead does: set up, change, publish, archive."""

from flask import current_app, flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.contributions.models import Stance
from consult.contributions.offered import stances_of
from consult.contributions.queries import reasons_of
from consult.contributions.stance_forms import StanceWordsForm, as_data
from consult.contributions.words import USUAL_STANCES
from consult.forms import entered
from consult.processes import operations, policy
from consult.processes.forms import NewProcessForm, ProcessForm
from consult.processes.loading import load_process
from consult.processes.models import Process, ProcessState
from consult.processes.operations import Taken
from consult.processes.views.blueprint import bp
from consult.web import commit_and_go, keeps_text


class SettingsForm(ProcessForm, StanceWordsForm):
    """The basics, with what the kinds of contributions are called here."""


@bp.route("/processes/new", methods=["GET", "POST"])
@keeps_text
def create() -> Response | str:
    """A new process with the stages and groups of the usual course."""
    authorize(policy.can_create_process)
    form = NewProcessForm()
    if form.validate_on_submit() and form.starts_on.data is not None:
        try:
            process = operations.create_process(
                current_person(),
                title=entered(form.title),
                code=entered(form.code),
                slug=entered(form.slug),
                starts_on=form.starts_on.data,
                zone=current_app.config["TIMEZONE"],
            )
        except Taken as taken:
            form[taken.field].errors = [taken.message]
            return render_template("processes/create.html", form=form)
        flash(_("The process is set up. Only you see it until you publish it."), "success")
        return commit_and_go(url_for("processes.settings", slug=process.slug))
    return render_template("processes/create.html", form=form)


@bp.route("/p/<slug>/settings", methods=["GET", "POST"])
@keeps_text
def settings(slug: str) -> Response | str:
    """The basics of a process; beside them what is missing for publishing."""
    process = load_process(slug)
    authorize(policy.can_edit_process, process)
    form = SettingsForm(obj=process, stances=stances_of(process), **as_data(process.stance_words))
    form.stances.choices = [(stance, str(name)) for stance, name in USUAL_STANCES.items()]
    names: tuple[str, ...] = operations.BASICS
    if process.state == ProcessState.draft:
        names += operations.BEFORE_PUBLISHING
    else:
        del form.slug, form.code
    if form.validate_on_submit():
        try:
            values = {name: form[name].data for name in names if name in form}
            chosen = set(form.stances.data or ())
            # Everything is kept as nothing chosen: a way to mean it that comes later is offered as well.
            values["offered_stances"] = "" if chosen >= set(Stance) else " ".join(s for s in Stance if s in chosen)
            values["stance_words"] = form.stance_words(process.stance_words)
            operations.change_process(process, current_person().id, values)
        except Taken as taken:
            form[taken.field].errors = [taken.message]
            return _settings_page(process, form)
        flash(_("Saved."), "success")
        return commit_and_go(url_for("processes.settings", slug=process.slug))
    return _settings_page(process, form)


def _settings_page(process: Process, form: SettingsForm) -> str:
    draft = process.state == ProcessState.draft
    reasons = len(reasons_of(process.id)) if draft else 0
    return render_template(
        "processes/settings.html",
        process=process,
        form=form,
        missing=operations.missing_for_publishing(process, reasons=reasons) if draft else [],
        needs_reasons=draft and not reasons,
    )


@bp.post("/p/<slug>/publish")
def publish(slug: str) -> Response:
    """Open the process to everybody; refused with all reasons when something essential is missing."""
    process = load_process(slug)
    authorize(policy.can_edit_process, process)
    operations.publish_process(process, current_person().id, reasons=len(reasons_of(process.id)))
    flash(_("The process is public now."), "success")
    return commit_and_go(url_for("processes.overview", slug=slug))


@bp.post("/p/<slug>/archive")
def archive(slug: str) -> Response:
    """Close the process; everything stays readable."""
    process = load_process(slug)
    authorize(policy.can_edit_process, process)
    operations.archive_process(process, current_person().id)
    flash(_("The process is archived. Everything stays readable."), "success")
    return commit_and_go(url_for("processes.overview", slug=slug))
