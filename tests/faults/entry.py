"""The real worker with shorter waiting times and a mail kind of its own, for fault tests and drills."""

import os
from datetime import timedelta

from consult.outbox import claims, operations
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.models import OutboxMessage
from tests.faults.stage import KIND
from worker import celery, flask_app, watch

# The lease of the one in the air stays as it is unless a test says otherwise: a busy machine must not look like a
# worker that is dead.
if os.environ.get("CONSULT_FAULTS_LEASE"):
    claims.LEASE = timedelta(seconds=float(os.environ["CONSULT_FAULTS_LEASE"]))
claims.RESERVED = timedelta(seconds=4)
watch.DEAF = 30.0
operations.GRACE = timedelta(seconds=2)
celery.conf.beat_schedule = {
    name: {**entry, "schedule": min(entry["schedule"], 2.0), "options": {"expires": 30}}
    for name, entry in celery.conf.beat_schedule.items()
}
# Beat looks at the clock every five minutes by default when nothing is due.
celery.conf.beat_max_loop_interval = 1


@mail_kind(KIND, Guarantee.at_least_once, lambda message: True, title=KIND)
def letter(message: OutboxMessage) -> Mail:
    """A mail of usual size."""
    return Mail(f"Einladung {message.subject_id}", "Guten Tag,\n\nbitte kommen Sie. " * 20, "Sie sind eingeladen.")


__all__ = ["celery", "flask_app"]
