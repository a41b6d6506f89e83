"""The store, telling the log what the conductor writes: one line for each step and operation that begins or ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from ..contracts import Clock, ClusterRow, StatusChange
from ..domain import ErrorClass, Operation, OperationState, Step
from ..store import Sealer, SqlStore
from .logs import DETAILS

_log = structlog.get_logger("jeroboam.progress")
_WELL = (OperationState.SUCCEEDED, OperationState.SUPERSEDED, OperationState.CANCELLED)


class NarratingStore(SqlStore):
    """SqlStore, and nothing of its own but the lines, for which it reads nothing that nobody else asks for. Keeps names of operations that
    run in this process."""

    def __init__(self, url: str, sealer: Sealer, clock: Clock) -> None:
        super().__init__(url, sealer, clock)
        self._running: dict[str, tuple[Operation, str]] = {}  # with the cluster's name, which outlives its row here
        self._begun: dict[str, str] = {}  # operations, by cluster, whose cluster's name was not seen yet
        self._untold: set[str] = set()  # operations of which it is not known yet whether they begin or go on
        self._steps: dict[int, Step] = {}  # by row, those that are open
        self._rows: dict[str, set[int]] = {}  # by operation, all that were opened

    async def begin_operation(self, uuid: str) -> tuple[Operation, int] | None:
        begun = await super().begin_operation(uuid)
        if begun is not None:
            operation = begun[0]
            self._running[uuid] = (operation, operation.cluster_uuid)
            self._begun[operation.cluster_uuid] = uuid
            self._untold.add(uuid)
        return begun

    async def load(self, cluster_uuid: str) -> ClusterRow | None:
        """Whoever begins an operation loads its cluster next."""
        row = await super().load(cluster_uuid)
        uuid = self._begun.pop(cluster_uuid, "")
        if row is not None and uuid in self._running:
            self._running[uuid] = (self._running[uuid][0], row.cluster.name)
        return row

    async def finish_operation(
        self,
        uuid: str,
        fence: int,
        state: OperationState,
        *,
        change: StatusChange | None = None,
        error: str | None = None,
        error_class: ErrorClass | None = None,
        hint: str | None = None,
    ) -> None:
        await super().finish_operation(
            uuid, fence, state, change=change, error=error, error_class=error_class, hint=hint
        )
        self._over(uuid, state, " ".join(part for part in (error, hint) if part), error_class)

    async def remove_cluster(self, cluster_uuid: str, fence: int, operation_uuid: str) -> None:
        await super().remove_cluster(cluster_uuid, fence, operation_uuid)
        self._over(operation_uuid, OperationState.SUCCEEDED, "", None)

    async def open_step(self, step: Step) -> int:
        row = await super().open_step(step)
        self._keep(row, step)
        return row

    async def list_steps(self, operation_uuid: str, *, after_id: int = 0) -> Sequence[Step]:
        """Then its steps. Rows that an earlier process left open are ended by this one, so their names are needed."""
        found = await super().list_steps(operation_uuid, after_id=after_id)
        if operation_uuid in self._untold:
            self._untold.discard(operation_uuid)
            self._say(operation_uuid, "goes on" if found else "begins")
        if operation_uuid in self._running:
            for step in found:
                if step.id is not None and step.ended_at is None:
                    self._keep(step.id, step)
        return found

    def _keep(self, row: int, step: Step) -> None:
        self._steps[row] = step
        self._rows.setdefault(step.operation_uuid, set()).add(row)

    async def close_step(
        self,
        step_id: int,
        *,
        ok: bool,
        message: str = "",
        error_class: ErrorClass | None = None,
        hint: str | None = None,
        log: str | None = None,
    ) -> None:
        await super().close_step(step_id, ok=ok, message=message, error_class=error_class, hint=hint, log=log)
        step = self._steps.pop(step_id, None)
        if step is not None:
            details = {"step": step.name, "target": step.target, "attempt": step.attempt, "ok": ok}
            name = f"{step.name} {step.target}".strip()
            end = f"done in {self._since(step.started_at)}" if ok else f"failed: {message}"
            self._say(step.operation_uuid, f"{name} {end}", ok=ok, details=details)

    async def note_step(self, step_id: int, message: str) -> None:
        """What is told of a step while it is open is that something does not move."""
        await super().note_step(step_id, message)
        step = self._steps.get(step_id)
        if step is not None and message:
            details = {"step": step.name, "target": step.target, "attempt": step.attempt}
            self._say(
                step.operation_uuid, f"{f'{step.name} {step.target}'.strip()}: {message}", ok=False, details=details
            )

    def _over(self, uuid: str, state: OperationState, why: str, error_class: ErrorClass | None) -> None:
        operation = self._running[uuid][0] if uuid in self._running else None
        took = f" after {self._since(operation.started_at)}" if operation and operation.started_at else ""
        details = {"state": state.value, "error_class": error_class}
        self._say(uuid, f"{state.value}{took}{': ' if why else ''}{why}", ok=state in _WELL, details=details)
        self._untold.discard(uuid)
        if self._running.pop(uuid, None):
            self._begun.pop(operation.cluster_uuid if operation else "", None)
        for row in self._rows.pop(uuid, ()):
            self._steps.pop(row, None)

    def _say(self, uuid: str, what: str, *, ok: bool = True, details: Mapping[str, object] | None = None) -> None:
        if uuid not in self._running:
            return
        operation, cluster = self._running[uuid]
        fields = {"cluster": operation.cluster_uuid, "operation": uuid, "kind": operation.kind.value, **(details or {})}
        tell = _log.info if ok else _log.warning
        tell(f"{cluster}: {operation.kind.value}: {what}", **{DETAILS: fields})

    def _since(self, moment: datetime) -> str:
        return f"{(self._clock.now() - moment).total_seconds():.1f} s"
