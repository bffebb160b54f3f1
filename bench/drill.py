"""`make drill`: long fault rows with real processes; D=A1,A3 selects.

Each row runs in full with its protections, then in a short form with each protection removed: that run must turn
red, or the row proves nothing. CONSULT_DRILL_WITHOUT=sweeper runs the full rows without that protection instead.
Writes drill-results/latest.json and prints a table; the exit code is 1 when a row is not as it must be.
"""

import dataclasses
import json
import logging
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from bench import drill_addresses, drill_backup, drill_doors, drill_mail, drill_rows
from bench.drill_rows import Figures, Row, Servers
from tests.faults.stage import ROOT
from tests.services import NotAvailable, private_postgres, private_redis

ROWS = (*drill_rows.ROWS, *drill_mail.ROWS, drill_backup.ROW, drill_doors.ROW, drill_addresses.ROW)
RESULTS = ROOT / "drill-results" / "latest.json"


def chosen(selection: str) -> list[Row]:
    """The rows named in `selection` (all when it is empty); ends the program at an unknown name."""
    names = [name.strip().upper() for name in selection.split(",") if name.strip()]
    known = {row.name: row for row in ROWS}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"D={','.join(unknown)}: there is {', '.join(known)}.")
    return [known[name] for name in names] or list(ROWS)


def run(row: Row, servers: Servers, folder: Path, removed: str) -> list[Figures]:
    """The row in full; then, unless a protection is removed by hand, the proofs that it can turn red."""
    results = [_one(row, servers, folder / row.name, "full", removed if removed in row.removals else "")]
    if removed:
        return results
    for removal in row.removals:
        figures = _one(row, servers, folder / f"{row.name}-{removal}", "short", removal)
        red = not figures.ok and figures.trials > 0 and not figures.broken
        verdict = "red, as it must be" if red else "NOT red: the row proves nothing"
        results.append(
            dataclasses.replace(
                figures, row=f"{row.name} without {removal}", figure=f"{verdict}: {figures.figure}", ok=red
            )
        )
    return results


def _one(row: Row, servers: Servers, folder: Path, size: str, without: str) -> Figures:
    started = time.monotonic()
    label = f"{row.name} {row.title}" + (f", without {without}" if without else "")
    print(f"{label} ...", flush=True)
    try:
        figures = row.run(servers, folder, size, without)
    except Exception as error:
        # One row that cannot go on must not take those after it along.
        traceback.print_exc()
        figures = Figures(row.name, 0, 0, 0, 1, f"stopped: {error!r}"[:300], ok=False, broken=True)
    took = round(time.monotonic() - started)
    print(f"   {took} s", flush=True)
    return dataclasses.replace(figures, seconds=took)


def table(results: list[Figures]) -> str:
    """The figures as aligned lines."""
    lines = [f"{'':4} {'row':<26} {'trials':>7} {'lost':>6} {'twice':>6} {'errors':>6} {'s':>5}  figure"]
    for result in results:
        mark = "ok" if result.ok else "RED"
        numbers = f"{result.trials:>7} {result.lost:>6} {result.duplicates:>6} {result.errors:>6} {result.seconds:>5}"
        lines.append(f"{mark:4} {result.row:<26} {numbers}  {result.figure}")
    lines.append(f"{len(results)} runs in {sum(result.seconds for result in results) / 60:.0f} minutes")
    return "\n".join(lines)


def main() -> int:
    """The program; its exit code."""
    os.chdir(ROOT)
    # Explicitly: started in the background by a shell, a program ignores SIGINT; and SIGTERM must clean up too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # The table tells; what each process said is of interest only when something is red.
    logging.disable(logging.WARNING)
    rows = chosen(os.environ.get("D", ""))
    removed = os.environ.pop("CONSULT_DRILL_WITHOUT", "")
    if removed and not any(removed in row.removals for row in rows):
        known = sorted({removal for row in rows for removal in row.removals})
        sys.exit(f"CONSULT_DRILL_WITHOUT={removed}: there is {', '.join(known)}.")
    results: list[Figures] = []
    try:
        with (
            private_postgres() as postgres,
            private_redis() as redis,
            tempfile.TemporaryDirectory(prefix="consult-drill-") as folder,
        ):
            for row in rows:
                results += run(row, Servers(postgres, redis), Path(folder), removed)
    except NotAvailable as reason:
        sys.exit(f"The drill needs PostgreSQL and Redis on this machine. {reason}")
    except KeyboardInterrupt:
        sys.exit("Stopped before the end.")
    finally:
        if results:
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps([dataclasses.asdict(result) for result in results], indent=1) + "\n")
    print(f"\n{table(results)}\n\nWritten to {RESULTS.relative_to(ROOT)}")
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
