"""Life topics: a way into the text for everybody, and the editors' mapping."""

from typing import Any

from flask import abort, current_app, flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import policy, queries, topics
from consult.concept.mark_forms import TopicForm
from consult.concept.models import LifeTopic
from consult.concept.views.blueprint import bp
from consult.concept.views.shown import open_now
from consult.concept.words import kind_names
from consult.contributions import queries as contributions
from consult.contributions.words import stance_names
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.i18n import in_language
from consult.pages import rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process
from consult.processes.models import Activity, Process
from consult.processes.queries import openings
from consult.web import commit_and_go, keeps_text


def _topic_or_404(process: Process, key: str) -> LifeTopic:
    topic = topics.topic_or_none(process.id, key)
    if topic is None:
        abort(404)
    return topic


@bp.get("/p/<slug>/topics", endpoint="topics")
@rendered_once
def all_topics(slug: str) -> str:
    """What can be found in the text by topic of daily life."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    return render_template(
        "concept/topics.html", process=process, topics=topics.entries(process.id), can_edit_text=policy.can_edit_text
    )


@bp.get("/p/<slug>/topics/<key>")
@rendered_once
def topic(slug: str, key: str) -> str:
    """The parts of the newest text that belong to one topic, with what people say about them."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    found = _topic_or_404(process, key)
    chosen = topics.chosen(found, process, queries.audiences_open_to(current_person(), process))
    counts = contributions.counts(process.id, [row.element_id for part in chosen for row in part.all])
    stances = stance_names(process)
    return render_template(
        "concept/topic.html", process=process, topic=found, chosen=chosen, kinds=kind_names(),
        others=[other for other in topics.entries(process.id) if other.id != found.id],
        commentable=open_now(process, Activity.comment, openings(process.id)), can_edit_text=policy.can_edit_text,
        counts={
            ident: [{"stance": s, "label": label, "count": here.get(s, 0)} for s, label in stances.items()]
            for ident, here in counts.items()
        },
    )  # fmt: skip


@bp.get("/p/<slug>/concept/topics")
def sort_topics(slug: str) -> str:
    """All topics in order, with what belongs to each; the beginning is one press."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    rows = topics.topics_of(process.id)
    ticked = topics.ticked([row.id for row in rows])
    names = {row.element_id: row for row in topics.choices(process)} if rows else {}
    return render_template(
        "concept/topics_edit.html", process=process, topics=rows, usual=topics.usual_topics(),
        parts={ident: [names[part] for part in names if part in ids] for ident, ids in ticked.items()},
        missing=set(topics.usual_topics()) - {row.key for row in rows},
    )  # fmt: skip


@bp.post("/p/<slug>/concept/topics/usual")
def take_usual_topics(slug: str) -> Response:
    """The five topics most processes begin with, in the first language of the platform."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    with in_language(current_app.config["BABEL_DEFAULT_LOCALE"]):
        titles = topics.usual_topics()
    topics.take_usual(process, titles, current_person())
    flash(_("The topics are there. Now tick what belongs to each."), "success")
    return commit_and_go(url_for("concept.sort_topics", slug=slug))


def _form(process: Process, **data: Any) -> TopicForm:
    form = TopicForm(data=data)
    kinds = kind_names()
    form.elements.choices = [(row.element_id, f"{kinds[row.kind]} {row.heading}") for row in topics.choices(process)]
    return form


@bp.route("/p/<slug>/concept/topics/new", methods=["GET", "POST"])
@keeps_text
def add_topic(slug: str) -> str | Response:
    """A topic of one's own."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    form = _form(process)
    if form.validate_on_submit():
        try:
            topics.add(process, entered(form.title), form.elements.data or [], current_person())
        except Refused as refused:
            db.session.rollback()
            form.title.errors = [refused.message]
        else:
            return commit_and_go(url_for("concept.sort_topics", slug=slug))
    return render_template("concept/topic_form.html", process=process, form=form, topic=None)


@bp.route("/p/<slug>/concept/topics/<key>", methods=["GET", "POST"])
@keeps_text
def sort_topic(slug: str, key: str) -> str | Response:
    """Another name, other parts of the text."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    found = _topic_or_404(process, key)
    form = _form(process, title=found.title, elements=sorted(topics.ticked([found.id])[found.id]))
    if form.validate_on_submit():
        changed = topics.change(found, entered(form.title), form.elements.data or [], process, current_person())
        flash(_("Saved.") if changed else _("Nothing was changed."), "success" if changed else "info")
        return commit_and_go(url_for("concept.sort_topics", slug=slug))
    return render_template("concept/topic_form.html", process=process, form=form, topic=found)


@bp.post("/p/<slug>/concept/topics/<key>/up")
def move_topic_up(slug: str, key: str) -> Response:
    """One place forward."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    topics.move_up(_topic_or_404(process, key), process, current_person())
    return commit_and_go(url_for("concept.sort_topics", slug=slug))


@bp.post("/p/<slug>/concept/topics/<key>/remove")
def remove_topic(slug: str, key: str) -> Response:
    """Take a topic away; the text is not touched."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    topics.remove(_topic_or_404(process, key), process, current_person())
    flash(_("The topic is gone. The text has not changed."), "success")
    return commit_and_go(url_for("concept.sort_topics", slug=slug))
