"""A stage for reconcile tests: a store, a provider, a driver, and a way to run one operation to its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ..conductor.access import AdminAccess
from ..contracts import Clock, ClusterRow, Driver, Provider, Store, SystemClock
from ..domain import Cluster, NodeGroup, Operation, OperationKind, Status, Upgrade
from ..reconcile.reconciler import Reconciler
from ..reconcile.scope import Limits
from ..reconcile.turns import Turns
from . import builders

QUICK = Limits(boot=timedelta(seconds=5), coe=timedelta(seconds=1), machine_attempts=3)


@dataclass
class Stage:
    """Everything around one cluster."""

    store: Store
    provider: Provider
    driver: Driver
    clock: Clock
    limits: Limits = QUICK
    turns: Turns = field(default_factory=lambda: Turns(64))  # at the provider

    async def add(self, *, workers: int = 2, **changes: object) -> tuple[Cluster, Operation]:
        """A cluster as the API would store it, with its create operation."""
        cluster = builders.cluster(**changes)
        operation = builders.operation(cluster)
        await builders.keep(self.store, cluster, operation, groups_of=builders.groups(cluster, workers=workers))
        return cluster, operation

    async def run(self, operation: Operation, *, within_s: float = 30) -> Operation:
        """Run it as a fresh conductor would, to its end; returns it as stored."""
        reconciler = Reconciler(
            store=self.store,
            providers={self.provider.name: self.provider},
            default_provider=self.provider.name,
            drivers={self.driver.name: self.driver},
            clock=self.clock,
            make_access=AdminAccess(SystemClock()),
            limits=self.limits,
            turns=self.turns,
        )
        async with asyncio.timeout(within_s):
            await reconciler.run(operation.uuid)
        found = await self.store.get_operation(operation.uuid)
        if found is None:
            raise LookupError(operation.uuid)
        return found

    async def row(self, cluster: Cluster) -> ClusterRow:
        """The cluster as stored now."""
        row = await self.store.load(cluster.uuid)
        if row is None:
            raise LookupError(cluster.uuid)
        return row

    async def ask_resize(self, cluster: Cluster, count: int, remove: tuple[str, ...] = ()) -> Operation:
        """Ask for another number of workers."""
        row = await self.row(cluster)
        operation = builders.operation(row.cluster, OperationKind.RESIZE)
        group: NodeGroup = replace(
            row.groups[1], node_count=count, remove_nodes=remove, status=Status.UPDATE_IN_PROGRESS
        )
        await self.store.request_change(cluster.uuid, [group], operation, status=Status.UPDATE_IN_PROGRESS)
        return operation

    async def ask(
        self,
        cluster: Cluster,
        kind: OperationKind,
        *,
        upgrade: Upgrade | None = None,
        groups: tuple[NodeGroup, ...] = (),
    ) -> Operation:
        """Ask for what changes no count: an upgrade, a rotation."""
        row = await self.row(cluster)
        details = upgrade.as_details() if upgrade else {}
        if upgrade:
            await builders.keep_template(self.store, row.cluster, upgrade.template_uuid)
        operation = replace(builders.operation(row.cluster, kind), details=details)
        await self.store.request_change(cluster.uuid, groups, operation, status=Status.UPDATE_IN_PROGRESS)
        return operation

    async def ask_delete(self, cluster: Cluster, *, forced: bool = False) -> Operation:
        """Ask for the end; returns the operation that brings it."""
        details = {"forced": True} if forced else {}
        operation = replace(builders.operation(cluster, OperationKind.DELETE), details=details)
        return await self.store.request_delete(cluster.uuid, operation)
