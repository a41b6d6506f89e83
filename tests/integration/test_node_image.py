"""The node image on a real Docker daemon: built, started, and quick because nothing is copied."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jeroboam import artifacts
from jeroboam.artifacts import base, gomodules
from jeroboam.artifacts.cache import Cache
from jeroboam.artifacts.catalogue import catalogue
from jeroboam.artifacts.node_image import architecture
from jeroboam.contracts import NoProgress
from jeroboam.domain.errors import HostUnsupported
from jeroboam.providers.docker.machine import CAPABILITIES

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.timeout(3000)]
NAME = "jeroboam-test-node-image"


def docker(*argv: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *argv], capture_output=True, text=True, timeout=120, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image() -> artifacts.NodeImage:
    return asyncio.run(artifacts.build_node_image())


@pytest.fixture
def node(image: artifacts.NodeImage) -> Iterator[str]:
    docker("rm", "-fv", NAME, check=False)
    docker("volume", "rm", "-f", NAME)
    options = [f"--cap-add={cap}" for cap in CAPABILITIES]
    options += [f"--security-opt={kind}=unconfined" for kind in ("seccomp", "apparmor", "systempaths")]
    options += ["--device-cgroup-rule=a *:* rwm", "--tmpfs=/run", "--tmpfs=/tmp", "--cgroupns=private"]
    options += [f"--mount=type=volume,source={NAME},target=/data,volume-nocopy", "--hostname", NAME]
    docker("run", "-d", "-t", "--name", NAME, *options, image.tag)
    yield NAME
    docker("rm", "-fv", NAME)
    docker("volume", "rm", "-f", NAME)


def in_node(script: str) -> str:
    return docker("exec", NAME, "sh", "-c", script)


def wait_for_systemd() -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        state = docker("exec", NAME, "systemctl", "is-system-running", check=False)
        if state in ("running", "degraded"):
            return state
        time.sleep(0.1)
    return docker("logs", "--tail", "40", NAME)


def test_the_same_recipe_is_not_built_again(image: artifacts.NodeImage) -> None:
    assert asyncio.run(artifacts.build_node_image()) == image
    assert image in asyncio.run(artifacts.list_node_images())


def test_a_node_boots_with_all_images_and_copies_next_to_nothing(node: str) -> None:
    assert wait_for_systemd() == "running"
    _, release = catalogue().find(None)
    baked = set(in_node("ctr -n k8s.io images ls -q").split())
    assert {image.name for image in release.images} <= baked
    assert int(in_node("du -sk /data").split()[0]) < 20_000


def test_baked_images_run_and_the_machine_id_survives_a_restart(node: str) -> None:
    assert wait_for_systemd() == "running"
    etcd = in_node("ctr -n k8s.io run --rm registry.k8s.io/etcd:3.6.5-0 probe etcd --version")
    assert "etcd Version: 3.6.5" in etcd
    proxy = in_node("ctr -n k8s.io run --rm registry.k8s.io/kube-proxy:v1.34.4 probe2 iptables -V")
    assert proxy.startswith("iptables v1.8")
    before = in_node("cat /etc/machine-id")
    docker("restart", "-t", "5", NAME)
    assert wait_for_systemd() == "running"
    assert in_node("cat /etc/machine-id") == before
    assert len(before) == 32


def test_kubelet_and_kubeadm_are_of_the_version_that_the_image_says(node: str, image: artifacts.NodeImage) -> None:
    assert in_node("kubelet --version") == f"Kubernetes {image.version}"
    assert in_node("kubeadm version -o short") == image.version


@pytest.mark.parametrize("version", sorted(catalogue().kubernetes))
def test_every_version_is_what_it_says_and_has_the_images_that_its_kubeadm_wants(version: str) -> None:
    built = {image.version: image for image in asyncio.run(artifacts.list_node_images())}
    if version not in built and version != catalogue().default:
        pytest.skip(f"its image is not built here (minutes); first: jeroboam image build --version {version}")
    found = asyncio.run(artifacts.build_node_image(version))
    assert docker("run", "--rm", found.tag, "kubelet", "--version") == f"Kubernetes {version}"
    wanted = docker("run", "--rm", found.tag, "kubeadm", "config", "images", "list", "--kubernetes-version", version)
    baked = {image.name for image in catalogue().kubernetes[version].images}
    assert len(wanted.split()) == 7
    assert set(wanted.split()) <= baked


def test_another_engine_of_docker_is_all_that_differs_in_its_image() -> None:
    if all(one.tag != "jeroboam/node-swarm:v26.1.5" for one in asyncio.run(artifacts.list_node_images())):
        pytest.skip("it is not built here (a minute); first: jeroboam image build --coe swarm --version 26.1.5")
    older, newer = (
        packages(asyncio.run(artifacts.build_distro_image("swarm", asked)).tag) for asked in ("20.10", "26.1")
    )
    assert {name for name in {*older, *newer} if older.get(name) != newer.get(name)} == {"docker.io", "docker-cli"}
    assert newer["docker.io"].startswith("26.1.5+")


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def test_a_bake_that_is_killed_harms_nothing_and_the_next_one_cleans_up() -> None:
    """Of an image that few tests use: it is replaced meanwhile."""
    image = asyncio.run(artifacts.build_node_image(runtimes=("runsc",)))

    def baking() -> str:
        return docker("ps", "-q", "--filter", "name=^jeroboam-bake-")

    build = [sys.executable, "-m", "jeroboam.entry", "image", "build", "--runtime", "runsc", "--force"]
    first = subprocess.Popen(build, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: baking() != "", "no bake began")
    first.kill()
    first.wait(timeout=10)
    assert image in asyncio.run(artifacts.list_node_images())
    again = subprocess.run(build, capture_output=True, text=True, timeout=300, check=False)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith(f"{image.tag}  ")
    assert docker("ps", "-aq", "--filter", "name=^jeroboam-bake-") == ""
    assert docker("volume", "ls", "-q", "--filter", "name=jeroboam-bake-") == ""


def packages(image: str) -> dict[str, str]:
    """Versions by name."""
    told = docker("run", "--rm", image, "sh", "-c", "dpkg-query -W -f '${Package} ${Version}\\n'")
    return dict(line.split() for line in told.splitlines())


def is_at_least(version: str, other: str) -> bool:
    """As Debian orders versions."""
    return subprocess.run(["dpkg", "--compare-versions", version, "ge", other], check=False).returncode == 0


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mmdebstrap") is None, reason="makes the registry's Debian by mmdebstrap, as root"
)
async def test_a_base_from_a_registry_has_the_same_packages(image: artifacts.NodeImage, tmp_path: Path) -> None:
    debian, made = "jeroboam-test/debian:slim", "jeroboam-test/base:registry"
    bootstrap = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", base.SUITE, str(tmp_path / "debian.tar")]
    try:
        subprocess.run(bootstrap, check=True, timeout=600)
        docker("import", str(tmp_path / "debian.tar"), debian)
        await base.from_registry(tmp_path / "base.tar", "mmdebstrap is not installed", debian)
        docker("import", str(tmp_path / "base.tar"), made)
        theirs, ours = packages(made), packages(base.base_tag())
        assert theirs.keys() == ours.keys()
        # Debian may have brought updates since ours was made.
        older = {name for name in ours if not is_at_least(theirs[name], ours[name])}
        assert older == set()
        assert (
            docker("run", "--rm", made, "sh", "-c", "systemctl is-enabled containerd; ls /usr/share/doc") == "enabled"
        )
    finally:
        docker("rmi", debian, made, check=False)


async def test_without_mmdebstrap_and_without_a_registry_both_ways_are_named(tmp_path: Path) -> None:
    with pytest.raises(HostUnsupported) as error:
        await base.from_registry(tmp_path / "base.tar", "mmdebstrap needs root", "127.0.0.1:1/debian:none")
    assert error.value.message.startswith(
        "The base image needs mmdebstrap or an image registry: mmdebstrap needs root, "
        "and 127.0.0.1:1/debian:none cannot be pulled ("
    )
    assert error.value.hint == "As root on Debian or Ubuntu: apt-get install mmdebstrap"


@pytest.fixture
def go_image(image: artifacts.NodeImage) -> Iterator[str]:
    """Docker's official image of Go, or one like it: our Debian with this machine's Go."""
    tag, name = "golang:1.19-bookworm", "jeroboam-test-go"
    if docker("images", "-q", tag):
        yield tag
        return
    root = subprocess.run(
        ["go", "env", "GOROOT"], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()
    docker("rm", "-fv", name, check=False)
    docker("create", "--name", name, base.base_tag(), "true")
    docker("cp", root, f"{name}:/usr/local/go")
    docker("commit", "--change", "ENV PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin", name, tag)
    docker("rm", "-fv", name)
    yield tag
    docker("rmi", tag)


@pytest.mark.skipif(shutil.which("go") is None, reason="the image is made of this machine's Go")
async def test_without_go_a_part_is_built_in_a_container(
    go_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("docker", "setpriv"):
        (tmp_path / program).symlink_to(shutil.which(program) or f"/usr/bin/{program}")
    monkeypatch.setenv("PATH", str(tmp_path))
    cache = Cache(tmp_path / "cache")
    made = await gomodules.build(cache, "pause", "1", catalogue().parts["pause"]["1"], architecture(), NoProgress())
    assert subprocess.run([made / "pause", "-v"], capture_output=True, timeout=10).stdout == b"pause (jeroboam) 1\n"
    assert (cache.root / "go" / "build").is_dir()
    assert docker("ps", "-aq", "--filter", "name=^jeroboam-go-") == ""
