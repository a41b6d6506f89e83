"""Stacks of Heat: small calls, each with its meaning. Source: Heat API reference v1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from .machine_template import SIGNAL
from .network_template import Template
from .rest import HEAT, Body, Rest, checked
from .tags import OURS, cluster_of, cluster_tag, stack_tags

UNDEAD = "DELETE_FAILED"  # a stack in it takes no change but another deletion
_TIMEOUT_MIN = 60  # when Heat itself gives a change up; Magnum's default as well


@dataclass(frozen=True)
class Stack:
    """A stack as Heat lists it. `outputs` are there only when it was looked at alone."""

    project_id: str
    id: str
    name: str
    status: str  # CREATE_COMPLETE, UPDATE_IN_PROGRESS ...
    reason: str
    tags: tuple[str, ...]
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/stacks/{quote(self.name)}/{self.id}"

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def cluster_uuid(self) -> str | None:
        return cluster_of(self.tags)


@dataclass(frozen=True)
class Failure:
    """A resource that Heat could not make, and its reason."""

    resource: str
    reason: str


@dataclass(frozen=True)
class Made:
    """A resource of a stack. `id`: what the service behind it knows it by; "" before it is made."""

    name: str
    kind: str
    id: str
    status: str
    reason: str


class Heat:
    """Raises what the answers mean; a stack that is gone is None or success."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._ids: dict[tuple[str, str], str] = {}  # of stacks, by project and name

    async def stacks(self, project_id: str, cluster_uuid: str | None) -> Sequence[Stack]:
        """Those with a cluster's tag, or all of ours. Heat lists one for a moment after its end: that is left out."""
        query = {"tags": cluster_tag(cluster_uuid) if cluster_uuid else OURS}
        body = checked(
            await self._rest.call(project_id, HEAT, "GET", "/stacks", query=query), "Stacks could not be listed"
        )
        found = (_stack(project_id, one) for one in body["stacks"])
        return [one for one in found if one.status != "DELETE_COMPLETE"]

    async def stack(self, project_id: str, name: str) -> Stack | None:
        """One with its outputs. Heat sends who asks by name on to the id, which is a call more: the last id of a name is tried first."""
        known = self._ids.get((project_id, name))
        stack = await self._read(project_id, f"/stacks/{quote(name)}/{known}") if known else None
        if stack is None or stack.status == "DELETE_COMPLETE":  # by its id it is found for days
            stack = await self._read(project_id, f"/stacks/{quote(name)}")
        if stack is None or stack.status == "DELETE_COMPLETE":
            self.forget(project_id, name)
            return None
        self._ids[project_id, name] = stack.id
        return stack

    def forget(self, project_id: str, name: str) -> None:
        """The stack is gone for good."""
        self._ids.pop((project_id, name), None)

    async def _read(self, project_id: str, path: str) -> Stack | None:
        answer = await self._rest.call(project_id, HEAT, "GET", path)
        body = checked(answer, f"Stack {unquote(path.split('/')[2])} could not be read", fine=(404,))
        return _stack(project_id, body["stack"]) if answer.status < 400 else None

    async def template(self, stack: Stack) -> Template:
        answer = await self._rest.call(stack.project_id, HEAT, "GET", f"{stack.path}/template")
        return dict(checked(answer, f"The template of stack {stack.name} could not be read"))

    async def create(
        self, project_id: str, name: str, cluster_uuid: str, template: Template, parameters: Mapping[str, str]
    ) -> None:
        """A stack of this name that is there already is a 409: RetryLater."""
        body = {"stack_name": name, **_given(cluster_uuid, template, parameters)}
        checked(await self._rest.call(project_id, HEAT, "POST", "/stacks", body=body), f"Stack {name} was not created")

    async def update(self, stack: Stack, cluster_uuid: str, template: Template, parameters: Mapping[str, str]) -> None:
        """Parameters that are not given have their defaults again."""
        body = _given(cluster_uuid, template, parameters)
        answer = await self._rest.call(stack.project_id, HEAT, "PUT", stack.path, body=body)
        checked(answer, f"Stack {stack.name} was not updated")

    async def delete(self, stack: Stack) -> None:
        answer = await self._rest.call(stack.project_id, HEAT, "DELETE", stack.path)
        checked(answer, f"Stack {stack.name} was not deleted", fine=(404,))

    async def mark_unhealthy(self, stack: Stack, resource: str, reason: str) -> None:
        """Heat makes it anew at the next update."""
        body = {"mark_unhealthy": True, "resource_status_reason": reason}
        path = f"{stack.path}/resources/{quote(resource)}"
        answer = await self._rest.call(stack.project_id, HEAT, "PATCH", path, body=body)
        checked(answer, f"{resource} was not marked in stack {stack.name}", fine=(404,))

    async def failures(self, stack: Stack) -> Sequence[Failure]:
        """What failed in the stack."""
        return failed(await self.resources(stack))

    async def made(self, stack: Stack) -> Mapping[str, str]:
        """What Heat made, by the names of its resources: the ids that the services behind it know. Nobody but Heat writes them."""
        return {one.name: one.id for one in await self.resources(stack)}

    async def resources(self, stack: Stack) -> Sequence[Made]:
        """All of the stack, but for those that are deleted already."""
        answer = await self._rest.call(stack.project_id, HEAT, "GET", f"{stack.path}/resources")
        found = checked(answer, f"The resources of stack {stack.name} could not be listed", fine=(404,))
        made = (_made(raw) for raw in found.get("resources") or ())
        return [one for one in made if one.status != "DELETE_COMPLETE"]

    async def signals(self, stack: Stack) -> Mapping[str, str]:
        """The last word of each node, by its server's id. Empty while the stack's first resource is not made."""
        path = f"{stack.path}/resources/{SIGNAL}/metadata"
        answer = await self._rest.call(stack.project_id, HEAT, "GET", path)
        found = (
            checked(answer, f"The signals of stack {stack.name} could not be read", fine=(404,)).get("metadata") or {}
        )
        return {
            server: str(signal.get("data") or "") for server, signal in found.items() if isinstance(signal, Mapping)
        }


def failed(resources: Sequence[Made]) -> Sequence[Failure]:
    """Those that failed."""
    return [Failure(one.name, one.reason or one.status) for one in resources if one.status.endswith("_FAILED")]


def _made(raw: Body) -> Made:
    return Made(
        name=raw["resource_name"],
        kind=str(raw.get("resource_type") or ""),
        id=str(raw.get("physical_resource_id") or ""),
        status=raw["resource_status"],
        reason=str(raw.get("resource_status_reason") or ""),
    )


def _given(cluster_uuid: str, template: Template, parameters: Mapping[str, str]) -> Body:
    return {
        "template": template,
        "parameters": dict(parameters),
        "tags": ",".join(stack_tags(cluster_uuid, template)),
        "disable_rollback": True,  # what was made stays, and the next pass goes on from it
        "timeout_mins": _TIMEOUT_MIN,
    }


def _stack(project_id: str, raw: Body) -> Stack:
    return Stack(
        project_id=project_id,
        id=raw["id"],
        name=raw["stack_name"],
        status=raw["stack_status"],
        reason=str(raw.get("stack_status_reason") or ""),
        tags=tuple(raw.get("tags") or ()),
        outputs={one["output_key"]: one.get("output_value") for one in raw.get("outputs") or ()},
    )
