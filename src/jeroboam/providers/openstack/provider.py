"""The openstack provider itself: look by tag, then change stacks. Keeps nothing but the projects of clusters that it has met.

Tenants can write tags and metadata in their own projects, so that these tell which of a project's things are a cluster's, and never
which project the cluster lies in.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from ...bootstrap.console import clean
from ...contracts import (
    Endpoint,
    FoundResource,
    Machine,
    MachineRequest,
    MachineSpec,
    MachineState,
    Network,
    NetworkSpec,
    NodeConfig,
    Problem,
    ProjectsOf,
)
from ...domain import Cluster, Role, cluster_slug
from ...domain.errors import HostUnsupported, JeroboamError, ProviderRefused, ProviderUnavailable, QuotaExceeded
from . import virtual_address
from .boot_keys import BootKeys
from .by_cluster import ByCluster
from .catalogue import OpenStackCatalogue
from .consoles import Consoles
from .credentials import Credentials, credential_name
from .growth import BYTES_A_REQUEST, Growth, Wish
from .heat import UNDEAD, Heat, Stack
from .labels import LABELS
from .network_template import EndpointKind, render_network
from .neutron import Neutron
from .nova import Nova, Server
from .places import Place, Planner, place_of
from .pod_routes import PodRoutes
from .preflight import Preflight
from .removal import Removal
from .rest import ProjectClosed, Rest, is_passing, is_quota
from .settings import OpenStackSettings
from .tags import machine_stack, network_stack
from .user_data import render_boot

_WAIT_S = 120.0  # for Heat in one call; whoever needs more calls again
_STACKS_AT_ONCE = 5
_NAME = re.compile(r"[a-z0-9-]+-\d{1,9}")


class OpenStackProvider:
    """Implements contracts.Provider, ClusterCredentials, MachineBatch, MachineCensus, NeedsKey, NeedsProjects, DeclaresLabels,
    BootsFromVolumes and PodRouter."""

    name = "openstack"
    server_types = frozenset({"vm", "bm", "container"})
    labels = LABELS

    def __init__(self, rest: Rest, settings: OpenStackSettings, request_bytes: int = BYTES_A_REQUEST) -> None:
        """`request_bytes`: the most user data that Heat is given at once."""
        self.settings = settings
        self.catalogue = OpenStackCatalogue(rest)
        self._credentials = Credentials(rest, settings.cluster_credentials)
        self._rest = ByCluster(rest, self._credentials)
        self._ca = settings.ca()
        self._heat = Heat(self._rest)
        self._nova = Nova(self._rest)
        self._growth = Growth(self._heat, request_bytes)
        self._planner = Planner(self._rest, settings)
        self._preflight = Preflight(self._rest, self.catalogue, self._planner)
        self._removal = Removal(self._rest)
        self._pods = PodRoutes(Neutron(self._rest))
        self._keys = BootKeys(self._nova)
        self._consoles = Consoles(self._heat, self._nova, self._keys)
        self._volume_gib = 0
        self._projects: dict[str, str] = {}
        self._projects_of: ProjectsOf = _nothing_kept
        self._hands: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._seen: dict[str, tuple[float, Sequence[Server]]] = {}
        self._gate = asyncio.Semaphore(_STACKS_AT_ONCE)

    def use_projects(self, projects_of: ProjectsOf) -> None:
        self._projects_of = projects_of

    def use_key(self, key: bytes) -> None:
        self._keys.use(key)
        self._credentials.use(key)

    @property
    def gives_credentials(self) -> bool:
        return self._credentials.wanted

    def credential_name(self, cluster_uuid: str, operation_uuid: str) -> str:
        return credential_name(cluster_uuid, operation_uuid)

    async def ensure_credential(self, cluster: Cluster, operation_uuid: str, *, renew: bool) -> str:
        self._projects[cluster.uuid] = cluster.project_id
        if renew:  # Heat works on with the token that it was asked with, which ends with its credential
            stacks = await self._heat.stacks(cluster.project_id, cluster.uuid)
            if busy := [one.name for one in stacks if one.busy]:
                raise ProviderUnavailable(
                    f"Heat is still at work with the former credential: stack {busy[0]}.", after_s=2.0
                )
        name = credential_name(cluster.uuid, operation_uuid)
        return await self._credentials.ensure(cluster, name, renew=renew)

    def use_boot_volume_size(self, gib: int) -> None:
        self._volume_gib = gib

    async def start(self) -> None:
        try:
            projects = await self._rest.projects()
            await self._credentials.check()
        except (ProviderUnavailable, ProviderRefused) as error:
            raise HostUnsupported(
                f"The cloud at {self.settings.auth_url} cannot be used: {error.message}", hint=error.hint
            ) from error
        if not projects:
            user = self.settings.username
            raise HostUnsupported(
                f"The user {user} has no role in any project.",
                hint=f"`openstack role add --user {user} --project PROJECT member`, or for all projects of a domain "
                f"`openstack role add --user {user} --domain DOMAIN --inherited member`.",
            )

    async def stop(self) -> None:
        await self._rest.close()

    async def preflight(self, cluster: Cluster, machines: Sequence[MachineSpec]) -> list[Problem]:
        self._projects[cluster.uuid] = cluster.project_id
        return await self._preflight.problems(cluster, machines, self._volume_gib)

    async def ensure_network(self, cluster: Cluster, spec: NetworkSpec) -> Network:
        with self._rest.acting(cluster.uuid):
            return (await self._place(cluster, spec)).network()

    async def ensure_endpoint(self, cluster: Cluster, network: Network, spec: NetworkSpec) -> Endpoint:
        with self._rest.acting(cluster.uuid):
            return (await self._place(cluster, spec)).endpoint()

    async def ensure_machine(
        self, spec: MachineSpec, network: Network, endpoint: Endpoint, config: NodeConfig
    ) -> Machine:
        made = (await self.ensure_machines([MachineRequest(spec, config)], network, endpoint))[spec.name]
        if isinstance(made, JeroboamError):
            raise made
        return made

    async def ensure_machines(
        self, requests: Sequence[MachineRequest], network: Network, endpoint: Endpoint
    ) -> Mapping[str, Machine | JeroboamError]:
        if not requests:
            return {}
        uuid, project = requests[0].spec.cluster_uuid, requests[0].spec.project_id
        self._projects[uuid] = project
        async with self._hand(uuid):
            there = {machine.name: machine for machine in await self._look(uuid, project)}
            broken = await self._start_stopped(project, [there[r.spec.name] for r in requests if r.spec.name in there])
            missing = [r for r in requests if not _runs(there.get(r.spec.name))]
            if missing:
                broken |= await self._make(project, uuid, network, missing)
            there = {machine.name: machine for machine in await self._look(uuid, project)}
        return {r.spec.name: _outcome(r.spec.name, there, broken) for r in requests}

    async def list_machines(self, cluster_uuid: str) -> Sequence[Machine]:
        return await self._servers(cluster_uuid)

    async def _servers(self, cluster_uuid: str) -> Sequence[Server]:
        when, seen = self._seen.get(cluster_uuid, (float("-inf"), ()))
        if time.monotonic() - when < 1.0:  # the boot of a cluster is looked at four times a second
            return seen
        project = await self._project(cluster_uuid)
        return await self._look(cluster_uuid, project) if project else []

    async def list_machines_of(self, cluster_uuids: Collection[str]) -> Mapping[str, Sequence[Machine] | JeroboamError]:
        """A call for each project, not for each cluster; one that is closed to us says nothing of the others."""
        places = await self._places(cluster_uuids)
        projects = sorted(set(places.values()))
        seen = dict(zip(projects, await asyncio.gather(*map(self._census, projects)), strict=True))
        return {uuid: _of(uuid, seen[places[uuid]]) if uuid in places else [] for uuid in cluster_uuids}

    async def _census(self, project: str) -> Sequence[Machine] | JeroboamError:
        try:
            return await self._nova.machines(project, None)
        except JeroboamError as error:
            return error

    async def delete_machine(self, cluster_uuid: str, name: str) -> None:
        project = await self._project(cluster_uuid)
        if not project or not _NAME.fullmatch(name):
            return
        until = time.monotonic() + _WAIT_S
        async with self._hand(cluster_uuid):
            for machine in await self._servers(cluster_uuid):
                if machine.name == name and machine.address:
                    await self._pods.forget(project, cluster_uuid, machine.address)
            stack = await self._growth.settled(project, machine_stack(name), until)
            if stack is not None and stack.cluster_uuid == cluster_uuid:
                await self._growth.shrink(stack, cluster_uuid, name, lambda: self._look(cluster_uuid, project))
                stack = await self._growth.settled(project, stack.name, until)
            left = [machine for machine in await self._look(cluster_uuid, project) if machine.name == name]
            for machine in left:
                await self._nova.delete(project, machine.id)
            if left:
                self._seen.pop(cluster_uuid, None)
                raise ProviderUnavailable(f"Server {name} is still being deleted.", after_s=1.0)
            if stack is not None and stack.status == UNDEAD:
                raise ProviderUnavailable(f"Stack {stack.name} cannot be deleted: {stack.reason}", after_s=5.0)

    async def route_pods(self, cluster: Cluster, network: Network, pods: str, ranges: Mapping[str, str]) -> str:
        project = cluster.project_id
        self._projects[cluster.uuid] = project
        async with self._hand(cluster.uuid):
            seen = await self._look(cluster.uuid, project)
            parts = {one: ranges.get(one.name) for one in seen}
            return await self._pods.ensure(project, cluster.uuid, network.id, pods, parts)

    async def console_log(self, cluster_uuid: str, name: str, *, lines: int = 200) -> str:
        named = [one for one in await self._servers(cluster_uuid) if one.name == name]
        named.sort(key=lambda server: server.state is MachineState.DELETING)
        project = await self._project(cluster_uuid)
        with self._rest.acting(cluster_uuid):
            return clean(await self._consoles.text(project, named, lines)) if named and project else ""

    async def delete_all(self, cluster_uuid: str) -> Sequence[FoundResource]:
        project = await self._project(cluster_uuid)
        try:
            homes = [project] if project else await self._strewn(cluster_uuid)
            ends = [await self._delete_in(home, cluster_uuid) for home in homes]
        except ProjectClosed:
            await self._credentials.revoke(cluster_uuid)  # which takes no way into the project
            raise
        return [*(one for some in ends for one in some), *await self._credentials.revoke(cluster_uuid)]

    async def _delete_in(self, project: str, cluster_uuid: str) -> Sequence[FoundResource]:
        """With the service's own login: a cluster whose credential opens nothing can be deleted."""
        async with self._hands[cluster_uuid]:
            found = await self._removal.found(project, cluster_uuid)
            if found:
                head = _network_stack_of(found)
                await self._removal.delete(project, cluster_uuid, head, time.monotonic() + _WAIT_S)
            self._seen.pop(cluster_uuid, None)
            self._consoles.forget(cluster_uuid)
            for one in found:
                self._heat.forget(project, one.name)
            left = await self._removal.found(project, cluster_uuid) if found else []
        if left:
            names = ", ".join(f"{one.kind} {one.name}" for one in left[:5])
            raise ProviderUnavailable(f"{len(left)} resources are still there: {names}.", after_s=1.0)
        return found

    async def list_resources(self, cluster_uuid: str | None = None) -> Sequence[FoundResource]:
        project = await self._project(cluster_uuid) if cluster_uuid else None
        homes = [project] if project else await self._rest.projects()
        found = await asyncio.gather(*(self._removal.found(home, cluster_uuid) for home in homes))
        return [*(one for some in found for one in some), *await self._credentials.found(cluster_uuid)]

    @asynccontextmanager
    async def _hand(self, cluster_uuid: str) -> AsyncIterator[None]:
        """One change of a cluster at a time in this process, by the cluster's own credential."""
        with self._rest.acting(cluster_uuid):
            async with self._hands[cluster_uuid]:
                yield

    async def _place(self, cluster: Cluster, spec: NetworkSpec) -> Place:
        """The finished network stack, made or found."""
        project, name = cluster.project_id, network_stack(cluster_slug(cluster.name, cluster.uuid))
        self._projects[cluster.uuid] = project
        until = time.monotonic() + _WAIT_S
        async with self._hand(cluster.uuid):
            stack = await self._growth.settled(project, name, until)
            if stack is None:
                template = render_network(await self._planner.network_plan(cluster, spec))
                await self._heat.create(project, name, cluster.uuid, template, {})
                stack = await self._growth.settled(project, name, until)
            elif stack.failed:  # the same once more: what failed then is made anew
                await self._heat.update(stack, cluster.uuid, await self._growth.template(stack, cluster.uuid), {})
                stack = await self._growth.settled(project, name, until)
        if stack is None:
            raise ProviderUnavailable(f"Stack {name} vanished while it was made.", after_s=1.0)
        if stack.failed:
            raise await self._network_failed(stack)
        await self._growth.template(stack, cluster.uuid)
        return place_of(stack)

    async def _network_failed(self, stack: Stack) -> JeroboamError:
        failures = await self._heat.failures(stack)
        reason = "; ".join(f"{one.resource}: {one.reason}" for one in failures[:5]) or stack.reason
        return _refused(f"The cluster's network could not be made: {reason}", reason)

    async def _make(
        self, project: str, cluster_uuid: str, network: Network, requests: Sequence[MachineRequest]
    ) -> Mapping[str, JeroboamError]:
        """Why machines could not be made, by name."""
        until = time.monotonic() + _WAIT_S
        head = await self._heat.stack(project, network_stack(network.name))
        if head is None or head.busy or head.failed:
            raise ProviderUnavailable(f"The stack of the network {network.name} is not there.", after_s=1.0)
        await self._growth.template(head, cluster_uuid)
        place, stacks = place_of(head), defaultdict(list)
        images = {word: await self._image(project, word) for word in {r.spec.image_id for r in requests}}
        flavors = {word: await self._flavor(project, word) for word in {r.spec.flavor_id for r in requests}}
        broken: dict[str, JeroboamError] = {}
        for request in requests:
            spec = request.spec
            try:
                image, flavor = _good(images[spec.image_id]), _good(flavors[spec.flavor_id])
                plan = place.server(spec, image, flavor, self._volume_gib, request.config.os)
                config = self._completed(place, spec, request.config)
                boot = render_boot(config, self._keys.sealer(cluster_uuid, spec.name), self._ca)
                stacks[machine_stack(spec.name)].append(Wish(plan, boot))
            except JeroboamError as error:
                broken[spec.name] = error
        grown = (self._grow(project, cluster_uuid, name, wishes, until) for name, wishes in sorted(stacks.items()))
        for some in await asyncio.gather(*grown):
            broken |= some
        return broken

    def _completed(self, place: Place, spec: MachineSpec, config: NodeConfig) -> NodeConfig:
        """With what this cloud needs of the node beside what the tool does."""
        if place.kind is not EndpointKind.VIRTUAL or spec.role is not Role.CONTROL_PLANE:
            return config
        key = self._keys.of_cluster(spec.cluster_uuid, "holder")
        return virtual_address.held(config, place.address, place.ports, spec.index, key)

    async def _grow(
        self, project: str, cluster_uuid: str, name: str, wishes: Sequence[Wish], until: float
    ) -> Mapping[str, JeroboamError]:
        names = [wish.plan.name for wish in wishes]
        async with self._gate:
            try:
                stack = await self._growth.grow(project, name, wishes, lambda: self._look(cluster_uuid, project), until)
                if stack is None or not stack.failed:
                    return {}
                failures = await self._heat.failures(stack)
            except JeroboamError as error:  # of this stack: the others go on
                return dict.fromkeys(names, error)
        reasons = {one.resource.split(".")[0] if one.resource not in names else one.resource: one for one in failures}
        return {one: _refused(f"{one}: {reasons[one].reason}", reasons[one].reason) for one in names if one in reasons}

    async def _start_stopped(self, project: str, machines: Sequence[Machine]) -> dict[str, JeroboamError]:
        """Why machines could not be started, by name."""
        broken: dict[str, JeroboamError] = {}
        for machine in machines:
            if machine.state is MachineState.STOPPED:
                try:
                    await self._nova.start(project, machine.id)
                except JeroboamError as error:  # of this one: the others go on
                    broken[machine.name] = error
        return broken

    async def _look(self, cluster_uuid: str, project: str) -> Sequence[Server]:
        """What Nova shows now."""
        with self._rest.acting(cluster_uuid):
            seen = await self._nova.machines(project, cluster_uuid)
        self._seen[cluster_uuid] = (time.monotonic(), seen)
        return seen

    async def _project(self, cluster_uuid: str) -> str | None:
        """The project of a cluster; None when no such cluster is kept."""
        return (await self._places([cluster_uuid])).get(cluster_uuid)

    async def _places(self, cluster_uuids: Collection[str]) -> Mapping[str, str]:
        unknown = sorted(set(cluster_uuids) - set(self._projects))
        if unknown:
            self._projects |= await self._projects_of(unknown)
        return {uuid: self._projects[uuid] for uuid in cluster_uuids if uuid in self._projects}

    async def _strewn(self, cluster_uuid: str) -> Sequence[str]:
        """Where there is something with the tag of a cluster that is not kept: an administrator has its orphans removed."""
        projects = await self._rest.projects()
        found = await asyncio.gather(*(self._removal.found(project, cluster_uuid) for project in projects))
        return [project for project, some in zip(projects, found, strict=True) if some]

    async def _image(self, project: str, word: str) -> str | JeroboamError:
        found = await self.catalogue.find_images(project, word)
        return found[0].id if found else ProviderRefused(f"Image {word} could not be found.", hint="Name another.")

    async def _flavor(self, project: str, word: str | None) -> str | JeroboamError:
        found = await self.catalogue.find_flavors(project, word) if word else []
        return found[0].id if found else ProviderRefused(f"Unable to find flavor {word}.", hint="Name another.")


async def _nothing_kept(cluster_uuids: Collection[str]) -> Mapping[str, str]:
    return {}


def _of(cluster_uuid: str, seen: Sequence[Machine] | JeroboamError) -> Sequence[Machine] | JeroboamError:
    return seen if isinstance(seen, JeroboamError) else [one for one in seen if one.cluster_uuid == cluster_uuid]


def _good(found: str | JeroboamError) -> str:
    if isinstance(found, JeroboamError):
        raise found
    return found


def _runs(machine: Machine | None) -> bool:
    return machine is not None and machine.state in (MachineState.RUNNING, MachineState.STOPPED)


def _outcome(name: str, there: Mapping[str, Machine], broken: Mapping[str, JeroboamError]) -> Machine | JeroboamError:
    machine = there.get(name)
    if machine is not None and machine.state is MachineState.RUNNING:
        return machine
    if name in broken:
        return broken[name]
    if machine is not None and machine.state is MachineState.FAILED:
        return _refused(f"{name}: {machine.detail}", machine.detail)
    return ProviderUnavailable(f"{name} is {machine.state if machine else 'not there yet'}.", after_s=1.0)


def _refused(message: str, reason: str) -> JeroboamError:
    """A failure of Heat in our tree: its reasons are texts of the services behind it."""
    if is_quota(reason):
        return QuotaExceeded(message, hint="Free some of it, or ask the operator of the cloud for more.")
    hint = ""
    if "No valid host" in reason:
        hint = "No host of the cloud has room for this flavor, or none fits its extra specs: choose another, or ask the operator."
    elif is_passing(reason):
        return ProviderUnavailable(message, after_s=10.0)
    return ProviderRefused(message, hint=hint)


def _network_stack_of(found: Sequence[FoundResource]) -> str | None:
    """The stack that is deleted last: the one whose name is no machine stack's."""
    names = [one.name for one in found if one.kind == "stack"]
    return next((name for name in names if "." not in name), None)
