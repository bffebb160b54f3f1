"""Rows of the drill about mail and what it stands on: the fault tests of the suite at their full size."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path

from bench.drill_rows import Figures, Row, Servers
from tests.faults.stage import ROOT

_SERVER = "tests/faults/test_mail_server.py"
#: Name, what it is about, the tests, what is taken away to see them red.
_ROWS = (
    ("A2", "the answer to a mail is lost", f"{_SERVER}::test_answers_that_are_lost_double_only_what_may_be_doubled",
     "message_id"),
    ("A4", "mail servers refuse", f"{_SERVER}::test_every_refusal_comes_to_an_end_and_none_for_good_is_tried_again",
     "for_good"),
    ("A5", "a mail server is sick", f"{_SERVER} -k sick_mail_server or silent", "deadline"),
    ("A6", "Redis is away", "tests/faults/test_broker_gone.py", "sweeper"),
    ("A7", "the digest's worker is killed at each step",
     "tests/digests/test_compile.py -k killed_at_any_step", ""),
    ("A8", "no digest for three days", "tests/digests/test_compile.py -k three_days_of_outage", ""),
    ("A9", "a poisoned mail", f"{_SERVER}::test_one_poisoned_mail_among_a_thousand_stands_alone", "fence"),
    ("A10", "gone between promise and sending", f"{_SERVER} -k whoever_is_gone", "ask_again"),
    ("C1", "the database is away", "tests/faults/test_database_gone.py", "answer_503"),
    ("E5", "payloads in headers", "tests/outbox/test_header_payloads.py", "clean_headers"),
)  # fmt: skip


def _run(name: str, tests: str, servers: Servers, folder: Path, size: str, without: str) -> Figures:
    folder.mkdir(parents=True, exist_ok=True)
    path, _flag, words = tests.partition(" -k ")
    report = folder / f"{name}.xml"
    environment = {
        **os.environ,
        "CONSULT_TEST_DB": "postgres",
        "CONSULT_TEST_PG_URL": servers.postgres,
        "CONSULT_TEST_REDIS_URL": servers.redis,
        "CONSULT_FAULTS": size,
    }
    command = [sys.executable, "-m", "pytest", path, "-q", "-m", "", f"--junitxml={report}"]
    if words:
        command += ["-k", words]
    if without:
        command += ["-p", "bench.drill_without_mail"]
        environment |= {"CONSULT_DRILL_WITHOUT": without, "CONSULT_FAULTS_ENTRY": "bench.drill_worker"}
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=1800)
    suite = ElementTree.parse(report).getroot().find("testsuite") if report.exists() else None  # noqa: S314  ours
    if suite is None:
        return Figures(name, 0, 0, 0, 1, "the tests did not run", False)
    trials, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    told = "; ".join(
        f"{found.get('name')} {found.get('value')}" for found in suite.iter("property") if found.get("name") != "sent"
    )
    figure = f"{trials - skipped} tests, {bad} failed" + (f": {told}" if told else "")
    return Figures(name, trials - skipped, 0, 0, bad, figure, bad == 0 and trials > skipped)


ROWS = tuple(
    Row(name, title, partial(_run, name, tests), (removal,) if removal else ()) for name, title, tests, removal in _ROWS
)
