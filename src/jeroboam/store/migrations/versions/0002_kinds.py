"""Operations say their kind. The three verbs of before are kinds, too."""

from alembic import op

revision = "0002"
down_revision = "0001"
contract = "0002"  # nothing of the first schema was released: no program that says `verb` runs anywhere


def upgrade() -> None:
    with op.batch_alter_table("operations") as batch:
        batch.alter_column("verb", new_column_name="kind")
