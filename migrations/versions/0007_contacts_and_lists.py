"""contacts that only look alike, long lists of people, people found by name who are written to on paper

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-22 13:58:10.118023
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, target in (("different_people", "person"), ("different_organisations", "organisation")):
        op.create_table(
            name,
            sa.Column("id", sa.Integer(), nullable=False),
            sa.Column("one_id", sa.Integer(), nullable=False),
            sa.Column("two_id", sa.Integer(), nullable=False),
            sa.Column("said_by_id", sa.Integer(), nullable=True),
            sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
            sa.CheckConstraint("one_id <> two_id", name=op.f(f"ck_{name}_two_of_them")),
            sa.ForeignKeyConstraint(["one_id"], [f"{target}.id"], name=op.f(f"fk_{name}_one_id_{target}")),
            sa.ForeignKeyConstraint(["two_id"], [f"{target}.id"], name=op.f(f"fk_{name}_two_id_{target}")),
            sa.ForeignKeyConstraint(["said_by_id"], ["person.id"], name=op.f(f"fk_{name}_said_by_id_person")),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
            sa.UniqueConstraint("one_id", "two_id", name=op.f(f"uq_{name}_one_id_two_id")),
        )
        op.create_index(op.f(f"ix_{name}_two_id"), name, ["two_id"])
    op.create_table(
        "people_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_people_list_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_people_list_created_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_list")),
    )
    op.create_index(op.f("ix_people_list_campaign_id"), "people_list", ["campaign_id"])
    without_mail = sa.text("email IS NULL")
    op.create_index(
        "ix_person_name_without_mail", "person", ["name"], postgresql_where=without_mail, sqlite_where=without_mail
    )


def downgrade() -> None:
    op.drop_index("ix_person_name_without_mail", table_name="person")
    op.drop_index(op.f("ix_people_list_campaign_id"), table_name="people_list")
    op.drop_table("people_list")
    for name in ("different_organisations", "different_people"):
        op.drop_index(op.f(f"ix_{name}_two_id"), table_name=name)
        op.drop_table(name)
