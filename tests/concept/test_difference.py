"""What differs between two texts: right, readable, and bounded whatever the texts are."""

import random
import time
import tracemalloc

import pytest
from bs4 import BeautifulSoup
from flask_babel import force_locale

from consult.concept.difference import (
    Piece,
    PieceKind,
    is_changed,
    longest_common,
    render,
    render_sides,
    rising,
    tokens,
    word_difference,
)
from tests.payloads import PAYLOADS, inert

pytestmark = pytest.mark.pure

TEXTS = [
    "",
    "a",
    "Begegnung wird gefördert.",
    "Die Stadt fördert Begegnung, auch im Quartier.\n\n- Orte\n- Zeiten\n",
    "Die Stadt fördert das Zusammenleben im  Quartier.\n- Zeiten\n- Orte",
    "\n\n\n",
    "   ",
    "我们城市的团结 2026",
    "我们的城市团结",
    "e\u0301te\u0301 👩‍👩‍👧 ÄÖÜ-Straße 3.1/2",
    "السلام عليكم في المدينة",
]


def told(old: str, new: str) -> str:
    """[-taken out-] and {+put in+}."""
    marks = {PieceKind.same: "{}", PieceKind.deleted: "[-{}-]", PieceKind.inserted: "{{+{}+}}"}
    return "".join(marks[piece.kind].format(piece.text) for piece in word_difference(old, new))


def nothing_is_lost(old: str, new: str) -> list[Piece]:
    pieces = word_difference(old, new)
    assert "".join(p.text for p in pieces if p.kind != PieceKind.inserted) == old
    assert "".join(p.text for p in pieces if p.kind != PieceKind.deleted) == new
    assert all(p.text for p in pieces)
    assert all(a.kind != b.kind for a, b in zip(pieces, pieces[1:], strict=False)), "neighbours of one kind"
    return pieces


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_the_text_in_pieces(text):
    assert "".join(tokens(text)) == text


def test_words_marks_and_spaces_are_tokens_and_each_chinese_sign_is_one():
    assert tokens("Die Stadt, ja.\n") == ["Die", " ", "Stadt", ",", " ", "ja", ".", "\n"]
    assert tokens("城市 2026年") == ["城", "市", " ", "2026", "年"]


@pytest.mark.parametrize("old", TEXTS)
@pytest.mark.parametrize("new", TEXTS)
def test_nothing_is_lost_between_any_two_texts(old, new):
    pieces = nothing_is_lost(old, new)
    assert is_changed(pieces) == (old != new)


def test_nothing_is_lost_between_random_texts():
    dice = random.Random(4)
    for _round in range(400):
        words = [dice.choice(["a", "b", "Stadt", " ", " ", "\n", ",", "市"]) for _ in range(dice.randrange(40))]
        other = [w for w in words if dice.random() > 0.2] + [dice.choice("ab \n") for _ in range(dice.randrange(5))]
        nothing_is_lost("".join(words), "".join(other))


def test_a_changed_word_is_a_word_not_letters():
    assert told("Begegnung wird gefördert.", "Begegnung wird gestärkt.") == "Begegnung wird [-gefördert-]{+gestärkt+}."


def test_a_chinese_sign_is_told_by_itself():
    assert told("我们爱城市", "我们爱乡村") == "我们爱[-城市-]{+乡村+}"


def test_a_stray_word_between_larger_changes_is_told_with_them():
    old, new = "Wir wollen alle Menschen und ihre Kinder", "Die Stadt fördert Frauen und sämtliche Jugendlichen hier"
    assert told(old, new) == f"[-{old}-]{{+{new}+}}"


def test_a_new_paragraph_leaves_the_others_alone():
    assert told("Eins.\n\nZwei.", "Eins.\n\nNeu.\n\nZwei.") == "Eins.\n\n{+Neu.\n\n+}Zwei."


def test_the_longest_common_part_is_as_long_as_the_plain_table_says():
    dice = random.Random(7)

    def length(a, b):
        row = [0] * (len(b) + 1)
        for x in a:
            before = row
            row = [0]
            for n, y in enumerate(b):
                row.append(before[n] + 1 if x == y else max(before[n + 1], row[n]))
        return row[-1]

    for _round in range(300):
        a = [dice.choice("abcd") for _ in range(dice.randrange(30))]
        b = [dice.choice("abcd") for _ in range(dice.randrange(30))]
        pairs = longest_common(a, b)
        assert len(pairs) == length(a, b)
        assert all(a[x] == b[y] for x, y in pairs)
        assert pairs == rising(pairs)


def test_the_longest_rising_part_of_an_order():
    assert [y for _x, y in rising(list(enumerate([3, 0, 1, 4, 2])))] == [0, 1, 2]
    assert rising([]) == []


def test_marks_are_said_in_words_and_text_is_escaped(app):
    with app.test_request_context(), force_locale("en"):
        shown = render(word_difference("Die <b>alte</b> Stadt", "Die <i>neue</i> Stadt"))
    html = BeautifulSoup(shown, "html5lib")
    assert html.find("del").find("span", class_="visually-hidden").string == "deleted: "
    assert html.find("ins").find("span", class_="visually-hidden").string == "inserted: "
    assert html.find(["b", "i"]) is None
    assert html.get_text() == "Die <deleted: b>alte</binserted: i>neue</i> Stadt"


def test_side_by_side_has_each_text_whole(app):
    with app.test_request_context(), force_locale("en"):
        old, new = render_sides(word_difference("Die alte Stadt", "Die neue Stadt"))
    assert BeautifulSoup(old, "html5lib").get_text() == "Die deleted: alte Stadt"
    assert BeautifulSoup(new, "html5lib").get_text() == "Die inserted: neue Stadt"


def test_a_lost_line_end_is_visible(app):
    with app.test_request_context(), force_locale("en"):
        assert "¶" in render(word_difference("Eins.\nZwei.", "Eins. Zwei."))


def test_long_stretches_that_stayed_can_be_left_out(app):
    long = " ".join(f"Wort{n}" for n in range(400))
    with app.test_request_context(), force_locale("en"):
        shown = render(word_difference(f"Alt {long} Ende", f"Neu {long} Schluss"), around=100)
    assert [word in shown for word in ("Wort0", "Wort399", "Wort200")] == [True, True, False]
    assert "unchanged words left out" in shown
    assert len(shown) < 800


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_does_nothing(app, payload):
    with app.test_request_context():
        for shown in (
            render(word_difference(payload, "x")), render(word_difference("x", payload)),
            render(word_difference(f"a {payload} b", f"a {payload[::-1]} b"), around=10),
            *render_sides(word_difference(payload, payload[1:])),
            render(word_difference(f"{payload} alt", f"{payload} neu")),
            render(word_difference(f"alt {payload}", f"neu {payload}"), around=len(payload) + 9),
        ):  # fmt: skip
            assert inert(BeautifulSoup(f"<main>{shown}</main>", "html5lib")) == []


def _hostile(size: int) -> dict[str, tuple[str, str]]:
    dice = random.Random(1)
    words = ["".join(dice.choice("abcdefghijklmnop") for _ in range(dice.randint(2, 9))) for _ in range(3000)]
    prose = [dice.choice(words) for _ in range(size // 7)]
    edited = [dice.choice(words) if dice.random() < 0.1 else word for word in prose]
    letters = [dice.choice("abcdefgh") for _ in range(size // 2)]
    fewer = [letter if dice.random() > 0.02 else "z" for letter in letters]
    lines = [f"{n} x" for n in range(size // 8)]
    return {
        "one long paragraph": (" ".join(prose), " ".join(edited)),
        "nothing alike": (" ".join(f"a{n}" for n in range(size // 6)), " ".join(f"b{n}" for n in range(size // 6))),
        "all words equal": ("b " + "a " * (size // 2) + "c", "d " + "a " * (size // 2 - 7) + "e"),
        "alternating": ("a b " * (size // 4), "c b a " * (size // 6)),
        "two words at random": (" ".join(dice.choices("ab", k=size // 2)), " ".join(dice.choices("ab", k=size // 2))),
        "few words, some changed": (" ".join(letters), " ".join(fewer)),
        "short lines in another order": ("\n".join(lines), "\n".join(dice.sample(lines, len(lines)))),
        "line ends": ("\n" * size, "x\n\n" * (size // 3)),
        "marks": ("(" * size, ")(" * (size // 2)),
        "backwards": (" ".join(map(str, range(size // 6))), " ".join(map(str, range(size // 6, 0, -1)))),
        "a sign for each word": ("".join(chr(0x4E00 + n % 3000) for n in range(size // 3)), "城市" * (size // 6)),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(_hostile(60)))
def test_hostile_texts_are_compared_in_bounded_time_and_memory(name):
    """100 kB within 200 ms, 200 kB within a second; on a busy machine the best of some tries counts."""
    for size, seconds in ((100_000, 0.2), (200_000, 1.0)):
        old, new = _hostile(size)[name]
        nothing_is_lost(old, new)
        best = 9.0
        for _try in range(8):
            start = time.process_time()
            word_difference(old, new)
            best = min(best, time.process_time() - start)
            if best < seconds:
                break
        assert best < seconds, f"{name}, {size} characters: {best:.2f} s"
    tracemalloc.start()
    word_difference(old, new)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000_000, f"{name}: {peak / 1e6:.0f} MB"
