"""The catalogues are complete: every text translated, placeholders equal, nothing left in English by mistake.

German holds the texts of the whole interface, the languages of the citizen's path those of the path;
`python -m deploy.messages check` compares them with code and templates.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message

import config
from deploy.catalogues import TRANSLATIONS, catalogue_of, read
from deploy.messages import missing

pytestmark = pytest.mark.pure

LANGUAGES = sorted(path.parts[-3] for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"))
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|(<\/?\w+[^>]*>)|\{(\w+)\}")
#: Longer than two words and the same in both languages.
SAME = {"Imprint"}
#: Forms of the plural that stand for one number only may say "one" instead of showing it.
_ONE_NUMBER = {"de": {0}, "ar": {0, 1, 2}}
#: What a text of this language has; and what betrays one of another.
SCRIPTS = {"ar": r"[\u0621-\u064a]", "uk": r"[А-яіїєґІЇЄҐ]", "ru": r"[А-яёЁ]", "zh": r"[\u4e00-\u9fff]"}
_CYRILLIC, _ARABIC, _HAN = r"\u0400-\u04ff", r"\u0600-\u06ff", r"\u4e00-\u9fff"
STRANGE = {
    "tr": f"[äßÄ{_CYRILLIC}{_ARABIC}{_HAN}]", "fr": f"[äßÄıİ{_CYRILLIC}{_ARABIC}{_HAN}]",
    "ar": f"[{_CYRILLIC}{_HAN}]", "uk": f"[ыэъёЫЭЪЁ{_ARABIC}{_HAN}]", "ru": f"[іїєґІЇЄҐ{_ARABIC}{_HAN}]",
    "zh": f"[{_CYRILLIC}{_ARABIC}]",
}  # fmt: skip


#: Functions whose first argument is a text to translate.
_MARKS = {"_", "_l", "gettext", "ngettext", "lazy_gettext", "lazy_ngettext"}


def marked() -> Iterator[tuple[str, str]]:
    """Every text of the code that is marked for translation, and where it stands."""
    for path in sorted((config.ROOT / "consult").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in _MARKS
            if named and node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value), f"{path.relative_to(config.ROOT)}:{node.lineno}"


def test_each_text_of_the_code_is_found_for_the_catalogue():
    # Babel does not look into f-strings: what is marked there would stay English for ever.
    known = {texts(message.id)[0] for message in messages("de")}
    assert [(text, where) for text, where in marked() if text not in known] == []


@cache
def messages(lang: str) -> list[Message]:
    return [message for message in read(catalogue_of(lang)) if message.id]


def texts(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]


def placeholders(text: str) -> set[str]:
    return {match.group(0) for match in _PLACEHOLDER.finditer(text)}


def words(text: str) -> str:
    """The text without what is the same in every language."""
    return re.sub(r"https?:\S+|\S+@\S+|%\(\w+\)[sd]|<[^>]*>|\{\w+\}|\b[A-Z]{2,}[-\w()]*", " ", text)


def test_there_is_a_catalogue_for_each_language_but_that_of_the_code():
    assert LANGUAGES == sorted(["de", *config.PATH_LANGUAGES])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_is_translated(lang):
    lacking = [str(m.id) for m in messages(lang) if m.fuzzy or not all(texts(m.string)) or not m.string]
    assert lacking == []


@pytest.mark.parametrize("lang", config.PATH_LANGUAGES)
def test_every_text_of_the_path_is_there(lang):
    assert [str(m.id) for m in missing(lang)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_plural_form_is_there(lang):
    usual = Catalog(locale=lang)
    assert read(catalogue_of(lang)).plural_expr == usual.plural_expr
    wrong = [str(m.id) for m in messages(lang) if m.pluralizable and len(texts(m.string)) != usual.num_plurals]
    assert wrong == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_placeholders_are_equal(lang):
    wrong = []
    for message in messages(lang):
        ids = texts(message.id)
        wanted = placeholders(ids[-1])
        for n, text in enumerate(texts(message.string)):
            found = placeholders(text)
            may_lack_the_number = message.pluralizable and n in _ONE_NUMBER.get(lang, ())
            if found != wanted and not (may_lack_the_number and found <= wanted):
                wrong.append(f"{ids[0]!r}: {sorted(wanted ^ found)}")
            if "%" in _PLACEHOLDER.sub("", text).replace("%%", "") and "%" not in _PLACEHOLDER.sub("", ids[-1]):
                wrong.append(f"{ids[0]!r}: a percent sign that is no placeholder")
    assert wrong == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_emphasis_and_links_are_kept(lang):
    """Mails are Markdown: a lost asterisk or bracket shows in them."""
    wrong = [
        f"{source!r}: {mark}"
        for m in messages(lang)
        for source in texts(m.id)[-1:]
        for target in texts(m.string)[-1:]
        for mark in ("**", "](", "\n")
        if source.count(mark) != target.count(mark)
    ]
    assert wrong == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_of_more_than_two_words_equals_its_source(lang):
    same = [
        str(m.id)
        for m in messages(lang)
        for source, target in zip(texts(m.id), texts(m.string), strict=False)
        if source == target and len(re.findall(r"[A-Za-zÄÖÜäöüß]{2,}", _PLACEHOLDER.sub("", source))) > 2
    ]
    assert [text for text in same if text not in SAME] == []


@pytest.mark.parametrize("lang", sorted(STRANGE))
def test_each_text_is_in_the_letters_of_its_language(lang):
    wrong = []
    for message in messages(lang):
        for text in texts(message.string):
            plain = words(text)
            if found := re.findall(STRANGE[lang], plain):
                wrong.append(f"{text!r}: {found}")
            if lang in SCRIPTS and re.search(r"[^\W\d_]", plain) and not re.search(SCRIPTS[lang], plain):
                wrong.append(f"{text!r}: no letter of the language")
    assert wrong == []


@pytest.mark.parametrize(
    "word", ["Initiativkreis", "Fachforum", "Steuerungsgruppe", "Leitziel", "Handlungsfeld", "Maßnahme"]
)
def test_the_words_of_the_glossary_are_used(word):
    assert any(word in text for m in messages("de") for text in texts(m.string))


def test_arabic_counts_eleven_and_a_hundred_differently():
    """The fifth form is for 100 to 102, the sixth for 11 to 99: easily taken for each other."""
    devices = read(catalogue_of("ar")).get("%(num)s device")
    assert devices is not None
    assert texts(devices.string)[4:] == ["%(num)s جهاز", "%(num)s جهازًا"]
