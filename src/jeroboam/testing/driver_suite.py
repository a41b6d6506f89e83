"""What every driver must do, as tests. Subclass, give the fixtures, and run it by pytest:

    class TestMyDriver(DriverSuite):
        @pytest.fixture
        def driver(self): ...
        @pytest.fixture
        def image(self): ...         # an Image whose properties fit the driver

`LiveDriverSuite` needs a cluster of the driver that is up, too: its administrator's access and its machines. `LiveRenewalSuite` is for
drivers with the abilities of contracts.rebuild.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from .. import bootstrap, pki
from ..contracts import (
    Access,
    Address,
    ClusterContext,
    Driver,
    Endpoint,
    Image,
    InnerSecrets,
    Machine,
    MachineSpec,
    MachineState,
    Network,
    NodeConfig,
    StatefulDriver,
)
from ..domain import Cluster, NodeGroup, OperationKind, Role
from ..planning import plan_machines
from . import builders

_MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_LIVE_S, _LOOK_S = 90.0, 0.3
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def context_of(driver: Driver, image: Image, cluster: Cluster, groups: Sequence[NodeGroup]) -> ClusterContext:
    """A context as the reconciler makes it, with fresh keys."""
    port = driver.network_spec(cluster).endpoint_port
    return ClusterContext(
        cluster=cluster,
        groups=tuple(groups),
        image=image,
        network=Network("net-1", "net", "10.0.0.0/24"),
        endpoint=Endpoint(Address("10.0.0.10", port), Address("127.0.0.1", 26443)),
        secrets=pki.new_cluster_secrets(cluster.name, driver.token_names, _MADE),
    )


def specs_of(cluster: Cluster, groups: Sequence[NodeGroup]) -> tuple[MachineSpec, ...]:
    """The machines that a new cluster asks for."""
    return plan_machines(cluster, groups, []).wanted


class DriverSuite:
    """The rules of contracts.coe that need no live cluster."""

    @pytest.fixture
    def cluster(self, driver: Driver, image: Image) -> Cluster:
        """A cluster with no label set."""
        shape = builders.template().shape
        chosen = replace(shape, coe=driver.capabilities.coe, driver=driver.name, image_id=image.id, labels={})
        return builders.cluster(name="suite", shape=chosen)

    @pytest.fixture
    def context(self, driver: Driver, image: Image, cluster: Cluster) -> ClusterContext:
        """One control plane, two workers."""
        return context_of(driver, image, cluster, builders.groups(cluster))

    @pytest.fixture
    def configs(self, driver: Driver, context: ClusterContext) -> dict[MachineSpec, NodeConfig]:
        """The first boots of all machines."""
        return {m: driver.node_config(context, m) for m in specs_of(context.cluster, context.groups)}

    def test_it_says_what_it_serves(self, driver: Driver) -> None:
        can = driver.capabilities
        assert driver.name
        assert can.coe
        assert can.server_types
        assert can.os_distros
        assert 1 in can.control_plane_sizes
        assert len(set(can.network_drivers)) == len(can.network_drivers)

    def test_labels_are_declared_once_with_usable_defaults(
        self, driver: Driver, image: Image, cluster: Cluster
    ) -> None:
        names = [label.name for label in driver.labels]
        assert len(set(names)) == len(names)
        for label in driver.labels:
            assert label.type in {"text", "int", "bool", "cidr", "version", "enum"}
            assert label.meaning
            assert (label.type == "enum") == bool(label.choices)
        defaults = {label.name: label.default for label in driver.labels if label.default}
        spelt = replace(cluster, shape=replace(cluster.shape, labels=defaults))
        assert driver.validate(spelt, builders.groups(spelt), image) == []

    def test_a_plain_wish_is_fine(self, driver: Driver, image: Image, cluster: Cluster) -> None:
        assert driver.validate(cluster, builders.groups(cluster), image) == []

    def test_a_size_that_is_not_served_is_a_problem_that_names_it(
        self, driver: Driver, image: Image, cluster: Cluster
    ) -> None:
        size = max(driver.capabilities.control_plane_sizes) + 1
        problems = driver.validate(cluster, builders.groups(cluster, control_planes=size), image)
        assert [(problem.field, str(size) in problem.message) for problem in problems] == [("master_count", True)]

    def test_the_first_boot_is_pure(self, driver: Driver, context: ClusterContext) -> None:
        for machine in specs_of(context.cluster, context.groups):
            first, again = driver.node_config(context, machine), driver.node_config(context, machine)
            assert first == again
            assert bootstrap.render_tar(first) == bootstrap.render_tar(again)

    def test_the_first_boot_is_well_formed(self, configs: dict[MachineSpec, NodeConfig]) -> None:
        for machine, config in configs.items():
            assert config.hostname == machine.name
            paths = [file.path for file in config.files]
            assert len(set(paths)) == len(paths)
            assert all(path.startswith("/") and ".." not in path for path in paths)
            names = [command.name for command in config.commands]
            assert names
            assert len(set(names)) == len(names)
            assert all(_NAME.fullmatch(name) for name in names)
            assert all(command.timeout_s > 0 for command in config.commands)

    def test_private_keys_are_for_root_only_and_never_in_a_command(
        self, configs: dict[MachineSpec, NodeConfig]
    ) -> None:
        for config in configs.values():
            for file in config.files:
                private = b"PRIVATE KEY" in file.content or b"key-data" in file.content
                assert not private or file.mode & 0o077 == 0, file.path
            assert "PRIVATE KEY" not in repr(config)

    def test_a_worker_holds_no_key_of_the_cluster(
        self, context: ClusterContext, configs: dict[MachineSpec, NodeConfig]
    ) -> None:
        kept = context.secrets
        keys = [ca.key_pem.reveal() for ca in (kept.ca, kept.etcd_ca, kept.front_proxy_ca)]
        keys.append(kept.service_account_key.reveal())
        workers = [config for machine, config in configs.items() if machine.role is Role.WORKER]
        assert workers
        for config in workers:
            everything = bootstrap.render_tar(config)
            assert not any(key in everything for key in keys)

    def test_an_endpoint_that_cannot_be_reached_has_no_address(self, driver: Driver) -> None:
        assert driver.api_address(Endpoint(Address("10.0.0.10", 1), None)) is None
        assert "192.0.2.7:26443" in (
            driver.api_address(Endpoint(Address("10.0.0.10", 1), Address("192.0.2.7", 26443))) or ""
        )


class LiveDriverSuite:
    """The rules that only a live cluster can show. Fixtures: `driver`, `access`, `machines` (all of the cluster's)."""

    @pytest.fixture
    def ghost(self, machines: Sequence[Machine]) -> Machine:
        """A machine that never joined."""
        return replace(machines[0], name="ghost", id="ghost", state=MachineState.STOPPED)

    async def test_health_knows_every_machine(
        self, driver: Driver, access: Access, machines: Sequence[Machine]
    ) -> None:
        health = await driver.health(access, machines)
        assert health.api_ok
        assert health.workloads_ready, health.reason
        assert {node.name: node.ready for node in health.nodes} == {machine.name: True for machine in machines}
        assert health.coe_version

    async def test_a_machine_that_has_not_joined_is_not_ready_and_the_reason_is_said(
        self, driver: Driver, access: Access, machines: Sequence[Machine], ghost: Machine
    ) -> None:
        health = await driver.health(access, [*machines, ghost])
        missing = next(node for node in health.nodes if node.name == "ghost")
        assert not missing.ready
        assert missing.reason
        assert not health.workloads_ready or len(health.nodes) == len(machines) + 1

    async def test_an_unknown_node_counts_as_released(self, driver: Driver, access: Access, ghost: Machine) -> None:
        await driver.release(ghost, access)
        await driver.release(ghost, access)

    def test_the_client_configuration_names_cluster_and_address(self, driver: Driver, access: Access) -> None:
        text = driver.client_config("suite", access).decode()
        assert "suite" in text
        assert access.api_address in text


class LiveRenewalSuite:
    """Of a driver that is a StatefulDriver and has InnerSecrets, the same fixtures."""

    async def test_what_is_set_aside_comes_back(
        self, driver: Driver, access: Access, machines: Sequence[Machine]
    ) -> None:
        assert isinstance(driver, StatefulDriver)
        await driver.set_aside(replace(machines[0], name="ghost", id="ghost"), access)
        for _ in range(2):
            await driver.set_aside(machines[-1], access)
        await _until_whole(driver, machines, access)
        assert all(node.ready for node in (await driver.health(access, machines)).nodes)

    async def test_secrets_inside_are_renewed_once_for_each_order(
        self, driver: Driver, access: Access, machines: Sequence[Machine]
    ) -> None:
        assert isinstance(driver, InnerSecrets)
        for kind in (OperationKind.ROTATE_CREDENTIALS, OperationKind.ROTATE_CA):
            order = f"suite-{uuid4()}"
            async with asyncio.timeout(_LIVE_S):
                while await driver.renew_inside(kind, order, access):  # noqa: ASYNC110 - the cluster tells nobody
                    await asyncio.sleep(_LOOK_S)
            assert await driver.renew_inside(kind, order, access) == ""
        assert all(node.ready for node in (await driver.health(access, machines)).nodes)


async def _until_whole(driver: StatefulDriver, machines: Sequence[Machine], access: Access) -> None:
    async with asyncio.timeout(_LIVE_S):
        while await driver.take_back(machines, access):  # noqa: ASYNC110 - the cluster tells nobody
            await asyncio.sleep(_LOOK_S)
