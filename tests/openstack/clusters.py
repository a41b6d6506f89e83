"""Clusters of a tenant on the bed's own servers: what it takes to ask for one, and what is left of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clients.coe import Coe
from tests.e2e.world import PROGRAM, Cluster, Service, run, until

from jeroboam import artifacts
from jeroboam.artifacts import CloudWish, cloud_image
from jeroboam.artifacts.cloud_form import wrapping

from .registered import config, register, serve, unregister
from .testbed import Bed

_IMAGE_S = 1800
MADE_S, CHANGED_S, _GONE_S = 900, 600, 300  # on a machine where others want the processors, too


@contextmanager
def service_of(bed: Bed, clouds: Path, folder: Path, more: str = "") -> Iterator[Service]:
    """One of the cloud's, whose account is a member of the tenant's project. `more` are lines of its configuration."""
    unregister(bed)
    service = Service(folder / "data")
    register(service, clouds)
    admin = bed.connect(bed.admin)
    admin.grant_role("member", user="jeroboam", project="demo", wait=True)
    [password] = [line for line in config(service).read_text().splitlines() if line.startswith("password = ")]
    cloud = f"auth_url = {bed.auth_url}\nusername = jeroboam\n{password}\nregion_name = {bed.region}\n"
    serve(service, f"[provider]\ndefault = openstack\n[openstack]\n{cloud}{more}")
    try:
        yield service
    finally:
        service.stop()
        unregister(bed)


def image(coe: str, server_type: str, bed: Bed, clouds: Path, folder: Path, form: str = "raw") -> str:
    """Id in Glance of a node image; one that is not there yet is built and uploaded."""
    file = folder / f"{coe}.{form}"
    recipe = _recipe(CloudWish(coe, format=form, server_type=server_type, output=file))

    def found() -> list[str]:
        images = bed.connect(bed.admin).image.images(status="active")
        return [str(one.id) for one in images if (one.properties or {}).get("jeroboam_recipe") == recipe]

    if not found():
        kind = ["--format", form, "--server-type", server_type, "--output", str(file)]
        subprocess.run([*PROGRAM, "image", "build", "--coe", coe, *kind], timeout=_IMAGE_S, check=True)
        run(*PROGRAM, "image", "upload", str(file), "--os-cloud", "admin", env={"OS_CLIENT_CONFIG_FILE": str(clouds)})
        file.unlink()
    return found()[0]


def _recipe(wish: CloudWish) -> str:
    """Of the image that would be built now: an older one has an older node in it."""
    return cloud_image._recipe(wish, cloud_image._full_version(wish), wrapping(wish.format, wish.server_type))


def template(bed: Bed, demo: Coe, name: str, coe: str, server_type: str, image: str, *more: str) -> None:
    network = {"kubernetes": "flannel", "swarm": "docker"}[coe]
    flags = ["--coe", coe, "--image", image, "--external-network", "public", "--network-driver", network]
    flags += ["--server-type", server_type, "--flavor", "m1.medium", "--master-flavor", "m1.medium"]
    flags += ["--dns-nameserver", bed.api]  # which has none, and says so; nobody answers from outside the bed
    demo("cluster", "template", "create", name, *flags, *more)


def create(demo: Coe, name: str, workers: int, within_s: float = MADE_S) -> str:
    """One control plane and these workers. Its uuid, once it is complete."""
    ask(demo, name, workers, within_s)
    return str(settled(demo, name, "CREATE_COMPLETE", within_s)["uuid"])


def ask(demo: Coe, name: str, workers: int, within_s: float = MADE_S) -> None:
    """For a cluster of the template of its name."""
    patience = ["--timeout", str(int(within_s // 60))]
    demo("cluster", "create", name, "--cluster-template", name, "--node-count", str(workers), *patience)


def settled(demo: Coe, name: str, status: str, within_s: float) -> Any:
    going = f"{status.partition('_')[0]}_IN_PROGRESS"

    def there() -> Any:
        shown = demo.json("cluster", "show", name)
        assert shown["status"] in (status, going), shown
        return shown if shown["status"] == status else None

    return until(there, within_s, f"{name} is {status}", every_s=2)


def delete(demo: Coe, name: str) -> None:
    demo("cluster", "delete", name)
    until(lambda: demo.run("cluster", "show", name).code == 1, _GONE_S, f"{name} is gone", every_s=2)
    demo("cluster", "template", "delete", name)


def kubernetes(demo: Coe, name: str, folder: Path) -> Cluster:
    """A cluster that is complete, by the kubeconfig that its tenant gets."""
    demo("cluster", "config", name, "--dir", str(folder))
    shown = demo.json("cluster", "show", name)
    program = artifacts.binary_path(str(shown["coe_version"]), "kubectl")
    return Cluster(str(shown["uuid"]), folder / "config", str(program))


def servers(bed: Bed, uuid: str) -> dict[str, str]:
    """Ids of a cluster's servers by their names."""
    found = bed.connect(bed.demo).compute.servers()
    return {one.name: one.id for one in found if one.metadata.get("jeroboam_cluster") == uuid}


def holdings(bed: Bed) -> dict[str, set[str]]:
    """Ids of all that there is in the tenant's project."""
    demo = bed.connect(bed.demo)
    network, own = demo.network, {"project_id": demo.current_project_id}
    found = {
        "servers": demo.compute.servers(),
        "groups": demo.compute.server_groups(),
        "networks": network.networks(**own),
        "subnets": network.subnets(**own),
        "routers": network.routers(**own),
        "ports": network.ports(**own),
        "addresses": network.ips(**own),
        "security groups": network.security_groups(**own),
    }
    stacks = demo.orchestration.get("/stacks").json()["stacks"]
    return {kind: {one.id for one in some} for kind, some in found.items()} | {
        "stacks": {one["id"] for one in stacks if one["stack_status"] != "DELETE_COMPLETE"}
    }
