"""Faults of a real OpenStack: what a tenant reads of each in the timeline, and that the deletion leaves nothing, or says what holds it.

Servers of this bed boot nothing; nodes.py reports for them. A proxy stands before the services, as in tests/faults before Docker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.faults.conftest import Sight

from jeroboam.domain import Cluster, Operation, Secret, Step
from jeroboam.providers.openstack import OpenStackProvider, OpenStackSettings
from jeroboam.providers.openstack.session import KeystoneRest
from jeroboam.reconcile.scope import Limits
from jeroboam.testing import builders
from jeroboam.testing.stage import Stage

from .cloud_proxy import CloudProxy, Instead
from .clusters import holdings
from .nodes import Nodes
from .testbed import IMAGE, Bed, suite_image

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(1800)]
USER = "jeroboam-faulty"
LIMITS = Limits(boot=timedelta(minutes=15), coe=timedelta(minutes=5))
_WITHIN_S = 900.0  # an operation, on a machine where others want the processors
_TIMEOUT_S = 20.0
_STACKS = Instead("heat", "POST", "/stacks$")


@dataclass
class Scene:
    """A cluster whose creation is asked for."""

    bed: Bed
    proxy: CloudProxy
    stage: Stage
    cluster: Cluster
    create: Operation
    before: dict[str, set[str]]

    def run(self, operation: Operation) -> asyncio.Task[Operation]:
        return asyncio.create_task(self.stage.run(operation, within_s=_WITHIN_S))

    async def seen(self, sight: Sight, of: Operation, running: asyncio.Task[Operation] | None = None) -> Step:
        """The row of the timeline that tells of the fault."""
        while True:
            over = running is None or running.done()
            rows = await self.stage.store.list_steps(of.uuid)
            found = [row for row in rows if row.ok is False and sight.fault.fits(row.message)]
            if found:
                sight.step(found[0])
                return found[0]
            assert not over, [(row.name, row.target, row.message) for row in rows]
            await asyncio.sleep(0.1)

    async def passed(self, name: str, running: asyncio.Task[Operation]) -> None:
        """Until a row of this name is closed as done."""
        while not [row for row in await self.stage.store.list_steps(self.create.uuid) if row.name == name and row.ok]:
            assert not running.done()
            await asyncio.sleep(0.1)

    async def goes(self) -> Operation:
        """The deletion leaves nothing."""
        delete = await self.stage.ask_delete(self.cluster)
        done = await self.stage.run(delete, within_s=_WITHIN_S)
        assert done.state == "succeeded", done.error
        self.leaves_nothing()
        return delete

    def leaves_nothing(self) -> None:
        assert holdings(self.bed) == self.before


Maker = Callable[..., Awaitable[Scene]]


@pytest.fixture(scope="module")
def account(openstack_bed: Bed) -> Iterator[str]:
    """A user of the service's own, who is a member of the tenant's project."""
    if openstack_bed.profile() != "heat-fake":
        pytest.skip("another profile of the bed is up, whose servers boot: `make openstack-bed-down` ends it")
    admin = openstack_bed.connect(openstack_bed.admin)
    suite_image(admin)
    for left in admin.identity.users(name=USER):
        admin.identity.delete_user(left)
    admin.create_user(USER, password=openstack_bed.password, domain_id="default")
    admin.grant_role("member", user=USER, project="demo", wait=True)
    yield USER
    admin.delete_user(USER, domain_id="default")


@pytest.fixture
async def scene(openstack_bed: Bed, account: str, stage: Stage) -> AsyncIterator[Maker]:
    """Makes the scene, with so many workers and what the proxy answers. What it was broken by must be right again at the end."""
    proxy = CloudProxy(openstack_bed.api)
    proxy.start()
    secret = Secret(openstack_bed.password.encode())
    settings = OpenStackSettings(
        proxy.auth_url, account, secret, region_name=openstack_bed.region, timeout_s=_TIMEOUT_S
    )
    provider = OpenStackProvider(KeystoneRest(settings), settings)
    await provider.start()
    made: list[Cluster] = []

    async def make(*rules: Instead, workers: int = 1, flavor: str = "m1.tiny") -> Scene:
        shape = replace(builders.template().shape, image_id=IMAGE, external_network_id="public")
        project = str(openstack_bed.connect(openstack_bed.demo).current_project_id)
        cluster = builders.cluster(name="faulty", project_id=project, shape=shape)
        heads, others = builders.groups(cluster, workers=workers)
        groups = [replace(heads, flavor_id="m1.tiny"), replace(others, flavor_id=flavor)]
        create = builders.operation(cluster)
        before = holdings(openstack_bed)
        await builders.keep(stage.store, cluster, create, groups_of=groups)
        made.append(cluster)
        proxy.rules[:] = rules
        placed = replace(stage, provider=provider, limits=LIMITS)
        return Scene(openstack_bed, proxy, placed, cluster, create, before)

    async with Nodes(openstack_bed):
        yield make
    proxy.rules.clear()
    for cluster in made:
        await provider.delete_all(cluster.uuid)
    await provider.stop()
    proxy.stop()


async def _waits(made: Scene, sight: Sight, mended: Callable[[], None]) -> None:
    """The create tells of the fault, goes on when it is mended, and leaves nothing when it is deleted."""
    sight.begins()
    running = made.run(made.create)
    row = await made.seen(sight, made.create, running)
    assert row.name
    mended()
    done = await running
    assert done.state == "succeeded", done.error
    await made.goes()


@pytest.mark.fault("openstack-answers-500")
async def test_heat_answers_with_an_error(scene: Maker, sight: Sight) -> None:
    made = await scene(replace(_STACKS, status=500, message="the database is away"))
    await _waits(made, sight, made.proxy.rules.clear)


@pytest.mark.fault("openstack-slow")
async def test_heat_does_not_answer_in_time(scene: Maker, sight: Sight) -> None:
    made = await scene(replace(_STACKS, after_s=3 * _TIMEOUT_S))
    await _waits(made, sight, made.proxy.rules.clear)


@pytest.mark.fault("openstack-stack-stuck")
async def test_a_stack_stays_in_progress(scene: Maker, sight: Sight) -> None:
    made = await scene()
    with made.bed.frozen("nova-compute") as thaw:
        await _waits(made, sight, thaw)


@pytest.mark.fault("openstack-no-host")
async def test_no_host_takes_a_server(scene: Maker, sight: Sight) -> None:
    made = await scene(workers=2, flavor="jeroboam-huge")
    admin = made.bed.connect(made.bed.admin)
    huge = admin.create_flavor("jeroboam-huge", ram=1024, vcpus=4096, disk=1)
    try:
        await _fails(made, sight)
    finally:
        admin.delete_flavor(huge.id)


@pytest.mark.fault("openstack-quota-half-way")
async def test_a_quota_is_used_up_half_way(scene: Maker, sight: Sight) -> None:
    made = await scene(workers=3)
    used = len(made.before["servers"])
    with _quota(made.bed, used + 2):
        await _fails(made, sight)


async def _fails(made: Scene, sight: Sight) -> None:
    """The create ends by the fault; status_reason and timeline say the same."""
    sight.begins()
    done = await made.stage.run(made.create, within_s=_WITHIN_S)
    assert done.state == "failed"
    row = await made.seen(sight, made.create)
    assert (done.error_class, sight.fault.fits(done.error or "")) == (row.error_class, True)
    await made.goes()


class _quota:
    """The tenant's project may have so many servers."""

    def __init__(self, bed: Bed, servers: int) -> None:
        self._compute: Any = bed.connect(bed.admin).compute
        self._path = f"/os-quota-sets/{bed.connect(bed.demo).current_project_id}"
        self._servers = servers

    def __enter__(self) -> None:
        self._set(self._servers)

    def __exit__(self, *_: object) -> None:
        self._set(-1)

    def _set(self, servers: int) -> None:
        self._compute.put(self._path, json={"quota_set": {"instances": servers}}).raise_for_status()


@pytest.mark.fault("openstack-keystone-gone")
async def test_keystone_is_gone_for_30_s(scene: Maker, sight: Sight) -> None:
    made = await scene()
    sight.begins()
    made.bed.stop_service("keystone")
    try:
        running = made.run(made.create)
        await made.seen(sight, made.create, running)
        await asyncio.sleep(30)
    finally:
        made.bed.start_services()
    assert (await running).state == "succeeded"
    await made.goes()


async def test_keystone_is_gone_for_30_s_while_machines_are_made(scene: Maker) -> None:
    """Heat and Nova know our token by then, and need Keystone themselves."""
    made = await scene(workers=2)
    running = made.run(made.create)
    await made.passed("network", running)
    made.bed.stop_service("keystone")
    try:
        await asyncio.sleep(30)
    finally:
        made.bed.start_services()
    done = await running
    assert done.state == "succeeded", done.error
    told = [row for row in await made.stage.store.list_steps(made.create.uuid) if row.ok is False]
    assert {str(row.error_class) for row in told} <= {"transient"}
    await made.goes()


@pytest.mark.fault("openstack-credentials-revoked")
async def test_the_services_user_loses_its_role(scene: Maker, sight: Sight) -> None:
    made = await scene()
    admin = made.bed.connect(made.bed.admin)
    running = made.run(made.create)
    await made.passed("network", running)
    sight.begins()
    admin.revoke_role("member", user=USER, project="demo", wait=True)
    try:
        assert (await running).state == "failed"
        await made.seen(sight, made.create)
    finally:
        admin.grant_role("member", user=USER, project="demo", wait=True)
    await made.goes()


@pytest.mark.fault("openstack-foreign-port")
async def test_a_foreign_port_holds_the_network(scene: Maker, sight: Sight) -> None:
    made = await scene()
    assert (await made.run(made.create)).state == "succeeded"
    demo = made.bed.connect(made.bed.demo)
    [network] = list(demo.network.networks(name=f"faulty-{made.cluster.uuid[:8]}"))
    port = demo.create_port(network.id, name="foreign")
    sight.begins()
    delete = await made.stage.ask_delete(made.cluster)
    running = made.run(delete)
    try:
        row = await made.seen(sight, delete, running)
        assert port.id in (row.hint or "")
    finally:
        demo.delete_port(port.id)
    assert (await running).state == "succeeded"
    made.leaves_nothing()


@pytest.mark.fault("openstack-delete-failed")
async def test_heat_cannot_delete_a_stack(scene: Maker, sight: Sight) -> None:
    """A network of the tenant's own is tied to the cluster's router."""
    made = await scene()
    assert (await made.run(made.create)).state == "succeeded"
    demo = made.bed.connect(made.bed.demo)
    network = demo.create_network("theirs")
    subnet = demo.create_subnet(network.id, cidr="10.99.0.0/24")
    [router] = list(demo.network.routers(name=f"faulty-{made.cluster.uuid[:8]}"))
    demo.network.add_interface_to_router(router, subnet_id=subnet.id)
    try:
        sight.begins()
        delete = await made.stage.ask_delete(made.cluster)
        running = made.run(delete)
        row = await made.seen(sight, delete, running)
        assert f"Router router (id {router.id}): removed" in (row.log or "")
        assert (await running).state == "succeeded"
    finally:
        demo.delete_network(network.id)
    made.leaves_nothing()
