"""How the leads name the kinds of contributions, until when a registration may be changed, how often a stage moved.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-22 21:10:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stance_words", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("meeting", schema=None) as batch_op:
        batch_op.add_column(sa.Column("changes_until", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("stage", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sequence", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("stage", schema=None) as batch_op:
        batch_op.drop_column("sequence")
    with op.batch_alter_table("meeting", schema=None) as batch_op:
        batch_op.drop_column("changes_until")
    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.drop_column("stance_words")
