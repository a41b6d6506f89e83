"""A small Heat: makes the resources of our templates in a small cloud, keeps what it made, and changes only what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from tests.unit.providers.openstack.node import Node
from tests.unit.providers.openstack.windows_node import WindowsNode, node_of

Raw = dict[str, Any]


@dataclass
class Stack:
    """A stack of one project."""

    project: str
    name: str
    id: str = field(default_factory=lambda: str(uuid4()))
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    tags: tuple[str, ...] = ()
    template: Raw = field(default_factory=dict)
    parameters: Raw = field(default_factory=dict)
    made: dict[str, Raw] = field(default_factory=dict)  # resource name -> what was made: kind, id, why (it failed)
    signals: Raw = field(default_factory=dict)
    busy: int = 0  # looks that still see it in progress


@dataclass
class Things:
    """What there is in the cloud."""

    servers: dict[str, Raw] = field(default_factory=dict)
    networks: dict[str, Raw] = field(default_factory=dict)
    subnets: dict[str, Raw] = field(default_factory=dict)
    routers: dict[str, Raw] = field(default_factory=dict)
    ports: dict[str, Raw] = field(default_factory=dict)
    nodes: dict[str, tuple[Stack, Node | WindowsNode]] = field(default_factory=dict)  # by their servers' ids
    no_host: set[str] = field(default_factory=set)  # servers that end in ERROR
    addresses: Iterator[int] = field(default_factory=lambda: count(10))

    def address(self) -> str:
        number = next(self.addresses)
        return f"10.0.{number // 250}.{number % 250 + 1}"


def settle(stack: Stack, things: Things) -> None:
    """Bring what was made in line with the template, as an update of Heat does."""
    wanted: Raw = stack.template["resources"]
    for name in [name for name in stack.made if name not in wanted]:
        unmake(stack.made.pop(name), things)
    for name in _in_order(wanted):
        old = stack.made.get(name)
        if old is None or old.get("why"):
            stack.made[name] = _make(stack, name, wanted[name], things)
            unmake(old or {"id": ""}, things)  # what takes its place is made first
    failed = [f"{name}: {one['why']}" for name, one in stack.made.items() if one.get("why")]
    verb = stack.status.partition("_")[0]
    stack.status = f"{verb}_FAILED" if failed else f"{verb}_COMPLETE"
    stack.reason = "; ".join(failed)


def unmake(one: Raw, things: Things) -> None:
    for port in [port for port in things.ports.values() if port["id"] == f"port-{one['id']}"]:
        del things.ports[port["id"]]  # Nova made it with the server
    for port in things.ports.values():
        port["device_id"] = "" if port["device_id"] == one["id"] else port["device_id"]
    for kind in (things.servers, things.networks, things.subnets, things.routers, things.ports):
        kind.pop(one["id"], None)


def outputs(stack: Stack) -> list[Raw]:
    return [
        {"output_key": key, "output_value": value(stack, one["value"])}
        for key, one in (stack.template.get("outputs") or {}).items()
    ]


def value(stack: Stack, word: Any) -> Any:
    """A property with its functions called."""
    if isinstance(word, list):
        return [value(stack, one) for one in word]
    if not isinstance(word, Mapping):
        return word
    if "get_resource" in word:
        return stack.made[word["get_resource"]]["id"]
    if "get_param" in word:
        default = stack.template["parameters"][word["get_param"]]["default"]
        return stack.parameters.get(word["get_param"], default)
    if "get_attr" in word:
        found: Any = stack.made[word["get_attr"][0]]
        for key in word["get_attr"][1:]:
            found = found[key]
        return found
    if "list_join" in word:
        return word["list_join"][0].join(value(stack, word["list_join"][1]))
    return {key: value(stack, one) for key, one in word.items()}


def _in_order(resources: Raw) -> list[str]:
    """What others refer to comes first."""
    order = (
        "Net",
        "Subnet",
        "Router",
        "RouterInterface",
        "SecurityGroup",
        "WaitConditionHandle",
        "ServerGroup",
        "Volume",
        "Port",
    )
    last = ("FloatingIP", "Server")
    ranks = {kind: rank for rank, kind in enumerate((*order, *last))}
    return sorted(resources, key=lambda name: ranks[resources[name]["type"].rpartition("::")[2]])


def _make(stack: Stack, name: str, resource: Raw, things: Things) -> Raw:
    kind = resource["type"].rpartition("::")[2]
    given: Raw = value(stack, resource["properties"])
    made: Raw = {"id": str(uuid4()), "kind": resource["type"], "name": given.get("name", name), **given}
    if kind == "WaitConditionHandle":
        made["signal"] = json.dumps({"alarm_url": f"{stack.name}/{name}"})
    elif kind == "Net":
        made |= {"mtu": 1450, "project_id": stack.project}
        things.networks[made["id"]] = made
    elif kind == "Subnet":
        things.subnets[made["id"]] = made
    elif kind == "Router":
        made["project_id"] = stack.project
        things.routers[made["id"]] = made
    elif kind == "Port":
        made["fixed_ips"] = [{"ip_address": things.address()}]
        made |= {"network_id": given["network"], "device_id": "", "device_owner": ""}
        things.ports[made["id"]] = made
    elif kind == "FloatingIP":
        made["floating_ip_address"] = f"203.0.113.{next(things.addresses) % 250}"
    elif kind == "Server":
        _serve(stack, made, given, things)
    return made


def _serve(stack: Stack, made: Raw, given: Raw, things: Things) -> None:
    link = given["networks"][0]
    users = [one for one in things.servers.values() if one["status"] == "ERROR" and one["port"] == link.get("port", "")]
    if users:  # a server that is well gives its port up
        made["why"] = f"Conflict: resources.{given['name']}: Port {link['port']} is still in use."
        return
    address = things.ports[link["port"]]["fixed_ips"][0]["ip_address"] if "port" in link else things.address()
    if "port" in link:
        things.ports[link["port"]]["device_id"] = made["id"]
    else:
        own = {
            "id": f"port-{made['id']}",
            "network_id": link["network"],
            "device_id": made["id"],
            "device_owner": "compute:nova",
        }
        things.ports[own["id"]] = own
    lost = given["name"] in things.no_host
    things.servers[made["id"]] = {
        "id": made["id"],
        "name": given["name"],
        "project": stack.project,
        "status": "ERROR" if lost else "ACTIVE",
        "metadata": given["metadata"],
        "addresses": {"net": [{"addr": address, "version": 4, "OS-EXT-IPS:type": "fixed"}]},
        "port": link.get("port"),
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "OS-SRV-USG:launched_at": None if lost else datetime.now(UTC).replace(tzinfo=None).isoformat(),
        "fault": {"message": "No valid host was found. "} if lost else {},
        "user_data": given["user_data"],
    }
    if lost:
        made["why"] = "ResourceInError: Went to status ERROR due to No valid host was found."
        return
    node = node_of(given["user_data"])
    things.nodes[made["id"]] = stack, node
    tell(stack, made["id"], node.asks)


def tell(stack: Stack, server: str, report: str) -> None:
    """A node's signal."""
    stack.signals[server] = {"id": server, "status": "SUCCESS", "reason": "report", "data": report}


def mark(things: Things, server: str, marks: Raw) -> None:
    """Write a server's metadata. Its node may find the key of its boot in it."""
    things.servers[server]["metadata"] |= marks
    if server in things.nodes:
        stack, node = things.nodes[server]
        report = node.ends(marks.get("jeroboam_key", ""))
        if report:
            tell(stack, server, node.tagged(server, report))
