"""Operators give a process a lead when it has none, or will soon have none."""

from flask import flash, g, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult.accounts.queries import in_use
from consult.authz import authorize, current_person
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.processes import policy
from consult.processes.forms import LeadForm
from consult.processes.lead import lead_ends, must_need_lead, name_lead
from consult.processes.models import Process
from consult.processes.views.blueprint import bp
from consult.web import commit_and_go, keeps_text


@bp.route("/processes/<int:process_id>/lead", methods=["GET", "POST"], endpoint="name_lead")
@keeps_text
def name(process_id: int) -> Response | str:
    """Somebody with an account becomes lead; nobody names themselves."""
    authorize(policy.can_name_lead)
    process = db.get_or_404(Process, process_id)
    g.zone = process.zone
    must_need_lead(process)
    form = LeadForm()
    if form.validate_on_submit():
        person = in_use(entered(form.email))
        if person is None:
            form.email.errors = [_("Nobody with this address has an account in use. Please invite the person first.")]
        elif person.id == current_person().id:
            form.email.errors = [_("You cannot make yourself a lead. Please name somebody else.")]
        else:
            try:
                name_lead(process, person, current_person().id)
            except Refused as refusal:
                form.form_errors.append(refusal.message)
            else:
                flash(_("This person leads the process now and has to sign in again."), "success")
                return commit_and_go(url_for("accounts.people_person", person_id=person.id))
    return render_template("processes/name_lead.html", process=process, form=form, ends=lead_ends([process.id])[0])
