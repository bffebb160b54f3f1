"""Languages, dates and numbers as people see them.

`languages()` speak the whole interface, `path_languages()` besides them the citizen's path (`consult/path.py`).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel import Locale, localedata
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_decimal
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import force_locale, get_locale
from markupsafe import Markup
from werkzeug.wrappers import Response

from consult import clock, path
from consult.extensions import babel

COOKIE = "lang"
RTL = {"ar", "fa", "he", "ur"}

#: Each language by its own name, as on a menu. Written down because Babel reads a megabyte of locale data for each
#: name, and never lets go of it.
OWN_NAMES = {
    "de": "Deutsch", "en": "English", "tr": "Türkçe", "ar": "العربية", "fr": "Français", "uk": "Українська",
    "ru": "Русский", "zh": "中文",
}  # fmt: skip

#: How a moment and a day with its weekday are written; for languages not named as in English.
#: Digits are 0-9 in every language: dates, numbers of contributions and codes look the same on screen, slip and letter.
_MOMENT = {"de": "d. MMMM y, HH:mm", "ar": "d MMMM y، HH:mm", "ru": "d MMMM y 'г.', HH:mm",
           "uk": "d MMMM y 'р.', HH:mm", "zh": "y年M月d日 HH:mm"}  # fmt: skip
_WEEKDAY = {"de": "EEEE, d. MMMM y", "ar": "EEEE، d MMMM y", "fr": "EEEE d MMMM y", "ru": "EEEE, d MMMM y 'г.'",
            "tr": "d MMMM y EEEE", "uk": "EEEE, d MMMM y 'р.'", "zh": "y年M月d日EEEE"}  # fmt: skip


#: What dates, spans of time, numbers and names of languages need of Babel's locale data.
_NEEDED = frozenset(
    """
    languages months days day_periods day_period_rules periods eras quarters date_formats time_formats datetime_formats
    datetime_skeletons interval_formats date_fields unit_patterns decimal_formats percent_formats number_symbols
    default_numbering_system numbering_systems minimum_grouping_digits plural_form ordinal_form week_data list_patterns
    character_order
    """.split()
)


@cache
def _slim(code: str) -> None:
    """Let go of most of what Babel keeps about a language: currencies, territories, zones, units. It is a megabyte."""
    data = localedata.load(code)
    units = data["unit_patterns"]
    # Several threads may do it at once.
    for where, names in ((data, set(data) - _NEEDED), (units, [u for u in list(units) if u[:9] != "duration-"])):
        for name in names:
            where.pop(name, None)


def languages() -> tuple[str, ...]:
    """The languages of the whole interface."""
    return tuple(current_app.config["LANGUAGES"])


def path_languages() -> tuple[str, ...]:
    """The languages of the citizen's path: those of the whole interface and more."""
    return (*current_app.config["LANGUAGES"], *current_app.config["PATH_LANGUAGES"])


def on_path() -> bool:
    """Whether this page belongs to the citizen's path; an address that leads nowhere does."""
    return request.endpoint is None or request.endpoint in path.ENDPOINTS


def _wish(offered: tuple[str, ...]) -> str | None:
    """What was asked for in so many words, if it is offered: by the link that was followed, or by choosing once."""
    wishes = (request.args.get("lang"), request.cookies.get(COOKIE))
    return next((wish for wish in wishes if wish in offered), None)


def select_locale() -> str:
    """`?lang=` of a mail's link, then the cookie, then what the browser asks for, then the city's language.

    A page beside the citizen's path passes over wishes for languages that only the path speaks.
    """
    default: str = current_app.config["BABEL_DEFAULT_LOCALE"]
    if not has_request_context():
        return default
    offered = path_languages() if on_path() else languages()
    return _wish(offered) or request.accept_languages.best_match(offered, default) or default


def passed_over() -> str | None:
    """The language somebody chose and this page does not speak."""
    wish = _wish(path_languages())
    return None if on_path() or wish in languages() else wish


def language() -> str:
    """Code of the language this page or mail is in."""
    locale = get_locale()
    code = locale.language if locale else str(current_app.config["BABEL_DEFAULT_LOCALE"])
    _slim(code)
    return code


def whole_language() -> str:
    """The language of this page, or, for one that only the path speaks, which of the others the visitor reads."""
    if language() in languages():
        return language()
    default: str = current_app.config["BABEL_DEFAULT_LOCALE"]
    return request.accept_languages.best_match(languages(), default) or default if has_request_context() else default


def direction(lang: str | None = None) -> str:
    return "rtl" if (lang or language()).split("-")[0] in RTL else "ltr"


@contextmanager
def in_language(lang: str, *, of_path: bool = False) -> Iterator[None]:
    """Texts rendered inside are in `lang`, or in the city's language when we do not speak it.

    `of_path`: they are texts of the citizen's path, which speaks more languages.
    """
    spoken = path_languages() if of_path else languages()
    with force_locale(lang if lang in spoken else current_app.config["BABEL_DEFAULT_LOCALE"]):
        yield


def language_name(code: str) -> str:
    """A language's name in the language of the page, or the code itself when nobody knows it."""
    try:
        return Locale.parse(code.replace("-", "_")).get_display_name(language()) or code
    except (ValueError, LookupError):
        return code


def foreign(text: object, lang: str | None = None) -> object:
    """For templates: words that may be in another language than the page, marked as such. City's words: no `lang`."""
    written = lang or current_app.config["BABEL_DEFAULT_LOCALE"]
    if not text or written == language():
        return text
    return Markup('<span lang="{}" dir="auto">{}</span>').format(written, text)


def own_name(code: str) -> str:
    """A language's name in itself, as on a language menu."""
    return OWN_NAMES.get(code) or (Locale.parse(code).get_display_name(code) or code).capitalize()


def zone() -> ZoneInfo:
    return (
        ZoneInfo(getattr(g, "zone", None) or current_app.config["TIMEZONE"])
        if has_request_context()
        else ZoneInfo(current_app.config["TIMEZONE"])
    )


def format_moment(value: datetime | None) -> str:
    if value is None:
        return ""
    pattern = _MOMENT.get(language(), "d MMMM y, HH:mm")
    return format_datetime(value.astimezone(zone()), pattern, locale=language())


def format_day(value: date | datetime | None) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(zone()).date()
    return format_date(value, "long", locale=language())


def format_weekday(value: date | datetime) -> str:
    """The day with its weekday; a moment must be in the zone it is told in."""
    return format_date(value, _WEEKDAY.get(language(), "EEEE, d MMMM y"), locale=language())


def format_month(value: date) -> str:
    """The month with its year."""
    return format_date(value, "y年M月" if language() == "zh" else "LLLL y", locale=language())


def format_days(start: date, end: date) -> str:
    """From one day to another, the year once where it is the same."""
    lang = language()
    short = {"de": "d. MMMM", "zh": "M月d日"}.get(lang, "d MMMM")
    full = "y年" + short if lang == "zh" else short + " y"
    first, last = (full, short) if lang == "zh" else (short, full)
    if start.year != end.year:
        first = last = full
    return f"{format_date(start, first, locale=lang)} – {format_date(end, last, locale=lang)}"


def format_clock(value: datetime | None) -> str:
    return "" if value is None else format_time(value.astimezone(zone()), "HH:mm", locale=language())


def format_ago(value: datetime | None) -> str:
    if value is None:
        return ""
    return format_timedelta(value - clock.now(), add_direction=True, locale=language())


def format_number(value: int | float) -> str:
    return format_decimal(value, locale=language())


def format_size(size: int) -> str:
    """How large a file is: "122 B", "1,2 kB", "3,4 MB"."""
    for unit, factor in (("MB", 10**6), ("kB", 1000)):
        if size >= factor:
            return f"{format_number(round(size / factor, 1))}\u00a0{unit}"
    return f"{format_number(size)}\u00a0B"


def language_links() -> list[dict[str, object]]:
    """Links that choose a language and come back to the present page, in the languages this page speaks."""
    now = language()
    here = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else "/"
    # A `?lang=` in the address would win over what is chosen.
    here = re.sub(r"([?&])lang=[^&]*&?", r"\1", here).rstrip("?&")
    return [
        {
            "code": code,
            "dir": direction(code),
            "label": own_name(code),
            "url": "/language?" + urlencode({"to": code, "next": here}),
            "current": code == now,
        }
        for code in (path_languages() if on_path() else languages())
    ]


def remember(response: Response, code: str) -> None:
    """Keep the choice in this browser for a year. A cookie is no state of the server."""
    response.set_cookie(
        COOKIE, code, max_age=365 * 86_400, secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True,
        samesite="Lax",
    )  # fmt: skip


def _keep_language_of_link(response: Response) -> Response:
    """Who comes by a mail's link reads on in its language, unless another one was chosen in this browser."""
    asked = request.args.get("lang")
    if asked and COOKIE not in request.cookies and request.endpoint in path.ENDPOINTS and asked in path_languages():
        remember(response, asked)
    return response


def iso(value: datetime | date) -> str:
    """For `<time datetime>`."""
    return value.astimezone(UTC).isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()


def init_app(app: Flask) -> None:
    babel.init_app(app, locale_selector=select_locale)
    app.jinja_env.filters.update(
        datetime=format_moment, date=format_day, time=format_clock, reltime=format_ago, number=format_number,
        filesize=format_size, language_name=language_name, iso=iso, foreign=foreign,
    )  # fmt: skip
    app.after_request(_keep_language_of_link)
    app.jinja_env.globals.update(page_language=language, city_language=app.config["BABEL_DEFAULT_LOCALE"])
