"""Certificates that were signed keep what they are for; of older ones nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("certificates", sa.Column("purpose", sa.Text(), nullable=True))
