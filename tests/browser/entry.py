"""The real worker with a quick clock: nobody in these tests waits minutes for a tick."""

from worker import celery, flask_app

celery.conf.beat_schedule = {
    name: {**entry, "schedule": min(entry["schedule"], 3.0), "options": {"expires": 30}}
    for name, entry in celery.conf.beat_schedule.items()
}
# Beat looks at the clock every five minutes by default when nothing is due.
celery.conf.beat_max_loop_interval = 1

__all__ = ["celery", "flask_app"]
