"""Cluster templates."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..contracts import Caller, Page
from ..domain import ClusterTemplate, OperationKind, OperationState
from ..domain.errors import Conflict, NotFound
from .among import among
from .database import Database
from .ident import named
from .paging import Listing, page_of
from .rows import dicts, read, shaped, values
from .tables import clusters, operations, templates
from .writing import Writing

_KIND = "ClusterTemplate"


_PUBLIC = sa.and_(templates.c.public.is_(sa.true()), templates.c.hidden.is_(sa.false()))
_VISIBLE = sa.or_(templates.c.project_id == sa.bindparam("caller_project"), _PUBLIC)
_ALL = Listing(templates, _KIND, sa.select(templates), sa.true())
_SEEN = Listing(templates, _KIND, sa.select(templates), _VISIBLE)
_BY_UUIDS = among(sa.select(templates), templates.c.uuid)


def _visible(caller: Caller) -> tuple[Listing, dict[str, object]]:
    """What the caller may see, and what its condition is bound to."""
    return (_ALL, {}) if caller.is_admin else (_SEEN, {"caller_project": caller.project_id})


class Templates(Database):
    """Implements contracts.TemplateStore."""

    async def add_template(self, template: ClusterTemplate) -> ClusterTemplate:
        row = {**values(template), "created_at": self._clock.now()}
        async with self._write() as connection:
            try:
                made = await connection.execute(templates.insert().values(row).returning(templates))
            except IntegrityError as error:
                raise Conflict(f"A ClusterTemplate with UUID {template.uuid} already exists.") from error
            return shaped(ClusterTemplate, dicts(made)[0])

    async def find_templates(self, ident: str, caller: Caller) -> Sequence[ClusterTemplate]:
        listing, bound = _visible(caller)
        return await self._look(
            lambda connection: read(ClusterTemplate, templates, named(connection, listing, ident, bound))
        )

    async def list_templates(self, caller: Caller, page: Page) -> Sequence[ClusterTemplate]:
        listing, bound = _visible(caller)
        return await self._look(
            lambda connection: read(ClusterTemplate, templates, page_of(connection, listing, page, bound))
        )

    async def update_template(
        self, template: ClusterTemplate, *, seen: ClusterTemplate, unused: bool = False
    ) -> ClusterTemplate | None:
        row = {**values(template), "updated_at": self._clock.now()}
        async with self._write() as connection:
            this = sa.select(templates).where(templates.c.uuid == template.uuid).with_for_update()
            before = [shaped(ClusterTemplate, found) for found in dicts(await connection.execute(this))]
            if not before:
                raise NotFound(_KIND, template.uuid)
            if before[0] != seen:
                return None
            if unused:
                await self._refuse_used(connection, template.uuid)
            done = await connection.execute(
                templates.update().where(templates.c.uuid == template.uuid).values(row).returning(templates)
            )
            return shaped(ClusterTemplate, dicts(done)[0])

    async def delete_template(self, uuid: str) -> None:
        async with self._write() as connection:
            # Locked first, so that a cluster which is just being made from it is seen, or does not find it any more.
            await connection.execute(sa.select(templates.c.id).where(templates.c.uuid == uuid).with_for_update())
            await self._refuse_used(connection, uuid)
            gone = await connection.execute(templates.delete().where(templates.c.uuid == uuid))
        if gone.rowcount == 0:
            raise NotFound(_KIND, uuid)

    async def _refuse_used(self, connection: Writing, uuid: str) -> None:
        if await _used(connection, uuid):
            raise Conflict(f"ClusterTemplate {uuid} is referenced by one or multiple clusters.")

    async def template_in_use(self, uuid: str) -> bool:
        async with self._read() as connection:
            return await _used(connection, uuid)

    async def templates_by_uuid(self, uuids: Collection[str]) -> Mapping[str, ClusterTemplate]:
        if not uuids:
            return {}
        bound = {"uuids": sorted(uuids)}

        def look(connection: sa.Connection) -> list[ClusterTemplate]:
            return read(ClusterTemplate, templates, connection.execute(_BY_UUIDS[connection.dialect.name], bound))

        found = await self._look(look)
        return {template.uuid: template for template in found}


async def _used(connection: Writing, uuid: str) -> bool:
    """By a cluster that is of it, or on its way to it."""
    used = await connection.execute(sa.select(clusters.c.id).where(clusters.c.template_uuid == uuid).limit(1))
    if used.first() is not None:
        return True
    live = operations.c.state.in_((OperationState.QUEUED, OperationState.RUNNING))
    upgrades = sa.select(operations.c.details).where(live, operations.c.kind == OperationKind.UPGRADE)
    return any(details.get("template_uuid") == uuid for (details,) in await connection.execute(upgrades))
