"""`jeroboam image upload` into a real Glance, and what a tenant's service then reads of the image."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.e2e.world import PROGRAM, run

from jeroboam.artifacts import CloudImage
from jeroboam.artifacts.cloud_record import write_record
from jeroboam.contracts import Image
from jeroboam.domain import Secret
from jeroboam.providers.openstack.catalogue import OpenStackCatalogue
from jeroboam.providers.openstack.session import KeystoneRest
from jeroboam.providers.openstack.settings import OpenStackSettings

from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(3600)]

NAME = f"jeroboam-upload-{uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def glance(openstack_bed: Bed) -> Iterator[Any]:
    found = openstack_bed.connect(openstack_bed.admin).image
    yield found
    for image in list(found.images(name=NAME)):
        found.delete_image(image)


def written(folder: Path, content: bytes, version: str) -> Path:
    """A file and its record, as `image build` leaves them."""
    path = folder / "node.raw"
    path.write_bytes(content)
    told = {"os_distro": "debian", "magnum_driver": "swarm", "docker_version": version, "jeroboam_coe": "swarm"}
    sha256 = hashlib.sha256(content).hexdigest()
    write_record(
        path, CloudImage("node.raw", "swarm", version, "raw", "container", len(content), 3, sha256, "recipe", told)
    )
    return path


async def as_demo(bed: Bed, ident: str) -> Sequence[Image]:
    """The image as the provider reads it in the project of a tenant."""
    settings = OpenStackSettings(bed.auth_url, "demo", Secret(bed.password.encode()), region_name=bed.region)
    rest = KeystoneRest(settings)
    try:
        return await OpenStackCatalogue(rest).find_images(str(bed.connect(bed.demo).current_project_id), ident)
    finally:
        await rest.close()


def upload(path: Path, clouds: Path, *words: str) -> Any:
    env = {"OS_CLIENT_CONFIG_FILE": str(clouds), "OS_CLOUD": "admin"}
    return json.loads(run(*PROGRAM, "image", "upload", str(path), "--name", NAME, "--json", *words, env=env))


def test_an_image_is_uploaded_once_and_tells_a_tenant_what_it_holds(
    openstack_bed: Bed, bed_clouds: Path, glance: Any, tmp_path: Path
) -> None:
    path = written(tmp_path, b"first" * 400_000, "v20.10.24")
    made = upload(path, bed_clouds, "--property", "hypervisor_type=lxc")
    assert (made["outcome"], made["others"]) == ("made", [])
    image = glance.get_image(made["id"])
    assert (image.status, image.size, image.min_disk, image.visibility) == ("active", 2_000_000, 3, "public")
    assert (image.disk_format, image.container_format) == ("raw", "bare")
    assert b"".join(glance.download_image(image, stream=True).iter_content(1 << 20)) == path.read_bytes()

    [seen] = asyncio.run(as_demo(openstack_bed, made["id"]))
    assert seen.properties == {
        "os_distro": "debian",
        "magnum_driver": "swarm",
        "docker_version": "v20.10.24",
        "jeroboam_coe": "swarm",
        "hypervisor_type": "lxc",
        "jeroboam_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }

    again = upload(path, bed_clouds)
    assert (again["id"], again["outcome"]) == (made["id"], "kept")

    other = upload(written(tmp_path, b"second", "v26.1.5"), bed_clouds)
    assert (other["outcome"], other["others"]) == ("made", [made["id"]])
    assert {one.id for one in glance.images(name=NAME)} == {made["id"], other["id"]}
