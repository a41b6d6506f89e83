"""What the installation offers and how it fares: images, flavors, drivers, conductors, totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ..contracts import Caller, Conductor, Driver, Flavor, Image, LabelSpec, Totals
from ..domain.errors import Forbidden, NotFound
from . import label_check
from .services import Services


@dataclass(frozen=True)
class ConductorState:
    """A conductor, and whether its last sign of life is recent."""

    conductor: Conductor
    up: bool


async def images(services: Services, caller: Caller) -> Sequence[Image]:
    """The node images that the caller's project may use."""
    services.policy.require("clustertemplate:get_all", caller)
    return [one for one in await services.provider.catalogue.images(caller.project_id) if not one.forbidden]


async def flavors(services: Services, caller: Caller) -> Sequence[Flavor]:
    """The machine sizes that the caller's project may use. Raises Forbidden."""
    services.policy.require("clustertemplate:get_all", caller)
    return await services.provider.catalogue.flavors(caller.project_id)


def drivers(services: Services, caller: Caller) -> Sequence[Driver]:
    """The loaded drivers by name."""
    services.policy.require("clustertemplate:get_all", caller)
    return [services.drivers[name] for name in sorted(services.drivers)]


def labels(services: Services, caller: Caller, name: str) -> Sequence[LabelSpec]:
    """Every label that has an effect with a driver. Raises NotFound, Forbidden."""
    found = next((one for one in drivers(services, caller) if one.name == name), None)
    if found is None:
        raise NotFound("Driver", name, hint=f"Loaded are: {', '.join(sorted(services.drivers))}.")
    return label_check.schema(found, services.place_labels)


async def conductors(services: Services, caller: Caller) -> Sequence[ConductorState]:
    """Every conductor that ever reported. Raises Forbidden."""
    services.policy.require("magnum-service:get_all", caller)
    limit = services.clock.now() - timedelta(seconds=services.settings.service_down_time_s)
    found = await services.store.list_conductors()
    return [ConductorState(one, up=one.last_seen_at >= limit) for one in found]


async def totals(services: Services, caller: Caller, project_id: str | None) -> Totals:
    """Clusters and nodes of a project; an administrator who names none gets all. Raises Forbidden."""
    services.policy.require("stats:get_all", caller)
    if services.policy.is_admin(caller):
        return await services.store.totals(project_id)
    if project_id not in (None, caller.project_id):
        raise Forbidden("Not authorized.")
    return await services.store.totals(caller.project_id)
