"""Background work: every job has a task, every tick a job, and nothing confidential travels or is logged."""

import ast
import logging
from pathlib import Path

import worker
from consult.jobs import Job
from consult.logs import redact
from consult.outbox.kinds import all_kinds
from worker import schedule, tasks

ROOT = Path(__file__).parents[2]


def test_each_job_has_a_task():
    names = set(worker.celery.tasks)
    assert tasks is not None
    assert {job.value for job in Job} <= names


def test_each_tick_is_a_job():
    ticks = {entry["task"] for entry in worker.celery.conf.beat_schedule.values()}
    assert ticks
    assert ticks <= {job.value for job in Job}
    assert schedule is not None


def test_ticks_are_intervals_so_that_no_hour_of_the_clock_change_matters():
    """Our code decides what is due on a local date; a crontab would fire twice or never on those nights."""
    for name, entry in worker.celery.conf.beat_schedule.items():
        assert isinstance(entry["schedule"], int | float) or hasattr(entry["schedule"], "total_seconds"), name


def test_the_worker_keeps_what_it_has_not_finished():
    conf = worker.celery.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_ignore_result
    assert conf.accept_content == ["json"]


def test_jobs_carry_ids_only():
    """Every call of `enqueue` passes a session, a job and ids: nothing else could reach a broker or a log."""
    calls = 0
    for path in [*ROOT.glob("consult/**/*.py"), *ROOT.glob("worker/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "enqueue":
                calls += 1
                assert not node.keywords, f"{path.name}:{node.lineno}"
                for argument in node.args[2:]:
                    shown = ast.unparse(argument)
                    assert "id" in shown, f"{path.name}:{node.lineno} passes {shown}"
    assert calls


def test_addresses_and_links_are_taken_out_of_log_lines():
    line = redact("mail to amira.b+x@example.org, link https://x.test/i/17.abcdefghijklmnopqrstuvwx gone")
    assert "example.org" not in line
    assert "abcdefghijklmnopqrstuvwx" not in line
    # One link in 64 ends with a dash.
    assert redact("GET /i/17.abcdefghijklmnopqrstuvw- HTTP") == "GET /i/[link] HTTP"
    assert redact("42 rows in 17.5 ms") == "42 rows in 17.5 ms"


def test_the_root_handler_redacts(app, capsys):
    logging.getLogger("consult.test").warning("lost: %s", "amira@example.org")
    for handler in logging.getLogger().handlers:
        if getattr(handler, "consult", False):
            record = logging.LogRecord("consult.test", logging.WARNING, "", 0, "lost: amira@example.org", None, None)
            assert "amira@" not in handler.format(record)
            return
    raise AssertionError("no handler of ours")


def test_each_mail_kind_says_on_which_side_it_errs(app):
    kinds = all_kinds()
    assert {"invitation", "confirm", "reset", "steering_digest"} <= set(kinds)
    assert kinds["invitation"].guarantee == "at_least_once"
    assert kinds["steering_digest"].guarantee == "at_most_once"
