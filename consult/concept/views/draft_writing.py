"""Group drafts from the group's side: writing, handing in, taking back."""

import re
from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import draft_queries, drafts, policy
from consult.concept.draft_forms import SubmitForm, draft_form
from consult.concept.models import Draft, Wording
from consult.concept.operations import Text
from consult.concept.views.blueprint import bp
from consult.concept.views.drafting import differences, heading_of, id_in, load_draft, typed_words
from consult.concept.words import detail_names, kind_names
from consult.contributions import policy as contributions
from consult.contributions import sources
from consult.contributions.models import Contribution
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text

#: "12" or "IK-12".
_NUMBER = re.compile(r"(?:([^\W\d_][\w-]*)-)?(\d{1,9})")

Named = list[tuple[Contribution, str]]


def typed_sources(process: Process, known: set[int], typed: str, title: str, markdown: str) -> Named:
    """The contributions named line by line ("IK-12: words of the draft"); several numbers may share a line.

    `known`: ids of those named before. Raises `Refused` for what is not understood or not there, and for a passage
    that is not in the words of the draft. What waits for moderation or is hidden is not there for a group.
    """
    named: dict[int, str] = {}
    for line in filter(None, (line.strip() for line in typed.splitlines())):
        numbers, _colon, passage = line.partition(":")
        for word in re.split(r"[,\s]+", numbers.strip(", ")):
            match = _NUMBER.fullmatch(word)
            if match is None or (match[1] or process.code).lower() != process.code.lower():
                raise Refused(_("“%(line)s” does not begin with a number of this process.", line=line[:80]))
            named[int(match[2])] = passage.strip() or named.get(int(match[2]), "")
    if not named:
        return []
    person = current_person()
    rows = db.session.scalars(
        select(Contribution).where(Contribution.process_id == process.id, Contribution.number.in_(named))
    )
    found = {row.number: row for row in rows if row.id in known or contributions.can_see(person, process, row)}
    missing = ", ".join(str(number) for number in sorted(named) if number not in found)
    if missing:
        raise Refused(_("There is no contribution %(numbers)s.", numbers=missing))
    for passage in filter(None, named.values()):
        try:
            sources.find_passage(title, markdown, passage)
        except ValueError:
            raise Refused(_("These words are not in your text: %(words)s", words=passage[:80])) from None
    return [(found[number], passage) for number, passage in sorted(named.items())]


def as_typed(process: Process, named: list[sources.NamedSource]) -> str:
    """The sources of a draft as they stand in its form."""
    return "\n".join(
        f"{process.code}-{source.number}{': ' if source.passage else ''}{source.passage}" for source in named
    )


@bp.route("/p/<slug>/drafts/<int:draft_id>/edit", methods=["GET", "POST"])
@keeps_text
def draft_edit(slug: str, draft_id: int) -> str | Response | tuple[str, int]:
    """The group's words. Two who write at once see both texts; nothing typed is lost."""
    process, draft = load_draft(slug, draft_id)
    authorize(policy.can_write_draft, process, draft)
    element, candidate = draft.element, draft.wording
    base, newest = db.session.get_one(Wording, draft.base_wording_id), draft_queries.readable_wording(element)
    behind = newest is not None and not drafts.same_words(newest, base)
    newer = differences(base, newest, element.kind) if behind and newest is not None else []
    named = sources.draft_sources(draft.id)
    form = draft_form(element.kind)(
        data={
            "title": candidate.title, "markdown": candidate.markdown, "base": candidate.id,
            "newest": newest.id if newest else "", "reason": draft.reason, "dissent": draft.dissent,
            "sources": as_typed(process, named),
        }
        | {name: candidate.details.get(name, "") for name in detail_names(element.kind)}
    )  # fmt: skip
    clashes: list[tuple[str, str, str]] | None = None
    if request.method == "GET" and draft.state not in drafts.WRITABLE:
        raise Refused(_("This draft is not being written any more."))
    if form.validate_on_submit() and (chosen := _chosen(process, named, form)) is not None:
        try:
            return _save(process, draft, typed_words(form, element.kind, candidate), chosen, form)
        except Conflict as stale:
            db.session.rollback()
            clashes = _clashes(process, draft_queries.draft_or_404(process.id, draft_id), form)
            form.base.data = str(stale.current_id)
        except Refused as refused:
            db.session.rollback()
            form.form_errors.append(refused.message)
    page = render_template(
        "concept/draft_edit.html",
        process=process,
        form=form,
        draft_id=draft_id,
        heading=heading_of(process, element),
        kind=kind_names()[element.kind],
        lang=candidate.lang,
        details=detail_names(element.kind),
        newer=newer,
        question=draft_queries.question_to(draft),
        clashes=clashes,
    )
    return (page, 409) if clashes is not None else page


def _chosen(process: Process, named: list[sources.NamedSource], form: Any) -> Named | None:
    """The sources that were typed; None with the reason at the field when something is wrong with them."""
    known = {source.contribution_id for source in named}
    try:
        return typed_sources(process, known, entered(form.sources), entered(form.title), entered(form.markdown))
    except Refused as refused:
        form.sources.errors = [refused.message]
        return None


def _save(process: Process, draft: Draft, text: Text, chosen: Named, form: Any) -> Response:
    drafts.save(
        draft,
        id_in(form.base),
        text,
        reason=entered(form.reason),
        dissent=entered(form.dissent),
        actor=current_person(),
        process=process,
        caught_up_with=id_in(form.newest) if form.caught_up.data else None,
    )
    sources.name_draft_sources(draft, chosen)
    flash(_("Saved. When your group agrees, hand the draft in."), "success")
    return commit_and_go(url_for("concept.draft", slug=process.slug, draft_id=draft.id))


def _clashes(process: Process, saved: Draft, form: Any) -> list[tuple[str, str, str]]:
    """(name of the field, what was typed, what somebody saved meanwhile) where they differ."""
    kind, words = saved.element.kind, saved.wording
    pairs = {
        "title": words.title, "markdown": words.markdown, "reason": saved.reason, "dissent": saved.dissent,
        "sources": as_typed(process, sources.draft_sources(saved.id)),
    } | {name: words.details.get(name, "") for name in detail_names(kind)}  # fmt: skip
    return [
        (str(form[name].label.text), entered(form[name]), str(theirs))
        for name, theirs in pairs.items()
        if entered(form[name]) != theirs
    ]


@bp.route("/p/<slug>/drafts/<int:draft_id>/submit", methods=["GET", "POST"])
@keeps_text
def draft_submit(slug: str, draft_id: int) -> str | Response:
    """Hand the draft to the editors, with a word to them."""
    process, draft = load_draft(slug, draft_id)
    authorize(policy.can_write_draft, process, draft)
    element, form = draft.element, SubmitForm()
    if form.validate_on_submit():
        try:
            drafts.submit(draft, note=entered(form.note), actor=current_person(), process=process)
            flash(_("The draft is with the editors. Their answer appears here and in your tasks."), "success")
            return commit_and_go(url_for("concept.draft", slug=slug, draft_id=draft_id))
        except Refused as refused:
            db.session.rollback()
            form.form_errors.append(refused.message)
    return render_template(
        "concept/draft_submit.html", process=process, form=form, draft_id=draft_id,
        heading=heading_of(process, element), kind=kind_names()[element.kind],
    )  # fmt: skip


@bp.post("/p/<slug>/drafts/<int:draft_id>/take-back")
def draft_take_back(slug: str, draft_id: int) -> Response:
    """Go on writing what was handed in."""
    process, draft = load_draft(slug, draft_id)
    authorize(policy.can_write_draft, process, draft)
    drafts.take_back(draft, actor=current_person(), process=process)
    flash(_("Your group has the draft back and can go on writing."), "success")
    return commit_and_go(url_for("concept.draft", slug=slug, draft_id=draft_id))


@bp.post("/p/<slug>/drafts/<int:draft_id>/withdraw")
def draft_withdraw(slug: str, draft_id: int) -> Response:
    """Give the draft up."""
    process, draft = load_draft(slug, draft_id)
    authorize(policy.can_write_draft, process, draft)
    drafts.withdraw(draft, actor=current_person(), process=process)
    flash(_("The draft is withdrawn. Your group can begin another one."), "success")
    return commit_and_go(url_for("concept.draft", slug=slug, draft_id=draft_id))
