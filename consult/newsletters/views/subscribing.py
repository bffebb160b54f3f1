"""Get the newsletter, prove the address, stop it again. No account is needed; only a button changes anything."""

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts.operations import speaks
from consult.accounts.views import allowances
from consult.accounts.views.blueprint import used_up
from consult.authz import authorize, current_person, public
from consult.extensions import db
from consult.i18n import language
from consult.invitations.models import SubscriptionState
from consult.limits import in_even_time
from consult.newsletters import policy, subscribing
from consult.newsletters.forms import SubscribeForm
from consult.newsletters.views.blueprint import bp
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import commit_and_go, keeps_text, takes_one_click


@bp.after_request
def protect_link_pages(response: Response) -> Response:
    """The address is a secret: nothing it leads to learns it, and no browser keeps it."""
    if request.endpoint in ("newsletters.confirm", "newsletters.stop"):
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/p/<slug>/newsletter", methods=["GET", "POST"])
@keeps_text
@in_even_time
def subscribe(slug: str) -> Response | str:
    """One field for a guest; one button for somebody signed in."""
    process = load_process(slug)
    authorize(policy.can_subscribe, process)
    person = current_person()
    if person is not None and person.email:
        if request.method == "POST":
            subscribing.subscribe(process, person, language())
            flash(_("You get the newsletter from now on."), "success")
            return commit_and_go(url_for(".subscribe", slug=slug))
        mine = subscribing.of_person(process, person.id)
        gets_it = mine is not None and mine.state == SubscriptionState.confirmed
        stop_url = url_for(".stop", link=subscribing.stop_link(mine)) if mine is not None and gets_it else None
        return render_template("newsletters/subscribe.html", process=process, form=None, stop_url=stop_url)
    form = SubscribeForm()
    if form.validate_on_submit():
        email = form.email.data or ""
        allowances.mail_to(email)
        subscribing.ask(process, email, language())
        return commit_and_go(url_for(".asked", slug=slug))
    return render_template("newsletters/subscribe.html", process=process, form=form, stop_url=None)


@bp.get("/p/<slug>/newsletter/asked")
def asked(slug: str) -> str:
    """The same for addresses we know and others."""
    process = load_process(slug)
    authorize(policy.can_subscribe, process)
    return render_template("newsletters/asked.html", process=process)


@bp.route("/newsletter/confirm/<link>", methods=["GET", "POST"])
@public
def confirm(link: str) -> Response | str:
    """What the link in the mail leads to. A GET shows a button; only the POST uses the link up."""
    if request.method == "POST":
        allowances.link()
    found = subscribing.find(link)
    if found is None:
        return used_up(url_for("processes.home"), _("To the home page"))
    token, subscription = found
    process = db.session.get_one(Process, subscription.process_id)
    if request.method == "POST":
        if not subscribing.confirm(token, subscription):
            return used_up(url_for("processes.home"), _("To the home page"))
        speaks(subscription.person_id, language())
        flash(_("Thank you. The newsletter comes to you from now on. Every issue has a link that stops it."), "success")
        return commit_and_go(url_for("processes.overview", slug=process.slug))
    return render_template("newsletters/confirm.html", process=process, link=link)


@bp.route("/newsletter/stop/<link>", methods=["GET", "POST"])
@public
@takes_one_click
def stop(link: str) -> Response | str:
    """What stops, with a button; the button, and the one of a mail program, end it; the same page begins again."""
    subscription = subscribing.opened(link)
    if subscription is None:
        allowances.link()
        return used_up(url_for("processes.home"), _("To the home page"))
    process = db.session.get_one(Process, subscription.process_id)
    if request.method == "POST":
        if request.form.get("wish") == "on":
            subscribing.again(subscription)
        else:
            subscribing.end(subscription)
        answer = commit_and_go(url_for(".stop", link=link))
        if request.form.get("List-Unsubscribe"):
            # Mail programs follow no redirects.
            return Response(_("You will not get these mails any more."), 200, mimetype="text/plain")
        return answer
    gets_it = subscription.state == SubscriptionState.confirmed
    return render_template("newsletters/stop.html", process=process, link=link, gets_it=gets_it)
