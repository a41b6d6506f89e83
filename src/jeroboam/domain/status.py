"""States of clusters, node groups and operations, and the one table that says what follows from what."""

from __future__ import annotations

from enum import StrEnum

from .errors import Conflict


class Status(StrEnum):
    """State of a cluster or node group, with Magnum's names."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETE_COMPLETE = "DELETE_COMPLETE"
    DELETE_FAILED = "DELETE_FAILED"


IN_PROGRESS = frozenset({Status.CREATE_IN_PROGRESS, Status.UPDATE_IN_PROGRESS, Status.DELETE_IN_PROGRESS})
FAILED = frozenset({Status.CREATE_FAILED, Status.UPDATE_FAILED, Status.DELETE_FAILED})


class Health(StrEnum):
    """Health of a live cluster."""

    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    UNKNOWN = "UNKNOWN"


class Verb(StrEnum):
    """What an operation does to a status. Every kind of operation is one of three verbs to the table below."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class OperationKind(StrEnum):
    """What somebody asked for, in the words that people read."""

    CREATE = "create"
    UPDATE = "update"
    RESIZE = "resize"
    UPGRADE = "upgrade"
    DELETE = "delete"
    ROTATE_CA = "rotate_ca"
    ROTATE_CREDENTIALS = "rotate_credentials"
    HEAL = "heal"
    NODEGROUP_CREATE = "nodegroup_create"
    NODEGROUP_UPDATE = "nodegroup_update"
    NODEGROUP_DELETE = "nodegroup_delete"

    @property
    def verb(self) -> Verb:
        """The row of the status table: what is neither the cluster's beginning nor its end is an update of it."""
        return Verb(self.value) if self in (OperationKind.CREATE, OperationKind.DELETE) else Verb.UPDATE

    @property
    def removes(self) -> bool:
        """Whether it takes away what a tenant wished away. Such a wish is never taken back."""
        return self in (OperationKind.DELETE, OperationKind.NODEGROUP_DELETE)

    @property
    def takes_its_wish_back(self) -> bool:
        """Whether nothing of its wish stays in the cluster when it is cancelled before it made or removed anything."""
        return not self.removes and self not in (OperationKind.CREATE, *_GROUP_WISHES)


_GROUP_WISHES = (OperationKind.NODEGROUP_CREATE, OperationKind.NODEGROUP_UPDATE)


class OperationState(StrEnum):
    """Course of an operation. The last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


OPERATION_FINAL = frozenset(
    {OperationState.SUCCEEDED, OperationState.FAILED, OperationState.CANCELLED, OperationState.SUPERSEDED}
)

_S = Status
_BEGIN: dict[Verb, dict[Status, Status]] = {
    Verb.CREATE: dict.fromkeys((_S.CREATE_IN_PROGRESS, _S.CREATE_FAILED), _S.CREATE_IN_PROGRESS),
    Verb.UPDATE: dict.fromkeys(
        (
            _S.CREATE_COMPLETE,
            _S.CREATE_FAILED,
            _S.CREATE_IN_PROGRESS,
            _S.UPDATE_COMPLETE,
            _S.UPDATE_FAILED,
            _S.UPDATE_IN_PROGRESS,
        ),
        _S.UPDATE_IN_PROGRESS,
    ),
    Verb.DELETE: {s: _S.DELETE_IN_PROGRESS for s in Status if s is not _S.DELETE_COMPLETE},
}
_END: dict[Verb, tuple[Status, Status]] = {
    Verb.CREATE: (_S.CREATE_COMPLETE, _S.CREATE_FAILED),
    Verb.UPDATE: (_S.UPDATE_COMPLETE, _S.UPDATE_FAILED),
    Verb.DELETE: (_S.DELETE_COMPLETE, _S.DELETE_FAILED),
}

_AGAIN = {
    _S.CREATE_FAILED: _S.CREATE_IN_PROGRESS,
    _S.UPDATE_FAILED: _S.UPDATE_IN_PROGRESS,
    _S.DELETE_FAILED: _S.DELETE_IN_PROGRESS,
}


def begin(status: Status, verb: Verb) -> Status:
    """The status while `verb` runs on something in `status`. Raises Conflict where the table has no entry."""
    try:
        return _BEGIN[verb][status]
    except KeyError:
        raise Conflict(f"{verb} is not possible while the status is {status}.") from None


def end(verb: Verb, *, ok: bool) -> Status:
    """The status after `verb` ended well or badly."""
    return _END[verb][0 if ok else 1]


def again(status: Status) -> Status:
    """The status while what failed is tried again; any other stays."""
    return _AGAIN.get(status, status)
