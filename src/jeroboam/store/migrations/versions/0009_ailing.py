"""Clusters remember which of their nodes are not well, and since when."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("clusters", sa.Column("ailing", sa.Text(), nullable=False, server_default="{}"))
