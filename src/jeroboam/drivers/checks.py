"""What every driver asks of a wish, with the words of its tool. Findings, all at once; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..contracts import Capabilities, Image, Problem
from ..domain import ClusterShape, NodeGroup, Role


def sizes(groups: Sequence[NodeGroup], can: Capabilities, called: str) -> Iterator[Problem]:
    """The number of control-plane nodes, called so by the tool's people."""
    count = sum(group.node_count for group in groups if group.role is Role.CONTROL_PLANE)
    if count not in can.control_plane_sizes:
        served = ", ".join(str(size) for size in sorted(can.control_plane_sizes))
        yield Problem(f"{count} {called} are not supported; supported: {served}.", "master_count")


def is_windows(image: Image) -> bool:
    """By the property with which Glance has it. Source: Glance admin guide, Useful image properties."""
    return image.properties.get("os_type") == "windows"


def windows(shape: ClusterShape, groups: Sequence[NodeGroup], image: Image) -> Iterator[Problem]:
    """Workers of Windows may stand beside others; what rules a cluster may not, and no container is one."""
    if not is_windows(image):
        return
    if any(group.role is Role.CONTROL_PLANE and group.image_id in (image.id, image.name) for group in groups):
        yield Problem(
            f"Image {image.name} holds Windows, and a control plane on Windows is not served.",
            "image_id",
            "Make the cluster of a Linux image, and add a node group of this one when it is complete.",
        )
    if shape.server_type not in ("vm", "bm"):
        yield Problem(
            f"A node of Windows is no server of type {shape.server_type}.", "image_id", "Use server type vm or bm."
        )


def untainted(groups: Sequence[NodeGroup], tool: str, instead: str) -> Iterator[Problem]:
    """For a tool without taints."""
    for group in groups:
        if group.node_taints:
            yield Problem(f"Node group {group.name} has taints, which {tool} does not know.", "node_taints", instead)


def version(image: Image, asked: str | None, *, prop: str, tool: str, label: str, coe: str) -> Iterator[Problem]:
    """The image's property `prop` says which version of the tool it holds, and a label that asks for one asks for that."""
    holds = image.properties.get(prop)
    if holds is None:
        yield Problem(
            f"Image {image.name} does not say which {tool} it holds.",
            "image_id",
            f"Use a node image made by `jeroboam image build --coe {coe}`, or set its property {prop}.",
        )
    elif asked is not None and asked.removeprefix("v") != holds.removeprefix("v"):
        yield Problem(
            f"Label {label} = {asked}, but image {image.name} holds {tool} {holds}.",
            f"labels.{label}",
            "Leave the label out, or choose an image of that version.",
        )


def version_held(image: Image, asked: str | None, *, prop: str, tool: str, label: str, coe: str) -> list[Problem]:
    """The same of an image that says what it holds; one that does not is no problem."""
    if prop not in image.properties:
        return []
    return list(version(image, asked, prop=prop, tool=tool, label=label, coe=coe))


def shape(wish: ClusterShape, can: Capabilities, tool: str) -> Iterator[Problem]:
    """Network driver, proxies that fit a unit file, TLS, and what no driver serves yet."""
    if wish.network_driver not in (None, *can.network_drivers):
        offered = ", ".join(can.network_drivers)
        yield Problem(f"Network driver {wish.network_driver} is not served; {offered} is.", "network_driver")
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        if not (getattr(wish, name) or "").isprintable():
            yield Problem(f"{name} holds characters that cannot be printed.", name, "Write it on one line.")
    if wish.tls_disabled:
        yield Problem(f"A {tool} API without TLS is not served.", "tls_disabled", "Leave tls_disabled false.")
    if wish.registry_enabled:
        yield Problem("A registry inside the cluster is not served yet.", "registry_enabled", "Leave it false.")
    if wish.volume_driver:
        yield Problem(f"Volume driver {wish.volume_driver} is not served yet.", "volume_driver", "Leave it unset.")
