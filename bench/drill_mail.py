"""Rows of the drill that are tests of the suite, at their full size."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.drill_rows import Figures, Row, Servers
from tests.faults.stage import ROOT

_FAULTS = "tests/faults"
_SERVER = f"{_FAULTS}/test_mail_server.py"
_DIGEST = f"{_FAULTS}/test_digest_killed.py"
#: Name, what it is about, the tests, how often they run in full, what is taken away to see them red.
_ROWS = (
    ("A2", "the answer to a mail is lost", f"{_SERVER} -k answers_that_are_lost", 1, ("message_id",)),
    ("A4", "mail servers refuse", f"{_SERVER} -k every_refusal", 1, ("for_good",)),
    ("A5", "a mail server is sick", f"{_SERVER} -k sick_mail_server or silent", 1, ("deadline",)),
    ("A6", "Redis is away", f"{_FAULTS}/test_broker_gone.py -k may_go", 1, ("sweeper",)),
    ("A7", "the digest's worker is killed at each step", f"{_DIGEST} -k killed_at_any_step", 1,
     ("one_transaction", "ask_again")),
    ("A8", "no digest for three days", f"{_DIGEST} -k three_days", 1, ("cursor",)),
    ("A9", "a poisoned mail", f"{_SERVER} -k one_poisoned_mail", 1, ("fence",)),
    ("A10", "gone between promise and sending", f"{_FAULTS}/test_gone_meanwhile.py", 1,
     ("ask_again", "holding")),
    ("A11", "mail to many names nobody else", f"{_FAULTS}/test_one_recipient.py", 1, ("personal",)),
    ("B11", "the last places, two hundred at once",
     "tests/meetings/test_wait.py tests/invitations/test_respond.py tests/meetings/test_check_in_races.py "
     "tests/contributions/test_parallel.py tests/moderation/test_races.py "
     "-k at_once_never_take or check_ins_sent or same_nod or change_their_minds or of_two_who", 10, ("lock",)),
    ("C1", "the database is away", f"{_FAULTS}/test_database_gone.py", 1, ("answer_503",)),
    ("C8", "the clock jumps", "tests/promises/test_clock_jumps.py", 1, ("ends",)),
    ("C9", "nights when clocks change",
     f"{_FAULTS}/test_clock_changes.py tests/digests/test_due.py tests/digests/test_monthly.py "
     "tests/meetings/test_series.py tests/meetings/test_arrange.py tests/meetings/test_follow.py "
     "tests/meetings/test_remind.py tests/processes/test_stages.py tests/contributions/test_due.py "
     "tests/outbox/test_retention.py -k clock or night or half_past_two or every_day", 1, ("local_days",)),
    ("D6", "personal links",
     "tests/accounts/test_links.py tests/invitations/test_respond.py tests/meetings/test_register.py "
     "tests/newsletters/test_newsletter.py tests/weighing/test_switches.py tests/contributions/test_claim.py "
     "tests/processes/test_preview.py -k link", 1, ("used_up", "purpose")),
    ("D8", "limits, whatever the disguise",
     f"tests/promises/test_limited_doors.py {_FAULTS}/test_broker_gone.py -k disguise or spelling or limits_count", 1,
     ("one_count",)),
    ("E3", "nasty texts in calendars", "tests/meetings/test_calendar.py -k nasty", 1, ("escaping",)),
    ("E5", "payloads in headers", "tests/outbox/test_header_payloads.py", 1, ("clean_headers",)),
)  # fmt: skip


#: Seconds after which a test hangs.
_LONGEST = 3000


@dataclass
class _Found:
    """What the reports of the tests say, over all runs."""

    tests: int = 0
    #: What was asserted and did not hold, and what went wrong before or after.
    failed: int = 0
    errors: int = 0
    trials: int = 0
    lost: int = 0
    duplicates: int = 0
    told: list[str] = field(default_factory=list)
    why: str = ""

    def add(self, report: Path) -> None:
        """One report; none at all is a failure."""
        suite = ElementTree.parse(report).getroot().find("testsuite") if report.exists() else None  # noqa: S314  ours
        if suite is None:
            self.errors += 1
            return
        self.tests += int(suite.get("tests", 0)) - int(suite.get("skipped", 0))
        self.failed += int(suite.get("failures", 0))
        self.errors += int(suite.get("errors", 0))
        for told in suite.iter("property"):
            name, value = told.get("name", ""), told.get("value", "")
            if name in ("trials", "lost", "duplicates"):
                setattr(self, name, getattr(self, name) + int(value))
            else:
                self.told.append(f"{name} {value}")
        for failure in (*suite.iter("failure"), *suite.iter("error")):
            self.why = self.why or " ".join(failure.get("message", "").split())[:160]


def _run(name: str, tests: str, times: int, servers: Servers, folder: Path, size: str, without: str) -> Figures:
    folder.mkdir(parents=True, exist_ok=True)
    paths, _flag, words = tests.partition(" -k ")
    environment = {
        **os.environ,
        "CONSULT_TEST_DB": "postgres",
        "CONSULT_TEST_PG_URL": servers.postgres,
        "CONSULT_TEST_REDIS_URL": servers.redis,
        "CONSULT_FAULTS": size,
    }
    # What hangs is told by the drill's own limit: a row in full may take longer than a test of the suite.
    command = [sys.executable, "-m", "pytest", *paths.split(), "-q", "-m", "", "-o", "faulthandler_timeout=0"]
    command += ["-k", words] if words else []
    if without:
        command += ["-p", "bench.drill_without_mail"]
        environment |= {"CONSULT_DRILL_WITHOUT": without, "CONSULT_FAULTS_ENTRY": "bench.drill_worker"}
        if without == "sweeper":
            environment["CONSULT_FAULTS_PATIENCE"] = "30"
    found = _Found()
    for turn in range(times if size == "full" else 1):
        report = folder / f"{name}-{turn}.xml"
        done = subprocess.run(
            [*command, f"--junitxml={report}"], cwd=ROOT, env=environment, capture_output=True, timeout=_LONGEST
        )
        found.add(report)
        if done.returncode and not without:
            print(done.stdout.decode(errors="replace")[-3000:], flush=True)
    told = [f"{found.tests} tests, {found.failed + found.errors} failed", *found.told]
    # Once is enough, however often the tests ran.
    figure = "; ".join(dict.fromkeys([*told, *([f"because {found.why}"] if found.why else [])]))
    errors = found.failed + found.errors
    trials = found.trials or found.tests
    ok = errors == 0 and found.tests > 0
    return Figures(
        name, trials, found.lost, found.duplicates, errors, figure, ok, broken=not found.failed and errors > 0
    )


ROWS = tuple(
    Row(name, title, partial(_run, name, tests, times), removals) for name, title, tests, times, removals in _ROWS
)
