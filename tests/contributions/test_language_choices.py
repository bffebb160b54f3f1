"""The languages people say they write in."""

from consult.contributions.forms import LANGUAGES
from consult.i18n import own_name


def test_each_language_is_called_as_its_speakers_call_it():
    assert {code: name.casefold() for code, name in LANGUAGES.items()} == {
        code: own_name(code).casefold() for code in LANGUAGES
    }


def test_languages_are_offered_in_order_of_their_names():
    assert list(LANGUAGES.values()) == sorted(LANGUAGES.values())
