"""An SMTP server that takes everything and keeps nothing, in a process of its own. Prints its port and stays.

`python -m bench.sink 0.02`: answers each mail after so many seconds, as a relay does that writes it to disk; meanwhile
it listens to others.
"""

import asyncio
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.services import free_port


class _Slow(Sink):
    """The hook's name and arguments are aiosmtpd's."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(float(sys.argv[1]))
        return "250 2.0.0 kept"


def main() -> None:
    handler = _Slow() if len(sys.argv) > 1 else Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    print(controller.port, flush=True)
    # Ends with the benchmark that started it, or after an hour.
    time.sleep(3600)


if __name__ == "__main__":
    main()
