"""The service as one of the bed's: registered in its Keystone, with lines of configuration that name it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.world import PROGRAM, Service, run

from .testbed import Bed


def register(service: Service, clouds: Path, *words: str) -> Any:
    """What the command says in JSON."""
    env = {"OS_CLIENT_CONFIG_FILE": str(clouds), "OS_CLOUD": "admin"}
    argv = ["openstack", "register", "--public-url", f"{service.url}/v1", "--ini", str(config(service)), "--json"]
    return json.loads(run(*PROGRAM, *argv, *words, env=env))


def unregister(bed: Bed) -> None:
    keystone = bed.connect(bed.admin).identity
    for found in keystone.services(type="container-infra"):
        keystone.delete_service(found)  # with its endpoints
    for user in keystone.users(name="jeroboam"):
        keystone.delete_user(user)


def config(service: Service) -> Path:
    """The file that the registration writes."""
    return service.folder.parent / "jeroboam.conf"


def serve(service: Service, more: str) -> None:
    """Start it as `jeroboam serve` with those lines, and more."""
    lines = config(service).read_text()
    own = f"[database]\nconnection = sqlite:///{service.folder}/jeroboam.sqlite\n{more}"
    config(service).write_text(lines.replace("[api]\n", f"[api]\nport = {service.port}\n") + own)
    service.argv = ["serve", "--config", str(config(service))]
    service.start()
