"""What a wish for an LXD cluster must look like: all that is wrong with it, in one answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...contracts import Capabilities, Image, Problem
from ...domain import Cluster, ClusterShape, NodeGroup, Role
from . import labels

VERSION = "lxd_version"  # property of a node image


def problems(cluster: Cluster, groups: Sequence[NodeGroup], image: Image, can: Capabilities) -> list[Problem]:
    """Everything that cannot be served."""
    options, found = labels.read(cluster.shape.labels)
    found += _version(image, options.lxd_tag if options else None)
    found += _groups(groups, can)
    found += _shape(cluster.shape, can)
    return found


def _version(image: Image, asked: str | None) -> Iterator[Problem]:
    holds = image.properties.get(VERSION)
    if holds is None:
        yield Problem(
            f"Image {image.name} does not say which LXD it holds.",
            "image_id",
            "Use a node image made by `jeroboam image build --coe lxd`, or set its property lxd_version.",
        )
    elif asked is not None and asked.removeprefix("v") != holds.removeprefix("v"):
        yield Problem(
            f"Label lxd_tag = {asked}, but image {image.name} holds LXD {holds}.",
            "labels/lxd_tag",
            "Leave the label out, or choose an image of that version.",
        )


def _groups(groups: Sequence[NodeGroup], can: Capabilities) -> Iterator[Problem]:
    count = sum(group.node_count for group in groups if group.role is Role.CONTROL_PLANE)
    if count not in can.control_plane_sizes:
        sizes = ", ".join(str(size) for size in sorted(can.control_plane_sizes))
        yield Problem(f"{count} members that serve the API are not supported; supported: {sizes}.", "master_count")
    for group in groups:
        if group.node_taints:
            yield Problem(
                f"Node group {group.name} has taints, which LXD does not know.",
                "node_taints",
                "Name the member with `lxc launch --target`.",
            )


def _shape(shape: ClusterShape, can: Capabilities) -> Iterator[Problem]:
    if shape.network_driver not in (None, *can.network_drivers):
        offered = ", ".join(can.network_drivers)
        yield Problem(f"Network driver {shape.network_driver} is not served; {offered} is.", "network_driver")
    if shape.tls_disabled:
        yield Problem("An LXD API without TLS is not served.", "tls_disabled", "Leave tls_disabled false.")
    if shape.registry_enabled or shape.insecure_registry:
        yield Problem("LXD knows no registries.", "registry_enabled", "Leave registry settings unset.")
    if shape.volume_driver:
        yield Problem(f"Volume driver {shape.volume_driver} is not served.", "volume_driver", "Leave it unset.")
