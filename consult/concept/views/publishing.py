"""Freezing the working text as a version."""

from flask import abort, flash, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import draft_queries, policy, queries
from consult.concept.forms import PublishForm
from consult.concept.models import DraftState, VersionAudience
from consult.concept.publishing import Pending, pending, publish_seen
from consult.concept.views.blueprint import bp
from consult.concept.words import audience_names, change_names
from consult.contributions import sources
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes.loading import load_process
from consult.web import commit_and_go, keeps_text
from consult.weighing import operations as deciding
from consult.weighing import queries as weighing


@bp.route("/p/<slug>/concept/publish", methods=["GET", "POST"], defaults={"which": "concept"})
@bp.route("/p/<slug>/charter/publish", methods=["GET", "POST"], defaults={"which": "charter"})
@keeps_text
def publish(slug: str, which: str) -> str | Response:
    """Freeze the working text as the next version."""
    process = load_process(slug)
    authorize(policy.can_publish_version, process)
    concept = next((c for c in queries.concepts_of(process.id) if c.kind == which), None)
    if concept is None:
        abort(404)
    form = PublishForm()
    form.audience.choices = [
        (VersionAudience.public, audience_names()[VersionAudience.public]),
        (VersionAudience.steering, audience_names()[VersionAudience.steering]),
    ]
    found: Pending | None = None
    if form.validate_on_submit():
        try:
            version = publish_seen(
                concept, entered(form.seen), title=entered(form.title), note=entered(form.note),
                audience=VersionAudience(form.audience.data), actor=current_person(), process=process,
            )  # fmt: skip
            # In the same transaction: text and answers appear together.
            answers = deciding.release(process, version, current_person())
            flash(_("Version %(number)s is published and frozen.", number=version.number), "success")
            if answers:
                flash(_released(answers), "success")
            return commit_and_go(url_for("concept.version", slug=slug, number=version.number, which=which))
        except Refused as refused:
            db.session.rollback()
            form.form_errors.append(refused.message)
            # Now they see what has changed, and send what they see.
            found = pending(concept)
            form.seen.data = found.seen
            form.sure.data = False
    found = found or pending(concept)
    if not form.is_submitted():
        form.seen.data = found.seen
    drafts = draft_queries.counts_by_state(process.id)
    return render_template(
        "concept/publish.html", process=process, concept=concept, form=form, which=which, pending=found,
        sources=sources.sources_of([change.change_id for change in found.changes]), changes=change_names(),
        waiting=drafts.get(DraftState.submitted, 0),
        writing=drafts.get(DraftState.open, 0) + drafts.get(DraftState.returned, 0),
        last_is_public=found.last is not None and found.last.audience == VersionAudience.public,
        held_answers=weighing.held_number(process.id),
    )  # fmt: skip


def _released(number: int) -> str:
    return ngettext(
        "%(num)s answer is public now; the author gets a mail.",
        "%(num)s answers are public now; each author gets a mail.",
        number,
    )
