"""/ext/v1/images, flavors, drivers and their labels."""

from __future__ import annotations

from typing import Any

from ...contracts import Driver, LabelSpec
from ...service import installation
from ..call import Call, Reply, Route


async def images(call: Call) -> Reply:
    """Node images."""
    found = await installation.images(call.services, call.caller)
    shown = [{"id": one.id, "name": one.name, "properties": dict(one.properties)} for one in found]
    return Reply(data={"images": shown})


async def flavors(call: Call) -> Reply:
    """Machine sizes."""
    found = await installation.flavors(call.services, call.caller)
    shown = [
        {"id": one.id, "name": one.name, "vcpus": one.vcpus, "ram_mib": one.ram_mib, "disk_gib": one.disk_gib}
        for one in found
    ]
    return Reply(data={"flavors": shown})


async def drivers(call: Call) -> Reply:
    """Loaded drivers and their labels."""
    return Reply(data={"drivers": [_driver(one) for one in installation.drivers(call.services, call.caller)]})


async def labels(call: Call) -> Reply:
    """What may be written into labels with this driver: name, type, unit, default, choices, whether it may be edited, since when."""
    found = installation.labels(call.services, call.caller, call.path["name"])
    return Reply(data={"labels": [_label(one) for one in found]})


def _driver(driver: Driver) -> dict[str, Any]:
    can = driver.capabilities
    return {
        "name": driver.name,
        "coe": can.coe,
        "server_types": sorted(can.server_types),
        "os_distros": sorted(can.os_distros),
        "control_plane_sizes": sorted(can.control_plane_sizes),
        "network_drivers": list(can.network_drivers),
        "resize": can.resize,
        "upgrade": can.upgrade,
        "rotate_ca": can.rotate_ca,
        "rotate_credentials": can.rotate_credentials,
        "labels": [_label(one) for one in driver.labels],
    }


def _label(label: LabelSpec) -> dict[str, Any]:
    return {
        "name": label.name,
        "type": label.type,
        "default": label.default,
        "meaning": label.meaning,
        "choices": list(label.choices),
        "unit": label.unit,
        "editable": label.editable,
        "since": label.since,
    }


ROUTES = (
    Route("GET", "/images", images),
    Route("GET", "/flavors", flavors),
    Route("GET", "/drivers", drivers),
    Route("GET", "/drivers/{name:str}/labels", labels),
)
