"""A small cloud behind the provider's door: Heat, Nova, Neutron and Glance as far as the provider calls them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from tests.unit.providers.openstack import engine
from tests.unit.providers.openstack.engine import Raw, Stack, Things
from tests.unit.providers.openstack.keystone import Keystone

from jeroboam.providers.openstack.closed import why_closed
from jeroboam.providers.openstack.rest import (
    CINDER,
    GLANCE,
    HEAT,
    NEUTRON,
    NOVA,
    Answer,
    Body,
    Credential,
    CredentialRefused,
)

IMAGE = {"id": str(uuid4()), "name": "node", "status": "active", "os_distro": "debian", "size": 7}
FLAVORS = [{"id": "1", "name": "m1.small", "vcpus": 1, "ram": 1024, "disk": 4, "extra_specs": {}}]
_RESTS = {"os-start": "SHUTOFF", "unpause": "PAUSED", "resume": "SUSPENDED", "unshelve": "SHELVED_OFFLOADED"}
GONE = Answer(404, {"error": {"message": "not found"}})


class Cloud:
    """Implements Rest. `answers` are given in place of the real ones, by service, method and a pattern of the path, each once."""

    def __init__(self, *projects: str) -> None:
        self.names = projects or ("project-1",)
        self.things = Things()
        self.stacks: dict[tuple[str, str], Stack] = {}
        self.calls: Counter[str] = Counter()
        self.services = {HEAT, NOVA, NEUTRON, GLANCE}
        self.limits: Raw = {"maxTotalInstances": -1}
        self.quotas: Raw = {}
        self.volume_quotas: Raw = {}
        self.max_routes = 30  # of a router
        self.flavors: list[Raw] = [*FLAVORS]
        self.zones: Raw = {"nova": True}  # whether they take servers
        self.aggregates: list[Raw] | None = None  # None: our user is no administrator
        self.volume_types: list[Raw] = []
        self.keystone = Keystone()
        self.logins: Counter[str] = Counter()  # calls by the id of the credential, "" of the service's own
        self.answers: list[tuple[str, str, str, Answer]] = []
        self.busy = 0  # looks for which a change of a stack takes
        self.down: set[str] = set()  # ids of servers in a cell that does not answer
        self.held: set[str] = set()  # names of stacks that cannot be deleted
        self.page = 1000
        self.shows = True  # Nova tells what servers have shown
        self.closed = False

    async def call(
        self,
        project_id: str,
        service: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        version: str = "",
        credential: Credential | None = None,
    ) -> Answer:
        if credential is not None and not self.keystone.lets_in(credential, project_id):
            raise CredentialRefused("Keystone does not take the cluster's own credential.")
        self.logins[credential.id if credential else ""] += 1
        if credential is not None and not self.keystone.allows(credential, service, method, path):
            return Answer(401, {"error": {"message": "The request you have made requires authentication."}})
        if project_id not in self.names:
            raise await why_closed(self, project_id, "jeroboam")
        self.calls[f"{service} {method}"] += 1
        for planned in self.answers:
            if planned[:2] == (service, method) and re.search(planned[2], path):
                self.answers.remove(planned)
                return planned[3]
        routes: Mapping[str, Callable[..., Answer]] = {
            HEAT: self._heat,
            NOVA: self._nova,
            NEUTRON: self._neutron,
            GLANCE: self._glance,
            CINDER: self._cinder,
        }
        if service == NOVA and path == "/servers/detail":
            return self._servers(project_id, dict(query or {}), version)
        return routes[service](project_id, method, unquote(path), dict(query or {}), body or {})

    async def identity(
        self,
        project_id: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Answer:
        if project_id and project_id not in self.names:
            raise await why_closed(self, project_id, "jeroboam")
        self.calls[f"identity {method}"] += 1
        return self.keystone.answer(project_id, method, path, dict(query or {}), dict(body or {}))

    async def serves(self, project_id: str, service: str) -> bool:
        return service in self.services

    async def projects(self) -> Sequence[str]:
        return self.names

    async def close(self) -> None:
        self.closed = True

    def stack(self, name: str) -> Stack:
        """The only stack whose name ends so."""
        [found] = [one for one in self.stacks.values() if one.name.endswith(name)]
        return found

    # --- Heat

    def _heat(self, project: str, method: str, path: str, query: Raw, body: Body) -> Answer:
        words = path.strip("/").split("/")
        if len(words) == 1:
            return self._stacks(project, query) if method == "GET" else self._create(project, body)
        stack = self.stacks.get((project, words[1]))
        if stack is None or words[2:3] not in ([], [stack.id]):
            return GONE
        if len(words) == 2:
            self.calls["by name"] += 1
        if words[3:] == ["template"]:
            return Answer(200, stack.template)
        if words[3:4] == ["resources"]:
            return self._resources(stack, words[4:], body)
        if method == "PUT" and stack.status == "DELETE_FAILED":
            said = "Updating a stack when it is in DELETE_FAILED state is not supported"
            return Answer(400, {"error": {"message": said}})
        if method == "GET":
            return Answer(200, {"stack": {**self._row(stack), "outputs": engine.outputs(stack)}})
        if stack.busy:
            return Answer(409, {"error": {"message": "Stack already has an action in progress"}})
        return self._delete(stack) if method == "DELETE" else self._change(stack, "UPDATE", body)

    def _stacks(self, project: str, query: Raw) -> Answer:
        mine = [one for one in self.stacks.values() if one.project == project and query["tags"] in one.tags]
        return Answer(200, {"stacks": [self._row(one) for one in mine]})

    def _create(self, project: str, body: Body) -> Answer:
        if (project, body["stack_name"]) in self.stacks:
            return Answer(409, {"error": {"message": "The Stack already exists."}})
        stack = self.stacks[project, body["stack_name"]] = Stack(project, body["stack_name"])
        return self._change(stack, "CREATE", body)

    def _change(self, stack: Stack, verb: str, body: Body) -> Answer:
        stack.template, stack.parameters = body["template"], dict(body["parameters"])
        stack.tags = tuple(body["tags"].split(","))
        stack.status, stack.busy = f"{verb}_IN_PROGRESS", self.busy
        engine.settle(stack, self.things)
        return Answer(202)

    def _delete(self, stack: Stack) -> Answer:
        networks = {one["id"] for one in stack.made.values()}
        others = [one for one in self.things.ports.values() if one["id"] not in networks]
        links = [one for one in others if one["device_owner"] == "network:router_interface"]
        foreign = [one for one in others if one["network_id"] in networks]
        foreign += [one for one in links if one["device_id"] in networks and one not in foreign]
        routed = [one for one in self.things.routers.values() if one["id"] in networks and one.get("routes")]
        if stack.name in self.held:
            stack.status, stack.reason = "DELETE_FAILED", "Resource DELETE failed: resources.worker: away"
            return Answer(204)
        if [port for port in foreign if port["device_owner"] == "network:router_interface"]:
            stack.status = "DELETE_FAILED"
            stack.made["router"]["why"] = "Conflict: Router still has ports."
            return Answer(204)
        if routed:
            stack.status = "DELETE_FAILED"
            stack.made["link"]["why"] = (
                "Conflict: Router interface cannot be deleted, as it is required by one or more routes."
            )
            return Answer(204)
        if foreign:
            stack.status = "DELETE_FAILED"
            stack.made["subnet"]["why"] = "Conflict: One or more ports have an IP allocation from this subnet."
            return Answer(204)
        for one in stack.made.values():
            engine.unmake(one, self.things)
        del self.stacks[stack.project, stack.name]
        return Answer(204)

    def _resources(self, stack: Stack, words: list[str], body: Body) -> Answer:
        if words[1:] == ["metadata"]:
            return Answer(200, {"metadata": stack.signals})
        if words:
            stack.made[words[0]]["why"] = body["resource_status_reason"]
            return Answer(200)
        rows = [
            {
                "resource_name": name,
                "physical_resource_id": one["id"],
                "resource_type": one["kind"],
                "resource_status": "CREATE_FAILED" if one.get("why") else one.get("status", "CREATE_COMPLETE"),
                "resource_status_reason": one.get("why", ""),
            }
            for name, one in stack.made.items()
        ]
        return Answer(200, {"resources": rows})

    def _row(self, stack: Stack) -> Raw:
        status = stack.status
        if stack.busy:
            stack.busy -= 1
            status = f"{status.partition('_')[0]}_IN_PROGRESS"
        return {
            "id": stack.id,
            "stack_name": stack.name,
            "stack_status": status,
            "stack_status_reason": stack.reason,
            "tags": list(stack.tags),
        }

    # --- Nova, Neutron, Glance

    def _nova(self, project: str, method: str, path: str, query: Raw, body: Body) -> Answer:
        words = path.strip("/").split("/")
        if words[0] == "flavors":
            return Answer(200, {"flavors": self.flavors})
        if words[0] == "os-availability-zone":
            zones = [{"zoneName": name, "zoneState": {"available": up}} for name, up in self.zones.items()]
            return Answer(200, {"availabilityZoneInfo": zones})
        if words[0] == "os-aggregates":
            if self.aggregates is None:
                return Answer(
                    403, {"forbidden": {"message": "Policy doesn't allow os_compute_api:os-aggregates:index"}}
                )
            return Answer(200, {"aggregates": self.aggregates})
        if words[0] == "os-keypairs":
            return Answer(200, {"keypairs": [{"keypair": {"name": "ours"}}]})
        if words[0] == "limits":
            return Answer(200, {"limits": {"absolute": self.limits}})
        server = self.things.servers.get(words[1])
        if server is None:
            return GONE
        if words[2:] == ["os-server-password"]:
            return Answer(200, {"password": self.things.nodes[words[1]][1].shown if self.shows else ""})
        if words[2:] == ["metadata"]:
            engine.mark(self.things, words[1], body["metadata"])
            return Answer(200, {"metadata": server["metadata"]})
        if method == "GET":
            return Answer(200, {"server": server})
        if method == "DELETE":
            engine.unmake({"id": words[1]}, self.things)
        elif wakes := set(body) & {"os-start", "unpause", "resume", "unshelve"}:
            if {server["status"]} != {_RESTS[wake] for wake in wakes}:
                said = f"Cannot '{min(wakes)}' instance while it is in another state"
                return Answer(409, {"conflictingRequest": {"message": said}})
            server["status"] = "ACTIVE"
        return Answer(202, {"output": "the console of Nova"} if "os-getConsoleOutput" in body else {})

    def _servers(self, project: str, query: Raw, version: str) -> Answer:
        """As Nova does: what is in a cell that is down is left out, or told with nothing that is known only there."""
        mine = [one for one in self.things.servers.values() if one["project"] == project]
        there = [one for one in mine if one["id"] not in self.down]
        if version == "2.69" and not query:
            there += [{"id": one["id"], "status": "UNKNOWN"} for one in mine if one["id"] in self.down]
        ids = [one["id"] for one in there]
        begin = ids.index(query["marker"]) + 1 if "marker" in query else 0
        more = [{"rel": "next", "href": "next"}] if len(there) > begin + self.page else []
        return Answer(200, {"servers": there[begin : begin + self.page], "servers_links": more})

    def _neutron(self, project: str, method: str, path: str, query: Raw, body: Body) -> Answer:
        words = path.strip("/").split("/")
        if words[0] == "quotas":
            return Answer(200, {"quota": self.quotas})
        things: dict[str, Raw] = getattr(self.things, words[0], {})
        if method == "DELETE":
            one = things.get(words[1], {})
            used = {port["network_id"] for port in self.things.ports.values() if port["device_id"]}
            if words[0] in ("subnets", "networks") and one.get("network", one.get("id")) in used:
                said = f"Unable to complete operation on {words[1]}: One or more ports have an IP allocation"
                return Answer(409, {"NeutronError": {"message": said}})
            return Answer(204) if things.pop(words[1], None) else GONE
        if method == "PUT":
            if words[2:] == ["remove_router_interface"]:
                self.things.ports.pop(body["port_id"], None)
                return Answer(200)
            return _change_of_neutron(things.get(words[1]), words[2:], body, self.max_routes)
        found = [one for one in things.values() if all(_matches(one, key, query[key]) for key in query)]
        return Answer(200, {words[0]: found})

    def _glance(self, project: str, method: str, path: str, query: Raw, body: Body) -> Answer:
        if path != "/images":
            return Answer(200, IMAGE) if path == f"/images/{IMAGE['id']}" else GONE
        return Answer(200, {"images": [IMAGE] if query.get("name", IMAGE["name"]) == IMAGE["name"] else []})

    def _cinder(self, project: str, method: str, path: str, query: Raw, body: Body) -> Answer:
        if path == "/types":
            return Answer(200, {"volume_types": self.volume_types})
        if (path, query) != (f"/os-quota-sets/{project}", {"usage": "True"}):
            return GONE
        return Answer(200, {"quota_set": {"id": project, **self.volume_quotas}})


def _change_of_neutron(one: Raw | None, words: list[str], body: Body, max_routes: int) -> Answer:
    """Of a port; of a router's routes, where adding what is there and removing what is not are fine."""
    if one is None:
        return GONE
    if words in (["add_extraroutes"], ["remove_extraroutes"]):
        named, kept = body["router"]["routes"], one.get("routes", [])
        kept = [route for route in kept if route not in named]
        routes = [*kept, *named] if words == ["add_extraroutes"] else kept
        if len(routes) > max_routes:
            said = (
                f"Unable to complete operation for {one['id']}. The number of routes exceeds the maximum {max_routes}."
            )
            return Answer(400, {"NeutronError": {"type": "RoutesExhausted", "message": said, "detail": ""}})
        one["routes"] = routes
    elif not words:
        one |= body["port"]
    return Answer(200)


def _matches(one: Raw, key: str, wanted: Any) -> bool:
    if key == "tags":
        return wanted in one.get("tags", ())
    return bool(str(one.get(key)) == wanted)
