"""The revisions of a program that comes after this one."""

import shutil
from pathlib import Path

from jeroboam.store.schema import MIGRATIONS, Chain

HEAD = Chain().head
EXPANDS = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9001", "{before}"


def upgrade() -> None:
    op.add_column("clusters", sa.Column("mood", sa.Text(), nullable=True))
"""
CONTRACTS = """
from alembic import op

revision, down_revision, contract = "9002", "9001", "{floor}"


def upgrade() -> None:
    with op.batch_alter_table("clusters") as batch:
        batch.drop_column("mood")
"""


def later(folder: Path, *, floor: str = "") -> Chain:
    """The chain of a later program: a revision that expands, and with `floor` one that contracts."""
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "9001_mood.py").write_text(EXPANDS.format(before=HEAD))
    if floor:
        (folder / "versions" / "9002_no_mood.py").write_text(CONTRACTS.format(floor=floor))
    return Chain(folder)
