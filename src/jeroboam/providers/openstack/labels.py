"""Labels that this provider reads of clusters and node groups. Names as Magnum has them."""

from __future__ import annotations

from ...contracts import LabelSpec
from ...domain import Labels

CIDR_LABEL, ZONE_LABEL = "fixed_subnet_cidr", "availability_zone"
VOLUME_LABEL, VOLUME_TYPE_LABEL = "boot_volume_size", "boot_volume_type"
LABELS = (
    LabelSpec(CIDR_LABEL, "cidr", "", "Addresses of the cluster's own network. Empty: as the operator has it."),
    LabelSpec(ZONE_LABEL, "text", "", "Nova's availability zone of the nodes. Empty: Nova chooses."),
    LabelSpec(VOLUME_TYPE_LABEL, "text", "", "Cinder's type of the root volumes. Empty: Cinder's default."),
)


def volume_gib(labels: Labels, default: int) -> int | None:
    """Of a machine's root volume; None where it has none. `default`: where no label speaks of it, or none that can be read."""
    text = labels.get(VOLUME_LABEL, "")
    return (int(text) if text.isascii() and text.isdecimal() else default) or None
