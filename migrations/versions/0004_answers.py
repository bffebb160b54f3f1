"""receipts of guests, answers that wait for a version, a switch for mails about answers

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-22 04:40:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("contribution") as contribution:
        contribution.add_column(sa.Column("receipt_hash", sa.String(length=64), nullable=True))
        contribution.create_unique_constraint("uq_contribution_receipt_hash", ["receipt_hash"])
    op.add_column("disposition", sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("disposition", sa.Column("own_organisation", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("account", sa.Column("tell_answers", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    op.drop_column("account", "tell_answers")
    op.drop_column("disposition", "own_organisation")
    op.drop_column("disposition", "held")
    with op.batch_alter_table("contribution") as contribution:
        contribution.drop_constraint("uq_contribution_receipt_hash", type_="unique")
        contribution.drop_column("receipt_hash")
