"""Stacks of Heat: small calls, each with its meaning. Source: Heat API reference v1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .machine_template import SIGNAL
from .network_template import Template
from .rest import HEAT, Body, Rest, checked
from .tags import OURS, cluster_of, cluster_tag, stack_tags

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


class Heat:
    """Raises what the answers mean; a stack that is gone is None or success."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def stacks(self, project_id: str, cluster_uuid: str | None) -> Sequence[Stack]:
        """Those with a cluster's tag, or all of ours. Heat lists one for a moment after its end: that is left out."""
        query = {"tags": cluster_tag(cluster_uuid) if cluster_uuid else OURS}
        body = checked(
            await self._rest.call(project_id, HEAT, "GET", "/stacks", query=query), "Stacks could not be listed"
        )
        found = (_stack(project_id, one) for one in body["stacks"])
        return [one for one in found if one.status != "DELETE_COMPLETE"]

    async def stack(self, project_id: str, name: str) -> Stack | None:
        """One with its outputs."""
        answer = await self._rest.call(project_id, HEAT, "GET", f"/stacks/{quote(name)}")
        body = checked(answer, f"Stack {name} could not be read", fine=(404,))
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
        return [
            Failure(one["resource_name"], str(one.get("resource_status_reason") or one["resource_status"]))
            for one in await self._resources(stack)
            if one["resource_status"].endswith("_FAILED")
        ]

    async def made(self, stack: Stack) -> Mapping[str, str]:
        """What Heat made, by the names of its resources: the ids that the services behind it know. Nobody but Heat writes them."""
        return {
            one["resource_name"]: str(one.get("physical_resource_id") or "") for one in await self._resources(stack)
        }

    async def _resources(self, stack: Stack) -> Sequence[Body]:
        answer = await self._rest.call(stack.project_id, HEAT, "GET", f"{stack.path}/resources")
        found: Sequence[Body] = checked(answer, f"The resources of stack {stack.name} could not be listed")["resources"]
        return found

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
