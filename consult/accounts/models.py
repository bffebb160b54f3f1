"""Persons, their logins, organisations and who speaks for them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consult.db import Base, created, fk, id_pk, lang_code, line, text, utc, word


class Person(Base):
    """The target of every foreign key that means somebody: author, invitee, recipient. Erasing blanks this row."""

    __tablename__ = "person"
    __table_args__ = (
        # Whoever has no address is found by name and postal address when a list names them again.
        Index("ix_person_name_without_mail", "name", postgresql_where=sql("email IS NULL"),
              sqlite_where=sql("email IS NULL")),
    )  # fmt: skip

    id: Mapped[id_pk]
    #: Lower-cased; empty for people known by name only and for erased ones.
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    #: The name shown in public; a pseudonym is welcome.
    name: Mapped[line] = mapped_column(default="")
    locale: Mapped[lang_code] = mapped_column(default="de")
    created_at: Mapped[created]
    erased_at: Mapped[utc | None]
    #: Wants a mail when something became of a contribution. Here, because guests have no account.
    tell_answers: Mapped[bool] = mapped_column(default=True)
    #: Wants the most important of all processes once a month.
    tell_monthly: Mapped[bool] = mapped_column(default=False)
    #: Where letters go to, lines as on an envelope; kept only for people who are written to on paper.
    postal_address: Mapped[text | None]
    #: The address refuses mail for good: nothing is sent there until somebody sets it going again.
    mail_paused_at: Mapped[utc | None]
    #: What the other side said, without addresses.
    mail_paused_why: Mapped[str | None] = mapped_column(String(200))
    #: The same human being, under which everything of this row is kept now.
    merged_into_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    #: Which participant of which imported consultation this is: importing twice adds nobody.
    import_key: Mapped[str | None] = mapped_column(String(120), unique=True)

    #: Loaded with the signed-in person; may be asked for again after a rollback (error pages).
    account: Mapped["Account | None"] = relationship(back_populates="person")


class Account(Base):
    """A login, nothing more: a guest becomes a user by one insert."""

    __tablename__ = "account"

    person_id: Mapped[int] = fk("person.id", primary_key=True)
    #: Argon2; empty for people who sign in by mail link only.
    password_hash: Mapped[str | None] = mapped_column(String(200))
    #: The address was proven by a click; without it nobody signs in.
    confirmed_at: Mapped[utc | None]
    #: Runs the platform as such (settings, staff, health); roles in processes are memberships, not flags.
    operator: Mapped[bool] = mapped_column(default=False)
    suspended_at: Mapped[utc | None]
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_confirmed_at: Mapped[utc | None]
    #: Last time step a code was accepted for: a code works once.
    totp_last_step: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[created]

    person: Mapped[Person] = relationship(back_populates="account", lazy="raise_on_sql")

    def may_sign_in(self) -> bool:
        return self.confirmed_at is not None and self.suspended_at is None


class RecoveryCode(Base):
    """A one-time code for a lost second factor, stored as a keyed hash."""

    __tablename__ = "recovery_code"

    id: Mapped[id_pk]
    person_id: Mapped[int] = fk("account.person_id")
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[utc | None]


class SignIn(Base):
    """A session on the server: revocable, rotated at sign-in and role change. The cookie holds only the secret."""

    __tablename__ = "sign_in"

    id: Mapped[id_pk]
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = fk("account.person_id")
    created_at: Mapped[created]
    seen_at: Mapped[created]
    expires_at: Mapped[utc]
    #: When the second factor was given in this session.
    second_factor_at: Mapped[utc | None]
    #: "Firefox on Android": coarse, so that people recognise their devices.
    device: Mapped[line] = mapped_column(default="")


class LinkPurpose(StrEnum):
    confirm = "confirm"
    sign_in = "sign_in"
    reset = "reset"
    change_email = "change_email"
    staff_invitation = "staff_invitation"
    respond = "respond"
    preview = "preview"
    #: Proves the address of somebody who wrote without an account; `subject_id` is the contribution.
    claim = "claim"
    #: Proves the address of somebody who registers for a meeting; `subject_id` is the registration.
    register = "register"
    #: Proves the address of somebody who wants the newsletter; `subject_id` is the subscription.
    subscribe = "subscribe"
    #: Turns a kind of mail off and on; `subject_id` says which. Not used up: mail programs press it more than once.
    stop_mail = "stop_mail"
    #: Opens a calendar to subscribe to; `subject_id` is the group, or 0 for somebody's own dates. Not used up.
    calendar = "calendar"


class LinkToken(Base):
    """A personal link. The link is `id.HMAC(purpose, id, nonce)` and never stored; see `consult.signing`."""

    __tablename__ = "link_token"
    __table_args__ = (Index("ix_link_token_purpose_person_id", "purpose", "person_id"),)

    id: Mapped[id_pk]
    purpose: Mapped[word]
    nonce: Mapped[str] = mapped_column(String(32))
    #: Whom it is bound to; empty for links that are handed on (preview of a process).
    person_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    #: Id of the row it is about (process, invitation); its table is fixed by the purpose.
    subject_id: Mapped[int | None]
    #: New address of a `change_email` link; blanked when used.
    new_email: Mapped[str | None] = mapped_column(String(254))
    created_at: Mapped[created]
    created_by_id: Mapped[int | None] = fk("person.id", nullable=True, index=False)
    expires_at: Mapped[utc]
    #: Used, or replaced by a newer one.
    used_at: Mapped[utc | None]

    def is_valid(self, now: datetime) -> bool:
        return self.used_at is None and now < self.expires_at


class OrganisationKind(StrEnum):
    administration = "administration"
    welfare = "welfare"
    migrant_organisation = "migrant_organisation"
    religion = "religion"
    university = "university"
    education = "education"
    work_business = "work_business"
    housing_quarter = "housing_quarter"
    sport_culture_health = "sport_culture_health"
    politics = "politics"
    network = "network"
    facilitation = "facilitation"


class Organisation(Base):
    """A body people speak for. Networks and umbrella organisations are organisations as well."""

    __tablename__ = "organisation"

    id: Mapped[id_pk]
    kind: Mapped[word]
    name: Mapped[str] = mapped_column(String(200), unique=True)
    #: City, region: where it works.
    area: Mapped[line] = mapped_column(default="")
    umbrella_id: Mapped[int | None] = fk("organisation.id", nullable=True)
    #: General address of the office; persons have their own.
    email: Mapped[str | None] = mapped_column(String(254))
    merged_into_id: Mapped[int | None] = fk("organisation.id", nullable=True, index=False)
    #: Where we know it from; in the demo, what has no source is sample text.
    source: Mapped[line | None]
    created_at: Mapped[created]

    umbrella: Mapped["Organisation | None"] = relationship(
        remote_side="Organisation.id", foreign_keys=[umbrella_id], lazy="raise_on_sql"
    )


class NetworkMember(Base):
    """An organisation works in a network; the network is an organisation of that kind."""

    __tablename__ = "network_member"
    __table_args__ = (
        UniqueConstraint("network_id", "organisation_id"),
        CheckConstraint("network_id <> organisation_id", name="not_itself"),
    )

    id: Mapped[id_pk]
    network_id: Mapped[int] = fk("organisation.id", index=False)
    organisation_id: Mapped[int] = fk("organisation.id")


class Affiliation(Base):
    """This person works at this organisation, as somebody told us. Gives no right to speak for it."""

    __tablename__ = "affiliation"
    __table_args__ = (UniqueConstraint("person_id", "organisation_id"),)

    id: Mapped[id_pk]
    person_id: Mapped[int] = fk("person.id", index=False)
    organisation_id: Mapped[int] = fk("organisation.id")
    #: Head of the centre, chair.
    position: Mapped[line] = mapped_column(default="")
    #: Where we know it from: list, reply, registration, staff.
    source: Mapped[word]
    created_at: Mapped[created]


class Representation(Base):
    """This person may speak or sign for this organisation, confirmed by somebody, for a time."""

    __tablename__ = "representation"
    __table_args__ = (UniqueConstraint("person_id", "organisation_id", "starts_at"),)

    id: Mapped[id_pk]
    person_id: Mapped[int] = fk("person.id")
    organisation_id: Mapped[int] = fk("organisation.id")
    confirmed_by_id: Mapped[int | None] = fk("person.id", nullable=True)
    starts_at: Mapped[created]
    ends_at: Mapped[utc | None]

    organisation: Mapped[Organisation] = relationship(lazy="raise_on_sql")


class Consent(Base):
    """What somebody agreed to, with the text's version: proof, not a flag."""

    __tablename__ = "consent"
    __table_args__ = (CheckConstraint("withdrawn_at IS NULL OR withdrawn_at >= given_at", name="order"),)

    id: Mapped[id_pk]
    person_id: Mapped[int] = fk("person.id")
    purpose: Mapped[word]
    text_version: Mapped[word]
    given_at: Mapped[created]
    withdrawn_at: Mapped[utc | None]
    source: Mapped[word]
