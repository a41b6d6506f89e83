"""The fake driver of a tool whose nodes stay members while their machines are made anew, and which keeps secrets of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...contracts import Access, Machine
from ...domain import OperationKind, Role
from .driver import FakeDriver


class StatefulFakeDriver(FakeDriver):
    """Implements StatefulDriver and InnerSecrets besides. What it renews is not done at the first asking."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.capabilities = replace(self.capabilities, overlap=frozenset({Role.CONTROL_PLANE}))
        self.aside: set[str] = set()
        self.renewed: list[tuple[OperationKind, str]] = []

    async def set_aside(self, machine: Machine, access: Access) -> None:
        self.aside.add(machine.name)

    async def take_back(self, machines: Sequence[Machine], access: Access) -> str:
        self.aside -= {machine.name for machine in machines}
        return ""

    async def renew_inside(self, kind: OperationKind, order: str, access: Access) -> str:
        if (kind, order) in self.renewed:
            return ""
        self.renewed.append((kind, order))
        return "nodes still renew their own secrets"
