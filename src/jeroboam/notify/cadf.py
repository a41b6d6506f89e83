"""An event in the words of Magnum's notifications: a CADF activity with the cluster's data attached.

Sources: CADF 1.0 (DMTF DSP0262) for the frame; magnum's conductor for event types, priorities and attachment. Pure.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..contracts import ClusterEvent

_CLUSTER = "service/magnum/cluster"
_USER = "service/security/account/user"
_OBSERVER = str(uuid.uuid5(uuid.NAMESPACE_URL, _CLUSTER))
_SECRET = re.compile(r"passw|secret|token|credential", re.IGNORECASE)  # tenants do put such things into labels
_HIDDEN = "***"
_CONTROL_PLANE = "control-plane"


def event_type(event: ClusterEvent) -> str:
    return f"magnum.cluster.{event.action}"


def priority(event: ClusterEvent) -> str:
    return "ERROR" if event.outcome == "failure" else "INFO"


def payload(event: ClusterEvent) -> dict[str, Any]:
    """The CADF event."""
    attachment = {"name": "cluster_data", "typeURI": f"{_CLUSTER}/data", "content": _data(event)}
    body = {
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
        "eventType": "activity",
        "id": event.uuid,
        "eventTime": event.happened_at.isoformat(timespec="microseconds"),
        "action": event.action,
        "outcome": event.outcome,
        "initiator": {
            "typeURI": _USER,
            "id": event.user_id,
            "user_id": event.user_id,
            "project_id": event.project_id,
            "domain_id": None,
            "request_id": event.request_id,
        },
        "observer": {"typeURI": _CLUSTER, "id": _OBSERVER},
        "target": {
            "typeURI": _CLUSTER,
            "id": event.cluster_uuid,
            "name": event.cluster["name"],
            "attachments": [attachment],
        },
    }
    return body | ({"reason": {"reasonType": "status", "reasonCode": event.reason}} if event.reason else {})


def _data(event: ClusterEvent) -> dict[str, Any]:
    cluster, shape = event.cluster, event.cluster["shape"]
    masters = [group for group in event.groups if group["role"] == _CONTROL_PLANE]
    workers = [group for group in event.groups if group["role"] != _CONTROL_PLANE]
    return {
        "id": event.cluster_uuid,
        "name": cluster["name"],
        "status": cluster["status"],
        "status_reason": cluster["status_reason"],
        "project_id": cluster["project_id"],
        "user_id": cluster["user_id"],
        "created_at": _time(cluster["created_at"]),
        "updated_at": _time(cluster["updated_at"]),
        "cluster_template_id": cluster["template_uuid"],
        "keypair": cluster["keypair"],
        "labels": {name: _HIDDEN if _SECRET.search(name) else value for name, value in shape["labels"].items()},
        "flavor_id": shape["flavor_id"],
        "master_flavor_id": shape["control_plane_flavor_id"],
        "docker_volume_size": shape["docker_volume_size_gib"],
        "stack_id": cluster["backend_id"],
        "health_status": cluster["health"],
        "create_timeout": cluster["create_timeout_min"],
        "api_address": cluster["api_address"],
        "coe_version": cluster["coe_version"],
        "container_version": cluster["container_version"],
        "master_addresses": _addresses(masters),
        "node_addresses": _addresses(workers),
        "master_count": sum(group["node_count"] for group in masters),
        "node_count": sum(group["node_count"] for group in workers),
    }


def _addresses(groups: list[Mapping[str, Any]]) -> list[str]:
    return [address for group in groups for address in group["node_addresses"]]


def _time(value: object) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else (str(value) if value else None)
