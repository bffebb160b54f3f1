"""W7: one worker process sends a campaign. Run as `python -m bench.mailing FIRST LAST` in the instance's settings.

Prints how many it sent and how long that took, starting to count when the first is claimed.
"""

import sys
import time

from consult import create_app
from consult.outbox.delivery import deliver


def main() -> None:
    first, last = int(sys.argv[1]), int(sys.argv[2])
    app = create_app()
    sent = 0
    with app.app_context():
        started = time.perf_counter()
        for ident in range(first, last + 1):
            sent += deliver(ident) == "sent"
        print(sent, time.perf_counter() - started)


if __name__ == "__main__":
    main()
