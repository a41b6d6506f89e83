"""All reasons why machines cannot be made in a project, before anything is. Changes nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from ...contracts import Flavor, MachineSpec, Problem
from ...domain import Cluster, Role, cluster_slug
from ...domain.errors import UserError
from .catalogue import OpenStackCatalogue
from .heat import Heat
from .network_template import EndpointKind
from .neutron import Neutron
from .nova import Nova
from .places import CIDR_LABEL, VOLUME_LABEL, Planner
from .rest import CINDER, Rest
from .tags import network_stack

_NOVA = (  # what is counted, the quota, what is used of it. Source: Nova API reference, GET /limits
    ("instances", "maxTotalInstances", "totalInstancesUsed"),
    ("cores", "maxTotalCores", "totalCoresUsed"),
    ("MiB of memory", "maxTotalRAMSize", "totalRAMUsed"),
)
_NO_HOLDER = "Several control planes need a load balancer (Octavia), which this cloud does not have."


class Preflight:
    """Looks images, flavors and quotas up."""

    def __init__(self, rest: Rest, catalogue: OpenStackCatalogue, planner: Planner) -> None:
        self._rest = rest
        self._catalogue = catalogue
        self._planner = planner
        self._heat = Heat(rest)
        self._nova = Nova(rest)
        self._neutron = Neutron(rest)

    async def problems(self, cluster: Cluster, machines: Sequence[MachineSpec]) -> list[Problem]:
        """Empty when there are none."""
        project = cluster.project_id
        flavors = {word: await self._flavors(project, word) for word in sorted({m.flavor_id or "" for m in machines})}
        found = [
            Problem(f"Image {word} could not be found.", "image_id", "`openstack image list` shows what there is.")
            for word in sorted({m.image_id for m in machines})
            if not await self._catalogue.find_images(project, word)
        ]
        found += await self._given(cluster)
        found += [_no_flavor(word) for word, some in flavors.items() if not some]
        found += await self._labels(cluster, machines)
        heads = sum(machine.role is Role.CONTROL_PLANE for machine in machines)
        if await self._planner.endpoint_kind(project, heads) is EndpointKind.VIRTUAL:
            found.append(Problem(_NO_HOLDER, "master_count", "Ask for one."))
        found += await self._servers(
            project, [flavors[m.flavor_id or ""][0] for m in machines if flavors[m.flavor_id or ""]]
        )
        return found + await self._ports(project, len(machines))

    async def _given(self, cluster: Cluster) -> list[Problem]:
        """Of the networks that the tenant names. Once the cluster's own stack is there, its subnet is settled, whatever was added since."""
        try:
            await self._planner.given(cluster)
        except UserError as error:
            name = network_stack(cluster_slug(cluster.name, cluster.uuid))
            if await self._heat.stack(cluster.project_id, name) is not None:
                return []
            named = "fixed_subnet" if cluster.shape.fixed_subnet else "fixed_network"
            return [Problem(error.message, named, error.hint)]
        return []

    async def _labels(self, cluster: Cluster, machines: Sequence[MachineSpec]) -> list[Problem]:
        given = cluster.shape.fixed_subnet or cluster.shape.fixed_network
        found = [] if given else _no_room(self._planner.cidr(cluster), len(machines))
        volumes = any(int(machine.labels.get(VOLUME_LABEL) or 0) for machine in machines)
        if volumes and not await self._rest.serves(cluster.project_id, CINDER):
            found.append(
                Problem("This cloud has no volumes (Cinder).", f"labels.{VOLUME_LABEL}", "Leave the label out.")
            )
        return found

    async def _flavors(self, project: str, word: str) -> Sequence[Flavor]:
        return await self._catalogue.find_flavors(project, word) if word else []

    async def _servers(self, project: str, flavors: Sequence[Flavor]) -> list[Problem]:
        """The quotas count all of these as new: of a cluster that grows, only what it grows by is asked about."""
        limits = await self._nova.limits(project)
        needs = (len(flavors), sum(int(f.vcpus) for f in flavors), sum(f.ram_mib for f in flavors))
        rows = zip(_NOVA, needs, strict=True)
        checked = (_over(what, need, limits.get(most, -1), limits.get(used, 0)) for (what, most, used), need in rows)
        return [problem for problem in checked if problem]

    async def _ports(self, project: str, machines: int) -> list[Problem]:
        quotas = await self._neutron.quotas(project)
        needs = {"port": machines + 1}
        checked = (_of_neutron(kind, need, quotas.get(kind, {})) for kind, need in needs.items())
        return [problem for problem in checked if problem]


def _of_neutron(kind: str, need: int, quota: Mapping[str, int]) -> Problem | None:
    return _over(f"{kind}s", need, quota.get("limit", -1), quota.get("used", 0) + quota.get("reserved", 0))


def _over(what: str, need: int, most: int, used: int) -> Problem | None:
    if most < 0 or used + need <= most:
        return None
    return Problem(
        f"The project's quota of {most} {what} is not enough: {used} are used and {need} more are needed.",
        "node_count",
        "Free some of it, or ask the operator of the cloud for more.",
    )


def _no_room(cidr: str, machines: int) -> list[Problem]:
    """Five addresses are not a node's: the network's own two, the router's, the DHCP server's, the endpoint's."""
    try:
        room = ipaddress.IPv4Network(cidr).num_addresses - 5
    except ValueError as error:
        return [Problem(f"{cidr} is no IPv4 network: {error}.", f"labels.{CIDR_LABEL}", "Write 10.0.0.0/20.")]
    if machines <= room:
        return []
    said = f"{machines} nodes do not fit the network {cidr}, which has room for {max(room, 0)}."
    return [Problem(said, f"labels.{CIDR_LABEL}", "Name a larger one in this label.")]


def _no_flavor(word: str) -> Problem:
    if not word:
        return Problem(
            "A flavor is needed for every machine.", "flavor_id", "`openstack flavor list` shows what there is."
        )
    return Problem(f"Unable to find flavor {word}.", "flavor_id", "`openstack flavor list` shows what there is.")
