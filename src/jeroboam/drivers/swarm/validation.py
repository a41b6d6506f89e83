"""What a wish for a Swarm cluster must look like: all that is wrong with it, in one answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...contracts import Capabilities, Image, Problem
from ...domain import Cluster, ClusterShape, NodeGroup, Role
from . import labels

VERSION = "docker_version"  # property of a node image


def problems(cluster: Cluster, groups: Sequence[NodeGroup], image: Image, can: Capabilities) -> list[Problem]:
    """Everything that cannot be served."""
    options, found = labels.read(cluster.shape.labels)
    found += _version(image, options.docker_tag if options else None)
    found += _groups(groups, can)
    found += _shape(cluster.shape, can)
    return found


def _version(image: Image, asked: str | None) -> Iterator[Problem]:
    holds = image.properties.get(VERSION)
    if holds is None:
        yield Problem(
            f"Image {image.name} does not say which Docker Engine it holds.",
            "image_id",
            "Use a node image made by `jeroboam image build --coe swarm`, or set its property docker_version.",
        )
    elif asked is not None and asked.removeprefix("v") != holds.removeprefix("v"):
        yield Problem(
            f"Label docker_tag = {asked}, but image {image.name} holds Docker Engine {holds}.",
            "labels/docker_tag",
            "Leave the label out, or choose an image of that version.",
        )


def _groups(groups: Sequence[NodeGroup], can: Capabilities) -> Iterator[Problem]:
    count = sum(group.node_count for group in groups if group.role is Role.CONTROL_PLANE)
    if count not in can.control_plane_sizes:
        sizes = ", ".join(str(size) for size in sorted(can.control_plane_sizes))
        yield Problem(f"{count} managers are not supported; supported: {sizes}.", "master_count")
    for group in groups:
        if group.node_taints:
            yield Problem(
                f"Node group {group.name} has taints, which Swarm does not know.",
                "node_taints",
                "Use labels and placement constraints: --constraint node.labels.KEY==VALUE.",
            )


def _shape(shape: ClusterShape, can: Capabilities) -> Iterator[Problem]:
    if shape.network_driver not in (None, *can.network_drivers):
        offered = ", ".join(can.network_drivers)
        yield Problem(f"Network driver {shape.network_driver} is not served; {offered} is.", "network_driver")
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        if not (getattr(shape, name) or "").isprintable():
            yield Problem(f"{name} holds characters that cannot be printed.", name, "Write it on one line.")
    if shape.tls_disabled:
        yield Problem("A Docker API without TLS is not served.", "tls_disabled", "Leave tls_disabled false.")
    if shape.registry_enabled:
        yield Problem("A registry inside the cluster is not served yet.", "registry_enabled", "Leave it false.")
    if shape.volume_driver:
        yield Problem(
            f"Volume driver {shape.volume_driver} is not served; volumes are local.", "volume_driver", "Leave it unset."
        )
