"""On which terms nodes are healed: the operator's, and what a cluster's labels say of its own. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ..contracts import LabelSpec
from ..domain import Labels, says_yes

_ENABLED, _CONTROLLER, _GRACE = "auto_healing_enabled", "auto_healing_controller", "auto_healing_grace"
_ANOTHER = "magnum-auto-healer"
# The first two are Magnum's. Source: Magnum user guide, section "labels".
LABELS = (
    LabelSpec(_ENABLED, "bool", "false", "Nodes that are lost, stopped or not ready are started again or replaced."),
    LabelSpec(
        _CONTROLLER, "text", "", f"Who does that. {_ANOTHER}: that program, and health is its to tell. Else: we."
    ),
    LabelSpec(_GRACE, "int", "", "How long a node may be unwell before. Empty: as the operator has it.", unit="s"),
)


@dataclass(frozen=True)
class Terms:
    """The operator's terms. `attempts` are of one node within `window`; `backoff` is the pause after a healing that failed, doubled
    with each that fails after it."""

    enabled: bool = True
    grace: timedelta = timedelta(minutes=5)
    share_percent: int = 34
    attempts: int = 3
    backoff: timedelta = timedelta(minutes=10)
    window: timedelta = timedelta(hours=24)

    def grace_of(self, labels: Labels) -> timedelta:
        """The cluster's own grace; one that is no number is none."""
        text = labels.get(_GRACE, "").strip()
        return timedelta(seconds=int(text)) if text.isascii() and text.isdecimal() and len(text) < 10 else self.grace


def is_wished(labels: Labels) -> bool:
    """Whether the cluster's nodes shall be healed, by whomever."""
    return says_yes(labels.get(_ENABLED, ""))


def is_anothers(labels: Labels) -> bool:
    """Whether a program of the tenant's heals, and tells the cluster's health."""
    return is_wished(labels) and labels.get(_CONTROLLER, "").strip() == _ANOTHER
