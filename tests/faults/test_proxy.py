"""The proxy misbehaves as it says: otherwise the tests that use it prove nothing."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Proxy, proxy

pytestmark = pytest.mark.pure


@pytest.fixture
def between() -> Iterator[Proxy]:
    """In front of a server that sends back each line it gets."""
    listening = socket.create_server(("127.0.0.1", 0))

    def echo(connection: socket.socket) -> None:
        with connection:
            try:
                while heard := connection.recv(1000):
                    connection.sendall(heard)
            except OSError:
                pass

    def serve() -> None:
        while True:
            try:
                connection, _address = listening.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with listening, proxy(listening.getsockname()[1]) as made:
        yield made


def caller(between: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", between.port), timeout=2)


def ask(connection: socket.socket, words: bytes) -> bytes:
    connection.sendall(words)
    return connection.recv(1000)


def ended(connection: socket.socket) -> bool:
    """Closed, or broken off."""
    try:
        return connection.recv(10) == b""
    except ConnectionError:
        return True


def test_it_lets_everything_through_until_told_otherwise(between: Proxy) -> None:
    with caller(between) as one, caller(between) as other:
        assert (ask(one, b"a"), ask(other, b"b")) == (b"a", b"b")
    assert between.connections == 2


def test_it_delays(between: Proxy) -> None:
    with caller(between) as one:
        ask(one, b"a")
        between.mode, between.delay = "delay", 0.1
        started = time.monotonic()
        assert ask(one, b"b") == b"b"
        assert time.monotonic() - started >= 0.2


def test_it_says_nothing(between: Proxy) -> None:
    between.mode = "half_open"
    with caller(between) as one:
        one.settimeout(0.3)
        with pytest.raises(TimeoutError):
            ask(one, b"a")
        between.mode = "open"
        assert one.recv(10) == b"a"


def test_it_trickles(between: Proxy) -> None:
    between.mode, between.delay = "trickle", 0.02
    with caller(between) as one:
        assert ask(one, b"abc") == b"a"
        assert one.recv(10) == b"b"


def test_it_cuts_instead_of_answering(between: Proxy) -> None:
    between.mode, between.cut_answer, between.cut_every = "cut_before_answer", b"2", 2
    with caller(between) as one:
        assert (ask(one, b"1"), ask(one, b"2"), ask(one, b"2")) == (b"1", b"2", b"")
    assert between.cuts == 1


def test_it_cuts_everything_at_once_and_lets_in_again(between: Proxy) -> None:
    with caller(between) as one:
        ask(one, b"a")
        between.cut()
        assert ended(one)
        with caller(between) as refused:
            assert ended(refused)
    between.mode = "open"
    with caller(between) as again:
        assert ask(again, b"c") == b"c"
