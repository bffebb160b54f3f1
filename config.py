"""Every setting once, with its default and its meaning.

Values come from the environment or from a `.env` file in the working directory (the environment wins).
`settings()` returns a plain dict for Flask; it raises `SettingsError` with a sentence an operator can act on.
"""

import os
import re
import secrets
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
ENVIRONMENTS = ("embedded", "production", "test")


class SettingsError(RuntimeError):
    """A setting is missing or makes no sense; the message names it and says what to write."""


def read_dotenv(path: Path) -> dict[str, str]:
    """Lines `NAME=value`; comments and empty lines are passed over, quotes around a value removed."""
    values: dict[str, str] = {}
    if not path.is_file():
        return values
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line and not line.startswith("#") and "=" in line:
            name, value = line.split("=", 1)
            values[name.strip()] = value.strip().strip("\"'")
    return values


def env_bool(env: Mapping[str, str], name: str, default: bool) -> bool:
    """True or False; raises `SettingsError` naming the bad value instead of guessing."""
    value = env.get(name, "").strip().lower()
    if not value:
        return default
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise SettingsError(f"{name}={value!r} is neither yes (1) nor no (0).")


def env_int(env: Mapping[str, str], name: str, default: int) -> int:
    """A whole number; raises `SettingsError` naming the bad value."""
    value = env.get(name, "").strip()
    try:
        return int(value) if value else default
    except ValueError:
        raise SettingsError(f"{name}={value!r} is not a whole number.") from None


def _embedded_secret(data_dir: Path) -> str:
    """The generated key of an embedded instance; created once, readable by the owner only."""
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return path.read_text(encoding="ascii").strip()
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48))
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR={data_dir} cannot be written or read ({error.strerror}). Make it writable, or name another."
        ) from None


#: Languages of which we have the texts of the citizen's path.
PATH_LANGUAGES = ("tr", "ar", "fr", "uk", "ru", "zh")


def _path_languages(value: str) -> tuple[str, ...]:
    """The codes named, in our order; none named: all. Raises `SettingsError` for a language we do not have."""
    wanted = set(value.replace(",", " ").lower().split())
    if wanted == {"none"}:
        return ()
    if unknown := wanted.difference(PATH_LANGUAGES):
        raise SettingsError(
            f"PATH_LANGUAGES={value!r}: {', '.join(sorted(unknown))} is none of {', '.join(PATH_LANGUAGES)}; "
            "`none` switches all of them off."
        )
    return tuple(code for code in PATH_LANGUAGES if not wanted or code in wanted)


#: German states by the letters of ISO 3166-2; they have holidays of their own.
STATES = ("BW", "BY", "BE", "BB", "HB", "HH", "HE", "MV", "NI", "NW", "RP", "SL", "SN", "ST", "SH", "TH")


def _holidays(value: str) -> str:
    """`DE` for those of all Germany, the letters of a state, or `none`. Raises `SettingsError` for anything else."""
    wanted = value.strip().upper().removeprefix("DE-") or "DE"
    if wanted == "NONE":
        return "none"
    if wanted != "DE" and wanted not in STATES:
        raise SettingsError(f"HOLIDAYS={value!r}: write DE, none, or one of the states {', '.join(STATES)}.")
    return wanted


def _closed_days(value: str) -> tuple[str, ...]:
    """Days such as `2026-12-24`, or `12-24` for every year. Raises `SettingsError` for what is none or too much."""
    days = tuple(value.replace(",", " ").split())
    for day in days:
        try:
            if not re.fullmatch(r"([0-9]{4}-)?[0-9]{2}-[0-9]{2}", day):
                raise ValueError
            # A leap year: the 29th of February is a day.
            date.fromisoformat(day if len(day) > len("12-24") else f"2024-{day}")
        except ValueError:
            raise SettingsError(f"CLOSED_DAYS: {day!r} is no day such as 2026-12-24 or 12-24.") from None
    if len(days) > 100:
        raise SettingsError("CLOSED_DAYS names more than 100 days.")
    return days


def settings(overrides: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read all settings. Raises `SettingsError` when production lacks what must not be guessed."""
    env: dict[str, str] = {**read_dotenv(Path.cwd() / ".env"), **os.environ, **(overrides or {})}
    kind = env.get("CONSULT_ENV", "embedded")
    if kind not in ENVIRONMENTS:
        raise SettingsError(f"CONSULT_ENV={kind!r}: choose one of {', '.join(ENVIRONMENTS)}.")
    production = kind == "production"

    #: Folder of a running instance's data: database, mail, uploads, generated key.
    data_dir = Path(env.get("DATA_DIR") or ROOT / "var").resolve()
    #: Address under which people reach the platform; links in mails are built from it, never from the Host header.
    public_url = (env.get("PUBLIC_URL") or f"http://127.0.0.1:{env.get('PORT') or '8080'}").rstrip("/")
    #: SQLAlchemy URL. PostgreSQL for real use; SQLite is the embedded default.
    database_url = env.get("DATABASE_URL") or f"sqlite:///{data_dir}/consult.sqlite"
    #: Celery broker. Redis for real use; an own SQLite file is the embedded default.
    broker_url = env.get("BROKER_URL") or f"sqla+sqlite:///{data_dir}/broker.sqlite"
    #: `smtp://user:password@host:port` (`smtps://` for TLS from the start, `smtp+starttls://`), or
    #: `file:///folder`: each mail becomes an .eml file there.
    mail_url = env.get("MAIL_URL") or f"file://{data_dir}/mail"
    translate_url = env.get("TRANSLATE_URL", "").strip().rstrip("/")
    if translate_url and not re.match(r"https?://[^/?#\s@]+(/[^?#\s]*)?\Z", translate_url):
        raise SettingsError(f"TRANSLATE_URL={translate_url!r}: write it like http://127.0.0.1:5000, or leave it out.")
    #: Signs sessions, forms and links. Must stay the same over restarts.
    secret_key = env.get("SECRET_KEY", "")

    if production:
        missing = [name for name in ("SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "MAIL_URL") if not env.get(name)]
        if missing:
            raise SettingsError(
                f"CONSULT_ENV=production needs {', '.join(missing)}. See .env.example for what to write."
            )
        if len(secret_key) < 32:
            raise SettingsError("SECRET_KEY is too short: use at least 32 random characters.")
        if not public_url.startswith("https://"):
            raise SettingsError("PUBLIC_URL must begin with https:// in production.")
    elif not secret_key:
        secret_key = _embedded_secret(data_dir)

    secure = public_url.startswith("https://")
    return {
        "CONSULT_ENV": kind,
        "TESTING": kind == "test",
        "DATA_DIR": str(data_dir),
        "PUBLIC_URL": public_url,
        "SECRET_KEY": secret_key,
        "SQLALCHEMY_DATABASE_URI": database_url,
        #: A database server that is silent counts as away after this many seconds, and no request waits longer for it.
        "SQLALCHEMY_ENGINE_OPTIONS": {"connect_args": {"connect_timeout": 5, "tcp_user_timeout": 10_000}}
        if database_url.startswith("postgresql")
        else {},
        "BROKER_URL": broker_url,
        "MAIL_URL": mail_url,
        #: Sender address of all mail; the display name is the city's, from the instance settings.
        "MAIL_FROM": env.get("MAIL_FROM") or "beteiligung@localhost.invalid",
        #: Where undelivered mail comes back: `imaps://user:password@host/INBOX`, `file:///path/Maildir`, or empty.
        "BOUNCE_MAILBOX": env.get("BOUNCE_MAILBOX", "").strip(),
        #: The demo process and its conveniences (role cards, mailbox in the browser). Never in production.
        "DEMO": env_bool(env, "DEMO", not production) and not production,
        #: Number of reverse proxies in front whose X-Forwarded-* headers are believed.
        "TRUSTED_PROXIES": env_int(env, "TRUSTED_PROXIES", 0),
        #: Time zone of the city: deadlines, local dates of digests.
        "TIMEZONE": env.get("TIMEZONE") or "Europe/Berlin",
        #: Days that do not count where working days were promised: holidays of a German state, and the city's own days.
        "HOLIDAYS": _holidays(env.get("HOLIDAYS", "")),
        "CLOSED_DAYS": _closed_days(env.get("CLOSED_DAYS", "")),
        #: First language and the languages offered.
        "BABEL_DEFAULT_LOCALE": "de",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
        "LANGUAGES": ("de", "en"),
        #: Further languages of the citizen's path (consult/path.py); a city may switch some off, or all: `none`.
        "PATH_LANGUAGES": _path_languages(env.get("PATH_LANGUAGES", "")),
        "SESSION_COOKIE_NAME": "__Host-consult" if secure else "consult",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        #: A browser that is to be remembered (`contributions.views.claims`) is remembered for so long; others forget
        #: when they are closed. Not set anew by each page: pages for reading stay without a cookie.
        "PERMANENT_SESSION_LIFETIME": timedelta(days=30),
        "SESSION_REFRESH_EACH_REQUEST": False,
        #: A sign-in ends after this time without use, and in any case after the absolute limit.
        "SIGN_IN_IDLE": timedelta(hours=env_int(env, "SIGN_IN_IDLE_HOURS", 12)),
        "SIGN_IN_ABSOLUTE": timedelta(days=env_int(env, "SIGN_IN_ABSOLUTE_DAYS", 14)),
        #: Work of hashing a password: rounds and KiB of memory (Argon2id). Tests need the code, not the effort.
        "ARGON2_COST": (1, 8) if kind == "test" else (2, 19 * 1024),
        #: Doors that must not tell by their time whether an address is known answer at multiples of so many seconds.
        "ANSWER_EVERY": 0.0 if kind == "test" else 0.15,
        #: Largest request body in bytes; routes that take files raise it for themselves.
        "MAX_CONTENT_LENGTH": 512 * 1024,
        "MAX_FORM_MEMORY_SIZE": 400 * 1024,
        "MAX_FORM_PARTS": 300,
        #: CSRF is checked in the form, without a time limit, so that a long-open form loses nothing.
        "WTF_CSRF_TIME_LIMIT": None,
        #: Every unsafe request is checked by `consult.web`, which lets a form keep its text; not by the extension.
        "WTF_CSRF_CHECK_DEFAULT": False,
        #: How many contributions one person may send within an hour.
        "CONTRIBUTIONS_PER_HOUR": env_int(env, "CONTRIBUTIONS_PER_HOUR", 60),
        #: How many contributions without an account may come from one address within an hour: a library has only one.
        "GUEST_CONTRIBUTIONS_PER_HOUR": env_int(env, "GUEST_CONTRIBUTIONS_PER_HOUR", 60),
        #: Address of a translation server of the city's own (LibreTranslate's interface); its key if it asks for one.
        #: Empty: no machine translates anything, and no text leaves the platform.
        "TRANSLATE_URL": translate_url,
        "TRANSLATE_KEY": env.get("TRANSLATE_KEY", ""),
        #: Keep rendered public pages while nothing changes; tests switch it off, they write rows behind its back.
        "KEEP_PAGES": env_bool(env, "KEEP_PAGES", kind != "test"),
        #: Extra log lines of SQL, for development.
        "SQLALCHEMY_ECHO": env_bool(env, "SQL_ECHO", False),
    }
