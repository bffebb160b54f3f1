"""German is complete: every text translated, placeholders equal, nothing left in English by mistake."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

TRANSLATIONS = Path(__file__).parents[2] / "translations"
CATALOGUES = sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"))
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|(<\/?\w+[^>]*>)|\{(\w+)\}")
#: Longer than two words and the same in both languages.
SAME = {"Imprint"}


def messages() -> list[tuple[str, Message]]:
    found = []
    for path in CATALOGUES:
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.parts[-3])
        found += [(path.parts[-3], message) for message in catalogue if message.id]
    return found


def texts(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]


def placeholders(text: str) -> set[str]:
    return {match.group(0) for match in _PLACEHOLDER.finditer(text)}


def test_there_is_a_german_catalogue():
    assert [path.parts[-3] for path in CATALOGUES] == ["de"]


def test_every_text_is_translated():
    missing = [str(m.id) for _lang, m in messages() if m.fuzzy or not all(texts(m.string)) or not m.string]
    assert missing == []


def test_every_plural_form_is_there():
    short = [str(m.id) for _lang, m in messages() if m.pluralizable and len(texts(m.string)) != 2]
    assert short == []


def test_placeholders_are_equal():
    wrong = []
    for _lang, message in messages():
        ids = texts(message.id)
        wanted = placeholders(ids[-1])
        for n, text in enumerate(texts(message.string)):
            # The singular may say "one" instead of the number.
            if placeholders(text) != wanted and not (message.pluralizable and n == 0 and placeholders(text) <= wanted):
                wrong.append(f"{ids[0]!r}: {sorted(wanted ^ placeholders(text))}")
    assert wrong == []


def test_nothing_of_more_than_two_words_equals_its_source():
    same = [
        str(m.id)
        for _lang, m in messages()
        for source, target in zip(texts(m.id), texts(m.string), strict=False)
        if source == target and len(re.findall(r"[A-Za-zÄÖÜäöüß]{2,}", _PLACEHOLDER.sub("", source))) > 2
    ]
    assert [text for text in same if text not in SAME] == []


@pytest.mark.parametrize(
    "word", ["Initiativkreis", "Fachforum", "Steuerungsgruppe", "Leitziel", "Handlungsfeld", "Maßnahme"]
)
def test_the_words_of_the_glossary_are_used(word):
    assert any(word in text for _lang, m in messages() for text in texts(m.string))
