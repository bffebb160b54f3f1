"""What was typed by somebody who is not signed in any more, on pages that need an account: it is never lost."""

from flask import g, render_template, request

from consult.authz import authorize, current_person
from consult.contributions import policy
from consult.processes.models import Process

#: Fields in which people write; all others of a form are carried along unseen.
WRITTEN = ("text", "proposed")
_NEVER = ("csrf_token", "form_id")


def page(process: Process) -> tuple[str, int] | None:
    """A page with the text and what to do now, for a form that was sent after its session had ended; else None.

    It is the same whether or not the contribution meant exists, and sends to the same address again.
    """
    written = {name: request.form[name] for name in WRITTEN if request.form.get(name, "").strip()}
    if request.method != "POST" or current_person() is not None or not written:
        return None
    authorize(policy.can_write_as_guest, process)
    g.zone = process.zone
    carried = {name: value for name, value in request.form.items() if name not in (*written, *_NEVER)}
    here = request.path
    return render_template("contributions/kept.html", process=process, written=written, carried=carried, here=here), 403
