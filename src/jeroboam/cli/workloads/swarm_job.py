"""A program of a node's own, run once on that node: a Swarm job with the node's programs and its engine's socket bound in. Pure.

Source: Docker Engine API v1.41 (ReplicatedJob).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..wire import Json
from .workload import MANAGED_BY

_FOLDERS = ("/usr", "/lib", "/lib64")  # where the node's programs and what they are linked to lie
_SOCKET = "/var/run/docker.sock"


def job(
    name: str,
    node_id: str,
    image: str,
    command: Sequence[str],
    *,
    by: str,
    labels: Mapping[str, str] | None = None,
    folders: Sequence[str] = (),
    host_network: bool = False,
) -> Json:
    """What is posted for it; `by` says whose it is, and `folders` of the node are bound in as well, to be read. The image has to be on
    the node: only the place that it gives to stand on is used."""
    binds = [{"Type": "bind", "Source": path, "Target": path, "ReadOnly": True} for path in (*_FOLDERS, *folders)]
    spec = {
        "Image": image,
        "Command": list(command),
        "Env": ["HOME=/"],
        "User": "0",
        "Mounts": [*binds, {"Type": "bind", "Source": _SOCKET, "Target": _SOCKET}],
    }
    template: Json = {
        "ContainerSpec": spec,
        "Placement": {"Constraints": [f"node.id=={node_id}"]},
        "RestartPolicy": {"Condition": "none"},
    }
    if host_network:
        template["Networks"] = [{"Target": "host"}]
    once = {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}
    return {"Name": name, "Labels": {MANAGED_BY: by, **(labels or {})}, "TaskTemplate": template, "Mode": once}
