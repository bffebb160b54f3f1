"""Changing what the instance says of itself."""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from consult import clock, files
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.site.models import Site, SiteText
from consult.site.queries import TEXT_KEYS, forget_site

MAX_LOGO = 300 * 1024
FIELDS = ("city_name", "platform_name", "sender_name", "reply_to", "contact_email")


def picture_type(data: bytes) -> str | None:
    """The media type by the first bytes, never by the name: PNG, JPEG or WebP, else None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _insert(table: Any) -> Any:
    return (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert(table)


def _the_row() -> Site:
    """The one row, made when it is missing; two who make it at once both find it."""
    db.session.execute(
        _insert(Site)
        .values(id=1, city_name="", platform_name="", sender_name="", reply_to="", contact_email="")
        .on_conflict_do_nothing(index_elements=["id"])
    )
    return db.session.scalars(select(Site).where(Site.id == 1)).one()


def change_settings(
    actor_id: int, values: dict[str, str], logo: bytes | None = None, remove_logo: bool = False
) -> list[str]:
    """Take over the named settings and the logo; returns what changed, and changes nothing when all is equal.

    Raises `Refused` for a logo that is too large or no picture of the three kinds.
    """
    stored = None if logo is None else _store_logo(logo, actor_id)
    site = _the_row()
    changed = [name for name in FIELDS if name in values and getattr(site, name) != values[name]]
    for name in changed:
        setattr(site, name, values[name])
    logo_id = stored.id if stored is not None else None if remove_logo else site.logo_id
    if logo_id != site.logo_id:
        site.logo_id = logo_id
        changed.append("logo")
    if changed:
        site.updated_at = clock.now()
        db.session.flush()
        record(Action.site_changed, actor_id, site, fields=sorted(changed))
        forget_site()
    return changed


def _store_logo(data: bytes, actor_id: int) -> files.StoredFile:
    if len(data) > MAX_LOGO:
        raise Refused(_("The logo is too large: at most 300 kB, please."))
    media_type = picture_type(data)
    if media_type is None:
        raise Refused(_("The logo must be a PNG, JPEG or WebP picture."))
    stored = files.store(db.session, data, "logo", media_type, "public", actor_id)  # type: ignore[arg-type]  # scoped
    if stored.media_type != media_type:
        # The same bytes were handed in elsewhere under another type; we serve no picture that claims to be a page.
        raise Refused(_("The logo must be a PNG, JPEG or WebP picture."))
    return stored


def change_text(actor_id: int, key: str, lang: str, markdown: str) -> bool:
    """Take over a legal text; returns False when it is what was there already. Raises ValueError for unknown keys."""
    if key not in TEXT_KEYS:
        raise ValueError(f"there is no text {key}")
    row = db.session.scalar(select(SiteText).where(SiteText.key == key, SiteText.lang == lang))
    if row is not None and row.markdown == markdown:
        return False
    now = clock.now()
    ident = db.session.execute(
        _insert(SiteText)
        .values(key=key, lang=lang, markdown=markdown, updated_at=now)
        .on_conflict_do_update(index_elements=["key", "lang"], set_={"markdown": markdown, "updated_at": now})
        .returning(SiteText.id)
    ).scalar_one()
    if row is not None:
        db.session.refresh(row)
    record(Action.site_text_changed, actor_id, ("site_text", ident), key=key, lang=lang)
    return True
