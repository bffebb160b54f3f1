"""Translating somebody's contribution: the original beside the words of whoever helps."""

from dataclasses import dataclass
from datetime import timedelta

from flask import flash, g, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import allowed, authorize, current_person
from consult.contributions import policy, queries, translating
from consult.contributions.forms import LANGUAGES
from consult.contributions.models import Contribution, State
from consult.contributions.translating import Version
from consult.contributions.translation_forms import TranslationForm, label_of
from consult.contributions.views.blueprint import bp
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.i18n import language
from consult.limits import hit
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text

#: How often one person may ask the machine within an hour.
SUGGESTIONS_PER_HOUR = 120


@dataclass(frozen=True)
class Entry:
    """A translation as the list shows it; where it is removed, if this reader may."""

    version: Version
    language: str
    remove_url: str | None


def _target(contribution: Contribution, entries: list[Entry]) -> str:
    """Into which language at first: the one asked for; else of those nobody did yet that of the page, or one that the
    browser asks for. Else none: which one is meant only the helper knows."""
    done = {entry.version.lang for entry in entries if not entry.version.outdated} | {contribution.lang}
    wished = request.args.get("to", "")
    if wished in LANGUAGES and wished != contribution.lang:
        return wished
    read = [value.partition("-")[0].lower() for value in request.accept_languages.values()]
    return next((lang for lang in (language(), *read) if lang in LANGUAGES and lang not in done), "")


def _suggest(form: TranslationForm, contribution: Contribution, body: str) -> int:
    """Put the machine's words into the form; an earlier text of a person's own stays. Returns the status."""
    if form.text.data and form.text.data != form.suggested.data:
        form.form_errors.append(
            _("There is a text in the field already. Empty it first if the machine shall suggest one.")
        )
        return 409
    if hit("suggest", str(current_person().id), timedelta(hours=1)) > SUGGESTIONS_PER_HOUR:
        form.form_errors.append(_("You have asked the machine very often within an hour. Please wait a little."))
        return 429
    source, target = contribution.lang, form.lang.data
    # The server may take its time: meanwhile nobody else waits for a lock of this request.
    db.session.rollback()
    try:
        words = translating.machine_suggestion(body, source, target)
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return 409
    form.text.data = form.suggested.data = words
    return 200


@bp.route("/p/<slug>/contributions/<int:number>/translate", methods=["GET", "POST"])
@keeps_text
def translate(slug: str, number: int) -> Response | str | tuple[str, int]:
    """Say in another language what stands there."""
    process = load_process(slug)
    person = current_person()
    contribution = queries.visible_or_404(process, number, person)
    authorize(policy.can_translate, process, contribution)
    g.zone = process.zone
    if contribution.state not in (State.published, State.pending):
        raise Refused(_("This contribution is not shown any more."))
    item = queries.shown_alone(process, contribution, person)
    back = url_for("contributions.show", slug=slug, number=number)
    versions = versions_for(process, contribution)
    target = _target(contribution, versions)
    form = TranslationForm(without=contribution.lang, lang=target, base=str(contribution.revision))
    changed, status = False, 200
    if request.method == "POST" and "suggest" in request.form and translating.machine_is_there():
        if not form.offers(form.lang.data):
            form.lang.errors, status = [_("Please choose from what is offered here.")], 422
        elif g.csrf_ok:
            status = _suggest(form, contribution, item.body or "")
            process, person = load_process(slug), current_person()
            contribution = queries.visible_or_404(process, number, person)
    elif form.validate_on_submit():
        try:
            translating.translate(
                contribution, actor=person, lang=form.lang.data, body=form.text.data or "",
                base_revision=form.base_revision(),
            )  # fmt: skip
            flash(_("Thank you. Your translation stands beside the original now."), "success")
            return commit_and_go(back)
        except Conflict as conflict:
            # The new original stands beside the text typed; sending again says that it fits.
            changed, status = True, 409
            form.base.data = str(conflict.current_id)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            status = 409
        versions = versions_for(process, contribution)
    page = render_template(
        "contributions/translate.html",
        process=process,
        form=form,
        item=item,
        changed=changed,
        versions=versions,
        machine=translating.machine_is_there(),
        original=label_of(contribution.lang),
        action=url_for("contributions.translate", slug=slug, number=number),
        back=back,
        autosave=f"translate-{person.id}-{contribution.id}",
    )
    return page, status


def versions_for(process: Process, contribution: Contribution) -> list[Entry]:
    """What the list of translations shows, with who may remove which."""
    return [
        Entry(
            version,
            label_of(version.lang),
            url_for(
                "contributions.remove_translation",
                slug=process.slug,
                number=contribution.number,
                translation_id=version.id,
            )
            if allowed(policy.can_remove_translation, process, version.translator_id)
            else None,
        )
        for version in translating.versions_of(contribution)
    ]


@bp.post("/p/<slug>/contributions/<int:number>/translations/<int:translation_id>/remove")
def remove_translation(slug: str, number: int, translation_id: int) -> Response:
    """Take a translation away that says something else than the original."""
    process = load_process(slug)
    contribution = queries.visible_or_404(process, number, current_person())
    translator_id = translating.translator_or_404(contribution, translation_id)
    authorize(policy.can_remove_translation, process, translator_id)
    translating.remove(contribution, translation_id, current_person())
    flash(_("The translation has been removed."), "success")
    return commit_and_go(url_for("contributions.show", slug=slug, number=number))
