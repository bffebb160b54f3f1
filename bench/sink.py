"""An SMTP server that takes everything and keeps nothing, in a process of its own. Prints its port and stays.

`python -m bench.sink`; `--answer-after 0.02` answers each mail after so many seconds, as a relay does that writes it to
disk, and meanwhile listens to others; `--one-by-one` does not offer to take several commands at once, as relays do
(RFC 2920).
"""

import argparse
import asyncio
import socket

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.services import free_port


class _Sink:
    """The hooks' names and arguments are aiosmtpd's."""

    def __init__(self, answer_after: float, one_by_one: bool) -> None:
        self._answer_after, self._one_by_one = answer_after, one_by_one

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return responses if self._one_by_one else [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self._answer_after:
            await asyncio.sleep(self._answer_after)
        return "250 2.0.0 kept"


async def _serve(port: int, sink: _Sink) -> None:
    loop = asyncio.get_running_loop()
    # Named, so that answers are not held back: asyncio looks at it.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(("127.0.0.1", port))
        await loop.create_server(lambda: SMTP(sink, loop=loop), sock=listening)
        print(port, flush=True)
        # Ends with the benchmark that started it, or after an hour.
        await asyncio.sleep(3600)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--answer-after", type=float, default=0.0)
    parser.add_argument("--one-by-one", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    wanted = parser.parse_args()
    asyncio.run(_serve(wanted.port or free_port(), _Sink(wanted.answer_after, wanted.one_by_one)))


if __name__ == "__main__":
    main()
