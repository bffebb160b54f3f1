"""Typing in the cards of a pinboard, one after the other."""

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.contributions.models import Stance
from consult.errors import Refused
from consult.i18n import language_name
from consult.meetings import cards as pinboard
from consult.meetings import policy, queries
from consult.meetings.card_forms import CardForm
from consult.meetings.views.blueprint import bp
from consult.processes.loading import load_process
from consult.web import commit_and_go, keeps_text

#: Languages cards are written in here most often.
CARD_LANGUAGES = ("de", "en", "ar", "tr", "fr", "uk", "ru", "zh")


def _stances() -> list[tuple[str, str]]:
    return [
        (Stance.support, _("I like this")),
        (Stance.concern, _("This worries me")),
        (Stance.change, _("This should change")),
        (Stance.question, _("I have a question")),
    ]


@bp.route("/p/<slug>/meetings/<int:meeting_id>/cards", methods=["GET", "POST"])
@keeps_text
def cards(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    process = load_process(slug)
    authorize(policy.can_organise, process)
    meeting = queries.visible_or_404(process.id, meeting_id)
    if request.method == "GET":
        # What the card before had: a table is typed in as a pile.
        kept = {name: request.args.get(name, "")[:20] for name in ("table", "element_id")}
        form = CardForm(data={**kept, "lang": request.args.get("card_lang") or "de"})
    else:
        form = CardForm()
    form.offer(
        queries.element_choices(process, current_person()), _stances(), [(c, language_name(c)) for c in CARD_LANGUAGES]
    )
    if request.method == "POST" and form.validate():
        try:
            card = pinboard.capture_card(
                process,
                meeting,
                current_person(),
                table=form.table.data or "",
                text=form.text.data or "",
                stance=form.stance_word(),
                element_id=form.about(),
                lang=form.lang.data,
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("Saved as %(number)s. Next card, please.", number=f"{process.code}-{card.number}"), "success")
            return commit_and_go(
                url_for(
                    ".cards",
                    slug=slug,
                    meeting_id=meeting.id,
                    table=form.table.data or None,
                    element_id=form.element_id.data or None,
                    card_lang=form.lang.data,
                )
            )
    return (
        render_template(
            "meetings/cards.html",
            form=form,
            process=process,
            meeting=meeting,
            cards=queries.newest_cards(process.id),
        ),
        200 if request.method == "GET" else 422,
    )
