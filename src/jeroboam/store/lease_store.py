"""Leases: a conductor writes only while its own is there. Taking it away is one deletion, after which nothing of that conductor commits.

On PostgreSQL each writing transaction of the conductor holds its lease's key in share mode until it commits: beats, which change no
key, do not wait for that; the deletion does. A process that was stopped inside a transaction is ended by the server (`database.py`).
Source: PostgreSQL 15, 13.3.2 "Row-Level Locks".
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..contracts import Lease
from ..domain.errors import LeaseOver
from .database import Database
from .rows import dicts, plain
from .tables import leases
from .writing import Writing

# Built once: each write of a conductor begins with the first, and the others come once a second.
_HELD = sa.select(leases.c.executor_id).where(
    leases.c.executor_id == sa.bindparam("executor"), leases.c.token == sa.bindparam("token")
)
_BEAT = (
    leases.update()
    .where(leases.c.executor_id == sa.bindparam("executor"), leases.c.token == sa.bindparam("own_token"))
    .values(beats=leases.c.beats + 1, beaten_at=sa.bindparam("now", type_=leases.c.beaten_at.type))
)
_ALL = sa.select(leases).order_by(leases.c.taken_at, leases.c.executor_id)
_HELD_ON = _HELD.with_for_update(key_share=True, read=True)
HELD = _HELD_ON.cte("held")
WHILE_HELD = sa.exists(sa.select(HELD.c.executor_id))
STILL_HELD = sa.exists(_HELD)  # for what writes nothing


@dataclass(frozen=True)
class OwnLease:
    executor_id: str
    token: str

    @property
    def row(self) -> sa.ColumnElement[bool]:
        return sa.and_(leases.c.executor_id == self.executor_id, leases.c.token == self.token)

    @property
    def told(self) -> dict[str, str]:
        """To `HELD`."""
        return {"executor": self.executor_id, "token": self.token}


class Leases(Database):
    """Implements contracts.LeaseStore. Without a lease taken, as in tests and tools, nothing is asked."""

    _mine: OwnLease | None = None

    async def take_lease(self, executor_id: str, host: str) -> None:
        now = self._clock.now()
        mine = OwnLease(executor_id, uuid.uuid4().hex)
        row = {"executor_id": executor_id, "token": mine.token, "host": host, "beats": 0}
        async with self._apart() as connection:
            await connection.execute(leases.delete().where(leases.c.executor_id == executor_id))
            await connection.execute(leases.insert().values(row | {"taken_at": now, "beaten_at": now}))
        self._mine = mine

    async def beat(self) -> None:
        mine = self._required()
        told = {"executor": mine.executor_id, "own_token": mine.token, "now": self._clock.now()}
        async with self._apart() as connection:
            done = await connection.execute(_BEAT, told)
            if done.rowcount == 0:
                raise over(mine)

    async def list_leases(self) -> Sequence[Lease]:
        async with self._apart(reads=True) as connection:
            found = await connection.execute(_ALL)
            return [plain(Lease, row) for row in dicts(found)]

    async def end_lease(self, lease: Lease) -> bool:
        seen = sa.and_(leases.c.token == lease.token, leases.c.beats == lease.beats)
        mine = self._mine
        async with self._apart() as connection:
            await self._hold(connection, mine)
            done = await connection.execute(leases.delete().where(leases.c.executor_id == lease.executor_id, seen))
            return done.rowcount == 1

    async def give_lease_back(self) -> None:
        mine, self._mine = self._mine, None
        if mine is None:
            return
        async with self._apart() as connection:
            await connection.execute(leases.delete().where(mine.row))

    @asynccontextmanager
    async def _held(self, under: OwnLease | None = None) -> AsyncIterator[Writing]:
        """A transaction of the conductor's side, under this lease, else under that of now: not of when a connection is free. Raises
        LeaseOver; nothing was written then."""
        mine = under or self._mine
        async with self._write() as connection:
            await self._hold(connection, mine)
            yield connection

    async def _hold(self, connection: Writing, mine: OwnLease | None) -> None:
        if mine is None:
            return
        held = _HELD if self._sqlite else _HELD_ON
        if (await connection.execute(held, mine.told)).first() is None:
            raise over(mine)

    def _leased(self) -> OwnLease | None:
        """The lease of now, on PostgreSQL: a statement with `HELD` within it writes under it."""
        return None if self._sqlite else self._mine

    async def _at_once(
        self, under: OwnLease, held: sa.Executable, told: Mapping[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        """What a statement with `HELD` within it returned: nothing, and nothing was written, when the lease is over. It takes one trip to
        the server where a transaction around it takes four."""
        own = {**told, **under.told}
        return await self._look(lambda connection: [tuple(row) for row in connection.execute(held, own)])

    def _required(self) -> OwnLease:
        if self._mine is None:
            raise LeaseOver("No lease was taken.")
        return self._mine


def over(mine: OwnLease) -> LeaseOver:
    return LeaseOver(f"The lease of the conductor {mine.executor_id} is over; others go on with its work.")
