"""Where machines may land: availability zones, hosts that fit their flavors, volumes for their roots. All problems at once, before
anything is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...contracts import MachineSpec, Problem
from ...domain import Role
from . import quotas
from .cinder import Cinder
from .hosts import SCOPE, fitting, wishes
from .labels import VOLUME_LABEL, VOLUME_TYPE_LABEL, ZONE_LABEL, volume_gib
from .nova import Nova, NovaFlavor
from .rest import CINDER, Rest

Flavors = Mapping[str, NovaFlavor]
"""By the word that machines name them by."""


class Landing:
    """Asks Nova and Cinder, each only where the wish has to do with it."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._nova = Nova(rest)
        self._cinder = Cinder(rest)

    async def problems(self, project: str, machines: Sequence[MachineSpec], flavors: Flavors) -> list[Problem]:
        """Of zones and hosts."""
        return [*await self._zones(project, machines), *await self._hosts(project, machines, flavors)]

    async def _zones(self, project: str, machines: Sequence[MachineSpec]) -> list[Problem]:
        wanted = {zone for machine in machines if (zone := machine.labels.get(ZONE_LABEL))}
        if not wanted:
            return []
        there = await self._nova.zones(project)
        offered = f"There are: {', '.join(sorted(there))}."
        return [
            Problem(f"Availability zone {zone} could not be found.", f"labels.{ZONE_LABEL}", offered)
            for zone in sorted(wanted)
            if zone.partition(":")[0] not in there
        ]

    async def _hosts(self, project: str, machines: Sequence[MachineSpec], flavors: Flavors) -> list[Problem]:
        """Each kind of machine once: a role, a flavor that asks for something, a zone."""
        kinds = {
            (
                machine.role,
                word,
                machine.labels.get(ZONE_LABEL, "").partition(":")[0] or None,
            )  # ZONE:HOST names one, too
            for machine in machines
            if (word := machine.flavor_id or "") in flavors and wishes(flavors[word].extra_specs or {})
        }
        aggregates = await self._nova.aggregates(project) if kinds else None
        if aggregates is None:
            return []
        return [
            _no_host(flavors[word], role, zone)
            for role, word, zone in sorted(kinds, key=str)
            if not fitting(wishes(flavors[word].extra_specs or {}), zone, aggregates)
        ]

    async def volume_problems(self, project: str, machines: Sequence[MachineSpec], default_gib: int) -> list[Problem]:
        """`default_gib`: of a root volume that no label speaks of."""
        sizes = [gib for machine in machines if (gib := volume_gib(machine.labels, default_gib))]
        types = {kind for machine in machines if (kind := machine.labels.get(VOLUME_TYPE_LABEL))}
        field = f"labels.{VOLUME_LABEL}"
        if types and not sizes:
            said = f"Label {VOLUME_TYPE_LABEL} has no effect without {VOLUME_LABEL}."
            return [Problem(said, f"labels.{VOLUME_TYPE_LABEL}", f"Give {VOLUME_LABEL}, in GiB, or leave it out.")]
        if not sizes:
            return []
        if not await self._rest.serves(project, CINDER):
            asked = any(machine.labels.get(VOLUME_LABEL) for machine in machines)
            hint = "Leave the label out." if asked and not default_gib else f"Set {VOLUME_LABEL}=0."
            return [Problem("This cloud has no volumes (Cinder).", field, hint)]
        room = quotas.missing(await self._cinder.quotas(project), quotas.of_volumes(sizes, field))
        return [*await self._types(project, types), *room]

    async def _types(self, project: str, types: set[str]) -> list[Problem]:
        there = await self._cinder.types(project) if types else frozenset()
        return [
            Problem(
                f"Volume type {kind} could not be found.",
                f"labels.{VOLUME_TYPE_LABEL}",
                "`openstack volume type list` shows what there is.",
            )
            for kind in sorted(types - there)
        ]


def _no_host(flavor: NovaFlavor, role: Role, zone: str | None) -> Problem:
    asked = ", ".join(f"{SCOPE}{key}={value}" for key, value in sorted(wishes(flavor.extra_specs or {}).items()))
    where = f" of the zone {zone}" if zone else ""
    return Problem(
        f"No host{where} fits flavor {flavor.name}: none is in host aggregates with what it asks for ({asked}).",
        "master_flavor_id" if role is Role.CONTROL_PLANE else "flavor_id",
        "Choose another flavor" + (" or zone" if zone else "") + ", or ask the operator of the cloud for such hosts.",
    )
