"""Two entries become one: find the other one, see what would happen, press the button."""

from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from consult.accounts.models import Organisation, Person
from consult.authz import allowed, current_person
from consult.contacts import apart, details, folding, merging, policy, queries
from consult.contacts.forms import MergeForm
from consult.contacts.queries import Filters
from consult.contacts.reach import within
from consult.contacts.views import organisations as bodies
from consult.contacts.views import people as persons
from consult.contacts.views.blueprint import bp
from consult.contacts.words import table_names
from consult.errors import Refused
from consult.web import commit_and_go, keeps_text, row_id

#: How many are shown to choose from.
_OFFERED = 20


def _searched() -> str:
    return request.args.get("q", "").strip()[:254]


def _lines(target: str, kept: int, other: int) -> dict[str, Any]:
    """What would become of the rows, in plain words, the longest first."""
    lines, clashes = folding.preview(target, kept, other)
    names = table_names()
    about = details.abouts([clash.about for clash in clashes])
    return {
        "lines": sorted(lines, key=lambda line: (-line.moves - line.goes, names.get(line.table, line.table))),
        "clashes": [(names.get(c.table, c.table), about.get(c.about, "") if c.about else "") for c in clashes],
        "stays": sum(line.stays for line in lines),
        "names": names,
    }


@bp.route("/contacts/people/<int:person_id>/merge", methods=["GET", "POST"])
@keeps_text
def merge_people(person_id: int) -> Response | str:
    """Put two people together. Without `other` the page asks who it is."""
    found = persons.load(person_id)
    form = MergeForm()
    if request.method == "POST" and form.other_id():
        other = persons.load(form.other_id())
        if not allowed(policy.can_merge_people, found, other):
            raise Forbidden
        _offer_people(form, found, other)
        if form.validate():
            choice = merging.Choice(form.name.data == "other", form.email.data == "other")
            kept = merging.merge_people(found, other, current_person(), choice)
            flash(_("The two are one now."), "success")
            return commit_and_go(url_for(".person", person_id=kept.id))
        return _people_preview(found, other, form)
    other_id = request.args.get("other", type=row_id)
    if other_id is not None:
        return _people_preview(found, persons.load(other_id), form)
    words = _searched()
    others = queries.people(Filters(words=words), within(current_person())).rows if words else []
    rows = [row for row in others if row[0].id != found.id]
    return render_template(
        "contacts/merge_person_find.html", shown=found, words=words, rows=rows[:_OFFERED],
        bodies=queries.bodies_of([row[0].id for row in rows[:_OFFERED]]),
    )  # fmt: skip


def _offer_people(form: MergeForm, kept: Person, other: Person) -> None:
    form.name.choices = [("kept", kept.name or _("Without a name")), ("other", other.name or _("Without a name"))]
    form.email.choices = [("kept", kept.email or _("no address")), ("other", other.email or _("no address"))]


def _people_preview(one: Person, two: Person, form: MergeForm) -> str:
    refused = None
    kept, other = one, two
    try:
        kept, other = merging.kept_of(one, two)
    except Refused as refusal:
        refused = refusal.message
    if refused is None and not allowed(policy.can_merge_people, kept, other):
        refused = _("One of the two has a role in a process you do not lead. Please ask those who run the platform.")
    form.other.data = str(two.id)
    _offer_people(form, kept, other)
    account = kept.account is not None
    return render_template(
        "contacts/merge_person.html",
        shown=one,
        kept=kept,
        other=other,
        account=account,
        refused=refused,
        two_of_them=apart.are_told_apart(one, two),
        ask_name=not account and bool(other.name) and bool(kept.name) and kept.name != other.name,
        ask_email=not account and bool(other.email) and bool(kept.email),
        form=form,
        **(_lines("person", kept.id, other.id) if refused is None else {}),
    )


@bp.route("/contacts/organisations/<int:organisation_id>/merge", methods=["GET", "POST"])
@keeps_text
def merge_organisations(organisation_id: int) -> Response | str:
    """Put two organisations together. Without `other` the page asks which one it is."""
    found = bodies.load(organisation_id)
    form = MergeForm()
    if request.method == "POST" and form.other_id():
        other = bodies.load(form.other_id())
        _offer_organisations(form, found, other)
        if form.validate():
            merging.merge_organisations(found, other, current_person(), name_of_other=form.name.data == "other")
            flash(_("The two are one now."), "success")
            return commit_and_go(url_for(".organisation", organisation_id=organisation_id))
        return _organisations_preview(found, other, form)
    other_id = request.args.get("other", type=row_id)
    if other_id is not None:
        return _organisations_preview(found, bodies.load(other_id), form)
    words = _searched()
    rows = [row for row in queries.organisations(Filters(words=words)).rows if row[0].id != found.id] if words else []
    return render_template(
        "contacts/merge_organisation_find.html", organisation=found, words=words, rows=rows[:_OFFERED]
    )


def _offer_organisations(form: MergeForm, kept: Organisation, other: Organisation) -> None:
    form.name.choices = [("kept", kept.name), ("other", other.name)]
    del form.email


def _organisations_preview(kept: Organisation, other: Organisation, form: MergeForm) -> str:
    refused = None
    try:
        merging.check_organisations(kept, other)
    except Refused as refusal:
        refused = refusal.message
    form.other.data = str(other.id)
    if request.method == "GET":
        _offer_organisations(form, kept, other)
    return render_template(
        "contacts/merge_organisation.html",
        kept=kept,
        other=other,
        refused=refused,
        two_of_them=apart.are_told_apart(kept, other),
        form=form,
        **(_lines("organisation", kept.id, other.id) if refused is None else {}),
    )
