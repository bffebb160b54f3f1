"""W7: one worker process sends what is due. Run as `python -m bench.mailing` in the instance's settings.

Prints how many it dealt with, how long that took from the first batch on, and how many megabytes it grew to after the
first thousand and at the end.
"""

import time

import psutil

from consult import create_app
from consult.outbox.delivery import deliver_due


def main() -> None:
    app = create_app()
    own = psutil.Process()
    dealt, early = 0, 0.0
    with app.app_context():
        started = time.perf_counter()
        while found := deliver_due():
            dealt += found
            if not early and dealt >= 1000:
                early = own.memory_info().rss / 1e6
        print(dealt, time.perf_counter() - started, early, own.memory_info().rss / 1e6)


if __name__ == "__main__":
    main()
