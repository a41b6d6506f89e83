"""Whether a shape can be served here at all, as far as driver and provider can tell without a cluster."""

from __future__ import annotations

from ..contracts import Driver, Image, KernelNeeds, KernelProbe, Problem, ShapeCheck
from ..domain import ClusterShape
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


async def template_problems(services: Services, driver: Driver, shape: ClusterShape, image: Image) -> list[Problem]:
    """What makes every cluster of a template impossible here."""
    found = list(driver.shape_problems(shape)) if isinstance(driver, ShapeCheck) else []
    return found + await kernel_problems(services, driver, shape, image)
