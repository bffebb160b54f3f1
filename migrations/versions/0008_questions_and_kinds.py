"""Within how many days questions are answered, and how contributions can be meant.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-22 14:58:20.402117
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.add_column(sa.Column("answer_days", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("offered_stances", sa.String(length=200), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.drop_column("offered_stances")
        batch_op.drop_column("answer_days")
