"""How every page of a process begins: load the process, or say there is none."""

from flask import g

from consult import authz
from consult.processes.models import Process
from consult.processes.queries import process_or_404


def load_process(slug: str) -> Process:
    """The process at this address, if the person may know of it; else 404. Decides nothing: call `authorize` next.

    Marks the process as previewed when the visitor came by a valid preview link, which `policy.can_read` respects.
    """
    process = process_or_404(authz.current_person(), slug, preview_of=g.get("preview_of"))
    process.previewed = g.get("preview_of") == process.id
    g.process, g.zone = process, process.zone
    return process
