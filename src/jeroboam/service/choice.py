"""Which driver serves a shape, and what a shape must be for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..contracts import Driver, Image
from ..domain import ClusterShape
from ..domain.errors import InvalidRequest
from .services import Services

_VOLUME_DRIVERS: Mapping[str, Sequence[str]] = {
    "kubernetes": ("cinder",),
    "swarm": ("rexray",),
    "swarm-mode": ("rexray",),
}
_DEVICEMAPPER_MIN_GIB = 3


def choose_driver(services: Services, shape: ClusterShape, image: Image) -> Driver:
    """The driver named in the shape, by the image or by the operator; else the first by name that serves such clusters.

    Raises InvalidRequest when a name is not loaded or nothing fits.
    """
    name = shape.driver or image.properties.get("magnum_driver") or services.settings.default_driver
    if name is not None:
        return loaded(services, name)
    distro = image.properties.get("os_distro")
    for driver in _by_name(services):
        if _serves(driver, shape.coe, shape.server_type, distro):
            return driver
    raise _unserved(services, shape, distro)


def loaded(services: Services, name: str | None) -> Driver:
    """The driver of this name. Raises InvalidRequest."""
    if name is None or name not in services.drivers:
        raise InvalidRequest(f"Cluster driver ({name}) not supported.", field="driver", value=name)
    return services.drivers[name]


def check_served(services: Services, driver: Driver, shape: ClusterShape) -> None:
    """The driver serves this kind of cluster and the provider makes such machines. Raises InvalidRequest."""
    if not _serves(driver, shape.coe, shape.server_type, shape.os_distro):
        raise _unserved(services, shape, shape.os_distro)
    provider = services.provider
    if shape.server_type not in provider.server_types:
        kinds = "/".join(sorted(provider.server_types))
        raise InvalidRequest(
            f"Server type {shape.server_type} is not supported, expecting a {kinds}/unspecified server type.",
            field="server_type",
            value=shape.server_type,
        )


def check_network_driver(services: Services, driver: Driver, wanted: str | None) -> None:
    """Raises InvalidRequest for what the driver cannot do or the operator does not allow."""
    supported = driver.capabilities.network_drivers
    allowed = [name for name in supported if name in (services.settings.network_drivers_allowed or supported)]
    if wanted is None or wanted in allowed:
        return
    if wanted in supported:
        text = f"is not allowed, expecting a {'/'.join(allowed)}/unspecified network driver. "
    else:
        text = f"is not supported, expecting a {'/'.join(supported)}/unspecified network driver."
    raise InvalidRequest(f"Network driver type {wanted} {text}", field="network_driver", value=wanted)


def check_storage(shape: ClusterShape) -> None:
    """Volume driver and the smallest docker volume that devicemapper works with. Raises InvalidRequest."""
    known = _VOLUME_DRIVERS.get(shape.coe, ())
    if shape.volume_driver is not None and shape.volume_driver not in known:
        raise InvalidRequest(
            f"Volume driver type {shape.volume_driver} is not supported, "
            f"expecting a {'/'.join((*known, 'unspecified'))} volume driver.",
            field="volume_driver",
            value=shape.volume_driver,
        )
    size = shape.docker_volume_size_gib
    if shape.docker_storage_driver == "devicemapper" and (size is None or size < _DEVICEMAPPER_MIN_GIB):
        raise InvalidRequest(
            f"docker volume size {size} GB is not valid, expecting minimum value {_DEVICEMAPPER_MIN_GIB}GB "
            "for devicemapper storage driver.",
            field="docker_volume_size_gib",
            value=size,
        )


def _serves(driver: Driver, coe: str, server_type: str, distro: str | None) -> bool:
    can = driver.capabilities
    return can.coe == coe and server_type in can.server_types and distro in can.os_distros


def _by_name(services: Services) -> list[Driver]:
    return [services.drivers[name] for name in sorted(services.drivers)]


def _unserved(services: Services, shape: ClusterShape, distro: str | None) -> InvalidRequest:
    triples = sorted(
        f"({server_type}, {os_distro}, {driver.capabilities.coe})"
        for driver in services.drivers.values()
        for server_type in driver.capabilities.server_types
        for os_distro in driver.capabilities.os_distros
    )
    supported = ", ".join(dict.fromkeys(triples))
    return InvalidRequest(
        f"Cluster type ({shape.server_type}, {distro}, {shape.coe}) is not supported by any loaded cluster driver. "
        f"Loaded drivers support: {supported}."
    )
