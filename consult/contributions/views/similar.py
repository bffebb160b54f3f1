"""What others said in similar words, while somebody writes. Nothing waits for it, nothing is kept of what was typed."""

from datetime import timedelta

from flask import render_template, request

from consult.authz import authorize
from consult.concept.queries import element_or_404
from consult.contributions import policy, similar
from consult.contributions.similar import Similar
from consult.contributions.views.blueprint import bp
from consult.db import begin_reading
from consult.limits import hit, limit, visitor
from consult.processes.loading import load_process
from consult.processes.models import Process

#: How often one address may ask within a minute: each pause of everybody who writes in a library is one.
PER_MINUTE = 120


def asked() -> bool:
    """Whether the button was pressed that shows similar contributions instead of sending the form."""
    return request.method == "POST" and "similar" in request.form


def _find(process: Process, element_id: int | None) -> list[Similar]:
    lang = request.form.get("lang", "")[:12]
    return similar.similar(process, element_id, request.form.get("text", ""), lang)


def found(process: Process, element_id: int | None) -> list[Similar] | None:
    """For the form that is shown again with the list; None when nobody asked, or far too often."""
    if not asked() or hit("similar", visitor(), timedelta(minutes=1)) > PER_MINUTE:
        return None
    return _find(process, element_id)


def _fragment(slug: str, key: str | None) -> str:
    limit("similar", visitor(), PER_MINUTE, timedelta(minutes=1))
    begin_reading()
    process = load_process(slug)
    authorize(policy.can_compare, process)
    element_id = element_or_404(process.id, key).id if key else None
    return render_template("contributions/_similar_found.html", found=_find(process, element_id), process=process)


@bp.post("/p/<slug>/e/<key>/comment/similar")
def similar_to_element(slug: str, key: str) -> str:
    """A part of a page: what others said about this part of the text in similar words. Changes nothing.

    Sent as a form, because what somebody types belongs in no address and no log.
    """
    return _fragment(slug, key)


@bp.post("/p/<slug>/comment/similar")
def similar_to_process(slug: str) -> str:
    """The same about the process as a whole."""
    return _fragment(slug, None)
