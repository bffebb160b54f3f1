"""W7: one worker process sends what is due. Run as `python -m bench.mailing` in the instance's settings.

Prints one line of JSON: how many it dealt with, in how many seconds from the first batch on, with how many seconds of
its own processor time, and how many megabytes it held after so many mails.
"""

import json
import time

import psutil

from consult import create_app
from consult.outbox.delivery import deliver_due

#: How many mails lie between two looks at the memory.
STEP = 1000


def main() -> None:
    app = create_app()
    own = psutil.Process()
    dealt, held = 0, []
    with app.app_context():
        started, spent = time.perf_counter(), time.process_time()
        while found := deliver_due():
            dealt += found
            if dealt >= STEP * (len(held) + 1):
                held.append(round(own.memory_info().rss / 1e6, 1))
        seconds, cpu = time.perf_counter() - started, time.process_time() - spent
        print(json.dumps({"dealt": dealt, "seconds": seconds, "cpu": cpu, "held": held}))


if __name__ == "__main__":
    main()
