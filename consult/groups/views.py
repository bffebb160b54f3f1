"""Groups of a process and who belongs to them."""

from datetime import date, datetime

from flask import Blueprint, flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import clock
from consult.accounts import sessions
from consult.accounts.operations import person_for
from consult.authz import allowed, authorize, current_person
from consult.errors import Refused
from consult.forms import entered
from consult.groups import operations, queries
from consult.groups.forms import (
    EndForm,
    FunctionsForm,
    GroupForm,
    OrganisationForm,
    PersonForm,
    SeatForm,
    SeatsForm,
)
from consult.groups.models import Group, Membership
from consult.groups.words import kind_names
from consult.i18n import language
from consult.processes import operations as leading
from consult.processes import policy
from consult.processes import queries as processes
from consult.processes.lead import LeadEnds, lead_ends
from consult.processes.loading import load_process
from consult.processes.models import Function, Process
from consult.processes.words import day_before, function_names
from consult.web import commit_and_go, keeps_text

bp = Blueprint("groups", __name__)


def _load(slug: str, group_id: int) -> tuple[Process, Group]:
    """Process and group for somebody who may change the group."""
    process = load_process(slug)
    authorize(policy.can_edit_groups, process)
    group = processes.group_at_work_or_404(process.id, group_id)
    authorize(policy.can_edit_group, process, group.id)
    return process, group


def _go(slug: str, group_id: int) -> Response:
    return commit_and_go(url_for("groups.show", slug=slug, group_id=group_id))


def _end_of(day: date | None, process: Process) -> datetime | None:
    return None if day is None else clock.end_of_day(day, process.zone)


def _ends_of_lead(process: Process, may_edit: bool) -> list[LeadEnds]:
    """When nobody will lead the process: each role ends by itself, and nobody is asked. For those who can change it."""
    return lead_ends([process.id]) if may_edit else []


def _new_roles(*person_ids: int) -> None:
    """Whoever may do more or less from now on gets a fresh sign-in."""
    for ident in person_ids:
        sessions.rotate_for(ident)


@bp.get("/p/<slug>/groups")
def index(slug: str) -> str:
    """All groups and what they do."""
    process = load_process(slug)
    authorize(policy.can_see_groups, process)
    may_edit = allowed(policy.can_edit_groups, process)
    return render_template(
        "groups/index.html",
        process=process,
        rows=processes.groups_at_work(process.id),
        may_edit=may_edit,
        unled=_ends_of_lead(process, may_edit),
        kinds=kind_names(),
        functions=function_names(),
    )


@bp.get("/p/<slug>/groups/<int:group_id>")
def show(slug: str, group_id: int) -> str:
    """One group and its members."""
    process = load_process(slug)
    authorize(policy.can_see_groups, process)
    group = processes.group_at_work_or_404(process.id, group_id)
    held = processes.functions_of_group(process.id, group.id)
    may_edit = allowed(policy.can_edit_group, process, group.id)
    return render_template(
        "groups/show.html",
        process=process,
        group=group,
        members=queries.members_of(group.id),
        may_edit=may_edit,
        unled=_ends_of_lead(process, may_edit),
        kinds=kind_names(),
        functions=[name for function, name in function_names().items() if function in held],
        last_day=lambda moment: moment and day_before(moment, process.zone),
    )


@bp.route("/p/<slug>/groups/new", methods=["GET", "POST"])
@keeps_text
def create(slug: str) -> Response | str:
    """A new group, which works on topics until its functions are chosen."""
    process = load_process(slug)
    authorize(policy.can_edit_groups, process)
    form = GroupForm()
    if form.validate_on_submit():
        group = operations.create_group(
            current_person().id,
            entered(form.name),
            form.kind.data,
            entered(form.description),
            process_id=process.id,
        )
        leading.grant_function(process, group.id, Function.working, current_person().id)
        flash(_("The group is set up. Now choose what it does and add its members."), "success")
        return _go(slug, group.id)
    return render_template("groups/form.html", process=process, form=form, group=None)


@bp.route("/p/<slug>/groups/<int:group_id>/edit", methods=["GET", "POST"])
@keeps_text
def edit(slug: str, group_id: int) -> Response | str:
    """Name, kind and description."""
    process, group = _load(slug, group_id)
    form = GroupForm(obj=group)
    if form.validate_on_submit():
        operations.change_group(
            group,
            current_person().id,
            entered(form.name),
            form.kind.data,
            entered(form.description),
            process_id=process.id,
        )
        flash(_("Saved."), "success")
        return _go(slug, group.id)
    return render_template("groups/form.html", process=process, form=form, group=group)


@bp.route("/p/<slug>/groups/<int:group_id>/functions", methods=["GET", "POST"])
@keeps_text
def functions(slug: str, group_id: int) -> Response | str:
    """What the group does in this process; one function at least, else it would not belong to it."""
    process, group = _load(slug, group_id)
    present = processes.functions_of_group(process.id, group.id)
    form = FunctionsForm(functions=sorted(present))
    form.functions.choices = list(function_names().items())
    if form.validate_on_submit():
        wanted = set(form.functions.data or [])
        if not wanted:
            form.functions.errors = [_("Choose at least one function.")]
            return render_template("groups/functions.html", process=process, form=form, group=group)
        people = queries.people_in(group.id)
        for function in Function:
            if function in wanted - present:
                leading.grant_function(process, group.id, function, current_person().id)
        for function in Function:
            if function in present - wanted:
                leading.revoke_function(process, group.id, function, current_person().id)
        if wanted != present:
            _new_roles(*people)
        flash(_("Saved."), "success")
        return _go(slug, group.id)
    return render_template("groups/functions.html", process=process, form=form, group=group)


@bp.route("/p/<slug>/groups/<int:group_id>/members/person", methods=["GET", "POST"])
@keeps_text
def add_person(slug: str, group_id: int) -> Response | str:
    """A person becomes a member, by e-mail address."""
    process, group = _load(slug, group_id)
    form = PersonForm()
    if form.validate_on_submit():
        person = person_for(entered(form.email), name=entered(form.name), locale=language())
        try:
            operations.add_person(
                group,
                person.id,
                current_person().id,
                office=entered(form.office),
                ends_at=_end_of(form.last_day.data, process),
                process_id=process.id,
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            return render_template("groups/add_person.html", process=process, form=form, group=group)
        _new_roles(person.id)
        flash(_("The person belongs to the group now."), "success")
        if person.account is None:
            flash(_("There is no account for this address yet. An operator can invite the person."), "info")
        return _go(slug, group.id)
    return render_template("groups/add_person.html", process=process, form=form, group=group)


@bp.route("/p/<slug>/groups/<int:group_id>/members/organisation", methods=["GET", "POST"])
@keeps_text
def add_organisation(slug: str, group_id: int) -> Response | str:
    """An organisation becomes a member with a number of seats."""
    process, group = _load(slug, group_id)
    form = OrganisationForm()
    form.organisation_id.choices = queries.organisation_choices()
    if form.validate_on_submit():
        try:
            operations.add_organisation(
                group,
                form.organisation_id.data,
                current_person().id,
                seats=form.seats.data or 0,
                ends_at=_end_of(form.last_day.data, process),
                process_id=process.id,
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            return render_template("groups/add_organisation.html", process=process, form=form, group=group)
        flash(_("The organisation has seats in the group now."), "success")
        return _go(slug, group.id)
    return render_template("groups/add_organisation.html", process=process, form=form, group=group)


def _member_name(membership: Membership) -> str:
    if membership.organisation is not None:
        return membership.organisation.name
    return membership.person.name if membership.person is not None else ""


@bp.route("/p/<slug>/groups/<int:group_id>/members/<int:membership_id>/end", methods=["GET", "POST"])
@keeps_text
def end_membership(slug: str, group_id: int, membership_id: int) -> Response | str:
    """Let a membership end now or on a day; refused when nobody would lead a process any more."""
    process, group = _load(slug, group_id)
    membership = queries.membership_or_404(group.id, membership_id)
    form = EndForm()
    if form.validate_on_submit():
        people = [membership.person_id] if membership.person_id else queries.seated_people(membership.id)
        operations.end_membership(
            membership,
            current_person().id,
            at=_end_of(form.last_day.data, process),
            process_id=process.id,
        )
        leading.must_have_lead(process, membership.ends_at)
        _new_roles(*people)
        flash(_("Saved."), "success")
        return _go(slug, group.id)
    return render_template(
        "groups/end.html",
        process=process,
        form=form,
        group=group,
        membership=membership,
        name=_member_name(membership),
    )


@bp.route("/p/<slug>/groups/<int:group_id>/members/<int:membership_id>/seat", methods=["GET", "POST"])
@keeps_text
def fill_seat(slug: str, group_id: int, membership_id: int) -> Response | str:
    """A person takes a seat of an organisation, or stands in."""
    process, group = _load(slug, group_id)
    membership = queries.membership_or_404(group.id, membership_id)
    form = SeatForm()
    if form.validate_on_submit() and membership.organisation is not None:
        person = person_for(entered(form.email), name=entered(form.name), locale=language())
        try:
            operations.fill_seat(
                membership,
                person.id,
                current_person().id,
                deputy=form.deputy.data,
                process_id=process.id,
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            _new_roles(person.id)
            flash(_("The seat is filled."), "success")
            return _go(slug, group.id)
    return render_template(
        "groups/seat.html",
        process=process,
        form=form,
        group=group,
        membership=membership,
        name=_member_name(membership),
    )


@bp.route("/p/<slug>/groups/<int:group_id>/members/<int:membership_id>/seats", methods=["GET", "POST"])
@keeps_text
def seats(slug: str, group_id: int, membership_id: int) -> Response | str:
    """Another number of seats for an organisation."""
    process, group = _load(slug, group_id)
    membership = queries.membership_or_404(group.id, membership_id)
    form = SeatsForm(seats=membership.seats)
    if form.validate_on_submit():
        try:
            operations.change_seats(membership, current_person().id, form.seats.data or 0, process_id=process.id)
        except Refused as refusal:
            form.seats.errors = [refusal.message]
        else:
            flash(_("Saved."), "success")
            return _go(slug, group.id)
    return render_template(
        "groups/seats.html",
        process=process,
        form=form,
        group=group,
        membership=membership,
        name=_member_name(membership),
    )


@bp.post("/p/<slug>/groups/<int:group_id>/members/<int:membership_id>/seat/<int:holder_id>/vacate")
def vacate_seat(slug: str, group_id: int, membership_id: int, holder_id: int) -> Response:
    """The person no longer holds this place."""
    process, group = _load(slug, group_id)
    membership = queries.membership_or_404(group.id, membership_id)
    holder = queries.seat_holder_or_404(membership.id, holder_id)
    operations.vacate_seat(holder, current_person().id, process_id=process.id)
    leading.must_have_lead(process)
    _new_roles(holder.person_id)
    flash(_("The seat is free."), "success")
    return _go(slug, group.id)
