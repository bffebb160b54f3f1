"""Texts of editors become harmless HTML, in a moment, whatever is in them."""

import random
import time
import unicodedata

import pytest
from bs4 import BeautifulSoup

from consult.html import _AFFORDABLE, _is_affordable, clean_line, clean_words, render_markdown, sanitize
from tests.payloads import ODD_TEXTS, PAYLOADS, inert

pytestmark = pytest.mark.pure

SIZE = 100_000
#: What a parser has to look at again and again, each repeated to 100 kB.
HOSTILE = {
    "brackets": "[",
    "bracket pairs": "[]",
    "pictures begun": "![[",
    "pictures begun twice": "![",
    "links begun": "[a](",
    "links in brackets": "[a](()",
    "links to angles": "[a](<b",
    "titles": '[a](b "',
    "references": "[a] ",
    "pictures": "![x](picture:1)\n\n",
    "cited facts": "[[F1]] ",
    "emphasis begun": "*a ",
    "emphasis ended": "a* ",
    "emphasis of both kinds": "*a_ ",
    "emphasis in emphasis": "*a **b ",
    "stars": "*",
    "stars after letters": "a***",
    "stars and brackets": "*[",
    "underlines": "_a__b ",
    "all inside each other": "[[*a*](b)**![c](d)",
    "backticks": "`a ",
    "angles": "<",
    "comments": "<!--",
    "addresses": "<http://a ",
    "entities": "&#",
    "backslashes": "\\",
    "quotes": "> ",
    "lists": "- ",
    "items": "- \n",
    "lists in quotes": "- > ",
    "headings": "# a\n",
    "underlined headings": "a\n=\n",
    "rules": "---\n",
    "fences": "```\n",
    "lines": "a\n",
    "empty lines": "\n",
    "table rows": "|a|\n",
    "tables": "|a|\n|-|\n|b|\n\n",
    "definitions": "[a]: b\n",
    "words": "Wort und noch ein Wort. ",
    "paragraphs": "Wort und noch ein Wort.\n\n",
}


def filled(pattern: str) -> str:
    return (pattern * (SIZE // len(pattern) + 1))[:SIZE]


TEXTS = {
    **{name: filled(pattern) for name, pattern in HOSTILE.items()},
    "20,000 brackets": "[" * 20_000,
    "brackets opened and closed": "[" * 50_000 + "]" * 50_000,
    "a link full of parentheses": "[a](" + "(" * SIZE,
    "runs of backticks": " ".join("`" * n for n in range(1, 440)),
    "a wide table": "|" + "a|" * 5_000 + "\n|" + "-|" * 5_000 + "\n" + "|a|\n" * 20_000,
    "a table of empty cells": "|" + "a|" * 200 + "\n|" + "-|" * 200 + "\n" + "a\n" * 40_000,
    "a small source of a huge table": "|" + "a|" * 256 + "\n|" + "-|" * 256 + "\n" + "a\n" * 256,
    "a deep list": "\n".join(" " * (2 * n) + "- a" for n in range(300)),
    "a reference used often": "[a]: b\n\n" + filled("[a] "),
    "many references": "".join(f"[a{n}]: b\n" for n in range(9_000)),
}


def effort(source: str) -> float:
    """Seconds of the processor, not of the clock: other work on this machine does not count."""
    begin = time.process_time()
    render_markdown(source, pictures=True)
    return time.process_time() - begin


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_text_takes_a_fifth_of_a_second_at_most(name: str):
    assert min(effort(TEXTS[name]) for _try in range(2)) <= 0.2


@pytest.mark.parametrize("name", HOSTILE)
def test_as_much_as_is_just_affordable_does_as_well(name: str):
    """The longest beginning that is still parsed, and words up to the full size."""
    source = TEXTS[name]
    low, high = 0, len(source)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _is_affordable(source[:middle]) else (low, middle - 1)
    source = (source[:low] + "\n\n" + TEXTS["words"])[:SIZE]
    assert min(effort(source) for _try in range(2)) <= 0.2


def test_mixed_marks_do_as_well():
    chance = random.Random(20)
    for _text in range(20):
        patterns = chance.sample(list(HOSTILE.values()), 6)
        source = ""
        while len(source) < SIZE and _is_affordable(source):
            source += "".join(chance.choice(patterns) for _n in range(200))
        assert min(effort(source[:-300]), effort(source[:-300])) <= 0.2


def test_a_long_text_of_a_person_is_parsed():
    """600 paragraphs with links and emphasis, lists, and a table of 60 rows: about 100 kB."""
    paragraph = "Ein Absatz mit einem [Verweis](https://example.org/seite), **Betonung** und [[F1]]. " + "Wort " * 20
    table = "| Jahr | Zahl | Ort |\n|---|---:|---|\n" + "| 2016 | 1.200 | Stadt |\n" * 60
    source = "\n\n".join([paragraph] * 450 + [table] + ["- Punkt mit Worten\n- noch einer"] * 100)
    assert len(source) > 80_000
    assert _is_affordable(source)
    assert _is_affordable(TEXTS["words"])
    assert not _is_affordable("[" * _AFFORDABLE)


def test_too_much_is_shown_as_it_was_typed():
    html = render_markdown("<b>" + "[" * 20_000)
    assert html.startswith("<p>&lt;b&gt;[[[")


def test_a_table_has_heads_for_its_columns_and_figures_at_the_end():
    html = BeautifulSoup(render_markdown("| Jahr | Zahl |\n|---|---:|\n| 2016 | 1.200 |"), "html5lib")
    assert [th["scope"] for th in html.find_all("th")] == ["col", "col"]
    assert [cell.get("class") for cell in html.find_all(["th", "td"])] == [None, ["num"], None, ["num"]]


def test_pictures_stand_in_texts_of_the_concept_only():
    source = 'Hier:\n\n![Ein "Platz" *im* Quartier](picture:3)'
    assert '<img src="picture:3" alt="Ein &quot;Platz&quot; im Quartier">' in render_markdown(source, pictures=True)
    assert "<img" not in render_markdown(source)


@pytest.mark.parametrize(
    "source",
    ["https://example.org/x.png", "//example.org/x.png", "/logo", "x.png", "javascript:alert(1)",
     "data:image/png;base64,AA", "picture:0", "picture:x", "picture:3x", "picture:9999999", "PICTURE:3",
     "picture:3?x=1"],
)  # fmt: skip
def test_other_pictures_are_words(source: str):
    html = render_markdown(f"![Ein Platz]({source})", pictures=True)
    assert "<img" not in html
    assert "Ein Platz" in html


@pytest.mark.parametrize("source", ["![x][p]\n\n[p]: picture:4", "![x](<picture:4>)", '![x](picture:004 "t")'])
def test_every_way_of_writing_a_picture_means_the_same(source: str):
    assert '<img src="picture:4" alt="x">' in render_markdown(source, pictures=True)


def test_a_link_cannot_lead_to_a_picture():
    assert "href" not in render_markdown("[x](picture:3)", pictures=True)
    assert "href" not in sanitize('<a href=" Picture:3">x</a>', pictures=True)


def test_cleaning_takes_pictures_of_others_away():
    html = sanitize(
        '<img src="https://example.org/a.png" alt="a" onerror="x"><img src="picture:3" alt="b">', pictures=True
    )
    assert "example.org" not in html
    assert "onerror" not in html
    assert '<img src="picture:3" alt="b">' in html
    assert sanitize('<th class="boxed" scope="row">x</th>') == "x"


@pytest.mark.parametrize("pictures", [False, True])
def test_payloads_do_nothing_and_cleaning_twice_changes_nothing(pictures: bool):
    for source in (*PAYLOADS, "\n\n".join(PAYLOADS), *ODD_TEXTS):
        html = render_markdown(source, pictures=pictures)
        assert inert(BeautifulSoup(html, "html5lib")) == []
        assert sanitize(html, pictures=pictures) == html


@pytest.mark.parametrize("nothing", [" \u200b ", "\u200d\u200c", "\u2060", "\u3164\n\u2800", "\u200f", " \u0301", ""])
def test_words_of_which_nothing_shows_are_none(nothing: str):
    assert clean_words(nothing).strip() == ""
    assert clean_line(nothing) == ""


@pytest.mark.parametrize("words", ["?", "👍🏽", "می‌خواهم", "नि‍", "1", "\u0301a"])
def test_the_shortest_words_of_any_script_stay(words: str):
    assert clean_words(words) == unicodedata.normalize("NFC", words)
