"""The inventory file: what it may say, and what is told of each mistake."""

from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml

from jeroboam.contracts import Flavor
from jeroboam.domain.errors import ConfigError
from jeroboam_static import plugin
from jeroboam_static.inventory import read_inventory

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


def machine(**changes: Any) -> dict[str, Any]:
    usual = {"name": "a", "address": "192.0.2.11", "key_file": "id", "host_key": HOST_KEY, "image": "host"}
    return {key: value for key, value in {**usual, **changes}.items() if value is not None}


def document(*machines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    images = [{"name": "host", "properties": {"os_distro": "debian", "kube_version": 1.34, "gpu": True}}]
    return {"network": "192.0.2.0/24", "machines": [*machines] or [machine()], "images": images, **changes}


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "inventory.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_what_is_left_out_has_its_usual_value(tmp_path: Path) -> None:
    flavors = [{"name": "big", "vcpus": 8, "ram": 16384, "disk": 100}]
    more = machine(
        name="b",
        address="b.example.org",
        node_address="192.0.2.12",
        port=2222,
        user="ops",
        flavor="big",
        roles=["balancer"],
    )
    found = read_inventory(written(tmp_path, document(machine(), more, flavors=flavors)))
    first, second = found.entries
    assert (first.port, first.user, first.node_address, first.flavor) == (22, "root", "192.0.2.11", None)
    assert first.roles == {"control-plane", "worker"}
    assert first.key_file == tmp_path / "id"
    assert (second.address, second.node_address, second.port, second.user) == (
        "b.example.org",
        "192.0.2.12",
        2222,
        "ops",
    )
    assert second.roles == {"balancer"}
    assert found.images[0].properties == {"os_distro": "debian", "kube_version": "1.34", "gpu": "true"}
    assert found.flavors == (Flavor("big", "big", 8, 16384, 100),)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: [", "is no YAML, line 1: "),
        ("", "the file: Expected `object`, got `null`"),
        (document(colour="red"), "the file: Object contains unknown field `colour`"),
        (document(network="10.0.0.1/24"), "network: 10.0.0.1/24 has host bits set; write 192.0.2.0/24"),
        (document(machine(port=0)), "machines[0].port: Expected `int` >= 1"),
        (document(machine(host_key=None)), "machines[0]: Object missing required field `host_key`"),
        (document(machine(host_key="ssh-ed25519 AAAA")), "machines[0].host_key: Invalid public key"),
        (
            document(machine(address="a.example.org")),
            "machines[0].address: a.example.org is no IPv4 address; give one,",
        ),
        (document(machine(address="10.9.9.9")), "machines[0].node_address: 10.9.9.9 is not in network 192.0.2.0/24"),
        (document(machine(image="gone")), "machines[0].image: gone is not there; it has host"),
        (document(machine(flavor="big")), "machines[0].flavor: big is not there; it has none"),
        (document(machine(roles=["king"])), "machines[0].roles[0]: Invalid enum value 'king'"),
        (
            document(machine(roles=[])),
            "machines[0].roles: is empty; leave it out, or name control-plane, worker or balancer",
        ),
        (document(machine(), machine(address="192.0.2.12")), "machines: name a comes twice"),
        (document(machine(), machine(name="b")), "machines: address and port 192.0.2.11:22 comes twice"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_what_would_be_right(content: object, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ConfigError) as caught:
        read_inventory(path)
    assert caught.value.message.startswith(f"[static] inventory: {path}: {said}")


async def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    provider = plugin.create({"inventory": str(tmp_path / "no.yaml")})
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot be read: No such file or directory\.$"):
        await provider.start()


def test_settings() -> None:
    with pytest.raises(ConfigError, match=r"^\[static\] inventory is not set\.$"):
        plugin.create({})
    with pytest.raises(ConfigError, match=r"^\[static\] inventry is not an option\.$"):
        plugin.create({"inventry": "x"})
