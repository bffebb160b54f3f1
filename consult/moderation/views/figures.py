"""How the moderation went, for everybody."""

from flask import g, render_template

from consult.authz import authorize
from consult.moderation.figures import figures as figures_of
from consult.moderation.views.blueprint import bp
from consult.pages import rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process


@bp.get("/p/<slug>/rules/figures")
@rendered_once
def figures(slug: str) -> str:
    """What arrived, what was held back and why, what was reported, and how long it took: counts only."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    g.zone = process.zone
    return render_template("moderation/figures.html", process=process, figures=figures_of(process))
