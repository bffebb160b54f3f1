"""My contributions, over all processes, with what became of each."""

from flask import render_template, request, url_for

from consult.accounts.policy import is_signed_in
from consult.authz import authorize, current_person
from consult.web import row_id
from consult.weighing import own
from consult.weighing.views.blueprint import bp


@bp.get("/account/contributions")
def mine() -> str:
    """Everything the signed-in person has written, the newest first."""
    authorize(is_signed_in)
    person = current_person()
    page = own.written_by(person, before=request.args.get("before", type=row_id))
    return render_template(
        "weighing/mine.html",
        page=page,
        next_url=url_for("weighing.mine", before=page.next_cursor) if page.next_cursor else None,
        first_url=url_for("weighing.mine") if request.args.get("before") else None,
    )
