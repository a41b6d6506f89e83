"""The stack of a cluster's network: network, subnet, router, security groups and the API endpoint. Pure.

The endpoint is a load balancer of Octavia, or a port with a fixed address. That port belongs to the only control plane, or to
nobody: then its address is one that the control planes take over from each other, and their own ports allow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .tags import cluster_tag

VERSION = "2018-08-31"  # Heat's "rocky" language. Source: Heat, Template Guide, heat_template_version
Template = dict[str, Any]


class EndpointKind(StrEnum):
    """How a cluster's API is reached."""

    SINGLE = "single"  # the port of the only control plane
    VIRTUAL = "virtual"  # an address that one of several control planes holds
    BALANCER = "balancer"  # Octavia


@dataclass(frozen=True)
class NetworkPlan:
    """What a cluster needs. `network` and `subnet` are ids of those that exist already, None for new ones.

    `external` is the id of the network that the router leads to and that floating addresses come from; None: neither of them. `bare`: its
    servers are physical, and no security group is between them and their neighbours.
    """

    cluster_uuid: str
    slug: str
    cidr: str
    endpoint: EndpointKind
    port: int
    protocol: str = "tcp"
    inner_ports: tuple[int, ...] = ()
    external: str | None = None
    floating: bool = True
    dns: tuple[str, ...] = ()
    network: str | None = None
    subnet: str | None = None
    mtu: int = 1500  # of a network that exists already
    bare: bool = False


def render_network(plan: NetworkPlan) -> Template:
    """The template. Same plan, same template."""
    resources: Template = {**_links(plan), **({} if plan.bare else _groups(plan))}
    resources |= _balancer(plan) if plan.endpoint is EndpointKind.BALANCER else _port(plan)
    outputs = {
        "network": _network(plan),
        "subnet": _subnet(plan),
        **({} if plan.bare else {"nodes": _id("nodes"), "control_planes": _id("control-planes")}),
        "address": _endpoint(plan, "address"),
        "port_number": plan.port,
        "kind": str(plan.endpoint),
        "cidr": plan.cidr,
        "mtu": {"get_attr": ["network", "mtu"]} if plan.network is None else plan.mtu,
    }
    if plan.subnet is not None:
        outputs["own_subnet"] = plan.subnet  # the network may have others
    if plan.endpoint is EndpointKind.BALANCER:
        outputs |= {f"pool_{port}": _id(f"pool-{port}") for port in (plan.port, *plan.inner_ports)}
    else:
        outputs["port"] = _id("endpoint")
    if plan.endpoint is EndpointKind.VIRTUAL:
        outputs["inner_ports"] = list(plan.inner_ports)
    if plan.external and plan.floating:
        resources["floating"] = _floating(plan, resources)
        outputs["outside"] = {"get_attr": ["floating", "floating_ip_address"]}
    return {
        "heat_template_version": VERSION,
        "description": f"Network and API endpoint of the Jeroboam cluster {plan.cluster_uuid} ({plan.endpoint})",
        "resources": resources,
        "outputs": {name: {"value": value} for name, value in outputs.items()},
    }


def _links(plan: NetworkPlan) -> Template:
    made: Template = {}
    tags = [cluster_tag(plan.cluster_uuid)]
    if plan.network is None:
        made["network"] = _resource("OS::Neutron::Net", name=plan.slug, tags=tags)
    if plan.subnet is None:
        made["subnet"] = _resource(
            "OS::Neutron::Subnet",
            name=plan.slug,
            network=_network(plan),
            cidr=plan.cidr,
            dns_nameservers=list(plan.dns),
            tags=tags,
        )
    if plan.subnet is None and plan.external:
        gateway = {"network": plan.external}
        made["router"] = _resource("OS::Neutron::Router", name=plan.slug, external_gateway_info=gateway, tags=tags)
        made["link"] = _resource("OS::Neutron::RouterInterface", router=_id("router"), subnet=_id("subnet"))
    return made


def _groups(plan: NetworkPlan) -> Template:
    """`nodes`: everything among members. `control-planes`: the API from anywhere. The nodes' way out is open by Neutron's default."""
    among = {"remote_mode": "remote_group_id"}
    api = {"protocol": plan.protocol, "port_range_min": plan.port, "port_range_max": plan.port}
    inner = [
        {"protocol": "tcp", "port_range_min": port, "port_range_max": port, "remote_ip_prefix": plan.cidr}
        for port in plan.inner_ports
    ]  # a balancer is no member of `nodes`
    return {
        "nodes": _resource(
            "OS::Neutron::SecurityGroup", name=f"{plan.slug}-nodes", rules=[among, {"protocol": "icmp"}]
        ),
        "control-planes": _resource(
            "OS::Neutron::SecurityGroup", name=f"{plan.slug}-control-planes", rules=[api, *inner]
        ),
    }


def _port(plan: NetworkPlan) -> Template:
    groups = {} if plan.bare else {"security_groups": [_id("nodes"), _id("control-planes")]}
    return {
        "endpoint": _resource(
            "OS::Neutron::Port",
            name=f"{plan.slug}-endpoint",
            network=_network(plan),
            fixed_ips=[{"subnet": _subnet(plan)}],
            **groups,
        )
    }


def _balancer(plan: NetworkPlan) -> Template:
    made = {
        "balancer": _resource("OS::Octavia::LoadBalancer", name=f"{plan.slug}-endpoint", vip_subnet=_subnet(plan)),
    }
    for port in (plan.port, *plan.inner_ports):
        # Inner ports are never published, also not by a floating address.
        inner = {"allowed_cidrs": [plan.cidr]} if port != plan.port else {}
        made[f"listener-{port}"] = _resource(
            "OS::Octavia::Listener", loadbalancer=_id("balancer"), protocol="TCP", protocol_port=port, **inner
        )
        made[f"pool-{port}"] = _resource(
            "OS::Octavia::Pool", listener=_id(f"listener-{port}"), protocol="TCP", lb_algorithm="ROUND_ROBIN"
        )
        made[f"monitor-{port}"] = _resource(
            "OS::Octavia::HealthMonitor", pool=_id(f"pool-{port}"), type="TCP", delay=5, timeout=5, max_retries=3
        )
    return made


def _floating(plan: NetworkPlan, resources: Template) -> Template:
    made = _resource("OS::Neutron::FloatingIP", floating_network=plan.external, port_id=_endpoint(plan, "port"))
    if "link" in resources:
        made["depends_on"] = "link"  # Neutron refuses an address for a subnet that no router serves
    return made


def _endpoint(plan: NetworkPlan, what: str) -> Template:
    if plan.endpoint is EndpointKind.BALANCER:
        return {"get_attr": ["balancer", "vip_address" if what == "address" else "vip_port_id"]}
    return {"get_attr": ["endpoint", "fixed_ips", 0, "ip_address"]} if what == "address" else _id("endpoint")


def _network(plan: NetworkPlan) -> Any:
    return plan.network or _id("network")


def _subnet(plan: NetworkPlan) -> Any:
    return plan.subnet or _id("subnet")


def _id(name: str) -> Template:
    return {"get_resource": name}


def _resource(kind: str, **properties: Any) -> Template:
    return {"type": kind, "properties": properties}
