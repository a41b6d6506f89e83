"""What is left out of an archive for a receiver that has some of its layers."""

import hashlib
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jeroboam.cli.images.archive import Archive, read, write_docker
from jeroboam.cli.images.slim import of_blobs, of_chains, plain_layers, slimming, write_layout

from .image_files import write


def tar_of(path: Path, content: bytes) -> bytes:
    return write(path, {"file": content}).read_bytes()


@pytest.fixture
def layers(tmp_path: Path) -> list[bytes]:
    return [tar_of(tmp_path / f"{number}", bytes([number]) * 20000) for number in range(3)]


@pytest.fixture
def archive(tmp_path: Path, layers: list[bytes]) -> Archive:
    """a:1 of layers 0 and 1, b:1 of layers 0 and 2."""
    members: dict[str, bytes] = {f"{number}/layer.tar": layer for number, layer in enumerate(layers)}
    entries: list[dict[str, Any]] = []
    for name, own in (("a", 1), ("b", 2)):
        facts = {"architecture": "amd64", "rootfs": {"diff_ids": [digest(layers[0]), digest(layers[own])]}}
        members[f"{name}.json"] = json.dumps(facts).encode()
        paths = ["0/layer.tar", f"{own}/layer.tar"]
        entries.append({"Config": f"{name}.json", "RepoTags": [f"{name}:1"], "Layers": paths})
    return read(write(tmp_path / "both.tar", members | {"manifest.json": json.dumps(entries).encode()}))


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def members(path: Path) -> set[str]:
    with tarfile.open(path) as tar:
        return set(tar.getnames())


def test_only_what_an_image_begins_with_and_no_other_image_wants(archive: Archive, layers: list[bytes]) -> None:
    base, one, two = map(digest, layers)
    assert of_chains(archive, []) == frozenset()
    assert of_chains(archive, [[base, "sha256:else"], ["sha256:else", one]]) == {"0/layer.tar"}
    assert of_chains(archive, [[base, one]]) == {"0/layer.tar", "1/layer.tar"}
    assert of_blobs(archive, {one, two}) == frozenset()  # they are not the first
    assert of_blobs(archive, {base, two, "sha256:else"}) == {"0/layer.tar", "2/layer.tar"}
    assert of_blobs(archive, {base, one, two}) == {"0/layer.tar", "1/layer.tar", "2/layer.tar"}


def test_a_layer_that_one_image_lacks_is_sent(archive: Archive, layers: list[bytes]) -> None:
    first, second = archive.images
    swapped = replace(second, layers=second.layers[::-1], diff_ids=second.diff_ids[::-1])
    both = replace(archive, images=(first, swapped))
    assert of_blobs(both, {digest(layers[0])}) == frozenset()  # the second image does not begin with it
    unknown = replace(archive, images=(replace(first, diff_ids=()),))
    assert of_blobs(unknown, {digest(layers[0])}) == frozenset()


def test_a_slim_archive_is_written_once_and_goes(archive: Archive) -> None:
    with slimming(archive, write_docker) as slim:
        assert slim(frozenset()) is archive
        less = slim(frozenset({"0/layer.tar"}))
        assert less.size == less.path.stat().st_size < archive.size
        assert {name for name in members(less.path) if name.endswith(".tar")} == {"1.tar", "2.tar"}
        assert slim(frozenset({"0/layer.tar"})) is less
    assert not less.path.exists()


def test_a_layout_names_all_layers_and_has_those_that_are_lacking(
    archive: Archive, layers: list[bytes], tmp_path: Path
) -> None:
    path = tmp_path / "layout.tar"
    write_layout(archive, path, frozenset({"0/layer.tar"}))
    there = {name.rpartition("/")[2] for name in members(path)}
    assert digest(layers[0]).removeprefix("sha256:") not in there
    assert {digest(layer).removeprefix("sha256:") for layer in layers[1:]} <= there
    found = read(path)  # as others read it
    assert found.pairs == archive.pairs
    with tarfile.open(path) as tar:
        tar.extractall(tmp_path / "x", filter="data")
    index = json.loads((tmp_path / "x" / "index.json").read_text())
    names = [one["annotations"]["io.containerd.image.name"] for one in index["manifests"]]
    assert names == ["docker.io/library/a:1", "docker.io/library/b:1"]
    manifest = json.loads((tmp_path / "x" / "blobs" / index["manifests"][0]["digest"].replace(":", "/")).read_text())
    assert [(one["digest"], one["size"]) for one in manifest["layers"]] == [(digest(x), len(x)) for x in layers[:2]]


def test_compressed_layers_are_no_plain_ones(archive: Archive, tmp_path: Path) -> None:
    assert plain_layers(archive)
    facts = json.dumps({"rootfs": {"diff_ids": ["sha256:00"]}}).encode()
    entry = [{"Config": "c", "RepoTags": ["a:1"], "Layers": ["l"]}]
    packed = write(tmp_path / "p.tar", {"c": facts, "l": b"\x1f\x8b", "manifest.json": json.dumps(entry).encode()})
    assert not plain_layers(read(packed))


def test_what_lacks_a_layer_is_sent_whole(archive: Archive, tmp_path: Path) -> None:
    with tarfile.open(archive.path) as tar:
        tar.extractall(tmp_path / "parts", filter="data")
    names = members(archive.path) - {"2/layer.tar"}
    parts = {name: (tmp_path / "parts" / name).read_bytes() for name in names}
    lacking = read(write(tmp_path / "lacking.tar", parts))
    assert not plain_layers(lacking)
    for way in (write_docker, write_layout):
        with slimming(lacking, way) as slim:
            assert slim(frozenset({"0/layer.tar"})) is lacking
