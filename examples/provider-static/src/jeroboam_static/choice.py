"""Which free machine becomes what. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jeroboam.contracts import MachineSpec

from .inventory import Entry

BALANCER = "balancer"


@dataclass(frozen=True)
class Need:
    """What is asked of a machine."""

    role: str
    image: str
    flavor: str | None

    def met_by(self, entry: Entry) -> bool:
        """A balancer may have any image: it only forwards."""
        if self.role not in entry.roles:
            return False
        return self.role == BALANCER or (entry.image == self.image and self.flavor in (None, entry.flavor))


def need_of(spec: MachineSpec) -> Need:
    return Need(spec.role.value, spec.image_id, spec.flavor_id)


def candidates(need: Need, free: Iterable[Entry]) -> list[Entry]:
    """Those that may do it, the one that may do least else first; equals in the order of the inventory."""
    return sorted((entry for entry in free if need.met_by(entry)), key=lambda entry: len(entry.roles))


def unmet(needs: Iterable[Need], free: Iterable[Entry]) -> list[Need]:
    """The needs for which no machine is left. Those that ask for more are served first."""
    left, missing = list(free), []
    for need in sorted(needs, key=lambda need: (need.role != BALANCER, need.flavor is None, need.role)):
        found = candidates(need, left)
        if found:
            left.remove(found[0])
        else:
            missing.append(need)
    return missing


def described(missing: Sequence[Need]) -> list[str]:
    """One line for each kind of need."""
    kinds = dict.fromkeys(missing)
    return [_line(need, missing.count(need)) for need in kinds]


def _line(need: Need, count: int) -> str:
    asked = f"role {need.role}" if need.role == BALANCER else f"role {need.role}, image {need.image}"
    flavor = f", flavor {need.flavor}" if need.flavor else ""
    return f"{count} {'machine is' if count == 1 else 'machines are'} missing: {asked}{flavor}"
