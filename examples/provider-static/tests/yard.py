"""A yard of machines that exist already: system containers with systemd and sshd, which know nothing of any cluster."""

import asyncio
import hashlib
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import yaml

from jeroboam import artifacts, bootstrap
from jeroboam.contracts import File, MachineSpec, NetworkSpec
from jeroboam.domain import Cluster, Role
from jeroboam.providers.docker import DockerProvider, DockerSettings
from jeroboam.providers.docker.daemon import cluster_labels
from jeroboam.providers.docker.machine import container_config
from jeroboam.providers.docker.network import FIRST_HOST
from jeroboam.providers.docker.probe import extra_capabilities

NAMES = ("rack-1", "rack-2", "rack-3", "rack-4")
INSTALL = """
export DEBIAN_FRONTEND=noninteractive
apt-get update -q && apt-get install -y -q --no-install-recommends openssh-server sudo
rm -rf /etc/ssh/ssh_host_*_key* /var/lib/apt/lists/*
"""


def docker(*argv: str, stdin: str | None = None, check: bool = True) -> str:
    done = subprocess.run(["docker", *argv], input=stdin, capture_output=True, text=True, timeout=300, check=False)
    assert not check or done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Yard:
    """Machines by name, and the keys to them."""

    folder: Path
    cluster: Cluster
    addresses: dict[str, str]
    document: dict[str, Any]

    def inventory(self, name: str = "inventory", **changes: Any) -> Path:
        """A file of the whole yard, or one with other keys."""
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**self.document, **changes}))
        return path

    def on(self, name: str, script: str) -> str:
        """Output of a script on a machine, by another door than ours."""
        return docker("exec", "-i", self._container(name), "sh", "-s", stdin=script)

    def stop(self, name: str) -> None:
        docker("stop", "-t", "2", self._container(name))

    def start(self, name: str) -> None:
        docker("start", self._container(name))
        self.wait(name)

    def wait(self, name: str) -> None:
        """Until its sshd answers."""
        ends = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection((self.addresses[name], 22), timeout=2) as door:
                    assert door.recv(4) == b"SSH-"
                    return
            except OSError:
                assert time.monotonic() < ends, docker("logs", "--tail", "50", self._container(name))
                time.sleep(0.2)

    def _container(self, name: str) -> str:
        return f"{self.cluster.uuid[:8]}-{name}"


def ssh_image() -> str:
    """Swarm's node image with sshd, under a tag of its own; not in the catalogue of the docker provider."""
    base = asyncio.run(artifacts.build_distro_image("swarm")).tag
    version = docker("image", "inspect", "-f", "{{.Id}}", base) + INSTALL
    tag = f"jeroboam/static-machine:{hashlib.sha256(version.encode()).hexdigest()[:12]}"
    if not docker("images", "-q", tag):
        name = tag.replace("/", "-").replace(":", "-")
        docker("rm", "-f", "-v", name, check=False)
        try:
            docker("run", "-i", "--network=host", "--name", name, base, "sh", "-es", stdin=INSTALL)
            changes = ['CMD ["/usr/local/sbin/jeroboam-init"]', "LABEL jeroboam.node-image=0 jeroboam.recipe="]
            docker("commit", *(word for change in changes for word in ("--change", change)), name, tag)
        finally:
            docker("rm", "-f", "-v", name)
    return tag


async def made(cluster: Cluster, image: str, folder: Path) -> Yard:
    own, host = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    (folder / "key").touch(0o600)
    (folder / "key").write_bytes(own.export_private_key())
    provider = DockerProvider(DockerSettings())
    await provider.start()
    network = await provider.ensure_network(cluster, NetworkSpec(endpoint_port=6443))
    prefix = network.cidr.rpartition(".")[0]
    addresses = {name: f"{prefix}.{FIRST_HOST + number}" for number, name in enumerate(NAMES)}
    files = bootstrap.tar_of(
        [
            File("/root/.ssh/authorized_keys", own.export_public_key(), 0o600),
            File("/etc/ssh/ssh_host_ed25519_key", host.export_private_key(), 0o600),
        ]
    )
    for name, address in addresses.items():
        await _container(provider, cluster, f"{cluster.uuid[:8]}-{name}", address, image, network.id, files)
    await provider.stop()
    public = host.export_public_key().decode().strip()
    version = docker("image", "inspect", "-f", '{{index .Config.Labels "docker_version"}}', image)
    machines = [
        {
            "name": name,
            "address": address,
            "key_file": "key",
            "host_key": public,
            "image": "host",
            "flavor": "large" if name == "rack-4" else "small",
            "roles": ["control-plane", "worker", "balancer"],
        }
        for name, address in addresses.items()
    ]
    document = {
        "network": network.cidr,
        "machines": machines,
        "images": [{"name": "host", "properties": {"os_distro": "debian", "docker_version": version}}],
        "flavors": [
            {"name": "small", "vcpus": 2, "ram": 2048, "disk": 20},
            {"name": "large", "vcpus": 8, "ram": 16384, "disk": 200},
        ],
    }
    yard = Yard(folder, cluster, addresses, document)
    for name in NAMES:
        await asyncio.to_thread(yard.wait, name)
    return yard


async def _container(
    provider: DockerProvider, cluster: Cluster, name: str, address: str, image: str, network: str, files: bytes
) -> None:
    spec = MachineSpec(cluster.uuid, name, "yard", Role.WORKER, 0, image, None, cluster.project_id)
    config = container_config(
        spec,
        image=image,
        network=network,
        address=address,
        publish=None,
        port=NetworkSpec(endpoint_port=6443),
        flavor=None,
        host_cpus=1,
        extra_capabilities=await extra_capabilities(provider.daemon, image),
    )
    labels = {key: str(value) for key, value in cluster_labels(cluster.uuid).items()}
    await provider.daemon.create_volume(name, labels)
    await provider.daemon.create(name, config)
    await provider.daemon.unpack(name, files)
    await provider.daemon.run(name)


async def gone(cluster: Cluster) -> None:
    provider = DockerProvider(DockerSettings())
    await provider.start()
    await provider.delete_all(cluster.uuid)
    await provider.stop()
