"""Servers of Ironic: what Nova and Neutron cannot do for them, and what tells their images and flavors. Pure.

A physical server has its own disk and its own way into a switch: no volume is its root here, no address but its own passes its port, and
Neutron's groups are not between it and its neighbours. Source: Ironic admin guide, Create flavors for use with the Bare Metal service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...contracts import Image, MachineSpec, Problem
from ...domain import Role
from .labels import VOLUME_LABEL, VOLUME_TYPE_LABEL, volume_gib
from .nova import NovaFlavor

BARE = "bm"  # the server type
_MADE_FOR = "jeroboam_server_type"  # what a node image of ours says
_HYPERVISOR = "hypervisor_type"  # of an image; Nova's words
_CLASS, _VCPU = "resources:CUSTOM_", "resources:VCPU"


def problems(
    machines: Sequence[MachineSpec], images: Sequence[Image], flavors: Mapping[str, NovaFlavor], *, virtual: bool
) -> list[Problem]:
    """Why these cannot be servers of Ironic. `flavors` by the words of the machines; `virtual`: the cluster's endpoint is an address that
    control planes take over from each other."""
    found = [problem for image in images for problem in _of_image(image)]
    roles = {machine.flavor_id or "": machine.role for machine in machines}
    found += [
        Problem(
            f"Flavor {flavor.name} is none of bare metal: it asks for no resource class of Ironic ({_CLASS}...).",
            _field(roles.get(word)),
            "Choose one that does, or server type vm.",
        )
        for word, flavor in sorted(flavors.items())
        if flavor.extra_specs is not None and not _asks_for_class(flavor)
    ]
    found += _of_labels(machines)
    if virtual:
        said = "Several control planes of server type bm need a load balancer (Octavia): no other address passes their ports."
        found.append(Problem(said, "master_count", "Ask for one."))
    return found


def not_for_machines(machines: Sequence[MachineSpec], flavors: Mapping[str, NovaFlavor]) -> list[Problem]:
    """Flavors of bare metal where virtual machines are asked for: a physical server would be taken."""
    roles = {machine.flavor_id or "": machine.role for machine in machines}
    return [
        Problem(
            f"Flavor {flavor.name} is one of bare metal.",
            _field(roles.get(word)),
            "Choose another, or make a template of server type bm.",
        )
        for word, flavor in sorted(flavors.items())
        if _asks_for_class(flavor) and (flavor.extra_specs or {}).get(_VCPU) == "0"
    ]


def _of_image(image: Image) -> list[Problem]:
    made_for, hypervisor = image.properties.get(_MADE_FOR), image.properties.get(_HYPERVISOR)
    if made_for is not None and made_for != BARE:
        hint = "Build one with `jeroboam image build --server-type bm`."
        return [Problem(f"Image {image.name} is made for server type {made_for}, not bm.", "image_id", hint)]
    if hypervisor is not None and hypervisor not in ("baremetal", "ironic"):
        hint = f"Choose another image, or take its property {_HYPERVISOR} away."
        return [Problem(f"Image {image.name} is for hosts of {hypervisor}, not for bare metal.", "image_id", hint)]
    return []


def _of_labels(machines: Sequence[MachineSpec]) -> list[Problem]:
    asked = []
    if any(volume_gib(machine.labels, 0) for machine in machines):
        asked.append(VOLUME_LABEL)
    if any(machine.labels.get(VOLUME_TYPE_LABEL) for machine in machines):
        asked.append(VOLUME_TYPE_LABEL)
    return [
        Problem("Servers of type bm boot from their own disk, not from a volume.", f"labels.{label}", "Leave it out.")
        for label in asked
    ]


def _asks_for_class(flavor: NovaFlavor) -> bool:
    return any(key.startswith(_CLASS) and value != "0" for key, value in (flavor.extra_specs or {}).items())


def _field(role: Role | None) -> str:
    return "master_flavor_id" if role is Role.CONTROL_PLANE else "flavor_id"
