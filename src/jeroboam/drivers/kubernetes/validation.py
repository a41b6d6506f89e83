"""What a wish for a Kubernetes cluster must look like: all that is wrong with it, in one answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...contracts import Capabilities, Image, Problem
from ...domain import Cluster, ClusterShape, NodeGroup, Role, Status
from .. import checks
from . import labels, runtimes

_OLDER_MINORS = 3  # Source: Kubernetes version skew policy, kubelet
_UP = (Status.CREATE_COMPLETE, Status.UPDATE_COMPLETE)


def problems(
    cluster: Cluster, groups: Sequence[NodeGroup], image: Image, can: Capabilities, known: Sequence[str]
) -> list[Problem]:
    """Everything that cannot be served. A cluster without `coe_version` will run what `image` holds, and kube_tag speaks of that one;
    one that has a version takes nodes of an image that fits it."""
    options, found = labels.read(cluster.shape.labels)
    running = cluster.coe_version
    found += _version(image, options.kube_tag if options and running is None else None, known)
    found += _too_early(cluster, groups) if running is None else _skew(image, running)
    found += runtimes.missing(image, options.oci_runtimes if options and running is None else ())
    found += checks.windows(cluster.shape, groups, image)
    found += _windows(image, options)
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
    else:
        yield from _other(image, asked, holds)


def image_problems(shape: ClusterShape, image: Image) -> list[Problem]:
    """Another version than the image says it holds."""
    options, _ = labels.read(shape.labels)
    holds = image.properties.get("kube_version")
    return list(_other(image, options.kube_tag if options else None, holds)) if holds else []


def _other(image: Image, asked: str | None, holds: str) -> Iterator[Problem]:
    if asked is not None and asked != holds:
        yield Problem(
            f"Label kube_tag = {asked}, but image {image.name} holds Kubernetes {holds}.",
            "labels.kube_tag",
            "Leave the label out, or choose an image of that version.",
        )


def _too_early(cluster: Cluster, groups: Sequence[NodeGroup]) -> Iterator[Problem]:
    """What the control plane will run is known once it does."""
    if cluster.status not in _UP and len({group.image_id for group in groups}) > 1:
        own = next(group.image_id for group in groups if group.role is Role.CONTROL_PLANE)
        yield Problem(
            "The cluster's Kubernetes version is not known before it is up, so all node groups must have one image.",
            "image_id",
            f"Use {own}, or add the node group when the cluster is complete.",
        )


def _skew(image: Image, running: str) -> Iterator[Problem]:
    """A kubelet is never newer than the API server, and at most three minors older. Source: Kubernetes version skew policy."""
    holds = image.properties.get("kube_version", "")
    cluster, node = _minor(running), _minor(holds)
    if cluster is None or node is None or cluster - _OLDER_MINORS <= node <= cluster:
        return
    why = "newer than" if node > cluster else f"more than {_OLDER_MINORS} minors older than"
    yield Problem(
        f"Image {image.name} holds Kubernetes {holds}, which is {why} the cluster's {running}.",
        "image_id",
        f"Use a node image from v1.{max(0, cluster - _OLDER_MINORS)} to v1.{cluster}.",
    )


def _windows(image: Image, options: labels.Options | None) -> Iterator[Problem]:
    if options is not None and checks.is_windows(image) and not options.windows:
        yield Problem(
            f"Image {image.name} holds Windows, whose pods the other pods of this cluster would not reach.",
            f"labels.{labels.WINDOWS}",
            f"Make a cluster with the label {labels.WINDOWS} = true; it cannot be set later.",
        )


def _minor(version: str) -> int | None:
    found = re.match(r"v1\.(\d+)\.", version)
    return int(found[1]) if found else None


def _registries(shape: ClusterShape) -> Iterator[Problem]:
    if shape.insecure_registry:
        yield Problem("Registries without TLS are not served yet.", "insecure_registry", "Leave it unset.")
