"""/ext/v1/images, flavors, drivers and their labels."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ...contracts import Driver, LabelSpec
from ...service import installation
from ..call import Call, Reply, Route

_RULE = "clustertemplate:get_all"


class ImageView(msgspec.Struct):
    """A node image."""

    id: str
    name: str
    properties: Mapping[str, str]


class Images(msgspec.Struct):
    """All that the caller's project may use."""

    images: list[ImageView]


class FlavorView(msgspec.Struct):
    """A machine size. `ram_mib` 0 means no limit, `disk_gib` 0 no root disk, null a share of its host's."""

    id: str
    name: str
    vcpus: float
    ram_mib: int
    disk_gib: int | None


class Flavors(msgspec.Struct):
    """All that the caller's project may use."""

    flavors: list[FlavorView]


class LabelView(msgspec.Struct):
    """What may be written into a label."""

    name: str
    type: str
    default: str
    meaning: str
    choices: list[str]
    unit: str
    editable: bool
    since: str


class Labels(msgspec.Struct):
    """All that have an effect with a driver."""

    labels: list[LabelView]


class DriverView(msgspec.Struct):
    """A loaded driver, what it serves and what it can do."""

    name: str
    coe: str
    server_types: list[str]
    os_distros: list[str]
    control_plane_sizes: list[int]
    network_drivers: list[str]
    resize: bool
    upgrade: bool
    rotate_ca: bool
    rotate_credentials: bool
    heal: bool
    labels: list[LabelView]


class Drivers(msgspec.Struct):
    """All that are loaded."""

    drivers: list[DriverView]


async def images(call: Call) -> Reply:
    """Node images."""
    found = await installation.images(call.services, call.caller)
    return Reply(Images([ImageView(one.id, one.name, dict(one.properties)) for one in found]))


async def flavors(call: Call) -> Reply:
    """Machine sizes."""
    found = await installation.flavors(call.services, call.caller)
    return Reply(Flavors([FlavorView(one.id, one.name, one.vcpus, one.ram_mib, one.disk_gib) for one in found]))


async def drivers(call: Call) -> Reply:
    """Loaded drivers and their labels."""
    return Reply(Drivers([_driver(one) for one in installation.drivers(call.services, call.caller)]))


async def labels(call: Call) -> Reply:
    """What may be written into labels with this driver: name, type, unit, default, choices, whether it may be edited, since when."""
    found = installation.labels(call.services, call.caller, call.path["name"])
    return Reply(Labels([_label(one) for one in found]))


def _driver(driver: Driver) -> DriverView:
    can = driver.capabilities
    return DriverView(
        name=driver.name,
        coe=can.coe,
        server_types=sorted(can.server_types),
        os_distros=sorted(can.os_distros),
        control_plane_sizes=sorted(can.control_plane_sizes),
        network_drivers=list(can.network_drivers),
        resize=can.resize,
        upgrade=can.upgrade,
        rotate_ca=can.rotate_ca,
        rotate_credentials=can.rotate_credentials,
        heal=bool(can.heals),
        labels=[_label(one) for one in driver.labels],
    )


def _label(label: LabelSpec) -> LabelView:
    return LabelView(
        name=label.name,
        type=label.type,
        default=label.default,
        meaning=label.meaning,
        choices=list(label.choices),
        unit=label.unit,
        editable=label.editable,
        since=label.since,
    )


ROUTES = (
    Route("GET", "/images", images, reply=Images, rule=_RULE),
    Route("GET", "/flavors", flavors, reply=Flavors, rule=_RULE),
    Route("GET", "/drivers", drivers, reply=Drivers, rule=_RULE),
    Route("GET", "/drivers/{name:str}/labels", labels, reply=Labels, rule=_RULE),
)
