"""What an instance says of itself: name, logo, sender, legal texts."""

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from consult.db import Base, created, fk, id_pk, lang_code, line, text, utc, word


class Site(Base):
    """The one row of instance settings (id 1)."""

    __tablename__ = "site"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[id_pk]
    city_name: Mapped[line] = mapped_column(default="")
    platform_name: Mapped[line] = mapped_column(default="")
    logo_id: Mapped[int | None] = fk("stored_file.id", nullable=True)
    #: Display name of the sender of all mail and the address answers go to.
    sender_name: Mapped[line] = mapped_column(default="")
    reply_to: Mapped[str] = mapped_column(String(254), default="")
    #: Who is told when somebody writes through the contact form.
    contact_email: Mapped[str] = mapped_column(String(254), default="")
    updated_at: Mapped[utc | None]


class SiteText(Base):
    """A legal text (imprint, privacy, accessibility) in one language, as Markdown."""

    __tablename__ = "site_text"
    __table_args__ = (UniqueConstraint("key", "lang"),)

    id: Mapped[id_pk]
    key: Mapped[word]
    lang: Mapped[lang_code]
    markdown: Mapped[text]
    updated_at: Mapped[created]


class ContactMessage(Base):
    """What somebody wrote through the contact form of the accessibility statement; purged after a year."""

    __tablename__ = "contact_message"

    id: Mapped[id_pk]
    created_at: Mapped[created]
    topic: Mapped[word]
    #: Page the person had trouble with, as they wrote it.
    page: Mapped[line] = mapped_column(default="")
    body: Mapped[text]
    #: Only when an answer is wanted.
    email: Mapped[str | None] = mapped_column(String(254))
    answered_at: Mapped[utc | None]
