"""A TCP proxy that misbehaves on request: between us and a mail server, Redis or PostgreSQL.

    with proxy(sink.port) as between:
        ...  # talk to between.port
        between.mode = "trickle"

It knows nothing of what passes through. Modes may be changed at any time and count at once, for open connections too.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.services import free_port

Mode = Literal[
    # Everything passes.
    "open",
    # Each piece is kept for `delay` seconds, both ways.
    "delay",
    # Connections are taken and nothing is ever said; what is open falls silent.
    "half_open",
    # The other side's answers come one byte at a time, `delay` seconds apart.
    "trickle",
    # What we say is passed on; the connection ends instead of the answer that `cut_answer` begins.
    "cut_before_answer",
    # All connections end at once, new ones are refused.
    "cut",
]


@dataclass
class Proxy:
    """Its address and its switches."""

    port: int
    target: int
    mode: Mode = "open"
    delay: float = 0.05
    #: Which answers are cut, for example b"250 2.0.0"; every `cut_every`th of them.
    cut_answer: bytes = b""
    cut_every: int = 1
    connections: int = 0
    cuts: int = 0
    _seen: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def cut(self) -> None:
        """End all connections now and refuse new ones, until the mode is changed."""
        self.mode = "cut"
        self._loop.call_soon_threadsafe(self._end_all)

    def _end_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        ways: list[asyncio.Task[None]] = []
        mine = {writer}
        try:
            if self.mode != "cut":
                there_reader, there = await asyncio.open_connection("127.0.0.1", self.target)
                mine.add(there)
                self._open.add(there)
                ways += [
                    asyncio.create_task(self._pass_on(reader, there, answers=False)),
                    asyncio.create_task(self._pass_on(there_reader, writer, answers=True)),
                ]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open -= mine
            for end in mine:
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        while piece := await reader.read(65536):
            while self.mode == "half_open":
                await asyncio.sleep(0.02)
            if self.mode == "delay":
                await asyncio.sleep(self.delay)
            if answers and self.mode == "cut_before_answer" and piece.startswith(self.cut_answer):
                self._seen += 1
                if self._seen % self.cut_every == 0:
                    self.cuts += 1
                    return
            single = answers and self.mode == "trickle"
            for part in (bytes((byte,)) for byte in piece) if single else (piece,):
                writer.write(part)
                await writer.drain()
                if single and self.mode == "trickle":
                    await asyncio.sleep(self.delay)


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """A running proxy in front of a port of this machine."""
    made = Proxy(free_port(), target)
    loop = made._loop
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(made._serve, "127.0.0.1", made.port), loop).result()
    try:
        yield made
    finally:

        async def end() -> None:
            server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # Aborted connections are closed in the next round of the loop.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
