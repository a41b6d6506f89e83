"""Operations keep what only their kind needs: an upgrade its target, a resize the counts before it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("operations", sa.Column("details", sa.Text(), nullable=False, server_default="{}"))
