"""The facts that texts cite: a page for everybody, and the editors' forms."""

from typing import Any

from flask import abort, flash, g, render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response

from consult import authz
from consult.authz import authorize, current_person
from consult.concept import facts, marks, policy, queries
from consult.concept.mark_forms import FactForm
from consult.concept.models import Concept, Fact
from consult.concept.views.blueprint import bp
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.html import render_markdown
from consult.pages import rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text


@bp.app_template_filter("quoted")
def quoted(html: str) -> Markup:
    """Words of an element as a quotation: pictures as their words, facts as their numbers."""
    return marks.Cited().resolve(0, html)


@bp.app_template_filter("as_quotation")
def as_quotation(markdown: str) -> Markup:
    """The same for words of which only the Markdown is at hand."""
    return quoted(render_markdown(markdown, pictures=True))


@bp.app_template_filter("in_place")
def in_place(html: str, concept_id: int) -> Markup:
    """Words of an element of this concept, with all they cite; for pages that show few of them."""
    return marks.cited_in(g.process, [(concept_id, html)]).resolve(concept_id, html)


def concept_called(process: Process, which: str) -> Concept:
    """The concept or the charter of a process, else 404."""
    concept = next((c for c in queries.concepts_of(process.id) if c.kind == which), None)
    if concept is None:
        abort(404)
    return concept


def _by_number(parts: list[facts.Citing]) -> dict[int, list[facts.Citing]]:
    found: dict[int, list[facts.Citing]] = {}
    for part in parts:
        for number in part.numbers:
            found.setdefault(number, []).append(part)
    return found


@bp.get("/p/<slug>/facts", endpoint="facts")
@rendered_once
def all_facts(slug: str) -> str:
    """The facts cited in what this person may read; for editors all, and what became outdated."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    edits = authz.allowed(policy.can_edit_text, process)
    audiences = queries.audiences_open_to(current_person(), process)
    sections: list[dict[str, Any]] = []
    for concept in queries.concepts_of(process.id):
        shown = facts.listed(concept.id, None if edits else facts.cited_for(concept.id, audiences))
        outdated = {row.fact.number for row in shown if row.newer}
        citing = facts.citing(queries.working_version(concept.id).id) if edits else []
        sections.append(
            {"concept": concept, "which": concept.kind, "facts": shown, "citing": _by_number(citing),
             "stale": [(part, sorted(part.numbers & outdated)) for part in citing if part.numbers & outdated]}
        )  # fmt: skip
    return render_template(
        "concept/facts.html", process=process, sections=sections, edits=edits, anchor=marks.anchor,
        any_facts=any(section["facts"] for section in sections),
    )  # fmt: skip


@bp.route("/p/<slug>/facts/new", methods=["GET", "POST"], defaults={"which": "concept"})
@bp.route("/p/<slug>/charter/facts/new", methods=["GET", "POST"], defaults={"which": "charter"})
@keeps_text
def add_fact(slug: str, which: str) -> str | Response:
    """A figure with its source, ready to be cited."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    return _form(process, concept_called(process, which), None, FactForm())


@bp.route("/p/<slug>/facts/<int:number>/newer", methods=["GET", "POST"], defaults={"which": "concept"})
@bp.route("/p/<slug>/charter/facts/<int:number>/newer", methods=["GET", "POST"], defaults={"which": "charter"})
@keeps_text
def newer_fact(slug: str, which: str, number: int) -> str | Response:
    """A newer figure in the place of an older one; texts cite the old one until somebody changes them."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    concept = concept_called(process, which)
    old = facts.fact_or_none(concept.id, number)
    if old is None:
        abort(404)
    form = FactForm(data={"statement": old.statement, "unit": old.unit, "place": old.place})
    return _form(process, concept, old, form)


def _form(process: Process, concept: Concept, old: Fact | None, form: FactForm) -> str | Response:
    if form.validate_on_submit():
        figure = facts.Figure(
            statement=entered(form.statement), figure=entered(form.figure), unit=entered(form.unit),
            place=entered(form.place), year=form.year.data, source=entered(form.source),
        )  # fmt: skip
        try:
            fact = facts.add(concept, figure, actor=current_person(), process=process, replaces=old)
        except Refused as refused:
            db.session.rollback()
            form.figure.errors = [refused.message]
        else:
            flash(_("The fact has the number F%(number)s. Texts cite it as [[F%(number)s]].", number=fact.number),
                  "success")  # fmt: skip
            return commit_and_go(
                url_for("concept.facts", slug=process.slug, _anchor=marks.anchor(concept.kind, fact.number))
            )
    return render_template("concept/fact_form.html", process=process, concept=concept, form=form, old=old)
