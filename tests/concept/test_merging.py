"""Two new wordings of one text are put together without losing a word of either."""

import re
import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consult.concept.difference import tokens
from consult.concept.merging import Origin, merge, merge_fields, merge_whole

pytestmark = pytest.mark.pure

WORD = st.sampled_from(["Begegnung", "und", "am", "Abend", "Straße", "字", "3.1", "·", "|", "-", "\U0001f333"])
SPACE = st.sampled_from([" ", "\n", "\n\n", ", ", ""])
TEXT = st.lists(st.tuples(WORD, SPACE), max_size=14).map(lambda parts: "".join(w + s for w, s in parts))
MANY = settings(max_examples=300, deadline=None)


def words(text: str) -> list[str]:
    return [token for token in tokens(text) if re.search(r"\w", token)]


@MANY
@given(TEXT, TEXT)
def test_who_changed_nothing_gets_the_change_of_the_other(base, new):
    assert merge(base, new, base).text == new
    assert merge(base, base, new).text == new


@MANY
@given(TEXT, TEXT)
def test_the_same_change_twice_is_one(base, new):
    assert merge(base, new, new).text == new


@MANY
@given(TEXT, TEXT, TEXT)
def test_the_three_texts_can_be_put_together_again_from_the_stretches(base, theirs, yours):
    """Nothing is lost and nothing made up: each side is there to the letter, in order."""
    stretches = merge(base, theirs, yours).stretches
    assert "".join(s.base for s in stretches) == base
    assert "".join(s.theirs for s in stretches) == theirs
    assert "".join(s.yours for s in stretches) == yours
    for stretch in stretches:
        same = {
            Origin.nobody: stretch.theirs == stretch.yours == stretch.base,
            Origin.theirs: stretch.yours == stretch.base,
            Origin.yours: stretch.theirs == stretch.base,
            Origin.both: stretch.theirs == stretch.yours,
            Origin.clash: stretch.theirs != stretch.yours,
        }
        assert same[stretch.origin]


@MANY
@given(TEXT, TEXT, TEXT)
def test_it_does_not_matter_who_was_first(base, theirs, yours):
    one, other = merge(base, theirs, yours), merge(base, yours, theirs)
    assert one.text == other.text
    assert len(one.clashes) == len(other.clashes)


@MANY
@given(TEXT, TEXT, TEXT)
def test_every_word_somebody_added_stands_in_the_result_or_in_a_clash(base, theirs, yours):
    merged = merge(base, theirs, yours)
    shown = {*words(merged.suggestion), *(w for s in merged.clashes for w in words(s.theirs) + words(s.yours))}
    assert {*words(theirs), *words(yours)} - {*words(base)} <= shown


@MANY
@given(st.lists(st.sampled_from("abcdefgh"), min_size=3, max_size=8), st.data())
def test_changes_of_different_lines_are_both_in_the_result(lines, data):
    first = data.draw(st.integers(0, len(lines) - 1))
    second = data.draw(st.integers(0, len(lines) - 1).filter(lambda n: n != first))
    one, two = list(lines), list(lines)
    one[first] += " meins ist neu"
    two[second] += " auch deins kommt"
    text = merge("\n".join(lines), "\n".join(one), "\n".join(two)).text
    assert text is not None
    assert "meins ist neu" in text
    assert "auch deins kommt" in text


@pytest.mark.parametrize(
    ("base", "theirs", "yours", "result"),
    [
        ("Begegnung wird gefördert.", "Begegnung wird stark gefördert.", "Begegnung wird gefördert und gepflegt.",
         "Begegnung wird stark gefördert und gepflegt."),
        ("Eins.\n\nZwei.\n\nDrei.", "Eins.\n\nDrei.", "Eins und halb.\n\nZwei.\n\nDrei.", "Eins und halb.\n\nDrei."),
        ("| a | 1 |\n| b | 2 |", "| a | 3 |\n| b | 2 |", "| a | 1 |\n| b | 4 |", "| a | 3 |\n| b | 4 |"),
        ("drei Bänke", "vier Bänke", "drei Stühle", None),
        ("Ein Satz.", "Ein guter Satz.", "Ein langer Satz.", None),
        ("", "Ihrs.", "Meins.", None),
        ("Alt und fort.", "", "Alt und neu.", None),
    ],
)  # fmt: skip
def test_what_overlaps_is_left_to_a_person(base, theirs, yours, result):
    assert merge(base, theirs, yours).text == result


def test_in_a_clash_yours_goes_on_and_what_both_added_is_all_there():
    assert merge("drei Bänke", "vier Bänke", "drei Stühle").suggestion == "drei Stühle"
    both = merge("Anfang.", "Anfang.\n\nIhr Absatz.", "Anfang.\n\nMein **neuer** Absatz.")
    assert both.text is None
    assert both.suggestion == "Anfang.\n\nIhr Absatz.\n\nMein **neuer** Absatz."


def test_short_fields_are_taken_as_a_whole():
    assert merge_whole("Amt 40", "Amt 50", "Amt 40").text == "Amt 50"
    assert merge_whole("Amt 40", "Amt 50", "Amt 60").text is None
    found = merge_fields({"lead": "A b", "text": "Eins. Zwei."}, {"lead": "A c", "text": "Eins! Zwei."},
                         {"text": "Eins. Zwei!", "lead": "A b", "time": "2026"}, ["text"])  # fmt: skip
    assert {name: merged.text for name, merged in found.items()} == {
        "lead": "A c", "text": "Eins! Zwei!", "time": "2026",
    }  # fmt: skip


HOSTILE = {
    "one letter": "a" * 200_000,
    "letters": "a " * 100_000,
    "lines": "\n" * 200_000,
    "two letters": "a b " * 50_000,
    "spaces": " " * 200_000,
    "marks": "-" * 200_000,
    "numbers": " ".join(map(str, range(33_000))),
    "backwards": " ".join(map(str, range(33_000, 0, -1))),
    "lines of words": "wort fall\n" * 20_000,
}


@pytest.mark.parametrize(("theirs", "yours"), [pair for pair in product(HOSTILE, HOSTILE) if pair[0] != pair[1]][::5])
def test_hostile_texts_of_two_hundred_thousand_characters_take_a_moment_only(theirs, yours):
    base = HOSTILE["letters"][:100_000] + HOSTILE["numbers"][:100_000]
    began = time.perf_counter()
    merged = merge(base, HOSTILE[theirs], HOSTILE[yours])
    assert time.perf_counter() - began < 8  # on two busy cores; a table of all pairs would take hours
    assert "".join(s.yours for s in merged.stretches) == HOSTILE[yours]
