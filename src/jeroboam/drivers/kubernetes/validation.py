"""What a wish for a Kubernetes cluster must look like: all that is wrong with it, in one answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...contracts import Capabilities, Image, Problem
from ...domain import Cluster, ClusterShape, NodeGroup
from .. import checks
from . import labels


def problems(
    cluster: Cluster, groups: Sequence[NodeGroup], image: Image, can: Capabilities, known: Sequence[str]
) -> list[Problem]:
    """Everything that cannot be served."""
    options, found = labels.read(cluster.shape.labels)
    found += _version(image, options.kube_tag if options else None, known)
    found += checks.sizes(groups, can, "control-plane nodes")
    found += checks.shape(cluster.shape, can, "Kubernetes")
    found += _registries(cluster.shape)
    return found


def _version(image: Image, asked: str | None, known: Sequence[str]) -> Iterator[Problem]:
    holds = image.properties.get("kube_version")
    if holds is None:
        yield Problem(
            f"Image {image.name} does not say which Kubernetes it holds.",
            "image_id",
            "Use a node image made by `jeroboam image build`, or set its property kube_version.",
        )
    elif holds not in known:
        yield Problem(
            f"Image {image.name} holds Kubernetes {holds}, which this release does not know.",
            "image_id",
            f"Known are: {', '.join(known)}.",
        )
    elif asked is not None and asked != holds:
        yield Problem(
            f"Label kube_tag = {asked}, but image {image.name} holds Kubernetes {holds}.",
            "labels/kube_tag",
            "Leave the label out, or choose an image of that version.",
        )


def _registries(shape: ClusterShape) -> Iterator[Problem]:
    if shape.insecure_registry:
        yield Problem("Registries without TLS are not served yet.", "insecure_registry", "Leave it unset.")
