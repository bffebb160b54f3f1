"""wording proposals, the desk of the moderators, when decisions become public, switches for mails

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-22 07:01:07.170580
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "author_trust",
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_author_trust_by_id_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_author_trust_person_id_person")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_author_trust_process_id_process")),
        sa.PrimaryKeyConstraint("process_id", "person_id", name=op.f("pk_author_trust")),
    )
    with op.batch_alter_table("author_trust", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_author_trust_person_id"), ["person_id"], unique=False)

    op.create_table(
        "duty",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("substitute_id", sa.Integer(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_duty_days_in_order")),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_duty_created_by_id_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_duty_person_id_person")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_duty_process_id_process")),
        sa.ForeignKeyConstraint(["substitute_id"], ["person.id"], name=op.f("fk_duty_substitute_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
    )
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.create_index("ix_duty_days", ["process_id", "starts_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_duty_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_duty_substitute_id"), ["substitute_id"], unique=False)

    op.create_table(
        "screening_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("effect", sa.String(length=40), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_screening_rule_created_by_id_person")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_screening_rule_process_id_process")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_rule")),
    )
    with op.batch_alter_table("screening_rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_screening_rule_process_id"), ["process_id"], unique=False)

    op.create_table(
        "assignment",
        sa.Column("contribution_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_assignment_by_id_person")),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_assignment_contribution_id_contribution")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_assignment_person_id_person")),
        sa.PrimaryKeyConstraint("contribution_id", name=op.f("pk_assignment")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assignment_person_id"), ["person_id"], unique=False)

    op.create_table(
        "erasure_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contribution_id", sa.Integer(), nullable=False),
        sa.Column("reason_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("requested_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_erasure_request_contribution_id_contribution")
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name=op.f("fk_erasure_request_decided_by_id_person")),
        sa.ForeignKeyConstraint(
            ["reason_id"], ["moderation_reason.id"], name=op.f("fk_erasure_request_reason_id_moderation_reason")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["person.id"], name=op.f("fk_erasure_request_requested_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_request")),
    )
    with op.batch_alter_table("erasure_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_erasure_request_contribution_id"), ["contribution_id"], unique=False)
        batch_op.create_index(
            "uq_erasure_request_open",
            ["contribution_id"],
            unique=True,
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        )

    op.create_table(
        "gathered",
        sa.Column("contribution_id", sa.Integer(), nullable=False),
        sa.Column("head_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("contribution_id <> head_id", name=op.f("ck_gathered_not_itself")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_gathered_by_id_person")),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_gathered_contribution_id_contribution")
        ),
        sa.ForeignKeyConstraint(["head_id"], ["contribution.id"], name=op.f("fk_gathered_head_id_contribution")),
        sa.PrimaryKeyConstraint("contribution_id", name=op.f("pk_gathered")),
    )
    with op.batch_alter_table("gathered", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gathered_head_id"), ["head_id"], unique=False)

    op.create_table(
        "moderator_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contribution_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_moderator_note_author_id_person")),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_moderator_note_contribution_id_contribution")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderator_note")),
    )
    with op.batch_alter_table("moderator_note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_moderator_note_contribution_id"), ["contribution_id"], unique=False)

    op.create_table(
        "report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("contribution_id", sa.Integer(), nullable=False),
        sa.Column("reporter_id", sa.Integer(), nullable=True),
        sa.Column("receipt_hash", sa.String(length=64), nullable=True),
        sa.Column("reason_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["closed_by_id"], ["person.id"], name=op.f("fk_report_closed_by_id_person")),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_report_contribution_id_contribution")
        ),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_report_process_id_process")),
        sa.ForeignKeyConstraint(
            ["reason_id"], ["moderation_reason.id"], name=op.f("fk_report_reason_id_moderation_reason")
        ),
        sa.ForeignKeyConstraint(["reporter_id"], ["person.id"], name=op.f("fk_report_reporter_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("contribution_id", "reporter_id", name=op.f("uq_report_contribution_id_reporter_id")),
        sa.UniqueConstraint("receipt_hash", name=op.f("uq_report_receipt_hash")),
    )
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_contribution_id"), ["contribution_id"], unique=False)
        batch_op.create_index("ix_report_open", ["process_id", "closed_at", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_report_reporter_id"), ["reporter_id"], unique=False)

    op.create_table(
        "rule_hit",
        sa.Column("contribution_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_rule_hit_contribution_id_contribution")
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["screening_rule.id"], name=op.f("fk_rule_hit_rule_id_screening_rule")),
        sa.PrimaryKeyConstraint("contribution_id", "rule_id", name=op.f("pk_rule_hit")),
    )
    op.create_table(
        "appeal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("act_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["act_id"], ["moderation_act.id"], name=op.f("fk_appeal_act_id_moderation_act")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name=op.f("fk_appeal_decided_by_id_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_appeal_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
        sa.UniqueConstraint("act_id", name=op.f("uq_appeal_act_id")),
    )
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appeal_person_id"), ["person_id"], unique=False)

    op.create_table(
        "disposition_release",
        sa.Column("disposition_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["disposition_id"], ["disposition.id"], name=op.f("fk_disposition_release_disposition_id_disposition")
        ),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_disposition_release_version_id_version")),
        sa.PrimaryKeyConstraint("disposition_id", name=op.f("pk_disposition_release")),
    )
    # What was decided until now was public at once.
    op.execute("INSERT INTO disposition_release (disposition_id, released_at) SELECT id, created_at FROM disposition")
    op.add_column("contribution_text", sa.Column("proposed", sa.Text(), nullable=True))
    op.add_column("moderation_act", sa.Column("batch", sa.String(length=40), nullable=True))
    op.create_index("ix_moderation_act_batch", "moderation_act", ["batch"])
    op.add_column("person", sa.Column("tell_answers", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("person", sa.Column("tell_monthly", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE person SET tell_answers = (SELECT tell_answers FROM account WHERE account.person_id = person.id)"
        " WHERE id IN (SELECT person_id FROM account)"
    )
    op.drop_column("account", "tell_answers")


def downgrade() -> None:
    op.add_column("account", sa.Column("tell_answers", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute(
        "UPDATE account SET tell_answers = (SELECT tell_answers FROM person WHERE person.id = account.person_id)"
    )
    op.drop_column("person", "tell_monthly")
    op.drop_column("person", "tell_answers")
    op.drop_index("ix_moderation_act_batch", "moderation_act")
    op.drop_column("moderation_act", "batch")
    op.drop_column("contribution_text", "proposed")
    op.drop_table("disposition_release")
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appeal_person_id"))

    op.drop_table("appeal")
    op.drop_table("rule_hit")
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_reporter_id"))
        batch_op.drop_index("ix_report_open")
        batch_op.drop_index(batch_op.f("ix_report_contribution_id"))

    op.drop_table("report")
    with op.batch_alter_table("moderator_note", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_moderator_note_contribution_id"))

    op.drop_table("moderator_note")
    with op.batch_alter_table("gathered", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_gathered_head_id"))

    op.drop_table("gathered")
    with op.batch_alter_table("erasure_request", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_erasure_request_open",
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_erasure_request_contribution_id"))

    op.drop_table("erasure_request")
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_assignment_person_id"))

    op.drop_table("assignment")
    with op.batch_alter_table("screening_rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_screening_rule_process_id"))

    op.drop_table("screening_rule")
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duty_substitute_id"))
        batch_op.drop_index(batch_op.f("ix_duty_person_id"))
        batch_op.drop_index("ix_duty_days")

    op.drop_table("duty")
    with op.batch_alter_table("author_trust", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_author_trust_person_id"))

    op.drop_table("author_trust")
