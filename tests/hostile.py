"""Addresses that nobody of good will asks for: every GET route, its path and its query, filled with nonsense.

Made from the URL map and from what the application asks its requests for, so that a new route or parameter is tried
without anybody thinking of it. The same seed asks the same questions. The suite asks shortly, the drill for long.
"""

import contextlib
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlsplit

from flask import Flask
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule

#: Raw pieces of a query string, already encoded or deliberately not.
RAW = (
    "", "%00", "a%00b", "%", "%zz", "%u0041", "%C0%AF", "%ED%A0%80", "%E0%80%80", "%F4%90%80%80", "%FF%FE", "\xff\xfe",
    "\xc3\xa4", "%0D%0AX-Evil:%201", "%0a", "+", "%25%30%30", ";", "#", "%2F..%2F..%2Fetc%2Fpasswd", "..%2f", "%5c",
)  # fmt: skip
#: Values as somebody would type them; encoded when sent.
TYPED = (
    "0", "1", "7", "-1", "-0", "+7", " 7 ", "007", "1.5", "1,2,3", "1e9", "1e999", "NaN", "inf", "0x10", "1_000", "²",
    "१२३", "१", "2147483647", "2147483648", "-2147483649", "9223372036854775808", "9" * 25, "-" + "9" * 25, "9" * 5000,
    "true", "None", "null", "[]", "{}", "[1]", "()", "\"", "'", "\\", "%", "_", "*", "?", "&", "=", "~", ".", "..", ":",
    "1:", ":1", "1:2", "1:2:3", "a:b", f"1:{'9' * 25}", f"{'9' * 25}:1", "1.2.3", f"1.{'9' * 25}", "1-2", "-", "--",
    "' OR '1'='1", "1; DROP TABLE person;--", "<script>alert(1)</script>", "{{7*7}}", "{% raw %}", "${7*7}", "%s%n%d",
    "//evil.example", "///evil.example", "/\\evil.example", "https://evil.example/", "http:evil.example", "/%09/evil",
    "/\tevil.example", "javascript:alert(1)", "data:text/html,x", "https://consult.test@evil.example/",
    "0000-00-00", "2026-02-30", "9999-12-31", "0001-01-01", "10000-01-01", "2026-13-01T25:61", "2026-11-22T10:00:00Z",
    "2026-W53-7", "20261122", "24:00", "de", "de_DE", "xx-" * 20, "ä", "ﬀ", "\u202eevil", "\ufeff", "\u2028", "😀",
    "e" + "\u0301" * 500, "a" * 301, "x" * 100_000, "😀" * 8_000, "a b", "\t", "\x7f", "\x1b[31m", "\ufffd",
    "\U0010ffff",
)  # fmt: skip
#: Parameters no page asks for, and ways other programs write lists.
STRANGE_NAMES = ("", "x", "page", "per_page", "sort", "order", "id", "format", "callback", "_method", "__proto__",
                 "%00", "%FF", "a" * 2000, "utm_source", "debug", "next", "lang")  # fmt: skip

#: What the first two get, all get that come after them.
EVERYBODY = ("anonymous", "citizen")
#: Where people of the town lead on to themselves, by a link they put there; nothing of the request is in it.
PUT_THERE = ("https://example.org/papier",)


class Noticed(ImmutableMultiDict[str, str]):
    """Parameters of a request, which remember the names they were asked for."""

    names: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> str:
        self.names.add(key)
        return str(super().__getitem__(key))

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.names.add(key)
        return super().get(key, *args, **kwargs)

    def getlist(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.names.add(key)
        return super().getlist(key, *args, **kwargs)


@contextlib.contextmanager
def noticing(app: Flask) -> Iterator[None]:
    """Requests remember meanwhile which parameters were asked for."""
    before = app.request_class

    class Request(before):  # type: ignore[misc, valid-type]  # whatever class the application has
        parameter_storage_class = Noticed

    app.request_class = Request
    try:
        yield
    finally:
        app.request_class = before


@dataclass(frozen=True)
class Fault:
    """An answer that must not be."""

    role: str
    target: str
    told: str

    def __str__(self) -> str:
        shown = self.target if len(self.target) < 300 else f"{self.target[:300]}... ({len(self.target)} characters)"
        return f"{self.role} GET {shown!r}: {self.told}"


@dataclass
class Door:
    """One GET route: how it is asked properly, and what is known about its query."""

    rule: Rule
    values: dict[str, Any]
    #: Names the application asked for, with the values our own links carry for them.
    names: dict[str, set[str]] = field(default_factory=dict)

    def path(self, changed: Mapping[str, str] | None = None) -> str:
        """Its address; `changed` arguments are put in as they are."""
        changed = changed or {}
        pattern = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
        return pattern.sub(lambda found: changed.get(found[1], quote(str(self.values[found[1]]))), self.rule.rule)


@dataclass
class Prober:
    """Asks, and keeps what must not have been answered.

    clients: by role, those of `EVERYBODY` first, each request in a context of its own; `values`: arguments of routes.
    """

    app: Flask
    clients: Mapping[str, Any]
    values: Mapping[str, Any]
    seed: int = 1
    asked: int = 0
    faults: list[Fault] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        rules: dict[str, Rule] = {}
        for rule in sorted(self.app.url_map.iter_rules(), key=lambda r: r.rule):
            if "GET" in (rule.methods or ()):
                rules.setdefault(f"{rule.endpoint} {rule.rule}", rule)
        # What the town has no row for is asked for by a number that means nothing.
        self.doors = {
            name: Door(rule, {key: self.values.get(key, 1) for key in rule.arguments - set(rule.defaults or {})})
            for name, rule in rules.items()
        }
        #: Who gets a page there: the others are tried less often.
        self.through: dict[str, list[str]] = {}

    def get_to_know(self) -> None:
        """Ask each door properly, as everybody: who gets through, what it asks for, where its links lead."""
        links: set[str] = set()
        for name, door in self.doors.items():
            for role in self.clients:
                Noticed.names.clear()
                answer = self.ask(role, door.path())
                for found in Noticed.names:
                    door.names.setdefault(found, set())
                if answer is not None and answer[0] == 200:
                    self.through.setdefault(name, []).append(role)
                    links.update(re.findall(r'href="([^"]*\?[^"]*)"', answer[1]))
                    if role in EVERYBODY:
                        # Open to all, then: asking as each of them would take longer than all the rest.
                        self.through[name] = [*self.clients][EVERYBODY.index(role) :]
                        break
        known = {door.rule.endpoint: door for door in self.doors.values()}
        adapter = self.app.url_map.bind("consult.test")
        for link in links:
            parts = urlsplit(link.replace("&amp;", "&"))
            with contextlib.suppress(Exception):
                door = known[adapter.match(parts.path, method="GET")[0]]
                for name, value in parse_qsl(parts.query):
                    door.names.setdefault(name, set()).add(value)

    def ask(self, role: str, target: str) -> tuple[int, str] | None:
        """One request as a server would hand it over; (status, text), or None when it raised."""
        path, _, query = target.partition("?")
        self.asked += 1
        environ = {
            "PATH_INFO": unquote_to_bytes(path.encode("latin1", "replace")).decode("latin1"),
            "QUERY_STRING": query,
            "REQUEST_URI": target,
            "RAW_URI": target,
            # Nobody is told to wait: what lies behind the limits is tried as well.
            "REMOTE_ADDR": f"10.{self.asked >> 16 & 255}.{self.asked >> 8 & 255}.{self.asked & 255}",
        }
        client = self.clients[role]
        try:
            answer = client.open("/", environ_overrides=environ)
            body = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
            answer.close()
        except Exception as error:
            self.faults.append(Fault(role, target, f"raised {type(error).__name__}: {error}"[:500]))
            return None
        status = answer.status_code
        self.statuses[status] = self.statuses.get(status, 0) + 1
        # Nobody sends mail in this town: "not ready" is a true answer of the health page.
        if status >= 500 and path != "/health/ready":
            self.faults.append(Fault(role, target, f"answered {status}"))
        if leads_away(answer.headers.get("Location")):
            self.faults.append(Fault(role, target, f"leads to {answer.headers['Location']}"))
        return status, body

    def value(self, usual: set[str]) -> str:
        """Something for one parameter: nonsense, or what our links carry, a little wrong."""
        kind = self.dice.random()
        if usual and kind < 0.3:
            return quote(self._bent(self.dice.choice(sorted(usual))), safe="")
        if kind < 0.5:
            return self.dice.choice(RAW)
        return quote(self.dice.choice(TYPED), safe=self.dice.choice(("", "/:[]{}'")), errors="replace")

    def _bent(self, value: str) -> str:
        ways = (
            lambda: re.sub(r"\d+", lambda _found: self.dice.choice(TYPED[:30]), value, count=1),
            lambda: re.sub(r"\d+", "9" * 25, value),
            lambda: value[: self.dice.randrange(len(value) + 1)],
            lambda: value + self.dice.choice(TYPED[:60]),
            lambda: value * 3,
            lambda: value.swapcase(),
            lambda: re.sub(r"[^\w]", "", value),
            lambda: value,
        )
        return self.dice.choice(ways)()

    def target(self, door: Door) -> str:
        """One address of this door that nobody of good will asks for."""
        arguments = sorted(set(door.values))
        changed: dict[str, str] = {}
        if arguments and self.dice.random() < (0.3 if door.names else 0.6):
            for name in self.dice.sample(arguments, self.dice.randint(1, min(2, len(arguments)))):
                changed[name] = self.value({str(door.values[name])}).replace("?", "%3F")
        names = sorted(door.names)
        pairs: list[str] = []
        for _turn in range(self.dice.choice((0, 1, 1, 1, 2, 4)) if changed else self.dice.choice((1, 1, 1, 2, 3, 6))):
            name = self.dice.choice(names) if names and self.dice.random() < 0.85 else self.dice.choice(STRANGE_NAMES)
            written = name + self.dice.choice(("", "", "", "", "", "[]", "[0]", "[$ne]"))
            again = self.dice.choice((1, 1, 1, 1, 1, 2, 3, 50))
            given = [self.value(door.names.get(name, set())) for _time in range(again)]
            # Long values alone: many of them together are only slow.
            pairs += [f"{written}={value}" for value in given if again == 1 or len(value) < 1000]
        if self.dice.random() < 0.02:
            pairs += [f"f{n}={n}" for n in range(3000)]
        return f"{door.path(changed)}?{'&'.join(pairs)}" if pairs else door.path(changed)

    def probe(self, times: int) -> None:
        """So many requests, spread evenly over the doors, mostly as somebody who gets through."""
        roles = sorted(self.clients)
        doors = sorted(self.doors)
        for number in range(times):
            name = doors[number % len(doors)]
            door = self.doors[name]
            may = self.through.get(name)
            role = self.dice.choice(may) if may and self.dice.random() < 0.9 else self.dice.choice(roles)
            Noticed.names.clear()
            self.ask(role, self.target(door))
            for found in Noticed.names:
                door.names.setdefault(found, set())


def leads_away(location: str | None) -> bool:
    """Whether a browser at our address would leave it: as browsers read it, not as Python does."""
    if location is None or location in PUT_THERE:
        return False
    # Browsers remove tabs and line ends, and take a backslash for a slash.
    read = re.sub(r"[\t\r\n]", "", location).strip().replace("\\", "/")
    ours = ("http://localhost/", "http://consult.test/", "http://127.0.0.1/")
    return not read.startswith(ours) and (read.startswith("//") or not read.startswith(("/", "?", "#")))
