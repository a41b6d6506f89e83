"""All reasons why machines cannot be made in a project, before anything is. Changes nothing."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping, Sequence

from ...contracts import MachineSpec, Problem
from ...domain import Cluster, Role, cluster_slug
from ...domain.errors import UserError
from . import bare_metal, quotas
from .catalogue import OpenStackCatalogue
from .heat import Heat
from .labels import CIDR_LABEL
from .landing import Landing
from .network_template import EndpointKind
from .neutron import Neutron
from .nova import Nova, NovaFlavor
from .places import Planner
from .rest import Rest
from .tags import machine_stack, network_stack


class Preflight:
    """Looks images, flavors and quotas up."""

    def __init__(self, rest: Rest, catalogue: OpenStackCatalogue, planner: Planner) -> None:
        self._catalogue = catalogue
        self._planner = planner
        self._heat = Heat(rest)
        self._nova = Nova(rest)
        self._neutron = Neutron(rest)
        self._landing = Landing(rest)

    async def problems(
        self, cluster: Cluster, machines: Sequence[MachineSpec], default_volume_gib: int = 0
    ) -> list[Problem]:
        """Empty when there are none. `default_volume_gib`: of a root volume that no label speaks of."""
        project = cluster.project_id
        flavors = {word: await self._flavors(project, word) for word in sorted({m.flavor_id or "" for m in machines})}
        words = sorted({machine.image_id for machine in machines})
        images = {word: await self._catalogue.find_images(project, word) for word in words}
        found = [
            Problem(f"Image {word} could not be found.", "image_id", "`openstack image list` shows what there is.")
            for word, some in images.items()
            if not some
        ]
        name = network_stack(cluster_slug(cluster.name, cluster.uuid))
        grows = await self._heat.stack(project, name) is not None
        found += [] if grows else await self._given(cluster)
        found += [_no_flavor(word) for word, some in flavors.items() if not some]
        if not (cluster.shape.fixed_subnet or cluster.shape.fixed_network):
            found += _no_room(self._planner.cidr(cluster), len(machines))
        heads = sum(machine.role is Role.CONTROL_PLANE for machine in machines)
        kind = await self._planner.endpoint_kind(project, heads)
        chosen = {word: some[0] for word, some in flavors.items() if some}
        if cluster.shape.server_type == bare_metal.BARE:
            used = [some[0] for some in images.values() if some]
            found += bare_metal.problems(machines, used, chosen, virtual=kind is EndpointKind.VIRTUAL)
        else:
            found += bare_metal.not_for_machines(machines, chosen)
            found += await self._landing.volume_problems(project, machines, default_volume_gib)
        found += await self._landing.problems(project, machines, chosen)
        found += await self._servers(project, machines, chosen)
        needs = _of_neutron(cluster, len(machines), None if grows else kind)
        return found + quotas.missing(await self._neutron.quotas(project), needs)

    async def _given(self, cluster: Cluster) -> list[Problem]:
        """Of the networks that the tenant names. Once the cluster's own stack is there, they are settled, whatever was added since."""
        try:
            await self._planner.given(cluster)
        except UserError as error:
            named = "fixed_subnet" if cluster.shape.fixed_subnet else "fixed_network"
            return [Problem(error.message, named, error.hint)]
        return []

    async def _flavors(self, project: str, word: str) -> Sequence[NovaFlavor]:
        return await self._catalogue.find_flavors(project, word) if word else []

    async def _servers(
        self, project: str, machines: Sequence[MachineSpec], flavors: Mapping[str, NovaFlavor]
    ) -> list[Problem]:
        """The quotas count all of these as new: of a cluster that grows, only what it grows by is asked about."""
        sizes = [flavors[word] for machine in machines if (word := machine.flavor_id or "") in flavors]
        apart = Counter(machine_stack(m.name) for m in machines if m.role is Role.CONTROL_PLANE)
        return quotas.of_servers(await self._nova.limits(project), sizes, list(apart.values()))


def _of_neutron(cluster: Cluster, machines: int, endpoint: EndpointKind | None) -> list[quotas.Need]:
    """Of a cluster whose network is to be made, and has such an endpoint; None: of one that grows."""
    if endpoint is None:
        return [quotas.of_ports(machines, endpoint=False, subnet=False, router=False)]
    shape = cluster.shape
    subnet = not (shape.fixed_network or shape.fixed_subnet)
    router = subnet and bool(shape.external_network_id)
    floating = bool(shape.external_network_id) and shape.floating_ip_enabled
    bare = shape.server_type == bare_metal.BARE
    shared = endpoint is not EndpointKind.SINGLE
    return [
        *quotas.of_network(network=subnet, subnet=subnet, router=router, floating=floating, groups=not bare),
        quotas.of_ports(machines, endpoint=shared, subnet=subnet, router=router),
    ]


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
