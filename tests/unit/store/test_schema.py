"""The chain of revisions: what is pending, what excludes whom."""

from pathlib import Path

import pytest

from jeroboam.domain.errors import ConfigError
from jeroboam.store.schema import Chain, Revision, Schema

CHAIN = (("0001", ""), ("0002", ""), ("0003", "0002"), ("0004", ""))


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """One that knows 0001 to 0004; 0003 takes away what programs of 0001 use."""
    versions = tmp_path / "100% sure" / "versions"  # alembic reads `%` as a reference
    versions.mkdir(parents=True)
    (versions.parent / "env.py").write_text("")
    for (name, contract), before in zip(CHAIN, ("", "0001", "0002", "0003"), strict=True):
        said = f'"""Title of {name}."""\nrevision, down_revision = "{name}", {before or None!r}\n'
        (versions / f"{name}_x.py").write_text(said + (f'contract = "{contract}"\n' if contract else ""))
    return Chain(versions.parent)


def test_it_is_read_in_order(chain: Chain) -> None:
    assert [(one.name, one.contract) for one in chain.revisions] == list(CHAIN)
    assert chain.revisions[2] == Revision("0003", "Title of 0003.", "0002")
    assert (chain.head, chain.needs) == ("0004", "0004")


@pytest.mark.parametrize(("name", "floor"), [("0001", ""), ("0002", ""), ("0003", "0002"), ("0004", "0002")])
def test_a_floor_stays_until_a_higher_one(chain: Chain, name: str, floor: str) -> None:
    assert chain.floor(name) == floor


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        (Schema(), ["0001", "0002", "0003", "0004"]),
        (Schema("0002"), ["0003", "0004"]),
        (Schema("0004", "0002"), []),
        (Schema("0009", "0002"), []),
    ],
)
def test_what_is_pending(chain: Chain, schema: Schema, names: list[str]) -> None:
    assert [one.name for one in chain.pending(schema)] == names


@pytest.mark.parametrize("schema", [Schema("0004", "0002"), Schema("0009", "0002"), Schema("0009", "0004")])
def test_a_schema_that_is_newer_serves_down_to_its_floor(chain: Chain, schema: Schema) -> None:
    assert chain.serves(schema)
    chain.check(schema)


BY_UPGRADE = "Run `jeroboam db upgrade`, or set [database] migrate."


@pytest.mark.parametrize(
    ("schema", "message", "hint"),
    [
        (
            Schema("0009", "0005"),
            "The database has the schema 0009, which serves no program older than schema 0005; this one is of schema 0004.",
            "It was used by a newer Jeroboam: start that one.",
        ),
        (
            Schema("0009"),
            "The database has the schema 0009, which serves no program older than schema 0009; this one is of schema 0004.",
            "It was used by a newer Jeroboam: start that one.",
        ),
        (Schema(), "The database has no schema yet; this program needs schema 0004.", BY_UPGRADE),
        (Schema("0001"), "The database has the schema 0001; this program needs schema 0004.", BY_UPGRADE),
        (
            Schema("0002"),
            "The database has the schema 0002; this program needs schema 0004.",
            "Schema 0003 comes before, and ends the service of programs older than schema 0002: when none of them runs any "
            "more, run `jeroboam db upgrade --contract`.",
        ),
    ],
)
def test_one_that_does_not_serve_is_told_with_the_next_move(
    chain: Chain, schema: Schema, message: str, hint: str
) -> None:
    assert not chain.serves(schema)
    with pytest.raises(ConfigError) as caught:
        chain.check(schema)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_program_serves_without_what_it_only_takes_away(chain: Chain, tmp_path: Path) -> None:
    last = tmp_path / "100% sure" / "versions" / "0005_x.py"
    last.write_text('"""Title."""\nrevision, down_revision, contract = "0005", "0004", "0004"\n')
    later = Chain(last.parents[1])
    assert (later.head, later.needs, later.serves(Schema("0004", "0002"))) == ("0005", "0004", True)
