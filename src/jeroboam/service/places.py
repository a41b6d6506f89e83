"""Whether a shape can be served here at all, as far as driver and provider can tell without a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from ..contracts import (
    Driver,
    Image,
    ImageCheck,
    KernelNeeds,
    KernelProbe,
    MemoryNeeds,
    PodRouter,
    Problem,
    RoutedPods,
    ShapeCheck,
)
from ..domain import ClusterShape, NodeGroup, Role
from .services import Services


async def kernel_problems(services: Services, driver: Driver, shape: ClusterShape, image: Image) -> list[Problem]:
    """What the shape needs of the nodes' kernel and the provider knows to be missing there."""
    needs = driver.kernel_needs(shape) if isinstance(driver, KernelNeeds) else ()
    if not needs or not isinstance(services.provider, KernelProbe):
        return []
    missing = await services.provider.lacking({need.feature for need in needs}, image.id)
    return [
        Problem(f"{need.use} wants {need.feature} of the nodes' kernel, which has none.", need.field, need.instead)
        for need in needs
        if need.feature in missing
    ]


def route_problems(services: Services, driver: Driver, shape: ClusterShape) -> list[Problem]:
    """Pods that the provider is to route where the service could not ask the cluster which node has which."""
    if not isinstance(driver, RoutedPods) or not isinstance(services.provider, PodRouter):
        return []
    pods = driver.routed_pods(shape)
    if pods is None or (shape.external_network_id and shape.floating_ip_enabled):
        return []
    why = f"{pods.wish} needs a cluster API that this service reaches, to tell the network which node has which pods."
    return [
        Problem(
            why,
            pods.field,
            "Name an external network and let the cluster have floating addresses, or use another backend.",
        )
    ]


async def size_problems(
    services: Services, driver: Driver, project_id: str, groups: Sequence[NodeGroup]
) -> list[Problem]:
    """Node groups whose flavor is too small for what the driver puts on a node."""
    if not isinstance(driver, MemoryNeeds):
        return []
    found = []
    for group in groups:
        needed = driver.least_memory_mib(group.role)
        flavors = await services.provider.catalogue.find_flavors(project_id, group.flavor_id) if group.flavor_id else ()
        if flavors and 0 < flavors[0].ram_mib < needed:
            field = "master_flavor_id" if group.role is Role.CONTROL_PLANE else "flavor_id"
            found.append(
                Problem(
                    f"Flavor {flavors[0].name} has {flavors[0].ram_mib} MiB of memory, too little for a node of {group.name}: "
                    f"{driver.name} needs {needed} MiB there.",
                    field,
                    "Choose a larger flavor.",
                )
            )
    return found


async def template_problems(services: Services, driver: Driver, shape: ClusterShape, image: Image) -> list[Problem]:
    """What makes every cluster of a template impossible here."""
    found = list(driver.shape_problems(shape)) if isinstance(driver, ShapeCheck) else []
    found += driver.image_problems(shape, image) if isinstance(driver, ImageCheck) else []
    return found + await kernel_problems(services, driver, shape, image)
