"""The docker provider itself: look by label, then act. Keeps no state but what Docker keeps."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace

from ... import bootstrap
from ...bootstrap.console import clean
from ...contracts import (
    Address,
    Endpoint,
    File,
    Flavor,
    FoundResource,
    Machine,
    MachineSpec,
    Network,
    NetworkSpec,
    NodeConfig,
    Problem,
)
from ...domain import Cluster, Role, cluster_slug
from ...domain.errors import NotFound, ProviderRefused, ProviderUnavailable
from . import network as net
from .balancer import CONFIG_PATH, balancer_container, balancer_file, control_plane_address
from .catalogue import DockerCatalogue
from .daemon import Daemon, Found, Missing, PortTaken, Taken, cluster_labels
from .kernel import kernel_features
from .labels import ADDRESS, CLUSTER, GROUP, PORT, seen_machine
from .limits import raise_limits
from .machine import container_config
from .ports import Ports, port_taken
from .probe import extra_capabilities
from .settings import DockerSettings

_AT_ONCE = 8


class DockerProvider:
    """Implements contracts.Provider, KernelProbe, MachineRebuilder and MachineCensus.

    `server_types` has "vm" since that is what clients say when nobody chose.
    """

    name = "docker"
    server_types = frozenset({"container", "vm"})

    def __init__(self, settings: DockerSettings, daemon: Daemon | None = None) -> None:
        """`daemon`: another than the one that the settings name."""
        self.settings = settings
        self.daemon = daemon or Daemon(settings.url, settings.call_timeout_s)
        self.catalogue = DockerCatalogue(self.daemon, settings.flavors, settings.keypairs)
        self._ports = Ports(self.daemon, settings)
        self._host_cpus = 1
        self._extra: tuple[str, ...] | None = None
        self._kernel: dict[str, bool] = {}
        self._addresses: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._networks = asyncio.Lock()
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def start(self) -> None:
        info = await self.daemon.start()
        self._host_cpus = int(info.get("NCPU") or 1)
        if self.settings.raise_limits and self.settings.url.startswith("unix:"):
            raise_limits()

    async def stop(self) -> None:
        await self.daemon.stop()

    async def preflight(self, cluster: Cluster, machines: Sequence[MachineSpec]) -> list[Problem]:
        problems = [
            Problem(f"Image {image} could not be found.", "image_id", "Build it with `jeroboam image build`.")
            for image in sorted({m.image_id for m in machines})
            if not await self.catalogue.find_images(cluster.project_id, image)
        ]
        for flavor in sorted({m.flavor_id for m in machines if m.flavor_id}):
            if not await self.catalogue.find_flavors(cluster.project_id, flavor):
                known = ", ".join(f.name for f in self.settings.flavors)
                problems.append(Problem(f"Unable to find flavor {flavor}.", "flavor_id", f"Known are: {known}."))
        room = net.LAST_HOST - net.FIRST_HOST + 2
        if len(machines) > room:
            problems.append(Problem(f"{len(machines)} nodes do not fit a network of {room}.", "node_count"))
        return problems

    async def lacking(self, features: Collection[str], image_id: str) -> frozenset[str]:
        """All nodes run on the daemon's kernel; it is tried once."""
        if not self._kernel:
            self._kernel = await kernel_features(self.daemon, image_id)
        return frozenset(feature for feature in features if not self._kernel.get(feature, True))

    async def ensure_network(self, cluster: Cluster, spec: NetworkSpec) -> Network:
        async with self._networks:  # two clusters made side by side take two ports
            return await self._ensure_network(cluster, spec)

    async def _ensure_network(self, cluster: Cluster, spec: NetworkSpec) -> Network:
        present = await self.daemon.networks(cluster_labels(cluster.uuid))
        if present:
            return _network(present[0])
        seed = cluster.uuid
        port = await self._ports.choose(seed, spec.preferred_outside_port)
        labels = {CLUSTER: cluster.uuid, PORT: str(port)}
        name = f"jeroboam-{cluster_slug(cluster.name, cluster.uuid)}"
        taken = net.taken_subnets(await self.daemon.networks()) + net.host_routes()
        for subnet in net.free_subnets(self.settings.pool, taken, seed):
            try:
                ident = await self.daemon.create_network(net.network_config(name, subnet, labels))
            except Taken as error:
                if "already exists" in str(error):
                    raise ProviderUnavailable(f"Network {name} is being made by somebody else.", after_s=1) from error
                if "overlap" not in str(error):
                    raise ProviderUnavailable(f"Docker refuses network {name}: {error}", after_s=2) from error
                continue  # with one that another process made meanwhile, or that Docker does not show to us: the next
            return Network(ident, name, str(subnet))
        raise ProviderRefused(
            f"No /24 network of {self.settings.pool} is free.",
            hint="Delete clusters that are not needed, or set [docker] pool to another range.",
        )

    async def ensure_endpoint(self, cluster: Cluster, network: Network, spec: NetworkSpec) -> Endpoint:
        present = await self.daemon.networks(cluster_labels(cluster.uuid))
        if not present:
            raise ProviderUnavailable(f"Network {network.name} is gone.", after_s=1)
        inside = ipaddress.IPv4Network(network.cidr)[net.ENDPOINT_HOST]
        endpoint = Endpoint(
            Address(str(inside), spec.endpoint_port),
            await self._ports.published(cluster, present[0]),
            balanced=spec.control_planes > 1,
            settled=cluster.coe_version is not None,  # its API has answered
        )
        if not endpoint.balanced:
            return endpoint
        await self._ensure_balancer(cluster, network, endpoint, spec)
        return replace(endpoint, outside=await self._ports.published(cluster, present[0]))

    async def _ensure_balancer(self, cluster: Cluster, network: Network, endpoint: Endpoint, spec: NetworkSpec) -> None:
        name = f"{cluster_slug(cluster.name, cluster.uuid)}-endpoint"
        if await self._take_up(name, cluster.uuid) or endpoint.outside is None:
            return
        image = await self._image(cluster.project_id, cluster.shape.image_id)
        subnet = ipaddress.IPv4Network(network.cidr)
        files = bootstrap.render_tar(NodeConfig(name, (File(CONFIG_PATH, balancer_file(spec, subnet)),)))

        async def make(outside: Address) -> None:
            wanted = balancer_container(cluster.uuid, name, image, network.id, subnet, outside, spec)
            try:
                await self.daemon.create(name, wanted)
            except (Missing, Taken) as error:
                raise ProviderUnavailable(f"{name}: {error}", after_s=1) from error
            await self._boot(name, files)

        await self._ports.publish(name, cluster.uuid, endpoint.outside, make, settled=endpoint.settled)

    async def ensure_machine(
        self, spec: MachineSpec, network: Network, endpoint: Endpoint, config: NodeConfig
    ) -> Machine:
        if not await self._take_up(spec.name, spec.cluster_uuid):
            async with self._gate:
                await self._make(spec, network, endpoint, config)
        machines = await self.list_machines(spec.cluster_uuid)
        found = next((machine for machine in machines if machine.name == spec.name), None)
        if found is None:
            raise ProviderUnavailable(f"{spec.name} vanished right after it was made.", after_s=1)
        return found

    async def list_machines(self, cluster_uuid: str) -> Sequence[Machine]:
        found = await self.daemon.containers({**cluster_labels(cluster_uuid), GROUP: None})
        return sorted(map(self._seen, found), key=lambda machine: machine.name)

    async def list_machines_of(self, cluster_uuids: Collection[str]) -> Mapping[str, Sequence[Machine]]:
        """One list of containers, whoever's; the daemon takes no filter by several values of a label."""
        found: dict[str, list[Machine]] = {uuid: [] for uuid in cluster_uuids}
        for machine in map(self._seen, await self.daemon.containers({CLUSTER: None, GROUP: None})):
            if machine.cluster_uuid in found:
                found[machine.cluster_uuid].append(machine)
        return {uuid: sorted(mine, key=lambda machine: machine.name) for uuid, mine in found.items()}

    async def delete_machine(self, cluster_uuid: str, name: str) -> None:
        mine = {machine.name for machine in await self.list_machines(cluster_uuid)}
        if name in mine:
            async with self.daemon.ending(cluster_uuid):
                await _absent(lambda: self.daemon.remove(name))
        if name in {volume["Name"] for volume in await self.daemon.volumes(cluster_labels(cluster_uuid))}:
            await _absent(lambda: self.daemon.remove_volume(name))

    async def unmake_machine(self, cluster_uuid: str, name: str) -> None:
        """The container goes, its volume stays, and remembers the address."""
        if name in {machine.name for machine in await self.list_machines(cluster_uuid)}:
            async with self.daemon.ending(cluster_uuid):
                await _absent(lambda: self.daemon.halt(name))
                await _absent(lambda: self.daemon.remove(name))

    async def console_log(self, cluster_uuid: str, name: str, *, lines: int = 200) -> str:
        try:
            return clean(await self.daemon.log(name, lines))
        except (Missing, Taken):  # gone, or on its way out
            return ""

    async def delete_all(self, cluster_uuid: str) -> Sequence[FoundResource]:
        found = await self.list_resources(cluster_uuid)
        for kind in ("container", "volume", "network"):
            # Waited for whole: what still runs when this call was told to have failed meets the next one.
            ends = await asyncio.gather(
                *(self._remove(one) for one in found if one.kind == kind), return_exceptions=True
            )
            for error in ends:
                if isinstance(error, BaseException):
                    raise error
        left = await self.list_resources(cluster_uuid)
        if left:
            names = ", ".join(f"{one.kind} {one.name}" for one in left[:5])
            raise ProviderUnavailable(f"{len(left)} resources are still there: {names}.", after_s=1)
        return found

    async def list_resources(self, cluster_uuid: str | None = None) -> Sequence[FoundResource]:
        labels = cluster_labels(cluster_uuid)
        containers, volumes, networks = await asyncio.gather(
            self.daemon.containers(labels), self.daemon.volumes(labels), self.daemon.networks(labels)
        )
        found = [("container", c["Id"], c["Names"][0].lstrip("/"), c) for c in containers]
        found += [("volume", v["Name"], v["Name"], v) for v in volumes]
        found += [("network", n["Id"], n["Name"], n) for n in networks]
        return [FoundResource(kind, ident, name, raw["Labels"][CLUSTER]) for kind, ident, name, raw in found]

    async def _take_up(self, name: str, cluster_uuid: str) -> bool:
        """True when the container is there and was started before; what was made but never started is removed."""
        try:
            seen = await self.daemon.inspect(name)
        except Missing:
            return False
        if (seen["Config"]["Labels"] or {}).get(CLUSTER) != cluster_uuid:
            raise ProviderRefused(
                f"A container {name} exists that is not ours.", hint="Rename or remove it; then retry."
            )
        state = seen["State"]
        if state["Running"] and not state["Restarting"]:
            return True
        if state["Status"] in ("removing", "dead"):
            raise ProviderUnavailable(f"{name} is being removed.", after_s=1)
        if state["StartedAt"].startswith("0001-"):  # its files may not be in place
            await _absent(lambda: self.daemon.remove(name))
            return False
        try:
            await self._start(name)
        except PortTaken as error:  # it was in use at that address; what it holds inside goes with no other container
            raise port_taken(name, error) from error
        return True

    async def _make(self, spec: MachineSpec, network: Network, endpoint: Endpoint, config: NodeConfig) -> None:
        image = await self._image(spec.project_id, spec.image_id)
        if self._extra is None:
            self._extra = await extra_capabilities(self.daemon, image)
        files = bootstrap.render_tar(config)

        async def make(publish: Address | None) -> None:
            await self._create(spec, image, network, endpoint, publish)
            await self._boot(spec.name, files)

        if spec.first and not endpoint.balanced and endpoint.outside:
            await self._ports.publish(spec.name, spec.cluster_uuid, endpoint.outside, make, settled=endpoint.settled)
        else:
            await make(None)  # publishes nothing: PortTaken is not raised

    async def _create(
        self, spec: MachineSpec, image: str, network: Network, endpoint: Endpoint, publish: Address | None
    ) -> None:
        async with self._addresses[spec.cluster_uuid]:  # two machines made side by side take two addresses
            address = await self._address(spec, network, endpoint)
            wanted = container_config(
                spec,
                image=image,
                network=network.id,
                address=address,
                publish=publish,
                port=NetworkSpec(endpoint.inside.port),
                flavor=await self._flavor(spec),
                host_cpus=self._host_cpus,
                extra_capabilities=self._extra or (),
            )
            try:
                await self.daemon.create_volume(spec.name, {CLUSTER: spec.cluster_uuid, ADDRESS: address})
                await self.daemon.create(spec.name, wanted)
            except (Missing, Taken) as error:  # its network is gone, or its name or address were taken meanwhile
                raise ProviderUnavailable(f"{spec.name}: {error}", after_s=1) from error

    async def _boot(self, name: str, files: bytes) -> None:
        try:
            await self.daemon.unpack(name, files)
        except (Missing, Taken) as error:  # removed under our hands: the next look begins again
            raise ProviderUnavailable(f"{name}: {error}", after_s=1) from error
        await self._start(name)

    async def _start(self, name: str) -> None:
        """Raises PortTaken where another has the port that it publishes."""
        try:
            await self.daemon.run(name)
        except PortTaken:
            raise
        except Missing as error:  # removed under our hands: the next look begins again
            raise ProviderUnavailable(f"{name}: {error}", after_s=1) from error
        except Taken as error:  # the address, by a container that is no machine of ours
            raise ProviderUnavailable(f"{name} cannot start: {error}", after_s=2) from error

    async def _address(self, spec: MachineSpec, network: Network, endpoint: Endpoint) -> str:
        subnet = ipaddress.IPv4Network(network.cidr)
        if endpoint.balanced and spec.role is Role.CONTROL_PLANE:
            return control_plane_address(subnet, spec.index)
        if spec.first:
            return endpoint.inside.host
        present = await self.daemon.containers({**cluster_labels(spec.cluster_uuid), GROUP: None})
        taken = {c["Labels"][ADDRESS] for c in present}
        volumes = await self.daemon.volumes({**cluster_labels(spec.cluster_uuid), ADDRESS: None})
        kept = {volume["Name"]: volume["Labels"][ADDRESS] for volume in volumes}  # also of machines to be made anew
        if kept.get(spec.name, "") not in ("", *taken):
            return str(kept[spec.name])
        return net.free_address(subnet, taken | set(kept.values()))

    async def _image(self, project_id: str, ident: str) -> str:
        found = await self.catalogue.find_images(project_id, ident)
        if not found:
            raise NotFound("Image", ident, hint="Build it with `jeroboam image build`, then retry.")
        return found[0].id

    async def _flavor(self, spec: MachineSpec) -> Flavor | None:
        if spec.flavor_id is None:
            return None
        found = await self.catalogue.find_flavors(spec.project_id, spec.flavor_id)
        if not found:
            raise NotFound("Flavor", spec.flavor_id, message=f"Unable to find flavor {spec.flavor_id}.")
        return found[0]

    def _seen(self, summary: Found) -> Machine:
        return seen_machine(summary, self.settings.publish)

    async def _remove(self, one: FoundResource) -> None:
        if one.kind == "container":
            async with self.daemon.ending(one.cluster_uuid), self._gate:
                await _absent(lambda: self.daemon.remove(one.id))
            return
        remove = self.daemon.remove_volume if one.kind == "volume" else self.daemon.remove_network
        async with self._gate:
            await _absent(lambda: remove(one.id))


async def _absent(remove: Callable[[], Awaitable[None]]) -> None:
    """Absent is what is wanted; what is still in use, or already on its way out, is looked at again by the caller."""
    try:
        await remove()
    except (Missing, Taken):
        return


def _network(found: Found) -> Network:
    return Network(found["Id"], found["Name"], found["IPAM"]["Config"][0]["Subnet"])
