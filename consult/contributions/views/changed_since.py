"""How the text has changed since a contribution was written: a page of its own, shown in place where scripts run."""

from flask import g, render_template, request, url_for

from consult.authz import authorize, current_person
from consult.concept.words import detail_names
from consult.contributions import policy, queries
from consult.contributions.since import changes_since
from consult.contributions.views.blueprint import bp
from consult.pages import rendered_once
from consult.processes.loading import load_process


@bp.get("/p/<slug>/contributions/<int:number>/since")
@rendered_once
def since(slug: str, number: int) -> str:
    """The difference between the words its author saw and today's, with the reasons in between."""
    process = load_process(slug)
    person = current_person()
    contribution = queries.visible_or_404(process, number, person)
    authorize(policy.can_see, process, contribution)
    g.zone = process.zone
    return render_template(
        "contributions/changed_since.html",
        process=process,
        number=f"{process.code}-{number}",
        written_at=contribution.created_at,
        changes=changes_since(process, contribution, person, request.args.get("at", "")[:80]),
        details=detail_names(),
        back=url_for("contributions.show", slug=slug, number=number),
    )
