"""Names and tags on all that we make in a cloud: what belongs to which cluster, and which stack holds which machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

OURS = "jeroboam"
CLUSTER = "jeroboam_cluster"  # keys of a server's metadata
GROUP = "jeroboam_group"
ROLE = "jeroboam_role"
INDEX = "jeroboam_index"
IMAGE = "jeroboam_image"
KEYS = "jeroboam_keys"
BOOTED = "jeroboam_booted"
MACHINES_A_STACK = 50  # fixed for good: the name of a machine leads to its stack by it
_CLUSTER_TAG = "jeroboam.cluster."
_DIGEST_TAG = "jeroboam.template."


def network_stack(slug: str) -> str:
    """The stack of a cluster's network and endpoint. A stack's name begins with a letter, a cluster's may not."""
    return f"{OURS}-{slug}"


def machine_stack(machine: str) -> str:
    """The stack that holds the machine of this name: `jeroboam-demo-5b2f1a3c-default-worker.0` the first fifty of its group."""
    group, _, index = machine.rpartition("-")
    return f"{OURS}-{group}.{int(index) // MACHINES_A_STACK}"


def cluster_tag(cluster_uuid: str) -> str:
    """On stacks, networks and routers."""
    return f"{_CLUSTER_TAG}{cluster_uuid}"


def cluster_of(tags: Iterable[str]) -> str | None:
    """The cluster that these tags name; None when what bears them is not ours."""
    return next((tag.removeprefix(_CLUSTER_TAG) for tag in tags if tag.startswith(_CLUSTER_TAG)), None)


def stack_tags(cluster_uuid: str, template: Mapping[str, Any]) -> tuple[str, ...]:
    """All tags of a stack made from this template."""
    return (OURS, cluster_tag(cluster_uuid), f"{_DIGEST_TAG}{digest(template)}")


def is_as_given(template: Mapping[str, Any], tags: Iterable[str]) -> bool:
    """Whether a stack still has the template that we gave it. False when somebody updated it by hand: the tag tells another one."""
    return f"{_DIGEST_TAG}{digest(template)}" in set(tags)


def digest(template: Mapping[str, Any]) -> str:
    """Short and the same for equal templates, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:16]
