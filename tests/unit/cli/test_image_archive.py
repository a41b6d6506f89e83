"""Which images an archive has, and the archive that `docker load` takes."""

import io
import json
import platform
import re
import tarfile
from pathlib import Path

import pytest

from jeroboam.cli.errors import Usage
from jeroboam.cli.images.archive import as_docker, familiar, full, read, refuse_other_architecture, renamed

from .image_files import LAYER, config, docker_archive, oci_archive, write

IDENT = f"sha256:{config()[1]}"


@pytest.mark.parametrize(
    ("name", "short", "long"),
    [
        ("web", "web:latest", "docker.io/library/web:latest"),
        ("docker.io/library/web:1", "web:1", "docker.io/library/web:1"),
        ("team/web:1", "team/web:1", "docker.io/team/web:1"),
        ("localhost/web:1", "localhost/web:1", "localhost/web:1"),
        ("registry.example:5000/web", "registry.example:5000/web:latest", "registry.example:5000/web:latest"),
    ],
)
def test_names_as_docker_and_as_containerd_write_them(name: str, short: str, long: str) -> None:
    assert (familiar(name), full(name)) == (short, long)


@pytest.mark.parametrize("name", ["", "Web:1", "web:", "web 1", "-x", "web@sha256:00", "a/../b"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(Usage, match=f"^{re.escape(repr(name))} is no name of an image\\.$"):
        familiar(name)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_an_archive_of_docker_is_sent_as_it_is(tmp_path: Path, mode: str) -> None:
    path = docker_archive(tmp_path / "web.tar", "web:1", "docker.io/library/web:latest", mode=mode)
    found = renamed(read(path), None)
    assert found.pairs == (("web:1", IDENT), ("web:latest", IDENT))
    assert found.images[0].architecture == "amd64"
    assert as_docker(found, tmp_path / "never") is found
    assert found.size == path.stat().st_size == len(b"".join(found.pieces(100)))


@pytest.mark.parametrize(
    ("annotations", "names"),
    [
        ({"io.containerd.image.name": "docker.io/library/web:1"}, ("web:1",)),
        ({"org.opencontainers.image.ref.name": "example.org/web:1"}, ("example.org/web:1",)),
        ({"org.opencontainers.image.ref.name": "1"}, ()),  # a tag of what, nobody knows
        ({}, ()),
    ],
)
def test_an_archive_of_oci_is_written_anew(tmp_path: Path, annotations: dict[str, str], names: tuple[str, ...]) -> None:
    found = read(oci_archive(tmp_path / "oci.tar", annotations))
    assert found.names == names
    if not names:
        with pytest.raises(Usage, match=rf"^Image {IDENT[:19]} has no name\.$"):
            renamed(found, None)
        found = renamed(found, "mine")
        names = ("mine:latest",)
    made = as_docker(renamed(found, None), tmp_path / "docker.tar")
    assert made.path == tmp_path / "docker.tar"
    again = read(made.path)
    assert again.pairs == tuple((name, IDENT) for name in names)
    with tarfile.open(made.path) as tar:
        assert len(tar.getnames()) == 3  # the layer is there once
        tar.extractall(tmp_path, filter="data")
    [entry] = json.loads((tmp_path / "manifest.json").read_text())
    assert [(tmp_path / name).read_bytes() for name in entry["Layers"]] == [LAYER, LAYER]


def test_of_several_platforms_this_machines_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = oci_archive(tmp_path / "oci.tar", {}, platforms=("amd64", "arm64"))
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert read(path).images[0].architecture == "arm64"
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(Usage, match=r"no archive of container images: 2 images for Linux where one is wanted$"):
        read(path)


def test_a_name_of_ones_own(tmp_path: Path) -> None:
    found = renamed(read(docker_archive(tmp_path / "web.tar", "web:1")), "example.org/app")
    assert read(as_docker(found, tmp_path / "new.tar").path).names == ("example.org/app:latest",)
    both = write(
        tmp_path / "two.tar",
        {"manifest.json": json.dumps([{"Config": "c", "Layers": []}] * 2).encode(), "c": config()[0]},
    )
    with pytest.raises(Usage, match=r"^--name app is one name, and the archive has 2 images\.$"):
        renamed(read(both), "app")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"metadata.yaml": b""}, "holds no container image: neither manifest.json nor index.json."),
        ({"manifest.json": b"[]"}, "holds no container image."),
        ({"manifest.json": b"{"}, "is no archive of container images: Expecting property name"),
        (
            {"manifest.json": b'[{"Config": "gone"}]'},
            "is no archive of container images: \"filename 'gone' not found\"",
        ),
        ({"manifest.json": b"[3]"}, "is no archive of container images: 'int' object"),
        ({"index.json": b"{}"}, "is no archive of container images: 'manifests'"),
    ],
)
def test_an_archive_without_images_is_named(tmp_path: Path, members: dict[str, bytes], why: str) -> None:
    path = write(tmp_path / "a.tar", members)
    with pytest.raises(Usage, match=f"^{re.escape(f'{path} {why}')}") as refused:
        read(path)
    assert refused.value.hint == "`docker save -o FILE IMAGE` makes one."


def test_an_archive_that_lacks_a_layer_is_named(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "a.tar", "web:1")
    with tarfile.open(path) as tar:
        parts = {name: (tar.extractfile(name) or io.BytesIO()).read() for name in tar.getnames() if "layer" not in name}
    found = renamed(read(write(path, parts)), "other:1")
    with pytest.raises(Usage, match=rf"^{re.escape(str(path))} lacks a part of its image: .*1f/layer\.tar"):
        as_docker(found, tmp_path / "b.tar")


@pytest.mark.parametrize("content", [b"", b"junk", b"\x28\xb5\x2f\xfd\x00"])
def test_what_is_no_tar_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    with pytest.raises(
        Usage, match=f"^{re.escape(str(path))} is no archive of container images: it is no tar, nor one"
    ):
        read(path)


def test_a_node_of_another_architecture(tmp_path: Path) -> None:
    images = read(docker_archive(tmp_path / "a.tar", "web:1", architecture="arm64")).images
    assert refuse_other_architecture(images, "n1", "x86_64") == "web:1 is for arm64, n1 is amd64"
    assert refuse_other_architecture(images, "n1", "aarch64") == ""
    assert refuse_other_architecture(images, "n1", "") == ""
