"""Which driver serves a shape, and what a shape must be for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..contracts import Driver, Image
from ..domain import ClusterShape, canonical
from ..domain.errors import InvalidRequest
from .services import Services

_NETWORK_DRIVERS: Mapping[str, Sequence[str]] = {
    "kubernetes": ("flannel", "calico", "cilium"),
    "swarm": ("docker", "flannel"),
}
_VOLUME_DRIVERS: Mapping[str, Sequence[str]] = {"kubernetes": ("cinder",), "swarm": ("rexray",)}
_DEVICEMAPPER_MIN_GIB = 3


def choose_driver(services: Services, shape: ClusterShape, image: Image | None) -> Driver:
    """The driver named in the shape, by the image or by the operator; else the first by name that serves such clusters; else the
    first by name, for a template whose image may change yet. Several that serve the same are no error: the alphabet decides.

    Raises InvalidRequest when a name is not loaded, or is of a beta driver that the operator did not enable.
    """
    properties = image.properties if image else {}
    name = shape.driver or properties.get("magnum_driver") or services.settings.default_driver
    if name is not None:
        return usable(services, name)
    open_to_all = [one for one in _by_name(services) if not _closed_beta(services, one)]
    fitting = [one for one in open_to_all if _serves(one, shape, properties.get("os_distro"))]
    chosen = next(iter((*fitting, *open_to_all)), None)
    return chosen or usable(services, min(services.drivers))


def loaded(services: Services, name: str | None) -> Driver:
    """The driver of this name. Raises InvalidRequest."""
    if name is None or name not in services.drivers:
        raise InvalidRequest(f"Cluster driver ({name}) not supported.", field="driver", value=name)
    return services.drivers[name]


def usable(services: Services, name: str | None) -> Driver:
    """The driver of this name, when tenants may use it. Raises InvalidRequest."""
    driver = loaded(services, name)
    if _closed_beta(services, driver):
        raise InvalidRequest(
            f"Cluster driver ({driver.name}) is beta and not enabled; the operator enables it by "
            "[drivers]/enabled_beta_drivers.",
            field="driver",
            value=driver.name,
        )
    return driver


def is_of_another_tool(services: Services, shape: ClusterShape, image: Image) -> bool:
    """Whether the image says by its driver that it is for another container tool than the shape's, and nobody says otherwise."""
    name = image.properties.get("magnum_driver")
    if name is None or name not in services.drivers or shape.driver not in (None, name):
        return False
    return canonical(services.drivers[name].capabilities.coe) != canonical(shape.coe)


def check_served(services: Services, shape: ClusterShape) -> Driver:
    """The shape's driver: some driver serves this type of cluster, this one does, and the provider makes such machines.

    Raises InvalidRequest.
    """
    serving = [one for one in _by_name(services) if _serves(one, shape, shape.os_distro)]
    if not serving:
        raise _unserved(services, shape)
    driver = usable(services, shape.driver)
    if driver not in serving:
        names = ", ".join(one.name for one in serving)
        raise InvalidRequest(
            f"Cluster driver ({driver.name}) does not serve clusters of type ({shape.server_type}, {shape.os_distro}, "
            f"{shape.coe}). Drivers that do: {names}.",
            field="driver",
            value=driver.name,
        )
    kinds = services.provider.server_types
    if shape.server_type not in kinds:
        offered = "/".join((*sorted(kinds), "unspecified"))
        raise InvalidRequest(
            f"Server type {shape.server_type} is not supported, expecting a {offered} server type.",
            field="server_type",
            value=shape.server_type,
        )
    return driver


def check_network_driver(services: Services, shape: ClusterShape) -> None:
    """What such a tool can do and the operator allows, before a driver is chosen. Raises InvalidRequest."""
    supported = _supported_networks(services, shape.coe)
    wanted = services.settings.networks(shape.coe).allowed
    allowed = [one for one in supported if "all" in wanted or one in wanted]
    _check_one_of(shape.network_driver, supported, "supported", ".")
    _check_one_of(shape.network_driver, allowed, "allowed", ". ")  # the blank at its end is Magnum's


def network_driver(services: Services, driver: Driver, shape: ClusterShape) -> str | None:
    """The one that is asked for, else the operator's default where the driver has it, else the driver's own.

    Raises InvalidRequest for one that the driver lacks.
    """
    offered = driver.capabilities.network_drivers
    if shape.network_driver is not None:
        if offered:
            _check_one_of(shape.network_driver, offered, "supported", ".")
        return shape.network_driver
    default = services.settings.networks(shape.coe).default
    foreign = canonical(driver.capabilities.coe) != canonical(shape.coe)  # named by hand; no cluster will come of it
    return default if foreign or default in offered else next(iter(offered), default)


def _check_one_of(name: str | None, offered: Sequence[str], verb: str, end: str) -> None:
    if name is not None and name not in offered:
        expected = "/".join((*offered, "unspecified"))
        raise InvalidRequest(
            f"Network driver type {name} is not {verb}, expecting a {expected} network driver{end}",
            field="network_driver",
            value=name,
        )


def _supported_networks(services: Services, coe: str) -> Sequence[str]:
    known = _NETWORK_DRIVERS.get(canonical(coe))
    if known is not None:
        return known
    drivers = [one for one in _by_name(services) if canonical(one.capabilities.coe) == canonical(coe)]
    return tuple(dict.fromkeys(name for one in drivers for name in one.capabilities.network_drivers))


def check_storage(shape: ClusterShape) -> None:
    """Volume driver and the smallest docker volume that devicemapper works with. Raises InvalidRequest."""
    known = _VOLUME_DRIVERS.get(canonical(shape.coe), ())
    if shape.volume_driver is not None and shape.volume_driver not in known:
        raise InvalidRequest(
            f"Volume driver type {shape.volume_driver} is not supported, "
            f"expecting a {'/'.join((*known, 'unspecified'))} volume driver.",
            field="volume_driver",
            value=shape.volume_driver,
        )
    check_docker_volume(shape)


def check_docker_volume(shape: ClusterShape) -> None:
    """The smallest docker volume that devicemapper works with. Raises InvalidRequest."""
    size = shape.docker_volume_size_gib
    if shape.docker_storage_driver == "devicemapper" and (size is None or size < _DEVICEMAPPER_MIN_GIB):
        raise InvalidRequest(
            f"docker volume size {size} GB is not valid, expecting minimum value {_DEVICEMAPPER_MIN_GIB}GB "
            "for devicemapper storage driver.",
            field="docker_volume_size_gib",
            value=size,
        )


def _serves(driver: Driver, shape: ClusterShape, distro: str | None) -> bool:
    return driver.capabilities.serves(shape.server_type, distro, shape.coe)


def _closed_beta(services: Services, driver: Driver) -> bool:
    return driver.capabilities.beta and driver.name not in services.settings.enabled_beta_drivers


def _by_name(services: Services) -> list[Driver]:
    return [services.drivers[name] for name in sorted(services.drivers)]


def _unserved(services: Services, shape: ClusterShape) -> InvalidRequest:
    types = sorted({one for driver in services.drivers.values() for one in driver.capabilities.cluster_types})
    supported = ", ".join(f"({', '.join(one)})" for one in types)
    return InvalidRequest(
        f"Cluster type ({shape.server_type}, {shape.os_distro}, {shape.coe}) is not supported by any loaded cluster driver. "
        f"Loaded drivers support: {supported}."
    )
