"""A small Keystone: the application credentials of one user, and what the middleware before each service makes of their rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from jeroboam.providers.openstack.rest import GLANCE, HEAT, NEUTRON, NOVA, Answer, Credential

Raw = dict[str, Any]
_PATH = "/users/{user}/application_credentials"
# Where a cloud's services stand: below a path of their own, as behind one web server
_ROOTS = {HEAT: "/heat-api/v1/{}", NOVA: "/compute/v2.1", NEUTRON: "/networking/v2.0", GLANCE: "/image/v2"}


class Keystone:
    """`version` is that of its API; `closed` are projects into which no credential leads any more."""

    def __init__(self) -> None:
        self.version = "v3.14"
        self.credentials: dict[str, Raw] = {}
        self.closed: set[str] = set()
        self.projects: dict[str, bool] = {}  # of the user: whether it is enabled
        self.blind: set[str] = set()  # service types whose configuration does not name them

    def answer(self, project: str, method: str, path: str, query: Raw, body: Raw) -> Answer:
        if path == "":
            return Answer(200, {"version": {"id": self.version}})
        if path.endswith("/projects"):
            rows = [{"id": ident, "name": f"the {ident}", "enabled": on} for ident, on in self.projects.items()]
            return Answer(200, {"projects": rows})
        ident = path.removeprefix(_PATH).strip("/")
        if method == "GET":
            begin = query["name__startswith"]
            found = [one for one in self.credentials.values() if one["name"].startswith(begin)]
            return Answer(200, {"application_credentials": [{**one, "secret": None} for one in found]})
        if method == "DELETE":
            return Answer(204) if self.credentials.pop(ident, None) else Answer(404)
        return self._make(project, body["application_credential"])

    def _make(self, project: str, wish: Raw) -> Answer:
        if not project or len(wish["secret"]) > 72:
            return Answer(400, {"error": {"message": "Invalid application credential"}})
        if any(one["name"] == wish["name"] for one in self.credentials.values()):
            return Answer(409, {"error": {"message": "Duplicate entry"}})
        made = {**wish, "id": uuid4().hex, "project_id": project}
        self.credentials[made["id"]] = made
        return Answer(201, {"application_credential": made})

    def lets_in(self, credential: Credential, project: str) -> bool:
        kept = self.credentials.get(credential.id)
        right = kept is not None and kept["secret"].encode() == credential.secret.reveal()
        return right and kept is not None and kept["project_id"] == project not in self.closed

    def allows(self, credential: Credential, service: str, method: str, path: str) -> bool:
        """As keystonemiddleware has it: `*` is one part of a path, `**` any."""
        rules = self.credentials[credential.id].get("access_rules")
        if rules is None:
            return True
        project = self.credentials[credential.id]["project_id"]
        asked = _ROOTS[service].format(project) + path
        fits = (_fits(rule, service, method, asked) for rule in rules)
        return service not in self.blind and any(fits)


def _fits(rule: Mapping[str, str], service: str, method: str, path: str) -> bool:
    if (rule["service"], rule["method"]) != (service, method):
        return False
    parts = re.split(r"(\*\*|\*)", rule["path"])
    pattern = "".join({"**": ".*", "*": "[^/]+"}.get(part, part) for part in parts)
    return re.fullmatch(pattern, path) is not None
