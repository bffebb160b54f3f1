"""`python -m bench` (W=W1,W4 selects): measure, print the table, write bench-results/latest.json."""

import os
import sys
import tempfile
from pathlib import Path

from bench import giving, scene, workloads
from bench.concept import w2
from bench.server import NoClient, Quiet, gunicorn, wrk
from bench.workloads import SECONDS, Bench, Row, floors, write_results
from tests.services import private_postgres

_ALL = {**workloads.WORKLOADS, "W2": w2, "W3": giving.w3, "W5": giving.w5, "W9": giving.w9}
WORKLOADS = dict(sorted(_ALL.items(), key=lambda entry: int(entry[0][1:])))

#: A machine on which `read` is below this share of `hello` is too busy with something else.
SANE = 0.2


def _table(rows: list[Row]) -> str:
    lines = [f"{'workload':9} {'size':16} {'value':>10} {'unit':11} {'floor':6} {'ratio':>6}  {'target':17} ok"]
    for row in rows:
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        lines.append(
            f"{row.workload:9} {row.size:16} {row.value:10,.1f} {row.unit:11} {row.floor:6} {ratio:>6}  "
            f"{row.target:17} {'yes' if row.ok else 'NO'}  {row.note}"
        )
    return "\n".join(lines)


def main() -> int:
    wanted = [name for name in os.environ.get("W", "").replace(" ", "").split(",") if name] or list(WORKLOADS)
    unknown = set(wanted) - set(WORKLOADS)
    if unknown:
        print(f"There is no workload {', '.join(sorted(unknown))}. Known: {', '.join(WORKLOADS)}.")
        return 2
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="consult-bench-") as name, private_postgres(durable=True) as server:
        folder = Path(name)
        url, floor_url = scene.new_database(server, "bench"), scene.new_database(server, "floors")
        print("Loading ...", flush=True)
        total = int(os.environ.get("BENCH_TOTAL", scene.TOTAL))
        app = scene.build(url, folder, total)
        floors.prepare(floor_url)
        with gunicorn("bench.floors:application", {"DATABASE_URL": floor_url, "FLOORS": "1"}) as (address, _pid):
            bench = Bench(server, folder, app, scene.settings(url, folder), address, {})
            with Quiet() as quiet:
                hello, read = wrk(address + "/hello", SECONDS), wrk(address + "/read", SECONDS)
                for workload in wanted:
                    for row in WORKLOADS[workload](bench):
                        rows.append(row)
                        print(_table([row]).splitlines()[1], flush=True)
    void = []
    if read.per_second < SANE * hello.per_second:
        void.append(f"read is only {read.per_second / hello.per_second:.2f} of hello")
    if quiet.share > Quiet.LIMIT:
        void.append(f"other processes took {quiet.share:.0%} of the processor")
    print(f"\nFloors: hello {hello.per_second:,.0f}/s, read {read.per_second:,.0f}/s\n")
    print(_table(rows))
    if void:
        print("\nVOID: " + "; ".join(void) + ". Run it again on a quiet machine.")
        for row in rows:
            row.ok, row.note = False, (row.note + " VOID").strip()
    print(f"\nWritten to {write_results(rows).relative_to(Path.cwd())}")
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NoClient as missing:
        print(missing)
        sys.exit(2)
