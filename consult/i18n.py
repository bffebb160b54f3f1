"""Languages, dates and numbers as people see them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_decimal
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import force_locale, get_locale

from consult import clock
from consult.extensions import babel

COOKIE = "lang"
RTL = {"ar", "fa", "he", "ur"}


def languages() -> tuple[str, ...]:
    return tuple(current_app.config["LANGUAGES"])


def select_locale() -> str:
    """`?lang=` of a mail's link, then the cookie, then what the browser asks for, then the city's language."""
    offered = languages()
    default: str = current_app.config["BABEL_DEFAULT_LOCALE"]
    if not has_request_context():
        return default
    for wish in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wish in offered:
            return str(wish)
    return request.accept_languages.best_match(offered, default) or default


def language() -> str:
    """Code of the language this page or mail is in."""
    locale = get_locale()
    return locale.language if locale else str(current_app.config["BABEL_DEFAULT_LOCALE"])


def direction(lang: str | None = None) -> str:
    return "rtl" if (lang or language()).split("-")[0] in RTL else "ltr"


@contextmanager
def in_language(lang: str) -> Iterator[None]:
    """Texts rendered inside are in `lang`, or in the city's language when we do not speak it."""
    with force_locale(lang if lang in languages() else current_app.config["BABEL_DEFAULT_LOCALE"]):
        yield


def language_name(code: str) -> str:
    """A language's name in the language of the page, or the code itself when nobody knows it."""
    try:
        return Locale.parse(code.replace("-", "_")).get_display_name(language()) or code
    except (ValueError, LookupError):
        return code


def own_name(code: str) -> str:
    """A language's name in itself, as on a language menu."""
    return (Locale.parse(code).get_display_name(code) or code).capitalize()


def zone() -> ZoneInfo:
    return (
        ZoneInfo(getattr(g, "zone", None) or current_app.config["TIMEZONE"])
        if has_request_context()
        else ZoneInfo(current_app.config["TIMEZONE"])
    )


def format_moment(value: datetime | None) -> str:
    if value is None:
        return ""
    return format_datetime(
        value.astimezone(zone()),
        "d. MMMM y, HH:mm" if language() == "de" else "d MMMM y, HH:mm",
        locale=language(),
    )


def format_day(value: date | datetime | None) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(zone()).date()
    return format_date(value, "long", locale=language())


def format_clock(value: datetime | None) -> str:
    return "" if value is None else format_time(value.astimezone(zone()), "HH:mm", locale=language())


def format_ago(value: datetime | None) -> str:
    if value is None:
        return ""
    return format_timedelta(value - clock.now(), add_direction=True, locale=language())


def format_number(value: int | float) -> str:
    return format_decimal(value, locale=language())


def language_links() -> list[dict[str, object]]:
    """Links that choose a language and come back to the present page."""
    now = language()
    here = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return [
        {
            "code": code,
            "label": own_name(code),
            "url": "/language?" + urlencode({"to": code, "next": here}),
            "current": code == now,
        }
        for code in languages()
    ]


def iso(value: datetime | date) -> str:
    """For `<time datetime>`."""
    return value.astimezone(UTC).isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()


def init_app(app: Flask) -> None:
    babel.init_app(app, locale_selector=select_locale)
    app.jinja_env.filters.update(
        datetime=format_moment, date=format_day, time=format_clock, reltime=format_ago, number=format_number,
        language_name=language_name, iso=iso,
    )  # fmt: skip
