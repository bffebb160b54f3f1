"""indexes of contributions without the rows that have nothing there

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-22 15:20:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

#: Name, columns, the one that is mostly empty, whether it is unique.
INDEXES = (
    ("ix_contribution_organisation_id", ["organisation_id"], "organisation_id", False),
    ("ix_contribution_entered_by_id", ["entered_by_id"], "entered_by_id", False),
    ("ix_contribution_parent_id", ["parent_id"], "parent_id", False),
    ("ix_contribution_root_id", ["root_id"], "root_id", False),
    ("uq_contribution_import_key", ["process_id", "import_key"], "import_key", True),
)


def upgrade() -> None:
    for name, columns, empty, unique in INDEXES:
        op.drop_index(name, "contribution")
        there = sa.text(f"{empty} IS NOT NULL")
        op.create_index(name, "contribution", columns, unique=unique, postgresql_where=there, sqlite_where=there)


def downgrade() -> None:
    for name, columns, _empty, unique in INDEXES:
        op.drop_index(name, "contribution")
        op.create_index(name, "contribution", columns, unique=unique)
