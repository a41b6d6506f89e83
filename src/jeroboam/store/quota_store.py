"""Quotas: limits that operators set for projects."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..contracts import Page, Quota
from ..domain.errors import Conflict, NotFound
from .database import Database
from .paging import Listing, page_of
from .rows import dicts, plain, read
from .tables import quotas

_KIND = "Quota"
_ALL = Listing(quotas, _KIND, sa.select(quotas), sa.true(), by="id")
_OF_PROJECT = Listing(quotas, _KIND, sa.select(quotas), quotas.c.project_id == sa.bindparam("project"), by="id")
_ONE = sa.select(quotas).where(
    quotas.c.project_id == sa.bindparam("project"), quotas.c.resource == sa.bindparam("resource")
)


class Quotas(Database):
    """Implements contracts.QuotaStore."""

    async def add_quota(self, project_id: str, resource: str, hard_limit: int) -> Quota:
        row = {
            "project_id": project_id,
            "resource": resource,
            "hard_limit": hard_limit,
            "created_at": self._clock.now(),
        }
        async with self._write() as connection:
            try:
                made = await connection.execute(quotas.insert().values(row).returning(quotas))
            except IntegrityError as error:
                raise Conflict(f"Quota for project {project_id} already exists for resource {resource}.") from error
            return plain(Quota, dicts(made)[0])

    async def get_quota(self, project_id: str, resource: str) -> Quota | None:
        bound = {"project": project_id, "resource": resource}
        found = await self._look(lambda connection: read(Quota, quotas, connection.execute(_ONE, bound)))
        return found[0] if found else None

    async def list_quotas(self, project_id: str | None, page: Page) -> Sequence[Quota]:
        listing, bound = (_ALL, {}) if project_id is None else (_OF_PROJECT, {"project": project_id})
        return await self._look(lambda connection: read(Quota, quotas, page_of(connection, listing, page, bound)))

    async def update_quota(self, project_id: str, resource: str, hard_limit: int) -> Quota:
        change = {"hard_limit": hard_limit, "updated_at": self._clock.now()}
        async with self._write() as connection:
            done = await connection.execute(
                quotas.update().where(_which(project_id, resource)).values(change).returning(quotas)
            )
            rows = dicts(done)
        if not rows:
            raise _unknown(project_id, resource)
        return plain(Quota, rows[0])

    async def delete_quota(self, project_id: str, resource: str) -> None:
        async with self._write() as connection:
            gone = await connection.execute(quotas.delete().where(_which(project_id, resource)))
        if gone.rowcount == 0:
            raise _unknown(project_id, resource)


def _which(project_id: str, resource: str) -> sa.ColumnElement[bool]:
    return sa.and_(quotas.c.project_id == project_id, quotas.c.resource == resource)


def _unknown(project_id: str, resource: str) -> NotFound:
    message = f"Quota could not be found: project_id {project_id} resource {resource}."
    return NotFound(_KIND, project_id, message=message)
