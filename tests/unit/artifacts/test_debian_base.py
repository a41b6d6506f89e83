"""The Debian under the nodes: what apt is told, by either way, when a tool comes from a newer suite."""

import os
import subprocess
from pathlib import Path

import pytest

from jeroboam.artifacts.base import base_tag, ensure_base, suite_beside
from jeroboam.artifacts.cache import Cache
from jeroboam.artifacts.catalogue import Newer, catalogue
from jeroboam.artifacts.distro_image import TOOLS, check_held
from jeroboam.contracts import NoProgress
from jeroboam.domain.errors import ArtifactUnavailable, NotFound

ENGINE = Newer("trixie", ("docker.io", "docker-cli"))
PINS = """\
Package: *
Pin: release n=trixie*
Pin-Priority: 100

Package: docker.io docker-cli
Pin: release n=trixie*
Pin-Priority: 990
"""
# Says what it was asked, in a file beside it; an image is never there before.
DOCKER = """#!/bin/sh
echo "docker $*" >>"$0.log"
case "$1 $2" in "run -i") cat >>"$0.log" ;; esac
"""
MMDEBSTRAP = """#!/bin/sh
for word; do case $word in
  --include=*) echo "$word" >>"$0.log" ;;
  --setup-hook=*) sh -c "${word#*=}" hook "$ROOT" ;;
esac; done
"""


@pytest.mark.parametrize(
    ("coe", "asked", "found", "newer"),
    [
        ("swarm", None, "v20.10.24", None),
        ("swarm", "20.10", "v20.10.24", None),
        ("swarm", "26.1.5", "v26.1.5", ENGINE),
        ("swarm", "v26", "v26.1.5", ENGINE),
        ("lxd", None, "v5.0.2", None),
        ("lxd", "5.0", "v5.0.2", None),
    ],
)
def test_a_version_that_debian_has_is_found(coe: str, asked: str | None, found: str, newer: Newer | None) -> None:
    full, release = catalogue().find_distro(coe, asked)
    assert (full, release.newer) == (found, newer)


@pytest.mark.parametrize(
    ("coe", "asked", "message"),
    [
        ("swarm", "27", "Docker Engine '27' is not known; known are: v20.10.24, v26.1.5."),
        ("swarm", "2", "Docker Engine '2' is not known; known are: v20.10.24, v26.1.5."),
        ("lxd", "", "LXD '' is not known; known are: v5.0.2."),
    ],
)
def test_one_that_debian_has_not_names_those_it_has(coe: str, asked: str, message: str) -> None:
    with pytest.raises(NotFound) as error:
        catalogue().find_distro(coe, asked)
    assert error.value.message == message


def test_every_tool_of_the_catalogue_can_be_made_and_takes_from_a_newer_suite_what_it_is() -> None:
    assert set(catalogue().distro) == set(TOOLS)
    for coe, tool in catalogue().distro.items():
        assert tool.default in tool.versions
        for release in tool.versions.values():
            assert release.newer is None or TOOLS[coe].packages[0] in release.newer.packages


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree whose apt was told where the base comes from, in both of apt's forms."""
    apt = tmp_path / "a tree" / "etc" / "apt"
    for folder in ("sources.list.d", "preferences.d"):
        (apt / folder).mkdir(parents=True)
    (apt / "sources.list").write_text("deb http://mirror.test/debian bookworm main\n")
    (apt / "sources.list.d" / "more.sources").write_text("URIs: http://mirror.test/s\nSuites: bookworm-security\n")
    monkeypatch.setenv("ROOT", str(tmp_path / "a tree"))
    return tmp_path / "a tree"


def told(root: Path) -> dict[str, str]:
    """What apt is told besides."""
    apt = root / "etc" / "apt"
    return {str(file.relative_to(apt)): file.read_text() for file in apt.rglob("*trixie*")}


BESIDE = {
    "sources.list.d/trixie-sources.list": "deb http://mirror.test/debian trixie main\n",
    "sources.list.d/trixie-more.sources": "URIs: http://mirror.test/s\nSuites: trixie-security\n",
    "preferences.d/trixie": PINS,
}


def test_apt_takes_these_packages_from_the_newer_suite_of_the_same_mirror_and_no_other(root: Path) -> None:
    subprocess.run(["sh", "-s", "--", str(root)], input=suite_beside(ENGINE), text=True, check=True, timeout=30)
    assert told(root) == BESIDE
    assert suite_beside(None) == ""


def test_a_newer_suite_makes_another_base() -> None:
    packages = TOOLS["swarm"].packages
    tags = {base_tag(packages), base_tag(packages, ENGINE), base_tag(packages, Newer("trixie", ("docker.io",)))}
    assert len(tags) == 3


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with stand-ins for Docker and mmdebstrap."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in (("docker", DOCKER), ("mmdebstrap", MMDEBSTRAP)):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    for name in ("cat", "sed", "sh"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return folder


async def test_mmdebstrap_is_given_the_suite_before_it_looks_for_packages(
    programs: Path, root: Path, tmp_path: Path
) -> None:
    tag = await ensure_base(Cache(tmp_path / "a cache"), NoProgress(), ("docker.io", "haproxy"), ENGINE)
    assert tag == base_tag(("docker.io", "haproxy"), ENGINE)
    included = (programs / "mmdebstrap.log").read_text()
    assert included.endswith(",procps,docker.io,haproxy,docker-cli\n")
    assert told(root) == BESIDE
    assert (programs / "docker.log").read_text().splitlines()[-1].endswith(f"base.tar {tag}")


async def test_a_registrys_debian_is_given_the_suite_before_it_looks_for_packages(
    programs: Path, tmp_path: Path
) -> None:
    (programs / "mmdebstrap").unlink()
    await ensure_base(Cache(tmp_path / "cache"), NoProgress(), ("docker.io", "haproxy"), ENGINE)
    said = (programs / "docker.log").read_text()
    assert f"set -- ''\n{suite_beside(ENGINE)}apt-get update -q\n" in said
    assert " procps docker.io haproxy docker-cli\n" in said


def test_who_named_a_patch_that_debian_replaced_is_not_given_another() -> None:
    check_held("swarm", "26.1.5", "v26.1.5", "v26.1.5")
    check_held("swarm", "26.1", "v26.1.5", "v26.1.6")
    with pytest.raises(ArtifactUnavailable) as error:
        check_held("swarm", "v26.1.5", "v26.1.5", "v26.1.6")
    assert error.value.message == "Debian has Docker Engine v26.1.6 now, and v26.1.5 no more."
    assert error.value.hint == "Take the newest of 26.1: jeroboam image build --coe swarm --version 26.1"
