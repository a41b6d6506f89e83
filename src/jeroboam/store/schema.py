"""Schemas: which one a database has, what this program knows of them, and which of the two may live with the other. Pure.

A revision expands: what is there stays, so that programs of before serve on. One that takes something away says so by
`contract = "NNNN"`: only programs that know revision NNNN may serve with it. The database keeps the latest such word, its floor,
so that a program which does not know the newest revisions can tell whether it may serve nevertheless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from ..domain.errors import ConfigError

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Schema:
    """Of a database. `revision`: "" where there are no tables yet. `floor`: the oldest revision that a program must know to serve."""

    revision: str = ""
    floor: str = ""


@dataclass(frozen=True)
class Revision:
    """One step of the schema. `contract`: "" for one that expands."""

    name: str
    title: str
    contract: str = ""


class Chain:
    """The revisions that a program knows, in order."""

    def __init__(self, folder: Path = MIGRATIONS) -> None:
        self._folder = folder

    def config(self) -> Config:
        """Alembic's configuration without a file of its own."""
        made = Config()
        made.set_main_option("script_location", str(self._folder).replace("%", "%%"))
        return made

    @cached_property
    def revisions(self) -> Sequence[Revision]:
        scripts = reversed(list(ScriptDirectory.from_config(self.config()).walk_revisions()))
        return tuple(Revision(s.revision, s.doc, getattr(s.module, "contract", "")) for s in scripts)

    @property
    def head(self) -> str:
        return self.revisions[-1].name

    def knows(self, name: str) -> bool:
        return any(revision.name == name for revision in self.revisions)

    def floor(self, name: str) -> str:
        """Of a database that has come as far as this revision."""
        return max((one.contract for one in self.revisions if one.name <= name), default="")

    @property
    def needs(self) -> str:
        """The oldest revision that this program serves with: what only takes away comes later."""
        return next(one.name for one in reversed(self.revisions) if not one.contract)

    def pending(self, schema: Schema) -> Sequence[Revision]:
        """What this program would still apply; nothing to a schema that is newer than itself."""
        if schema.revision and not self.knows(schema.revision):
            return ()
        return tuple(one for one in self.revisions if one.name > schema.revision)

    def serves(self, schema: Schema) -> bool:
        """Whether a process of this program may work on a database like that."""
        if schema.revision and not self.knows(schema.revision):
            return self.knows(schema.floor)
        return schema.revision >= self.needs

    def check(self, schema: Schema) -> None:
        """Raises ConfigError where `serves` is false, with the next move."""
        if self.serves(schema):
            return
        pending = self.pending(schema)
        if not pending:
            raise ConfigError(
                f"The database has the schema {schema.revision}, which serves no program older than schema "
                f"{schema.floor or schema.revision}; this one is of schema {self.head}.",
                hint="It was used by a newer Jeroboam: start that one.",
            )
        has = f"has the schema {schema.revision}" if schema.revision else "has no schema yet"
        hint = "Run `jeroboam db upgrade`, or set [database] migrate."
        if pending[0].contract:
            hint = (
                f"Schema {pending[0].name} comes before, and ends the service of programs older than schema "
                f"{pending[0].contract}: when none of them runs any more, run `jeroboam db upgrade --contract`."
            )
        raise ConfigError(f"The database {has}; this program needs schema {self.needs}.", hint=hint)
