"""answer.py STACK [SECONDS]: answers for servers that boot nothing.

Walks a stack with its nested stacks and signals each wait condition handle and software deployment that still waits, as
cloud-init or an agent on a real server would; goes on until the stack is no longer in progress.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import openstack

_DEPLOYMENTS = ("OS::Heat::SoftwareDeployment", "OS::Heat::StructuredDeployment")
_SIGNALLED = {"status": "SUCCESS", "data": "signalled by the bed"}
_DEPLOYED = {"deploy_status_code": 0, "deploy_stdout": "", "deploy_stderr": ""}


class Stack:
    """One stack, and what was answered for it."""

    def __init__(self, name: str) -> None:
        self._heat: Any = openstack.connect().orchestration
        self._root = self._heat.find_stack(name, ignore_missing=False)
        self._answered: set[str] = set()

    def status(self) -> str:
        return str(self._heat.get_stack(self._root).status)

    def answer(self) -> None:
        """Everything that waits now."""
        path = f"/stacks/{self._root.name}/{self._root.id}/resources"
        resources = self._heat.get(path, params={"nested_depth": 5}).json()["resources"]
        waits = any(_is(resource, "OS::Heat::WaitCondition", "IN_PROGRESS") for resource in resources)
        for resource in resources:
            if not resource["physical_resource_id"] or resource["physical_resource_id"] in self._answered:
                continue
            if waits and _is(resource, "OS::Heat::WaitConditionHandle", "CREATE_COMPLETE"):
                self._signal(resource, _SIGNALLED)
            elif any(_is(resource, kind, "IN_PROGRESS") for kind in _DEPLOYMENTS):
                self._signal(resource, _DEPLOYED)

    def _signal(self, resource: Any, body: dict[str, Any]) -> None:
        link = next(link["href"] for link in resource["links"] if link["rel"] == "self")
        reply = self._heat.post(f"{link}/signal", json=body)
        print(resource["resource_type"], resource["resource_name"], reply.status_code, flush=True)
        self._answered.add(resource["physical_resource_id"])


def _is(resource: Any, kind: str, status: str) -> bool:
    return bool(resource["resource_type"] == kind and resource["resource_status"].endswith(status))


if __name__ == "__main__":
    stack = Stack(sys.argv[1])
    ends = time.monotonic() + float(sys.argv[2] if len(sys.argv) > 2 else 60)
    while stack.status().endswith("IN_PROGRESS") and time.monotonic() < ends:
        stack.answer()
        time.sleep(1)
    print(stack.status())
