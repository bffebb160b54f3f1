"""registration, waiting lists, the door, surveys, mailings, newsletters, bounces

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-22 10:29:02.746272
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def give_codes() -> None:
    """Registrations made before get a code for the door, as new ones do."""
    registration = sa.table("registration", sa.column("id"), sa.column("code"))
    connection = op.get_bind()
    for (ident,) in connection.execute(sa.select(registration.c.id)).all():
        code = "".join(secrets.choice("23456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(8))
        connection.execute(registration.update().where(registration.c.id == ident).values(code=code))


def upgrade() -> None:
    op.create_table(
        "deletion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion")),
    )
    op.create_table(
        "affiliation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.String(length=300), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_affiliation_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_affiliation_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliation")),
        sa.UniqueConstraint("person_id", "organisation_id", name=op.f("uq_affiliation_person_id_organisation_id")),
    )
    with op.batch_alter_table("affiliation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_affiliation_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "meeting_series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_meeting_series_process_id_process")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_series")),
    )
    with op.batch_alter_table("meeting_series", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meeting_series_process_id"), ["process_id"], unique=False)

    op.create_table(
        "network_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("network_id <> organisation_id", name=op.f("ck_network_member_not_itself")),
        sa.ForeignKeyConstraint(
            ["network_id"], ["organisation.id"], name=op.f("fk_network_member_network_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_network_member_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_member")),
        sa.UniqueConstraint("network_id", "organisation_id", name=op.f("uq_network_member_network_id_organisation_id")),
    )
    with op.batch_alter_table("network_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_network_member_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("lang", sa.String(length=12), nullable=False),
        sa.Column("consent_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name=op.f("fk_subscription_consent_id_consent")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_subscription_person_id_person")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_subscription_process_id_process")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("process_id", "person_id", name=op.f("uq_subscription_process_id_person_id")),
    )
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subscription_consent_id"), ["consent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_subscription_person_id"), ["person_id"], unique=False)

    op.create_table(
        "material",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("url", sa.String(length=300), nullable=True),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.CheckConstraint("(file_id IS NULL) <> (url IS NULL)", name=op.f("ck_material_file_xor_url")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_material_file_id_stored_file")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_material_meeting_id_meeting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material")),
        sa.UniqueConstraint("meeting_id", "position", name=op.f("uq_material_meeting_id_position")),
    )
    with op.batch_alter_table("material", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_material_file_id"), ["file_id"], unique=False)

    op.create_table(
        "meeting_field",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("help", sa.String(length=300), nullable=False),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("depends_on_id", sa.Integer(), nullable=True),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["depends_on_id"], ["meeting_field.id"], name=op.f("fk_meeting_field_depends_on_id_meeting_field")
        ),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_meeting_field_meeting_id_meeting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_field")),
        sa.UniqueConstraint("meeting_id", "position", name=op.f("uq_meeting_field_meeting_id_position")),
    )
    op.create_table(
        "quota",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("organisation_kind", sa.String(length=40), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("at_most", sa.Integer(), nullable=True),
        sa.CheckConstraint("at_most IS NULL OR at_most >= reserved", name=op.f("ck_quota_order")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_quota_meeting_id_meeting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota")),
        sa.UniqueConstraint("meeting_id", "organisation_kind", name=op.f("uq_quota_meeting_id_organisation_kind")),
    )
    op.create_table(
        "reminder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("states", sa.String(length=300), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_reminder_created_by_id_person")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_reminder_meeting_id_meeting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint("meeting_id", "kind", "minutes", name=op.f("uq_reminder_meeting_id_kind_minutes")),
    )
    op.create_table(
        "survey_question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_survey_question_meeting_id_meeting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_question")),
        sa.UniqueConstraint("meeting_id", "position", name=op.f("uq_survey_question_meeting_id_position")),
    )
    op.create_table(
        "wall_photo",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("typed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("typed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_wall_photo_file_id_stored_file")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_wall_photo_meeting_id_meeting")),
        sa.ForeignKeyConstraint(["typed_by_id"], ["person.id"], name=op.f("fk_wall_photo_typed_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wall_photo")),
    )
    with op.batch_alter_table("wall_photo", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wall_photo_file_id"), ["file_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_wall_photo_meeting_id"), ["meeting_id"], unique=False)

    op.create_table(
        "campaign_recipient",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("segment", sa.String(length=60), nullable=False),
        sa.Column("by_letter", sa.Boolean(), nullable=False),
        sa.Column("left_out", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_recipient_campaign_id_campaign")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_campaign_recipient_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_campaign_recipient_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_recipient")),
        sa.UniqueConstraint("campaign_id", "person_id", name=op.f("uq_campaign_recipient_campaign_id_person_id")),
    )
    with op.batch_alter_table("campaign_recipient", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaign_recipient_person_id"), ["person_id"], unique=False)

    op.create_table(
        "card",
        sa.Column("contribution_id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("place", sa.String(length=300), nullable=False),
        sa.Column("cluster", sa.String(length=300), nullable=False),
        sa.Column("photo_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_card_contribution_id_contribution")
        ),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_card_meeting_id_meeting")),
        sa.ForeignKeyConstraint(["photo_id"], ["wall_photo.id"], name=op.f("fk_card_photo_id_wall_photo")),
        sa.PrimaryKeyConstraint("contribution_id", name=op.f("pk_card")),
    )
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_card_meeting_id"), ["meeting_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_card_photo_id"), ["photo_id"], unique=False)

    op.create_table(
        "check_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_check_in_actor_id_person")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_check_in_meeting_id_meeting")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_check_in_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in")),
        sa.UniqueConstraint("client_key", name=op.f("uq_check_in_client_key")),
        sa.UniqueConstraint("registration_id", name=op.f("uq_check_in_registration_id")),
    )
    with op.batch_alter_table("check_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_check_in_meeting_id"), ["meeting_id"], unique=False)

    op.create_table(
        "field_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("field_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["field_id"], ["meeting_field.id"], name=op.f("fk_field_answer_field_id_meeting_field")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_field_answer_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_answer")),
        sa.UniqueConstraint("registration_id", "field_id", name=op.f("uq_field_answer_registration_id_field_id")),
    )
    with op.batch_alter_table("field_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_field_answer_field_id"), ["field_id"], unique=False)

    op.create_table(
        "survey_reply",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_survey_reply_meeting_id_meeting")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_survey_reply_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_reply")),
        sa.UniqueConstraint("key", name=op.f("uq_survey_reply_key")),
    )
    with op.batch_alter_table("survey_reply", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_survey_reply_meeting_id"), ["meeting_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_survey_reply_registration_id"), ["registration_id"], unique=False)

    op.create_table(
        "bounce",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["outbox_message.id"], name=op.f("fk_bounce_message_id_outbox_message")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_bounce_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce")),
        sa.UniqueConstraint("key", name=op.f("uq_bounce_key")),
    )
    with op.batch_alter_table("bounce", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bounce_message_id"), ["message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bounce_person_id"), ["person_id"], unique=False)

    op.create_table(
        "survey_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reply_id", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"], ["survey_question.id"], name=op.f("fk_survey_answer_question_id_survey_question")
        ),
        sa.ForeignKeyConstraint(["reply_id"], ["survey_reply.id"], name=op.f("fk_survey_answer_reply_id_survey_reply")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_answer")),
        sa.UniqueConstraint("reply_id", "question_id", name=op.f("uq_survey_answer_reply_id_question_id")),
    )
    with op.batch_alter_table("survey_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_survey_answer_question_id"), ["question_id"], unique=False)

    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_campaign_meeting_xor_group"), type_="check")
        batch_op.add_column(sa.Column("kind", sa.String(length=40), nullable=False, server_default="invitation"))
        batch_op.add_column(sa.Column("state", sa.String(length=40), nullable=False, server_default="done"))
        batch_op.add_column(sa.Column("audience", sa.Text(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("second_lang", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("send_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("per_hour", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("started_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("confirmed_by_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_campaign_confirmed_by_id_person"), "person", ["confirmed_by_id"], ["id"]
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_campaign_meeting_xor_group"),
            "kind <> 'invitation' OR (meeting_id IS NULL) <> (group_id IS NULL)",
        )
        batch_op.create_check_constraint(batch_op.f("ck_campaign_throttle"), "per_hour IS NULL OR per_hour > 0")

    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deputy_for_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_invitation_deputy_for_id_person"), "person", ["deputy_for_id"], ["id"]
        )

    with op.batch_alter_table("meeting", schema=None) as batch_op:
        batch_op.add_column(sa.Column("series_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("online_url", sa.String(length=300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("accessibility", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("registration", sa.String(length=40), nullable=False, server_default="invited"))
        batch_op.add_column(sa.Column("registration_opens_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("registration_closes_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("approval", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("offer_hours", sa.Integer(), nullable=False, server_default="48"))
        batch_op.add_column(
            sa.Column("attendee_list", sa.String(length=40), nullable=False, server_default="organisations")
        )
        batch_op.add_column(sa.Column("photo_notice", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("survey_anonymous", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.create_index(batch_op.f("ix_meeting_series_id"), ["series_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_meeting_series_id_meeting_series"), "meeting_series", ["series_id"], ["id"]
        )

    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email", sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column("merged_into_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_organisation_merged_into_id_organisation"), "organisation", ["merged_into_id"], ["id"]
        )

    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("campaign_id", sa.Integer(), nullable=True))
        batch_op.drop_index(batch_op.f("ix_outbox_message_process_id"))
        batch_op.create_index("ix_outbox_message_campaign_id_state", ["campaign_id", "state"], unique=False)
        batch_op.create_index("ix_outbox_message_process_id_id", ["process_id", "id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_outbox_message_campaign_id_campaign"), "campaign", ["campaign_id"], ["id"]
        )

    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("postal_address", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("mail_paused_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("mail_paused_why", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("merged_into_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_person_merged_into_id_person"), "person", ["merged_into_id"], ["id"])

    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.add_column(sa.Column("confirm_above", sa.Integer(), nullable=False, server_default="200"))

    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.add_column(sa.Column("code", sa.String(length=12), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("origin", sa.String(length=40), nullable=False, server_default="invitation"))
        batch_op.add_column(sa.Column("organisation_name", sa.String(length=300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("organisation_kind", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("offer_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("named", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("surveyed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_registration_meeting_id_state_id", ["meeting_id", "state", "id"], unique=False)

    give_codes()
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.create_unique_constraint(batch_op.f("uq_registration_meeting_id_code"), ["meeting_id", "code"])


def downgrade() -> None:
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_registration_meeting_id_code"), type_="unique")
        batch_op.drop_index("ix_registration_meeting_id_state_id")
        batch_op.drop_column("surveyed_at")
        batch_op.drop_column("named")
        batch_op.drop_column("offer_until")
        batch_op.drop_column("waiting_since")
        batch_op.drop_column("organisation_kind")
        batch_op.drop_column("organisation_name")
        batch_op.drop_column("origin")
        batch_op.drop_column("code")

    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.drop_column("confirm_above")

    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_person_merged_into_id_person"), type_="foreignkey")
        batch_op.drop_column("merged_into_id")
        batch_op.drop_column("mail_paused_why")
        batch_op.drop_column("mail_paused_at")
        batch_op.drop_column("postal_address")

    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_outbox_message_campaign_id_campaign"), type_="foreignkey")
        batch_op.drop_index("ix_outbox_message_process_id_id")
        batch_op.drop_index("ix_outbox_message_campaign_id_state")
        batch_op.create_index(batch_op.f("ix_outbox_message_process_id"), ["process_id"], unique=False)
        batch_op.drop_column("campaign_id")

    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_organisation_merged_into_id_organisation"), type_="foreignkey")
        batch_op.drop_column("merged_into_id")
        batch_op.drop_column("email")

    with op.batch_alter_table("meeting", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_meeting_series_id_meeting_series"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_meeting_series_id"))
        batch_op.drop_column("survey_anonymous")
        batch_op.drop_column("photo_notice")
        batch_op.drop_column("attendee_list")
        batch_op.drop_column("offer_hours")
        batch_op.drop_column("approval")
        batch_op.drop_column("registration_closes_at")
        batch_op.drop_column("registration_opens_at")
        batch_op.drop_column("registration")
        batch_op.drop_column("accessibility")
        batch_op.drop_column("online_url")
        batch_op.drop_column("series_id")

    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_invitation_deputy_for_id_person"), type_="foreignkey")
        batch_op.drop_column("reminded_at")
        batch_op.drop_column("deputy_for_id")

    # The schema before knows no newsletters: what was said in them is gone with them.
    op.execute("DELETE FROM campaign_recipient")
    op.execute("DELETE FROM campaign WHERE kind <> 'invitation'")
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_campaign_meeting_xor_group"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_campaign_throttle"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_campaign_confirmed_by_id_person"), type_="foreignkey")
        batch_op.drop_column("confirmed_by_id")
        batch_op.drop_column("ended_at")
        batch_op.drop_column("started_at")
        batch_op.drop_column("revision")
        batch_op.drop_column("per_hour")
        batch_op.drop_column("send_at")
        batch_op.drop_column("second_lang")
        batch_op.drop_column("audience")
        batch_op.drop_column("state")
        batch_op.drop_column("kind")
        batch_op.create_check_constraint(
            batch_op.f("ck_campaign_meeting_xor_group"), "(meeting_id IS NULL) <> (group_id IS NULL)"
        )

    with op.batch_alter_table("survey_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_survey_answer_question_id"))

    op.drop_table("survey_answer")
    with op.batch_alter_table("bounce", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bounce_person_id"))
        batch_op.drop_index(batch_op.f("ix_bounce_message_id"))

    op.drop_table("bounce")
    with op.batch_alter_table("survey_reply", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_survey_reply_registration_id"))
        batch_op.drop_index(batch_op.f("ix_survey_reply_meeting_id"))

    op.drop_table("survey_reply")
    with op.batch_alter_table("field_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_field_answer_field_id"))

    op.drop_table("field_answer")
    with op.batch_alter_table("check_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_check_in_meeting_id"))

    op.drop_table("check_in")
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_card_photo_id"))
        batch_op.drop_index(batch_op.f("ix_card_meeting_id"))

    op.drop_table("card")
    with op.batch_alter_table("campaign_recipient", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaign_recipient_person_id"))

    op.drop_table("campaign_recipient")
    with op.batch_alter_table("wall_photo", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_wall_photo_meeting_id"))
        batch_op.drop_index(batch_op.f("ix_wall_photo_file_id"))

    op.drop_table("wall_photo")
    op.drop_table("survey_question")
    op.drop_table("reminder")
    op.drop_table("quota")
    op.drop_table("meeting_field")
    with op.batch_alter_table("material", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_material_file_id"))

    op.drop_table("material")
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subscription_person_id"))
        batch_op.drop_index(batch_op.f("ix_subscription_consent_id"))

    op.drop_table("subscription")
    with op.batch_alter_table("network_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_network_member_organisation_id"))

    op.drop_table("network_member")
    with op.batch_alter_table("meeting_series", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_meeting_series_process_id"))

    op.drop_table("meeting_series")
    with op.batch_alter_table("affiliation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_affiliation_organisation_id"))

    op.drop_table("affiliation")
    op.drop_table("deletion")
