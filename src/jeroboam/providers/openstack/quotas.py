"""What a cluster takes of its project's quotas, and which of them have too little left. Pure.

What the services make by themselves counts as well: two rules that let a security group's members out, the port of a router in its
subnet, one for DHCP or metadata. Rules for a tool's inner ports do not: the provider learns of them when it makes the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...contracts import Flavor, Problem

Quotas = Mapping[str, Mapping[str, int]]
"""By kind: `limit` (-1 is none), and `in_use` or `used` with `reserved` beside it."""

_ASK = "Free some of it, or ask the operator of the cloud for more."
_OWN_RULES = 3  # among the nodes, ICMP, the API
_WAYS_OUT = 2 * 2  # of two groups, for IPv4 and IPv6. Source: Networking API v2.0 reference, security groups
_NOVA = {  # the words of GET /limits. Source: Compute API reference, limits
    "instances": ("maxTotalInstances", "totalInstancesUsed"),
    "cores": ("maxTotalCores", "totalCoresUsed"),
    "MiB of memory": ("maxTotalRAMSize", "totalRAMUsed"),
    "server groups": ("maxServerGroups", "totalServerGroupsUsed"),
    "members of a server group": ("maxServerGroupMembers", ""),
}


@dataclass(frozen=True)
class Need:
    """So many of a kind. `what` is its plural, `field` and `hint` what the tenant may change."""

    kind: str
    what: str
    count: int
    field: str = "node_count"
    hint: str = _ASK


def of_servers(limits: Mapping[str, int], flavors: Sequence[Flavor], groups: Sequence[int]) -> list[Problem]:
    """`limits`: as Nova tells them. `flavors`: one for each machine. `groups`: how many servers each new server group gets."""
    needs = {
        "instances": len(flavors),
        "cores": sum(int(flavor.vcpus) for flavor in flavors),
        "MiB of memory": sum(flavor.ram_mib for flavor in flavors),
        "server groups": len(groups),
        "members of a server group": max(groups, default=0),
    }
    found = []
    for what, count in needs.items():
        most, used = _NOVA[what]
        field = "master_count" if "group" in what else "node_count"
        found.append(_over(Need(what, what, count, field), limits.get(most, -1), limits.get(used, 0)))
    return [one for one in found if one]


def of_network(*, network: bool, subnet: bool, router: bool, floating: bool, groups: bool = True) -> list[Need]:
    """Which of these the stack of a cluster's network makes. `groups`: the security groups of nodes and control planes."""
    given = f"{_ASK} Or name a network that is there as fixed_network."
    needs = [
        Need("network", "networks", int(network), "fixed_network", given),
        Need("subnet", "subnets", int(subnet), "fixed_network", given),
        Need("router", "routers", int(router), "fixed_network", f"{given} A router must serve it."),
        Need("floatingip", "floating addresses", int(floating), "floating_ip_enabled", f"{_ASK} Or ask for none."),
        Need("security_group", "security groups", 2 * groups, ""),
        Need("security_group_rule", "security group rules", (_OWN_RULES + _WAYS_OUT) * groups, ""),
    ]
    return [need for need in needs if need.count]


def of_ports(machines: int, *, endpoint: bool, subnet: bool, router: bool) -> Need:
    """Beside those of the machines: one that no machine has for the endpoint, and those in a new subnet."""
    return Need("port", "ports", machines + endpoint + subnet + router)


def of_volumes(sizes_gib: Sequence[int], field: str) -> list[Need]:
    """Volumes that machines boot from."""
    return [
        Need("volumes", "volumes", len(sizes_gib), field),
        Need("gigabytes", "GiB of volumes", sum(sizes_gib), field),
        Need("per_volume_gigabytes", "GiB in one volume", max(sizes_gib), field, "Ask for a smaller one."),
    ]


def missing(quotas: Quotas, needs: Iterable[Need]) -> list[Problem]:
    """Those of the needs that these quotas have no room for. A kind that is not told has no limit."""
    found = []
    for need in needs:
        quota = quotas.get(need.kind, {})
        used = quota.get("in_use", quota.get("used", 0)) + quota.get("reserved", 0)
        found.append(_over(need, quota.get("limit", -1), used))
    return [one for one in found if one]


def _over(need: Need, most: int, used: int) -> Problem | None:
    if not need.count or most < 0 or used + need.count <= most:
        return None
    said = f"The project's quota of {most} {need.what} is not enough: {used} are used and {need.count} more are needed."
    return Problem(said, need.field, need.hint)
