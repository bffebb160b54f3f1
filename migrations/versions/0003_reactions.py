"""reactions counted on the contribution, keys of imported rows

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-22 03:52:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNTERS = ("agrees", "disagrees", "unsure", "contested")


def upgrade() -> None:
    for name in COUNTERS:
        op.add_column("contribution", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    for name in ("agrees", "contested"):
        order = "supported" if name == "agrees" else name
        op.create_index(f"ix_contribution_{order}", "contribution", ["process_id", "state", name, "number"])
    op.add_column("contribution", sa.Column("import_key", sa.String(length=120), nullable=True))
    op.create_index("uq_contribution_import_key", "contribution", ["process_id", "import_key"], unique=True)
    with op.batch_alter_table("person") as person:
        person.add_column(sa.Column("import_key", sa.String(length=120), nullable=True))
        person.create_unique_constraint("uq_person_import_key", ["import_key"])
    # Until now there was one kind.
    op.execute(
        "UPDATE contribution SET agrees ="
        " (SELECT count(*) FROM reaction WHERE reaction.contribution_id = contribution.id)"
        " WHERE id IN (SELECT contribution_id FROM reaction)"
    )


def downgrade() -> None:
    op.execute("DELETE FROM reaction WHERE kind <> 'agree'")
    with op.batch_alter_table("person") as person:
        person.drop_constraint("uq_person_import_key", type_="unique")
        person.drop_column("import_key")
    for index in ("ix_contribution_supported", "ix_contribution_contested", "uq_contribution_import_key"):
        op.drop_index(index, "contribution")
    op.drop_column("contribution", "import_key")
    for name in COUNTERS:
        op.drop_column("contribution", name)
