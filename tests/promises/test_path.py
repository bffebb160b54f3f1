"""The citizen's path in all its languages: its pages show no text that the catalogue of a language lacks.

Two ways, because each sees what the other does not: pages and forms are driven with a gettext that writes down what it
is asked for, and the templates and modules the path names are looked at as a whole.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import pytest
from babel.support import NullTranslations
from flask import Flask
from flask_babel import get_translations, gettext

import config
from consult import path
from consult.extensions import db
from consult.i18n import in_language
from consult.outbox.kinds import all_kinds
from deploy import messages, path_texts
from tests import factories
from tests.client import Browser
from tests.conftest import savepoint
from tests.promises.test_access import doors_of, expected
from tests.promises.world import World, build

DOORS = sorted(door for door in expected() if door.split()[0] in path.ENDPOINTS)
#: Somebody of each kind: nobody, citizens, people who work in the process and see more on the same pages.
ROLES = ("author", "lead")


class Misses(NullTranslations):  # type: ignore[misc]  # babel ships no types for it
    """Stands behind a catalogue and is asked for what that lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def gettext(self, message: str) -> str:
        self.found.add(message)
        return message

    ugettext = gettext

    def ngettext(self, msgid1: str, msgid2: str, num: int) -> str:
        self.found.add(msgid1)
        return msgid1 if num == 1 else msgid2

    ungettext = ngettext


@contextmanager
def behind(app: Flask, lang: str) -> Iterator[Misses]:
    """What is asked for in vain in this language meanwhile."""
    with app.test_request_context(), in_language(lang, of_path=True):
        catalogue: Any = get_translations()
    before, misses = catalogue._fallback, Misses()
    catalogue._fallback = misses
    try:
        yield misses
    finally:
        catalogue._fallback = before


@pytest.fixture(scope="module", autouse=True)
def all_languages(app: Flask) -> Iterator[None]:
    before = app.config["PATH_LANGUAGES"]
    app.config["PATH_LANGUAGES"] = config.PATH_LANGUAGES
    yield
    app.config["PATH_LANGUAGES"] = before


@pytest.fixture(scope="module")
def world(app: Flask, all_languages: None) -> Iterator[World]:
    with savepoint(app):
        yield build()


@pytest.fixture(scope="module")
def people(app: Flask, world: World) -> dict[str, Browser]:
    found = {"anonymous": Browser(app)}
    for role in ROLES:
        found[role] = Browser(app)
        factories.sign_in(found[role].client, world.cast[role])
    for visitor in found.values():
        visitor.token = visitor.get("/contact").form_fields("/contact")["csrf_token"]  # type: ignore[attr-defined]
    return found


@contextmanager
def undone(visitor: Browser) -> Iterator[None]:
    undo = db.engines[None].begin_nested()  # type: ignore[attr-defined]  # a connection here
    cookies = dict(visitor.client._cookies)
    try:
        yield
    finally:
        visitor.client._cookies = cookies
        undo.rollback()
        db.session.expire_all()


def addresses(app: Flask, world: World, door: str) -> set[str]:
    """The address of a page for a contribution that is public, waiting, held back."""
    rule = doors_of(app)[door]
    found = set()
    for number in ("number", "pending", "hidden"):
        values = {**world.arguments, "number": world.arguments[number]}
        with app.test_request_context():
            built = rule.build({k: v for k, v in values.items() if k in rule.arguments}, append_unknown=False)
        assert built is not None, door
        found.add(built[1])
    return found


def test_the_path_names_what_exists(app):
    assert set(app.view_functions) >= path.ENDPOINTS
    assert set(all_kinds()) >= path.MAILS
    assert all((messages.TEMPLATES / name).exists() for name in path_texts.TEMPLATES)


def test_mails_of_the_path_take_their_texts_from_its_modules():
    for name in path.MAILS:
        render = all_kinds()[name].render
        parts = path_texts.MODULES[render.__module__.replace(".", "/") + ".py"]
        assert not parts or render.__name__ in parts, f"{name}: {render.__name__} is not read"


@pytest.mark.parametrize(("door", "lang"), list(zip(DOORS, cycle(config.PATH_LANGUAGES), strict=False)))
def test_no_page_of_the_path_shows_a_text_its_language_lacks(app, world, people, door, lang):
    """Each page in one language: that all hold the same texts is looked at in test_catalogues."""
    method, direction = door.split()[1], "rtl" if lang == "ar" else "ltr"
    with behind(app, lang) as misses:
        for visitor in people.values():
            for url in addresses(app, world, door):
                with undone(visitor):
                    data = {"csrf_token": visitor.token, "text": "", "body": "x", "email": "x", "website": "x"}
                    response = visitor.client.open(
                        url, method=method, headers={"Accept-Language": lang}, data=data if method == "POST" else None
                    )
                    shown = response.get_data(as_text=True) if response.mimetype == "text/html" else ""
                    response.close()
                    if "<html" in shown and response.status_code not in (301, 302, 303, 308):
                        assert f'<html lang="{lang}" dir="{direction}"' in shown, url
    assert misses.found == set()


def test_a_text_without_translation_is_found(app):
    """The watch itself works."""
    with behind(app, "tr") as misses, app.test_request_context(), in_language("tr", of_path=True):
        gettext("No catalogue has this")
        gettext("Save")
    assert misses.found == {"No catalogue has this"}
