"""An index for what everybody sees: a list of templates reads a project's own and the public ones, not all."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(op.f("ix_cluster_templates_public_hidden"), "cluster_templates", ["public", "hidden"], unique=False)
