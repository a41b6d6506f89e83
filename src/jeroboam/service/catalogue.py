"""Look-ups at the provider's catalogue, with Magnum's words for what is not there."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Protocol, TypeVar

from ..contracts import Catalogue, Image
from ..domain import ClusterShape, Labels
from ..domain.errors import Ambiguous, Forbidden, InvalidRequest, NotFound
from .findings import Findings


class _Found(Protocol):
    @property
    def id(self) -> str: ...


F = TypeVar("F", bound=_Found)


async def image(catalogue: Catalogue, project_id: str, ident: str) -> Image:
    """The one image of this name or id, with an operating system. Raises InvalidRequest, Ambiguous, Forbidden."""
    return the_image(await catalogue.find_images(project_id, ident), ident)


def image_for_choice(images: Sequence[Image], ident: str) -> Image | None:
    """What the choice of a driver may look at; None where `the_image` will refuse it, later. Raises InvalidRequest for one that
    says no operating system: Magnum finds that out while it looks for the driver, before it asks who may do this."""
    found = _distinct(images)
    return the_image(found, ident) if len(found) == 1 and not found[0].forbidden else None


def the_image(images: Sequence[Image], ident: str) -> Image:
    """The one that was found under this name or id. Raises InvalidRequest, Ambiguous, Forbidden."""
    found = _distinct(images)
    if not found:
        raise InvalidRequest(f"Image {ident} could not be found.", field="image_id", value=ident)
    if len(found) > 1:
        raise Ambiguous(f"Multiple images exist with same name '{ident}'. Please use the image ID instead.")
    if found[0].forbidden:
        raise Forbidden(f"Not authorized for image {ident}.")
    if not found[0].properties.get("os_distro"):
        raise InvalidRequest(f"Image {ident} doesn't contain os_distro field.", field="image_id", value=ident)
    return found[0]


async def check_shape(catalogue: Catalogue, project_id: str, shape: ClusterShape, found: Findings) -> None:
    """Flavors, networks, name servers and labels of a shape are there and well formed."""
    for flavor in (shape.flavor_id, shape.control_plane_flavor_id):
        with found.check():
            await check_flavor(catalogue, project_id, flavor)
    await _check_networks(catalogue, project_id, shape, found)
    with found.check():
        check_name_servers(shape.dns_nameserver)
    with found.check():
        check_labels(shape.labels)


async def check_flavor(catalogue: Catalogue, project_id: str, ident: str | None) -> None:
    """Raises InvalidRequest. None is the provider's own choice."""
    if ident is not None and not await catalogue.find_flavors(project_id, ident):
        raise _no_flavor(ident)


async def check_root_volumes(
    catalogue: Catalogue, project_id: str, labels: Labels, flavors: Sequence[str | None], default_gib: int
) -> None:
    """Where no boot volume is asked for, each flavor must be there and have a disk. None is refused by providers that have no size
    of their own. Raises InvalidRequest."""
    check_labels(labels)
    if int(labels.get("boot_volume_size", default_gib)) > 0:
        return
    for ident in flavors:
        if ident is None and not catalogue.needs_flavor:
            continue
        found = await catalogue.find_flavors(project_id, ident) if ident is not None else ()
        if not found:
            raise _no_flavor(ident)
        if found[0].disk_gib == 0:
            raise InvalidRequest(
                "Flavor with zero root volume size is not supported when boot_volume_size is zero.",
                field="flavor_id",
                value=ident,
            )


def _no_flavor(ident: str | None) -> InvalidRequest:
    return InvalidRequest(f"Unable to find flavor {ident}.", field="flavor_id", value=ident)


async def check_keypair(catalogue: Catalogue, project_id: str, ident: str | None) -> None:
    """Raises NotFound: that is what clients know."""
    if ident is not None and not await catalogue.find_keypairs(project_id, ident):
        raise NotFound("Keypair", ident, message=f"Unable to find keypair {ident}.")


async def _check_networks(catalogue: Catalogue, project_id: str, shape: ClusterShape, found: Findings) -> None:
    if shape.external_network_id is not None:
        outside = await catalogue.find_networks(project_id, shape.external_network_id)
        with found.check():
            _one([n for n in outside if n.external], "external network", shape.external_network_id)
    if shape.fixed_network is not None:
        inside = await catalogue.find_networks(project_id, shape.fixed_network)
        with found.check():
            _one(inside, "network", shape.fixed_network, named="fixed network")
    if shape.fixed_subnet is not None:
        subnets = await catalogue.find_subnets(project_id, shape.fixed_subnet)
        with found.check():
            _one(subnets, "subnet", shape.fixed_subnet, named="fixed subnet")


def _one(found: Sequence[_Found], kind: str, ident: str, *, named: str = "") -> None:
    distinct = _distinct(found)
    if not distinct:
        raise InvalidRequest(f"Unable to find {named or kind} {ident}.", value=ident)
    if len(distinct) > 1:
        raise Ambiguous(f"Multiple {kind}s exist with same name '{ident}'. Please use the {kind} ID instead.")


def _distinct(found: Sequence[F]) -> list[F]:
    """One entry for each id: some catalogues list a thing once for each of its names."""
    return list({one.id: one for one in found}.values())


def check_name_servers(text: str | None) -> None:
    """A comma list of IPv4 addresses, or None."""
    if text is None:
        return
    try:
        for part in text.split(","):
            ipaddress.IPv4Address(part.strip())
    except ValueError:
        raise InvalidRequest(
            f"Expected a single dns address or comma separated dns list, but received {text}.",
            field="dns_nameserver",
            value=text,
        ) from None


def check_labels(labels: Labels) -> None:
    """Only the one label is checked that means the same for every driver."""
    size = labels.get("boot_volume_size")
    if size is not None and not (size.isascii() and size.isdigit() and len(size) < 10):
        raise InvalidRequest(
            f"Label boot_volume_size must be an integer number of gigabytes, but received {size}.",
            field="labels.boot_volume_size",
            value=size,
        )
