"""What the instance says of itself, as other features and the frame of every page need it."""

from dataclasses import dataclass
from pathlib import Path

from flask import g, has_request_context
from sqlalchemy import func, select

from consult.extensions import db
from consult.files import StoredFile
from consult.i18n import languages
from consult.site.models import Site, SiteText

#: The legal texts every instance has.
TEXT_KEYS = ("imprint", "privacy", "accessibility")
_DEFAULTS = Path(__file__).parent / "defaults"


def site_settings() -> Site:
    """The instance settings; fresh ones, not stored, when nobody has filled them in. One query per request."""
    return _site_and_logo()[0]


def logo_digest() -> str | None:
    """Hash of the logo's bytes, or None without a logo; costs nothing beside `site_settings`."""
    return _site_and_logo()[1]


def _site_and_logo() -> tuple[Site, str | None]:
    if has_request_context() and "site" in g:
        known: tuple[Site, str | None] = g.site
        return known
    row = db.session.execute(
        select(Site, StoredFile.sha256).outerjoin(StoredFile, StoredFile.id == Site.logo_id).where(Site.id == 1)
    ).first()
    if row is None:
        empty = Site(id=1, city_name="", platform_name="", sender_name="", reply_to="", contact_email="", logo_id=None)
        found: tuple[Site, str | None] = (empty, None)
    else:
        found = (row[0], row[1])
    if has_request_context():
        g.site = found
    return found


def forget_site() -> None:
    """After a change of the settings within the same request."""
    if has_request_context():
        g.pop("site", None)


def logo() -> StoredFile | None:
    """The logo's file, or None."""
    return db.session.scalar(select(StoredFile).join(Site, Site.logo_id == StoredFile.id).where(Site.id == 1))


@dataclass(frozen=True)
class LegalText:
    """A legal text as shown: the city's own, or our draft that the city has still to complete."""

    key: str
    lang: str
    markdown: str
    is_draft: bool


def default_text(key: str, lang: str) -> str:
    """The draft we deliver; raises FileNotFoundError for a text or language we do not have."""
    return (_DEFAULTS / f"{key}.{lang}.md").read_text(encoding="utf-8")


def legal_text(key: str, lang: str) -> LegalText:
    """The text in this language; our draft when the city has not written its own."""
    own = db.session.scalar(select(SiteText.markdown).where(SiteText.key == key, SiteText.lang == lang))
    if own is None:
        return LegalText(key, lang, default_text(key, lang), True)
    return LegalText(key, lang, own, False)


def texts_still_drafts() -> int:
    """How many legal texts, over all languages, the city has not written yet."""
    own = db.session.scalar(select(func.count()).select_from(SiteText).where(SiteText.key.in_(TEXT_KEYS)))
    return max(0, len(TEXT_KEYS) * len(languages()) - (own or 0))
