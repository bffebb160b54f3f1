"""Which mails somebody wants: two switches in the account, and the link that stands in every such mail."""

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts.policy import is_signed_in
from consult.accounts.views import allowances
from consult.accounts.views.blueprint import used_up
from consult.authz import authorize, current_person, public
from consult.web import commit_and_go, keeps_text, takes_one_click
from consult.weighing import stopping
from consult.weighing.forms import SwitchesForm
from consult.weighing.views.blueprint import bp
from consult.weighing.words import switch_names


@bp.after_request
def protect_link_pages(response: Response) -> Response:
    """The address is a secret: nothing it leads to learns it, and no browser keeps it."""
    if request.endpoint == "weighing.stop":
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/account/mails", methods=["GET", "POST"])
@keeps_text
def mails() -> Response | str:
    """The two switches."""
    authorize(is_signed_in)
    person = current_person()
    form = SwitchesForm(tell_answers=person.tell_answers, tell_monthly=person.tell_monthly)
    if form.validate_on_submit():
        stopping.turn(person, tell_answers=bool(form.tell_answers.data), tell_monthly=bool(form.tell_monthly.data))
        flash(_("Saved."), "success")
        return commit_and_go(url_for("weighing.mails"))
    return render_template("weighing/mails.html", form=form, person=person)


@bp.route("/mails/stop/<link>", methods=["GET", "POST"])
@public
@takes_one_click
def stop(link: str) -> Response | str:
    """What stops, with a button; the button, and the one of a mail program, turn it off. The same page turns it on."""
    found = stopping.opened(link)
    if found is None:
        # Only links that are none are counted: one mail program's server presses the buttons of many people.
        allowances.link()
        return used_up(url_for("weighing.mails"), _("My mails"))
    person, switch = found
    if request.method == "POST":
        wish = request.form.get("wish") == "on"
        stopping.turn(person, **{stopping.FIELDS[switch]: wish})
        answer = commit_and_go(url_for("weighing.stop", link=link))
        if request.form.get("List-Unsubscribe"):
            # Mail programs follow no redirects.
            return Response(_("You will not get these mails any more."), 200, mimetype="text/plain")
        return answer
    return render_template(
        "weighing/stop.html",
        link=link,
        name=switch_names()[stopping.FIELDS[switch]],
        is_on=stopping.is_on(person, switch),
    )
