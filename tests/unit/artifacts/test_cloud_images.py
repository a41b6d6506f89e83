"""Node images in files: what fits what, what lies beside them, and a file that is there whole or not at all."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from jeroboam.artifacts import CloudImage, CloudWish, build_cloud_image, read_record
from jeroboam.artifacts.bake import PACKAGES
from jeroboam.artifacts.cache import Cache
from jeroboam.artifacts.cloud_file import ToFile
from jeroboam.artifacts.cloud_form import FORMS, check_server_type, wrapping
from jeroboam.artifacts.cloud_part import open_part
from jeroboam.artifacts.cloud_record import write_record
from jeroboam.artifacts.node_image import release_recipe
from jeroboam.artifacts.oven import DOCKER, Oven
from jeroboam.domain.errors import ArtifactUnavailable, HostUnsupported, InvalidRequest, NotFound

from .file_site import Told

LABELS = {"os_distro": "debian", "kube_version": "v1.34.4", "oci_runtimes": "runc,crun", "jeroboam.coe": "kubernetes"}
# A bench: what it is told on its standard input ends with the sizes; `cat` gives the file.
DOCKER_PROGRAM = """#!/bin/sh
echo "$*" >>"$0.log"
case "$*" in
  *" cat /bake/out/image") head -c 3000000 /dev/zero; printf 'the end'; exit "$(cat "$0.fails" 2>/dev/null || echo 0)" ;;
  "exec -i "*) cat >>"$0.log"; echo "3000007 2147483648" ;;
esac
"""


@pytest.mark.parametrize(
    ("format_", "asked", "found"),
    [
        ("tar", None, "container"),
        ("raw", None, "vm"),
        ("qcow2", None, "vm"),
        ("raw", "container", "container"),
        ("raw", "bm", "bm"),
        ("qcow2", "bm", "bm"),
    ],
)
def test_a_format_is_for_a_kind_of_server(format_: str, asked: str | None, found: str) -> None:
    assert check_server_type(format_, asked) == found


@pytest.mark.parametrize(
    ("format_", "asked", "hint"),
    [
        ("tar", "vm", "A server of type vm starts from raw or qcow2."),
        ("tar", "bm", "A server of type bm starts from raw or qcow2."),
        ("qcow2", "container", "A server of type container starts from tar or raw."),
    ],
)
def test_one_that_does_not_start_them_is_refused(format_: str, asked: str, hint: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        check_server_type(format_, asked)
    assert error.value.message == f"--format {format_} does not fit --server-type {asked}."
    assert error.value.hint == hint


def test_only_what_boots_has_a_kernel_and_only_containers_have_the_init_that_shares_control_groups() -> None:
    kernels = {name: [one for one in form.packages if one.startswith("linux-image")] for name, form in FORMS.items()}
    assert all({"cloud-init", "openssl"} <= {*form.packages} for form in FORMS.values())
    assert kernels == {"container": [], "vm": ["linux-image-cloud-amd64"], "bm": ["linux-image-amd64"]}
    own = {name: "usr/local/sbin/jeroboam-lxc-init" in form.files() for name, form in FORMS.items()}
    assert own == {"container": True, "vm": False, "bm": False}
    assert "systemd-udevd.service" in FORMS["container"].finish
    assert "systemd-udevd.service" not in FORMS["vm"].finish
    assert wrapping("raw", "container").tools == ()
    assert "grub-pc-bin" in wrapping("raw", "vm").tools
    assert wrapping("qcow2", "bm").text().endswith("rm /bake/out/raw\n")


def test_every_form_is_another_recipe() -> None:
    recipes = {release_recipe("v1.34.4", (), form) for form in (DOCKER, *FORMS.values())}
    assert len(recipes) == 4
    assert "cloud-init" not in PACKAGES


def test_a_file_is_named_by_what_it_is_unless_it_is_named() -> None:
    wish = CloudWish("kubernetes", "qcow2", "vm", runtimes=("runsc",))
    assert wish.path("v1.34.4") == Path("jeroboam-kubernetes-v1.34.4-runsc-vm.qcow2")
    assert CloudWish("swarm", "raw", "vm", output=Path("/x/y.raw")).path("v20.10.24") == Path("/x/y.raw")


@pytest.mark.usefixtures("docker")
async def test_a_file_comes_out_with_its_record_beside_it(tmp_path: Path, told: Told) -> None:
    target = tmp_path / "node.raw"
    wish = CloudWish("kubernetes", "raw", "container", output=target)
    with open_part(target) as part:
        made = ToFile(wish, wrapping("raw", "container"), "a recipe", part, Cache(tmp_path / "cache"), told)
        await made(Oven("jeroboam-bake-x", "base"), LABELS)
    content = bytes(3_000_000) + b"the end"
    assert target.read_bytes() == content
    assert target.stat().st_blocks * 512 < 2_000_000  # zeros are holes
    path, record = made.result()
    assert (path, read_record(target)) == (target, record)
    assert record == CloudImage(
        file="node.raw",
        coe="kubernetes",
        version="v1.34.4",
        format="raw",
        server_type="container",
        size=3_000_007,
        min_disk_gib=4,
        sha256=hashlib.sha256(content).hexdigest(),
        recipe="a recipe",
        properties={
            "os_distro": "debian",
            "kube_version": "v1.34.4",
            "oci_runtimes": "runc,crun",
            "os_type": "linux",
            "magnum_driver": "kubernetes",
            "jeroboam_coe": "kubernetes",
            "jeroboam_version": "v1.34.4",
            "jeroboam_server_type": "container",
            "jeroboam_recipe": "a recipe",
        },
    )
    assert told.totals["node.raw"] == told.bytes["node.raw"] == 3_000_007
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bin", "node.raw", "node.raw.json"]


async def test_one_that_does_not_come_whole_leaves_what_was_there(docker: Path, tmp_path: Path, told: Told) -> None:
    Path(f"{docker}.fails").write_text("3")
    target = tmp_path / "node.raw"
    target.write_text("the last one")
    wish = CloudWish("kubernetes", "raw", "container", output=target)
    with open_part(target) as part:
        made = ToFile(wish, wrapping("raw", "container"), "a recipe", part, Cache(tmp_path / "cache"), told)
        with pytest.raises(ArtifactUnavailable) as error:
            await made(Oven("jeroboam-bake-x", "base"), LABELS)
    assert error.value.message.startswith("`docker exec jeroboam-bake-x-bench` failed with exit code 3:")
    assert target.read_text() == "the last one"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bin", "node.raw"]
    assert "rm -f -v jeroboam-bake-x-bench" in Path(f"{docker}.log").read_text().splitlines()[-2:]


@pytest.fixture
def full() -> Iterator[BinaryIO]:
    """A file on a disk without room."""
    with Path("/dev/full").open("wb", buffering=0) as file:
        yield file


@pytest.mark.usefixtures("docker")
async def test_an_output_that_is_full_is_not_the_cache(tmp_path: Path, told: Told, full: BinaryIO) -> None:
    wish = CloudWish("kubernetes", "raw", "container", output=tmp_path / "node.raw")
    cache = Cache(tmp_path / "cache")
    made = ToFile(wish, wrapping("raw", "container"), "a recipe", full, cache, told)
    with pytest.raises(HostUnsupported) as error, cache.guard():
        await made(Oven("jeroboam-bake-x", "base"), LABELS)
    assert error.value.message == f"The output cannot be written: {tmp_path}/node.raw: No space left on device."
    assert error.value.hint == "Free some space or see who owns it, or name another place by --output."


async def test_an_output_that_takes_no_file_is_told_before_anything_is_baked(
    docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jeroboam.artifacts.space._DISK_BYTES", 0)
    wish = CloudWish("swarm", "raw", "container", output=Path("/proc/node.raw"))
    with pytest.raises(HostUnsupported) as error:
        await build_cloud_image(wish, cache_root=tmp_path / "cache")
    assert error.value.message.startswith("The output cannot be written: /proc/.jeroboam-")
    assert Path(f"{docker}.log").read_text().split() == ["info", "--format", "{{.DockerRootDir}}"]


def test_what_a_killed_build_had_written_goes_and_what_another_one_writes_stays(tmp_path: Path) -> None:
    (tmp_path / ".jeroboam-0123456789ab.part").write_text("of a builder that is gone")
    (tmp_path / ".other.part").write_text("not ours")
    with open_part(tmp_path / "a.raw") as first, open_part(tmp_path / "b.raw") as second:
        there = {one.name for one in tmp_path.iterdir()}
        assert there == {Path(first.name).name, Path(second.name).name, ".other.part"}
    assert [one.name for one in tmp_path.iterdir()] == [".other.part"]


def test_a_file_without_a_record_says_where_they_come_from(tmp_path: Path) -> None:
    image = tmp_path / "node.raw"
    with pytest.raises(NotFound) as error:
        read_record(image)
    assert error.value.hint == "`jeroboam image build --format raw` makes one."
    image.write_bytes(b"x")
    for text in (None, "{}", "no JSON"):
        if text is not None:
            (tmp_path / "node.raw.json").write_text(text)
        with pytest.raises(NotFound) as error:
            read_record(image)
        assert "node.raw.json" in error.value.message


def test_a_record_is_json_for_others(tmp_path: Path) -> None:
    record = CloudImage("node.raw", "lxd", "v5.0.2", "raw", "vm", 1, 3, "00", "r", {"os_distro": "debian"})
    write_record(tmp_path / "node.raw", record)
    assert json.loads((tmp_path / "node.raw.json").read_text())["properties"] == {"os_distro": "debian"}
