"""Pages ask the database the same few questions, however many contributions there are."""

from consult.contributions import tallies
from consult.contributions.models import State
from consult.processes.models import Moderation
from tests.contributions.factories import make_many, make_town

FEW, MANY = 10, 1000


def asked(visitor, address, count_queries):
    visitor.get(address)  # what is asked once per sign-in
    with count_queries() as queries:
        visitor.get(address)
    return len(queries)


#: Who reads what, and how many questions that may cost.
READING = [
    ("nobody", "/e/ankommen", 10),
    ("nobody", "/contributions", 13),
    ("nobody", "/contributions/1", 14),
    ("citizen", "/e/ankommen", 11),
    ("citizen", "/contributions", 13),
]


def test_reading(session, browser, browser_of, count_queries):
    town = make_town()
    make_many(town, FEW)
    assert tallies.recount() == {}
    visitors = {"nobody": browser, "citizen": browser_of(town.citizen)}

    def needed():
        return [asked(visitors[who], town.path(address), count_queries) for who, address, _most in READING]

    few = needed()
    make_many(town, MANY)
    assert needed() == few
    too_many = [(reading, number) for reading, number in zip(READING, few, strict=True) if number > reading[2]]
    assert not too_many


def test_the_queue(session, browser_of, count_queries):
    town = make_town(moderation=Moderation.pre)
    make_many(town, FEW, state=State.pending)
    desk = browser_of(town.moderator)
    few = asked(desk, town.path("/moderation"), count_queries)
    make_many(town, MANY, state=State.pending)
    assert few == asked(desk, town.path("/moderation"), count_queries) <= 15


def test_writing_does_not_get_dearer(session, count_queries):
    town = make_town()
    town.write()  # asks once what the author may do in the process
    needed = []
    for more in (FEW, MANY):
        make_many(town, more)
        with count_queries() as queries:
            town.write()
        needed.append(len(queries))
    # Opening, version; contribution, text, tally, counter, number, audit entry.
    assert needed[0] == needed[1] <= 8
