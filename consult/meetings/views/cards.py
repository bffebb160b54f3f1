"""Typing in the cards of a pinboard, one after the other; pictures of the wall beside the form."""

from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock, files
from consult.authz import authorize, current_person
from consult.contributions.models import Contribution
from consult.contributions.operations import newest_text
from consult.contributions.words import stance_names
from consult.errors import Conflict, Refused
from consult.extensions import db
from consult.forms import entered
from consult.i18n import language_name
from consult.meetings import cards as pinboard
from consult.meetings import photos as pictures
from consult.meetings import policy, queries
from consult.meetings.card_forms import KEPT, CardForm, CorrectedCardForm, PhotoForm
from consult.meetings.card_words import card_kind_names
from consult.meetings.models import CardKind, Meeting, WallPhoto
from consult.meetings.views.blueprint import bp
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, takes_files

#: Languages cards are written in here most often.
CARD_LANGUAGES = ("de", "en", "ar", "tr", "fr", "uk", "ru", "zh")


def _load(slug: str, meeting_id: int) -> tuple[Process, Meeting]:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    return process, queries.visible_or_404(process.id, meeting_id)


def _blank() -> CardForm:
    """The form for the next card: what the one before had. A table is typed in as a pile."""
    kept = {name: request.args.get(name, "")[:200] for name in KEPT if name in request.args}
    kept["lang"] = request.args.get("card_lang") or "de"
    if kept.get("kind") not in set(CardKind):
        kept["kind"] = CardKind.suggestion
    return CardForm(data=kept)


@bp.route("/p/<slug>/meetings/<int:meeting_id>/cards", methods=["GET", "POST"])
@keeps_text
def cards(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    process, meeting = _load(slug, meeting_id)
    form = _blank() if request.method == "GET" else CardForm()
    form.offer(
        list(card_kind_names().items()),
        queries.element_choices(process, current_person()),
        list(stance_names(process).items()),
        [(code, language_name(code)) for code in CARD_LANGUAGES],
    )
    if request.method == "POST" and form.validate():
        try:
            card = pinboard.capture_card(
                process,
                meeting,
                current_person(),
                text=entered(form.text),
                place=form.place(form.photo_id()),
                stance=form.stance_word(),
                element_id=form.about(),
                lang=form.lang.data,
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("Saved as %(number)s. Next card, please.", number=f"{process.code}-{card.number}"), "success")
            kept: dict[str, Any] = {name: form[name].data or None for name in KEPT if name != "lang"}
            return commit_and_go(url_for(".cards", slug=slug, meeting_id=meeting.id, **kept, card_lang=form.lang.data))
    ident = form.photo_id()
    return (
        render_template(
            "meetings/cards.html",
            form=form,
            process=process,
            meeting=meeting,
            cards=pinboard.newest(meeting.id),
            total=pinboard.how_many(meeting.id),
            clusters=pinboard.clusters(meeting.id),
            kinds=card_kind_names(),
            photo=pictures.one(meeting.id, ident) if ident else None,
            large=request.args.get("zoom") == "1",
            kept={name: request.args[name][:200] for name in (*KEPT, "card_lang") if name in request.args},
        ),
        200 if request.method == "GET" else 422,
    )


def _card_or_404(process: Process, meeting: Meeting, number: int) -> tuple[Contribution, Any]:
    found = pinboard.card_of(meeting.id, process.id, number)
    if found is None:
        abort(404)
    return found


@bp.route("/p/<slug>/meetings/<int:meeting_id>/cards/<int:card_number>", methods=["GET", "POST"])
@keeps_text
def card(slug: str, meeting_id: int, card_number: int) -> Response | tuple[str, int]:
    """Mend what was typed in wrongly."""
    process, meeting = _load(slug, meeting_id)
    contribution, placed = _card_or_404(process, meeting, card_number)
    text, status = newest_text(contribution) or "", 200
    if request.method == "GET":
        form = CorrectedCardForm(
            data={
                "kind": placed.kind, "table": placed.place, "cluster": placed.cluster, "text": text,
                "base_revision": contribution.revision,
            }
        )  # fmt: skip
    else:
        form = CorrectedCardForm()
    form.kind.choices = list(card_kind_names().items())
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                changed = pinboard.correct(
                    contribution, meeting, current_person(), text=entered(form.text),
                    base_revision=form.base_revision.data or 0, place=form.place(), now=clock.now(),
                )  # fmt: skip
            except Refused as refusal:
                form.form_errors.append(refusal.message)
            except Conflict as conflict:
                db.session.rollback()
                status, form.base_revision.data = 409, conflict.current_id
                form.form_errors.append(
                    _("Somebody else mended this card meanwhile. It now says: %(text)s", text=conflict.theirs[:500])
                )
            else:
                flash(_("The card is mended.") if changed else _("Nothing was changed."), "success")
                return commit_and_go(url_for(".cards", slug=slug, meeting_id=meeting_id))
    return (
        render_template(
            "meetings/card.html",
            form=form,
            process=process,
            meeting=meeting,
            number=card_number,
            clusters=pinboard.clusters(meeting_id),
        ),
        status,
    )


@bp.post("/p/<slug>/meetings/<int:meeting_id>/cards/<int:card_number>/take-back")
def take_card_back(slug: str, meeting_id: int, card_number: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    contribution, _placed = _card_or_404(process, meeting, card_number)
    pinboard.take_back(contribution, current_person(), clock.now())
    flash(_("%(number)s is no longer shown.", number=f"{process.code}-{card_number}"), "success")
    return commit_and_go(url_for(".cards", slug=slug, meeting_id=meeting.id))


# Pictures of the wall


@bp.route("/p/<slug>/meetings/<int:meeting_id>/photos", methods=["GET", "POST"])
@takes_files(pictures.MAX_FILE)
@keeps_text
def photos(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    """What still has to be typed in, and one more picture."""
    process, meeting = _load(slug, meeting_id)
    form, status = PhotoForm(), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            upload = request.files.get("file")
            try:
                if upload is None or not upload.filename:
                    raise Refused(_("Please choose a picture."))
                clean = pictures.read(upload.read(pictures.MAX_FILE + 1))
                pictures.add(meeting, clean, entered(form.note), current_person(), clock.now())
            except Refused as refused:
                db.session.rollback()
                form.file.errors = [refused.message]
            else:
                flash(_("The picture is kept. Only organisers see it."), "success")
                return commit_and_go(url_for(".photos", slug=slug, meeting_id=meeting_id))
    return (
        render_template(
            "meetings/card_photos.html", form=form, process=process, meeting=meeting, photos=pictures.of(meeting_id)
        ),
        status,
    )


def _photo_or_404(meeting: Meeting, photo_id: int) -> WallPhoto:
    found = pictures.one(meeting.id, photo_id)
    if found is None:
        abort(404)
    return found


@bp.get("/p/<slug>/meetings/<int:meeting_id>/photos/<int:photo_id>")
def photo(slug: str, meeting_id: int, photo_id: int) -> Response:
    """The picture itself."""
    _process, meeting = _load(slug, meeting_id)
    answer = files.response(pictures.stored_file(_photo_or_404(meeting, photo_id)), inline=True)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/p/<slug>/meetings/<int:meeting_id>/photos/<int:photo_id>/done")
def photo_done(slug: str, meeting_id: int, photo_id: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    done = request.form.get("done") != "0"
    pictures.mark(_photo_or_404(meeting, photo_id), done, current_person(), process.id, clock.now())
    flash(_("Every card of this picture is typed in.") if done else _("The picture is on the list again."), "success")
    return commit_and_go(url_for(".photos", slug=slug, meeting_id=meeting.id))


@bp.post("/p/<slug>/meetings/<int:meeting_id>/photos/<int:photo_id>/remove")
def remove_photo(slug: str, meeting_id: int, photo_id: int) -> Response:
    process, meeting = _load(slug, meeting_id)
    pictures.remove(_photo_or_404(meeting, photo_id), current_person(), process.id)
    flash(_("The picture is gone; its file is deleted in the next nights. The cards typed in from it stay."), "success")
    return commit_and_go(url_for(".photos", slug=slug, meeting_id=meeting.id))
