"""The target of an upgrade: what cluster and node groups become when it succeeds. Kept with the operation until then. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from .model import Cluster, ClusterTemplate, Labels, NodeGroup


@dataclass(frozen=True)
class Upgrade:
    """`groups` are uuids. `image_id` and the labels reach the cluster's own shape only when `whole`: a group that is brought
    to its cluster's template changes nothing but itself."""

    template_uuid: str
    image_id: str
    old_labels: Labels
    new_labels: Labels
    groups: tuple[str, ...]
    batch_size: int = 1
    whole: bool = True

    @classmethod
    def to(
        cls, new: ClusterTemplate, old: ClusterTemplate | None, groups: Sequence[NodeGroup], *, batch_size: int | None
    ) -> Upgrade:
        """From the cluster's template to another one; without a batch size one node after the other."""
        return cls(
            template_uuid=new.uuid,
            image_id=new.shape.image_id,
            old_labels=dict(old.shape.labels) if old else {},
            new_labels=dict(new.shape.labels),
            groups=tuple(group.uuid for group in groups),
            batch_size=batch_size or 1,
            whole=any(group.is_default for group in groups),
        )

    def as_details(self) -> dict[str, Any]:
        """For the operation's row."""
        return dict(vars(self))

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Upgrade:
        """The inverse of `as_details`; an operation's row may hold more."""
        mine = {field.name: details[field.name] for field in fields(cls)}
        return cls(**{**mine, "groups": tuple(details["groups"])})

    def cluster(self, cluster: Cluster) -> Cluster:
        """The cluster as it shall be."""
        if not self.whole:
            return cluster
        shape = replace(cluster.shape, image_id=self.image_id, labels=self._labels(cluster.shape.labels))
        return replace(cluster, template_uuid=self.template_uuid, shape=shape)

    def group(self, group: NodeGroup) -> NodeGroup:
        """A node group as it shall be."""
        if group.uuid not in self.groups:
            return group
        return replace(group, image_id=self.image_id, labels=self._labels(group.labels))

    def _labels(self, present: Labels) -> Labels:
        """What was taken over from the old template follows the new one; what the tenant set himself stays."""
        own = {key: value for key, value in present.items() if self.old_labels.get(key) != value}
        return {**self.new_labels, **own}
