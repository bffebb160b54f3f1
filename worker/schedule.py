"""The clock only ticks. What is due at which local hour is decided by our own code, which knows about clock changes."""

from consult.jobs import Job

#: Seconds between two ticks of each duty.
TICKS: dict[Job, int] = {
    Job.heartbeat: 30,
    Job.sweep: 60,
    Job.seal: 15,
    Job.digests: 300,
    Job.monthly: 900,
    Job.mornings: 300,
    Job.reminders: 60,
    Job.waiting_lists: 60,
    Job.campaigns: 30,
    Job.newsletters: 30,
    Job.bounces: 300,
    Job.purge: 3600,
}

SCHEDULE = {
    # A tick that waited for longer than the next one is due is worth nothing.
    job.value: {"task": job.value, "schedule": float(seconds), "options": {"expires": seconds * 2}}
    for job, seconds in TICKS.items()
}
