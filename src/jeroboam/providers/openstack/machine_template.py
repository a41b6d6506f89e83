"""A stack of machines: up to fifty of one node group, each a resource of its own name. Pure.

A template is changed one machine at a time, and what is there of the others stays as it was written, by whichever version of ours:
so an update touches nothing but what it is for. What a machine boots with is a parameter which only the update that makes it
fills in. The events of a server show it to every reader of the project: it is sealed (boot_keys.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ...domain import Role
from .network_template import VERSION, Template
from .tags import CLUSTER, GROUP, IMAGE, INDEX, KEYS, ROLE
from .user_data import HEADS

SIGNAL = "signal"  # the resource that nodes report to
_PLACEMENT = "placement"
_SERVER = "OS::Nova::Server"


@dataclass(frozen=True)
class ServerPlan:
    """One machine. `image` and `flavor` are ids; `image_word` is how its wish names the image.

    `port` is an existing port that it takes, the endpoint's. Where it is None and there is neither a `subnet` to choose nor an address
    in `pairs` to allow, Nova makes the port. `pools`: a balancer's pools by the port that they lead to. `volume_type`: of its root volume;
    None is Cinder's default. Without `security_groups` Neutron says what passes the port.
    """

    cluster_uuid: str
    name: str
    group: str
    role: Role
    index: int
    image: str
    image_word: str
    flavor: str
    network: str
    security_groups: tuple[str, ...]
    os: str = "linux"
    keys: str = ""
    zone: str | None = None
    volume_gib: int | None = None
    volume_type: str | None = None
    port: str | None = None
    subnet: str | None = None
    pairs: tuple[str, ...] = ()
    pools: tuple[tuple[int, str], ...] = ()


def empty_stack(cluster_uuid: str, group: str, *, apart: bool) -> Template:
    """Without machines. `apart`: those to come are kept on different hosts where there are enough."""
    resources: Template = {
        SIGNAL: {"type": "OS::Heat::WaitConditionHandle", "properties": {"signal_transport": "HEAT_SIGNAL"}}
    }
    if apart:
        resources[_PLACEMENT] = {"type": "OS::Nova::ServerGroup", "properties": {"policies": ["soft-anti-affinity"]}}
    return {
        "heat_template_version": VERSION,
        "description": f"Machines of the node group {group} of the Jeroboam cluster {cluster_uuid}",
        "parameters": {},
        "resources": resources,
    }


def with_machine(template: Mapping[str, Any], plan: ServerPlan) -> Template:
    """The template with this machine, which takes the place of one of its name."""
    changed = without_machine(template, plan.name)
    changed["parameters"][boot_parameter(plan.name)] = {"type": "string", "default": "", "hidden": True}
    resources = changed["resources"]
    resources[plan.name] = _server(plan, apart=_PLACEMENT in resources)
    if _needs_port(plan):
        resources[f"{plan.name}.port"] = _port(plan)
    if plan.volume_gib and plan.volume_type:
        resources[volume_resource(plan.name)] = _volume(plan)
    for port, pool in plan.pools:
        resources[f"{plan.name}.member.{port}"] = _member(plan, port, pool)
    return changed


def without_machine(template: Mapping[str, Any], name: str) -> Template:
    """The template without this machine, and all others untouched."""
    changed = deepcopy(dict(template))
    changed["parameters"] = {
        key: value for key, value in (changed.get("parameters") or {}).items() if key != boot_parameter(name)
    }
    changed["resources"] = {
        key: value for key, value in changed["resources"].items() if key != name and not key.startswith(f"{name}.")
    }
    return changed


def machine_names(template: Mapping[str, Any]) -> tuple[str, ...]:
    """The machines that the template asks for, in order."""
    return tuple(sorted(name for name, one in template["resources"].items() if one["type"] == _SERVER))


def boot_parameter(name: str) -> str:
    """The parameter that carries a machine's user data."""
    return f"boot-{name}"


def volume_resource(name: str) -> str:
    """A machine's root volume, where it is a resource of its own: it is made anew with the machine."""
    return f"{name}.volume"


def _server(plan: ServerPlan, *, apart: bool) -> Template:
    properties: Template = {
        "name": plan.name,
        "flavor": plan.flavor,
        "networks": [_link(plan)],
        "metadata": _metadata(plan),
        "user_data_format": "RAW",
        "user_data": {"list_join": ["", [HEADS[plan.os], {"get_attr": [SIGNAL, "signal"]}, _boot(plan.name)]]},
        "user_data_update_policy": "IGNORE",  # it counts at the first boot; a later update has it empty
    }
    properties |= _disk(plan)
    if not _needs_port(plan) and plan.port is None and plan.security_groups:
        properties["security_groups"] = list(plan.security_groups)
    if plan.zone:
        properties["availability_zone"] = plan.zone
    if apart:
        properties["scheduler_hints"] = {"group": {"get_resource": _PLACEMENT}}
    return {"type": _SERVER, "properties": properties}


def _disk(plan: ServerPlan) -> Template:
    if plan.volume_gib is None:
        return {"image": plan.image}
    if plan.volume_type:  # Nova's own volumes have no type that Heat could name
        volume: Template = {"volume_id": {"get_resource": volume_resource(plan.name)}, "delete_on_termination": False}
    else:
        volume = {"image": plan.image, "volume_size": plan.volume_gib, "delete_on_termination": True}
    return {"block_device_mapping_v2": [{**volume, "boot_index": 0}]}


def _volume(plan: ServerPlan) -> Template:
    properties = {"name": plan.name, "image": plan.image, "size": plan.volume_gib, "volume_type": plan.volume_type}
    return {"type": "OS::Cinder::Volume", "properties": properties}


def _link(plan: ServerPlan) -> Template:
    if plan.port:
        return {"port": plan.port}
    return {"port": {"get_resource": f"{plan.name}.port"}} if _needs_port(plan) else {"network": plan.network}


def has_port(plan: ServerPlan) -> bool:
    """Its port is no server's own, and outlives each."""
    return plan.port is not None or _needs_port(plan)


def _needs_port(plan: ServerPlan) -> bool:
    return plan.port is None and bool(plan.subnet or plan.pairs)


def _port(plan: ServerPlan) -> Template:
    properties: Template = {
        "name": plan.name,
        "network": plan.network,
    }
    if plan.security_groups:
        properties["security_groups"] = list(plan.security_groups)
    if plan.subnet:
        properties["fixed_ips"] = [{"subnet": plan.subnet}]
    if plan.pairs:
        properties["allowed_address_pairs"] = [{"ip_address": address} for address in plan.pairs]
    return {"type": "OS::Neutron::Port", "properties": properties}


def _member(plan: ServerPlan, port: int, pool: str) -> Template:
    address = {"get_attr": [plan.name, "first_address"]}
    return {
        "type": "OS::Octavia::PoolMember",
        "properties": {"pool": pool, "address": address, "protocol_port": port},
    }


def _boot(name: str) -> Template:
    return {"get_param": boot_parameter(name)}


def _metadata(plan: ServerPlan) -> Mapping[str, str]:
    return {
        CLUSTER: plan.cluster_uuid,
        GROUP: plan.group,
        ROLE: plan.role.value,
        INDEX: str(plan.index),
        IMAGE: plan.image_word,
        KEYS: plan.keys,
    }
