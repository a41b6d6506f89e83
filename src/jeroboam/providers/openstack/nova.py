"""Servers of Nova, as machines. Source: Nova API reference, servers (microversion 2.1, lists 2.69)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ...contracts import Flavor, Keypair, Machine, MachineState
from ...domain import Role
from ...domain.errors import ProviderUnavailable
from .hosts import Aggregate
from .rest import NOVA, Body, Rest, checked
from .tags import BOOTED, CLUSTER, GROUP, IMAGE, INDEX, KEYS, ROLE

_STATES = {
    "BUILD": MachineState.BUILDING,
    "REBUILD": MachineState.BUILDING,
    "SHUTOFF": MachineState.STOPPED,
    "PAUSED": MachineState.STOPPED,
    "SUSPENDED": MachineState.STOPPED,
    "SHELVED": MachineState.STOPPED,
    "SHELVED_OFFLOADED": MachineState.STOPPED,
    "ERROR": MachineState.FAILED,
    "UNKNOWN": MachineState.FAILED,
    "DELETED": MachineState.DELETING,
    "SOFT_DELETED": MachineState.DELETING,
}  # all others run: ACTIVE, REBOOT, MIGRATING, RESIZE ...
_WAKES = {
    "SHUTOFF": "os-start",
    "PAUSED": "unpause",
    "SUSPENDED": "resume",
    "SHELVED": "unshelve",
    "SHELVED_OFFLOADED": "unshelve",
}
# From here on a cell that does not answer is not left out of a list. Source: Nova API guide, down cells
_WITH_DOWN_CELLS = "2.69"
_WITH_EXTRA_SPECS = "2.61"  # of flavors in their list


@dataclass(frozen=True)
class Server(Machine):
    """A machine of ours as Nova tells of it. `began_at`: its first boot began no earlier. `booted`: a mark of ours, see boot_keys.py;
    members of the project may write it as all metadata."""

    began_at: datetime | None = field(default=None, compare=False)
    booted: str = field(default="", compare=False)


@dataclass(frozen=True)
class NovaFlavor(Flavor):
    """`extra_specs` is None where Nova does not tell us."""

    extra_specs: Mapping[str, str] | None = field(default=None, hash=False)


class Nova:
    """Raises what the answers mean."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def machines(self, project_id: str, cluster_uuid: str | None) -> Sequence[Server]:
        """Servers with a cluster's mark in their metadata, or with any cluster's. One call for a thousand.

        The first call has no filter and no limit: with either, Nova leaves the servers of a cell that is down out without a word.
        Raises ProviderUnavailable while one is.
        """
        query: dict[str, str] = {}
        found: list[Body] = []
        while True:
            answer = await self._rest.call(
                project_id, NOVA, "GET", "/servers/detail", query=query, version=_WITH_DOWN_CELLS
            )
            page = checked(answer, "Servers could not be listed")
            found += page["servers"]
            if not any(link.get("rel") == "next" for link in page.get("servers_links") or ()):
                break
            query = {"marker": page["servers"][-1]["id"]}
        lost = [raw["id"] for raw in found if "metadata" not in raw]
        if lost:
            raise ProviderUnavailable(
                f"Nova tells nothing of {len(lost)} servers of the project, first {lost[0]}: a part of the cloud is down.",
                after_s=10.0,
            )
        mine = [raw for raw in found if _is_ours(raw, cluster_uuid)]
        return sorted((seen_server(raw) for raw in mine), key=lambda server: server.name)

    async def start(self, project_id: str, server_id: str) -> None:
        """Let a server run again, from whichever rest it is in. One that runs, is on its way or is gone is success."""
        wake = await self._wake(project_id, server_id)
        if wake is None:
            return
        path = f"/servers/{server_id}/action"
        answer = await self._rest.call(project_id, NOVA, "POST", path, body={wake: None})
        if answer.status == 409 and await self._wake(project_id, server_id) is None:
            return
        checked(answer, f"Server {server_id} was not started", fine=(404,))

    async def _wake(self, project_id: str, server_id: str) -> str | None:
        """The action that lets the server run as it is now; None when there is nothing to do."""
        answer = await self._rest.call(project_id, NOVA, "GET", f"/servers/{server_id}")
        raw = checked(answer, f"Server {server_id} could not be read", fine=(404,)).get("server") or {}
        return None if raw.get("OS-EXT-STS:task_state") else _WAKES.get(raw.get("status", ""))

    async def console(self, project_id: str, server_id: str, lines: int) -> str:
        """ "" where the hypervisor keeps none, or the server is gone."""
        path = f"/servers/{server_id}/action"
        body = {"os-getConsoleOutput": {"length": lines}}
        answer = await self._rest.call(project_id, NOVA, "POST", path, body=body)
        return str(answer.body.get("output") or "") if answer.status < 400 else ""

    async def password(self, project_id: str, server_id: str) -> str:
        """What a server has told of itself by the metadata service, which takes it from nobody else, and only while there is nothing; ""
        when nothing. Members of the project can clear it, and not write it.

        Source: Nova API reference, os-server-password; Nova user guide, Metadata service."""
        answer = await self._rest.call(project_id, NOVA, "GET", f"/servers/{server_id}/os-server-password")
        found = checked(answer, f"What server {server_id} has shown could not be read", fine=(404,))
        return str(found.get("password") or "")

    async def mark(self, project_id: str, server_id: str, marks: Mapping[str, str]) -> None:
        """Put these words into its metadata, beside those that are there."""
        path = f"/servers/{server_id}/metadata"
        answer = await self._rest.call(project_id, NOVA, "POST", path, body={"metadata": dict(marks)})
        checked(answer, f"The metadata of server {server_id} could not be written", fine=(404,))

    async def delete(self, project_id: str, server_id: str) -> None:
        answer = await self._rest.call(project_id, NOVA, "DELETE", f"/servers/{server_id}")
        checked(answer, f"Server {server_id} was not deleted", fine=(404,))

    async def flavors(self, project_id: str) -> Sequence[NovaFlavor]:
        answer = await self._rest.call(project_id, NOVA, "GET", "/flavors/detail", version=_WITH_EXTRA_SPECS)
        return [_flavor(raw) for raw in checked(answer, "Flavors could not be listed")["flavors"]]

    async def keypairs(self, project_id: str) -> Sequence[Keypair]:
        """Those of our own user: Nova shows nobody another's."""
        answer = await self._rest.call(project_id, NOVA, "GET", "/os-keypairs")
        found = checked(answer, "Keypairs could not be listed")["keypairs"]
        return [Keypair(raw["keypair"]["name"], raw["keypair"]["name"]) for raw in found]

    async def zones(self, project_id: str) -> frozenset[str]:
        """Availability zones that take servers."""
        answer = await self._rest.call(project_id, NOVA, "GET", "/os-availability-zone")
        found = checked(answer, "Availability zones could not be listed").get("availabilityZoneInfo") or ()
        return frozenset(raw["zoneName"] for raw in found if raw["zoneState"]["available"])

    async def aggregates(self, project_id: str) -> Sequence[Aggregate] | None:
        """None where our user may not see them: they are an administrator's."""
        answer = await self._rest.call(project_id, NOVA, "GET", "/os-aggregates")
        found = checked(answer, "Host aggregates could not be listed", fine=(403,)).get("aggregates")
        if found is None:
            return None
        return [Aggregate(frozenset(raw["hosts"]), raw["metadata"], raw.get("availability_zone")) for raw in found]

    async def limits(self, project_id: str) -> Mapping[str, int]:
        """Quotas and what is used of them: maxTotalInstances, totalInstancesUsed ... -1 is no limit."""
        answer = await self._rest.call(project_id, NOVA, "GET", "/limits")
        found: Mapping[str, int] = checked(answer, "The quotas of Nova could not be read")["limits"]["absolute"]
        return found


def seen_server(raw: Body) -> Server:
    """From Nova's description of a server of ours."""
    marks = raw["metadata"]
    state = _STATES.get(raw["status"], MachineState.RUNNING)
    if raw.get("OS-EXT-STS:task_state") == "deleting":
        state = MachineState.DELETING
    created = _time(raw.get("created"))
    return Server(
        id=raw["id"],
        name=raw["name"],
        cluster_uuid=marks[CLUSTER],
        group=marks[GROUP],
        role=Role(marks[ROLE]),
        index=int(marks[INDEX]),
        state=state,
        address=_address(raw.get("addresses") or {}),
        detail=str((raw.get("fault") or {}).get("message") or raw["status"]),
        created_at=created,
        image_id=marks.get(IMAGE),
        keys=marks.get(KEYS),
        began_at=_time(raw.get("OS-SRV-USG:launched_at")) or created,
        booted=marks.get(BOOTED, ""),
    )


def _is_ours(raw: Body, cluster_uuid: str | None) -> bool:
    """All marks are there and make sense: tenants may write metadata of their own servers."""
    marks = raw.get("metadata") or {}
    if not {CLUSTER, GROUP, ROLE, INDEX} <= set(marks) or cluster_uuid not in (None, marks[CLUSTER]):
        return False
    return marks[ROLE] in set(Role) and marks[INDEX].isdecimal()


def _address(networks: Mapping[str, Sequence[Mapping[str, Any]]]) -> str | None:
    """The fixed IPv4 address, else the first fixed one."""
    fixed = [one for some in networks.values() for one in some if one.get("OS-EXT-IPS:type", "fixed") == "fixed"]
    fixed.sort(key=lambda one: one.get("version") != 4)
    return str(fixed[0]["addr"]) if fixed else None


def _time(text: str | None) -> datetime | None:
    """All times of Nova are UTC, said or not."""
    with suppress(ValueError):
        found = datetime.fromisoformat(text) if text else None
        return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found
    return None


def _flavor(raw: Body) -> NovaFlavor:
    return NovaFlavor(raw["id"], raw["name"], raw["vcpus"], raw["ram"], raw["disk"], raw.get("extra_specs"))
