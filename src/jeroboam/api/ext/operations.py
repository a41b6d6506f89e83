"""/ext/v1/operations and a cluster's operations."""

from __future__ import annotations

import msgspec

from ...domain import OPERATION_FINAL, Operation, Step
from ...service import clusters, healing, operations, retries
from ..call import Call, Reply, Route
from ..streams import Streams
from . import events
from .moments import moment


class OperationView(msgspec.Struct):
    """What somebody asked for, and what became of it."""

    uuid: str
    cluster_uuid: str
    verb: str
    kind: str
    forced: bool
    state: str
    summary: str
    error: str | None
    error_class: str | None
    hint: str | None
    request_id: str
    user_id: str
    project_id: str
    cancel_requested: bool
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    deadline_at: str | None


class StepView(msgspec.Struct):
    """A row of the timeline. `ok` is null while it goes on."""

    id: int | None
    name: str
    target: str
    attempt: int
    started_at: str | None
    ended_at: str | None
    ok: bool | None
    message: str
    error_class: str | None
    hint: str | None
    log: str | None


class EventView(msgspec.Struct):
    """An event of a stream. `data` is a StepView or OperationView as JSON, by the kind of event: step, operation; end has none of them."""

    event: str = ""
    data: str = ""


class Operations(msgspec.Struct):
    """Of a cluster, newest first."""

    operations: list[OperationView]


class Steps(msgspec.Struct):
    """A timeline."""

    steps: list[StepView]


async def of_cluster(call: Call) -> Reply:
    """A cluster's operations, newest first."""
    found = await operations.list_all(call.services, call.caller, call.path["ident"])
    return Reply(Operations([_operation(one) for one in found]))


async def show(call: Call) -> Reply:
    """One."""
    return Reply(_operation(await operations.get(call.services, call.caller, call.path["uuid"])))


async def steps(call: Call) -> Reply:
    """Its timeline."""
    found = await operations.steps(call.services, call.caller, call.path["uuid"])
    return Reply(Steps([_step(one) for one in found]))


async def watch(call: Call) -> Reply:
    """Its steps and itself as server-sent events, all that is known and then each change, until it is over."""
    uuid = call.path["uuid"]
    await operations.get(call.services, call.caller, uuid)  # refused before anything is sent
    streams: Streams = call.request.app.state.streams
    streams.check_room()

    async def look(after_id: int) -> tuple[OperationView, list[StepView], bool]:
        one = await operations.get(call.services, call.caller, uuid)  # before the steps: what is over opens none
        found = await operations.steps(call.services, call.caller, uuid, after_id=after_id)
        return _operation(one), [_step(step) for step in found], one.state in OPERATION_FINAL

    return Reply(stream=streams.counted(events.told(look)), headers={"Cache-Control": "no-store"})


async def retry(call: Call) -> Reply:
    """Go on with what failed or was cancelled, from what is there."""
    return Reply(_operation(await retries.retry(call.services, call.asker, call.path["ident"])))


async def force_delete(call: Call) -> Reply:
    """Delete a cluster; what the provider does not let go of in time is left behind and named in the timeline."""
    return Reply(_operation(await clusters.force_delete(call.services, call.asker, call.path["ident"])))


async def heal(call: Call) -> Reply:
    """Start again or replace the nodes that are not well, without waiting for the grace."""
    return Reply(_operation(await healing.heal(call.services, call.asker, call.path["ident"])))


async def cancel(call: Call) -> Reply:
    """Stop an operation; it ends soon after, and its timeline says how."""
    return Reply(_operation(await operations.cancel(call.services, call.asker, call.path["uuid"])))


def _operation(one: Operation) -> OperationView:
    return OperationView(
        uuid=one.uuid,
        cluster_uuid=one.cluster_uuid,
        verb=one.verb,
        kind=one.kind,
        forced=one.forced,
        state=one.state,
        summary=one.summary,
        error=one.error,
        error_class=one.error_class,
        hint=one.hint,
        request_id=one.request_id,
        user_id=one.user_id,
        project_id=one.project_id,
        cancel_requested=one.cancel_requested,
        created_at=moment(one.created_at),
        started_at=moment(one.started_at),
        finished_at=moment(one.finished_at),
        deadline_at=moment(one.deadline_at),
    )


def _step(one: Step) -> StepView:
    return StepView(
        id=one.id,
        name=one.name,
        target=one.target,
        attempt=one.attempt,
        started_at=moment(one.started_at),
        ended_at=moment(one.ended_at),
        ok=one.ok,
        message=one.message,
        error_class=one.error_class,
        hint=one.hint,
        log=one.log,
    )


ROUTES = (
    Route("GET", "/clusters/{ident:str}/operations", of_cluster, reply=Operations, rule="cluster:get"),
    Route("GET", "/operations/{uuid:str}", show, reply=OperationView, rule="cluster:get"),
    Route("GET", "/operations/{uuid:str}/steps", steps, reply=Steps, rule="cluster:get"),
    Route(
        "GET",
        "/operations/{uuid:str}/events",
        watch,
        reply=EventView,
        rule="cluster:get",
        media_type="text/event-stream",
    ),
    Route("POST", "/clusters/{ident:str}/heal", heal, status=202, reply=OperationView, rule="cluster:heal"),
    Route("POST", "/clusters/{ident:str}/retry", retry, status=202, reply=OperationView, rule="cluster:retry"),
    Route(
        "POST",
        "/clusters/{ident:str}/force_delete",
        force_delete,
        status=202,
        reply=OperationView,
        rule="cluster:force_delete",
    ),
    Route(
        "POST",
        "/operations/{uuid:str}/cancel",
        cancel,
        status=202,
        reply=OperationView,
        rule="operation:cancel",
        refuses=(409,),
    ),
)
