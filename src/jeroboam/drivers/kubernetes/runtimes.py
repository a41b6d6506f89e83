"""What runs containers on a node: the runtime that the kubelet asks, and the OCI runtimes that a pod may choose by RuntimeClass. Pure.

Source: Kubernetes documentation, RuntimeClass (node.k8s.io/v1); the plugin configuration of containerd's CRI, version 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from ...contracts import Command, Image, Problem

CONTAINER_RUNTIME, OCI_RUNTIMES = "container_runtime", "oci_runtimes"
CONTAINER_RUNTIMES = ("containerd",)
PROPERTY = "oci_runtimes"  # of a node image: what it holds
_NODE_LABEL = "runtime.jeroboam.io/"
_DEFAULT = "runc"  # on every node, whatever its image says
_NO_PARTS = "nodes hold what Debian 12 packages or the Go module proxy gives, and neither has {part}"
# Words of the field that are known and not served, each with the reason.
_REFUSED_CONTAINER_RUNTIMES: Mapping[str, str] = {
    "cri-o": _NO_PARTS.format(part="CRI-O"),
    "docker": _NO_PARTS.format(part="cri-dockerd, without which a kubelet cannot ask Docker"),
}
_REFUSED_OCI_RUNTIMES: Mapping[str, str] = {
    "kata": "it runs each pod in a virtual machine; "
    + _NO_PARTS.format(part="its guest kernel and agent")
    + ", and nodes that are containers are given no /dev/kvm",
}
_KNOWN = ("runc", "crun", "runsc")
# Whether a sandbox comes up at all depends on the host: on what it lets a container trace and filter.
_TRY_RUNSC = """\
said=$(timeout 30 runsc --network=none do /bin/true 2>&1) && exit 0
echo "$said"
echo "gVisor's sandbox does not come up on this host: $(echo "$said" | tail -n 1 | cut -c1-160). Leave runsc out of oci_runtimes."
exit 1
"""


def read(given: Mapping[str, str], problems: list[Problem]) -> tuple[str, ...]:
    """The OCI runtimes that are asked for, none meaning all that the image holds; what is wrong goes to `problems`."""
    chosen = given[CONTAINER_RUNTIME]
    if chosen not in CONTAINER_RUNTIMES:
        why = _REFUSED_CONTAINER_RUNTIMES.get(chosen)
        reason = f"is not served: {why}" if why else "is not usable"
        text = f"Label {CONTAINER_RUNTIME} = {chosen} {reason}."
        problems.append(Problem(text, f"labels.{CONTAINER_RUNTIME}", "Give containerd."))
    names = tuple(dict.fromkeys(word.strip() for word in given[OCI_RUNTIMES].split(",") if word.strip()))
    for name in names:
        if name in _KNOWN:
            continue
        why = _REFUSED_OCI_RUNTIMES.get(name)
        text = f"Label {OCI_RUNTIMES} = {given[OCI_RUNTIMES]}: {name!r} is not known."
        if why:
            text = f"Label {OCI_RUNTIMES} = {given[OCI_RUNTIMES]}: {name} is not served: {why}."
        problems.append(Problem(text, f"labels.{OCI_RUNTIMES}", f"Known are: {', '.join(_KNOWN)}."))
    return names


def held(image: Image) -> tuple[str, ...]:
    """What nodes of this image have. One that does not say has runc."""
    return tuple(image.properties.get(PROPERTY, "").split(",")) if image.properties.get(PROPERTY) else (_DEFAULT,)


def missing(image: Image, asked: Sequence[str]) -> Iterator[Problem]:
    """Of the runtimes asked for those that the image has not."""
    for name in asked:
        if name not in held(image):
            yield Problem(
                f"Label {OCI_RUNTIMES} asks for {name}, but image {image.name} holds {', '.join(held(image))}.",
                f"labels.{OCI_RUNTIMES}",
                f"Use an image made by `jeroboam image build --runtime {name}`, or leave {name} out.",
            )


def offered(image: Image, asked: Sequence[str]) -> tuple[str, ...]:
    """What pods on nodes of this image may choose."""
    return tuple(name for name in held(image) if not asked or name in asked)


def node_labels(image: Image, asked: Sequence[str]) -> dict[str, str]:
    """By which a RuntimeClass finds nodes that have its runtime: images of node groups differ."""
    return {f"{_NODE_LABEL}{name}": "true" for name in offered(image, asked) if name != _DEFAULT}


def borne(labels: Mapping[str, str]) -> set[str]:
    """The runtimes that a live node says it offers. A kubelet may write such labels itself, so words of its own do not count."""
    return {name for name in _KNOWN if labels.get(f"{_NODE_LABEL}{name}") == "true"}


def classes(names: Sequence[str]) -> bytes:
    """A RuntimeClass each, of the same name."""
    return yaml.safe_dump_all([class_of(name) for name in names], sort_keys=False).encode()


def trial(names: Sequence[str]) -> tuple[Command, ...]:
    """What a node tries at its first boot, beside the rest of it: a sandbox that cannot come up is told then, not by a pod's events."""
    if "runsc" not in names:
        return ()
    return (Command("runtime-runsc", ("bash", "-c", _TRY_RUNSC), 40, background=True),)


def class_of(name: str) -> dict[str, Any]:
    """The RuntimeClass of a runtime: only nodes that bear its label run what asks for it."""
    made: dict[str, Any] = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": name},
        "handler": name,
    }
    if name != _DEFAULT:
        made["scheduling"] = {"nodeSelector": {f"{_NODE_LABEL}{name}": "true"}}
    return made
