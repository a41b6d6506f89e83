"""Faults of whole operations: refused at once, failed once begun, or delayed. Those of single calls are in `cloud`."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ...domain.errors import ProviderRefused

NOW = timedelta(0)


@dataclass(frozen=True)
class OperationFault:
    """What becomes of an `operation` ("*": any) of a cluster whose name fits the shell pattern `name`.

    Effects: `refuse` (not supported, nothing changes), `fail` (begun, then failed with `message`), `delay` (by `seconds`).
    """

    effect: str
    name: str = "*"
    operation: str = "*"
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class OperationFaults:
    """The first that fits wins."""

    faults: Sequence[OperationFault] = ()

    def refusal(self, cluster_name: str, operation: str) -> str | None:
        """Why it is not supported, or None."""
        fault = self._fitting(cluster_name, operation)
        if fault is None or fault.effect != "refuse":
            return None
        return fault.message or f"The operation {operation} is not supported by this driver."

    def meet(self, cluster_name: str, operation: str, running: timedelta) -> timedelta:
        """How long it must still wait. Raises ProviderRefused with the fault's message."""
        fault = self._fitting(cluster_name, operation)
        if fault is None or fault.effect == "refuse":
            return NOW
        if fault.effect == "fail":
            raise ProviderRefused(
                fault.message or f"The fake cloud fails the operation {operation}, as its catalogue says."
            )
        return max(NOW, timedelta(seconds=fault.seconds) - running)

    def _fitting(self, cluster_name: str, operation: str) -> OperationFault | None:
        for fault in self.faults:
            if fault.operation in ("*", operation) and fnmatch.fnmatchcase(cluster_name, fault.name):
                return fault
        return None
