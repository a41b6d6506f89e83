"""Revisions expand, or say whose service they end. The rule is held against every revision, and against bad ones that it must find."""

import ast
from pathlib import Path

import pytest
from tests.unit.store.migration_rule import assigned, problems

from jeroboam.store.schema import MIGRATIONS

FILES = sorted((MIGRATIONS / "versions").glob("*.py"))
BEFORE_RELEASES = "0007"  # of these, nothing was released alone
BAD = {
    'op.drop_column("clusters", "health")': "drop_column takes away what older programs use",
    'op.drop_table("events")': "drop_table takes away what older programs use",
    'op.rename_table("events", "outbox")': "rename_table takes away what older programs use",
    'op.add_column("clusters", sa.Column("mood", sa.Text(), nullable=False))': "a column that is NOT NULL and has no "
    "server_default, which older programs do not fill",
    'batch.alter_column("verb", new_column_name="kind")': "alter_column with new_column_name changes what older programs use",
    'op.alter_column("clusters", "name", type_=sa.Integer())': "alter_column with type_ changes what older programs use",
    'op.alter_column("clusters", "health", nullable=False)': "alter_column to NOT NULL refuses rows that older programs write",
    'op.create_unique_constraint("uq", "clusters", ["name"])': "create_unique_constraint refuses rows that older programs write",
    'op.create_index("ix", "clusters", ["name"], unique=True)': "create_index refuses rows that older programs write",
    'op.execute("ALTER TABLE clusters DROP COLUMN name")': "SQL with ALTER takes away what older programs use",
    "op.execute(sa.text('delete from events'))": "SQL with DELETE takes away what older programs use",
    "op.execute(statement)": "SQL that is not written out cannot be judged",
}
GOOD = [
    'op.add_column("clusters", sa.Column("mood", sa.Text(), nullable=True))',
    'op.add_column("clusters", sa.Column("mood", sa.Text(), nullable=False, server_default=""))',
    'op.create_index("ix", "clusters", ["name"], unique=False)',
    'op.drop_index("ix_clusters_name", "clusters")',
    'op.alter_column("clusters", "name", nullable=True)',
    'op.execute("UPDATE clusters SET mood = name WHERE mood IS NULL")',
    'op.create_table("moods", sa.Column("id", sa.Text()))\n    op.create_unique_constraint("uq", "moods", ["id"])',
]


def revision(body: str, contract: str = "") -> str:
    return f'revision = "0009"\n{contract}\n\ndef upgrade() -> None:\n    {body}\n'


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_revision_expands_or_says_whose_service_it_ends(file: Path) -> None:
    assert problems(file.read_text()) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_one_that_contracts_leaves_the_release_before_in_service(file: Path) -> None:
    words = dict(assigned(ast.parse(file.read_text())))
    assert words["revision"] == file.stem[:4]
    contract = words.get("contract", "")
    known = {one.stem[:4] for one in FILES}
    assert contract == "" or contract in known
    assert contract < words["revision"] or words["revision"] <= BEFORE_RELEASES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_there_is_no_way_back_but_a_copy(file: Path) -> None:
    """A downgrade would drop what newer programs wrote."""
    assert "def downgrade" not in file.read_text()


@pytest.mark.parametrize(("body", "why"), BAD.items())
def test_what_an_expanding_one_may_not_do_is_found(body: str, why: str) -> None:
    assert problems(revision(body)) == [f"line 5: {why}"]
    assert problems(revision(body, 'contract = "0008"')) == []


@pytest.mark.parametrize("body", GOOD)
def test_what_it_may_do_is_let_be(body: str) -> None:
    assert problems(revision(body)) == []
