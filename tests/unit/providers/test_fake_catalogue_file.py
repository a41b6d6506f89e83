"""[fake] catalogue: the example of the docs, every default, and what a wrong file is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jeroboam import plugins
from jeroboam.contracts import CatalogueNetwork, DeclaredDriver, Flavor, Image, Keypair
from jeroboam.domain import OperationKind
from jeroboam.domain.errors import ConfigError, ProviderRefused
from jeroboam.providers.fake import Cloud, FakeCatalogue, FakeProvider, OperationFault, plugin, read_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE = Path(__file__).parents[3] / "docs/howto/fake-catalogue.yaml"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def build(text: str) -> Path:
        path = tmp_path / "cloud.yaml"
        path.write_text(text)
        return path

    return build


def test_the_example_of_the_docs() -> None:
    found = read_catalogue(EXAMPLE)
    assert found.catalogue.image_list[1] == Image(
        "img-ubuntu", "ubuntu-24", {"os_distro": "ubuntu", "magnum_driver": "k8s_ubuntu"}
    )
    assert [one.forbidden for one in found.catalogue.image_list if one.name == "secret"] == [True]
    assert found.catalogue.flavor_list[0] == Flavor("1", "m1.small", 1, 2048, 20)
    assert found.catalogue.keypairs == (Keypair("ada-key", "ada-key"), Keypair("7f", "grace-key"))
    assert found.catalogue.networks[0] == CatalogueNetwork("net-public", "public", external=True)
    assert found.catalogue.projects == ("project-*", "admin")
    assert found.faults[0] == OperationFault("fail", "doomed-*", "create", "No valid host was found.")
    assert found.drivers[2] == DeclaredDriver("k8s_next", frozenset({("vm", "ubuntu", "kubernetes")}), beta=True)


async def test_what_the_file_does_not_mention_stays_and_an_empty_list_is_none(write: Callable[[str], Path]) -> None:
    assert read_catalogue(write("")).catalogue == FakeCatalogue()
    found = read_catalogue(write("networks: []\n")).catalogue
    assert (found.networks, found.image_list) == ((), FakeCatalogue().image_list)


async def test_entries_of_one_name_are_all_found_and_an_id_is_one(write: Callable[[str], Path]) -> None:
    found = read_catalogue(write("networks: [a, a, {id: x, name: a}, {id: b}]\nflavors: [1]\n")).catalogue
    assert [one.name for one in await found.find_networks("p", "a")] == ["a", "a", "a"]
    assert len({one.id for one in await found.find_networks("p", "a")}) == 3
    assert await found.find_networks("p", "b") == [CatalogueNetwork("b", "b")]
    assert await found.find_flavors("p", "1") == [Flavor("1", "1", 1, 1024, 10)]
    assert found.needs_flavor


@pytest.mark.parametrize(("text", "message", "hint"), [
    ("colour: red\n", "Object contains unknown field `colour`",
     "Keys of the file: images, flavors, keypairs, networks, subnets, projects, faults, drivers."),
    ("images: [{id: a, colour: red}]\n", "images[0]: Object contains unknown field `colour`",
     "Keys of images: id, name, properties, forbidden."),
    ("flavors: [{name: a, ram: much}]\n", "flavors[0].ram: Expected `int`, got `str`",
     "Keys of flavors: id, name, vcpus, ram, disk."),
    ("flavors: [{name: a, disk: -1}]\n", "flavors[0].disk: Expected `int` >= 0",
     "Keys of flavors: id, name, vcpus, ram, disk."),
    ("[1, 2]\n", "Expected `object`, got `array`",
     "Keys of the file: images, flavors, keypairs, networks, subnets, projects, faults, drivers."),
    ("faults: [{effect: explode}]\n", "faults[0].effect: Invalid enum value 'explode'",
     "Keys of faults: effect, name, operation, message, seconds."),
    ("drivers: [{name: a}]\n", "drivers[0]: Object missing required field `provides`",
     "Keys of drivers: name, provides, default, beta."),
    ("images: [{forbidden: true}]\n", "images[0] needs an id or a name", ""),
    ("images: [{id: a}, {id: a}]\n",
     "images[1].id: a is the id of another one, too; names may come twice, ids may not", ""),
    ("drivers: [{name: a, provides: [[vm, debian, dcos]]}]\n",
     "drivers[0].provides: [vm, ..., dcos] is not [server_type, os_distro, coe] with a server type of vm, bm, container and a COE "
     "of kubernetes, swarm, swarm-mode, lxd", ""),
    ("drivers: [{name: a, default: true, provides: [[vm, debian, lxd]]}, {name: b, default: true, provides: [[vm, debian, lxd]]}]\n",
     "drivers: a and b both say default: true; one may", ""),
])  # fmt: skip
def test_a_wrong_file_is_told_by_key(write: Callable[[str], Path], text: str, message: str, hint: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as error:
        plugin.create({"catalogue": str(path)})
    assert error.value.message == f"[fake] catalogue: {path}: {message}."
    assert error.value.hint == hint


def test_files_that_are_none(write: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent.yaml cannot be read: No such file or directory\.$"):
        read_catalogue(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match=r"cloud.yaml, line 2: no YAML: "):
        read_catalogue(write("images:\n}"))
    path = write("")
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ConfigError, match=r"cloud.yaml is not UTF-8\.$"):
        read_catalogue(path)


async def test_faults_of_operations() -> None:
    faults = [
        OperationFault("refuse", "fixed-*", "resize", "No."),
        OperationFault("fail", "doomed", "*", "No valid host was found."),
        OperationFault("delay", "slow", "create", seconds=2.5),
        OperationFault("fail", "slow", "create", "never met: the first wins"),
    ]
    cloud, zero = FakeProvider(Cloud(), operation_faults=faults), timedelta(0)
    assert cloud.refuse("fixed-1", OperationKind.RESIZE) == "No."
    assert cloud.refuse("fixed-1", OperationKind.CREATE) is None
    assert cloud.refuse("doomed", OperationKind.CREATE) is None
    assert await cloud.enter("fixed-1", OperationKind.CREATE, zero) == zero
    with pytest.raises(ProviderRefused, match=r"^No valid host was found\.$"):
        await cloud.enter("doomed", OperationKind.DELETE, zero)
    assert await cloud.enter("slow", OperationKind.CREATE, timedelta(seconds=1)) == timedelta(seconds=1.5)
    assert await cloud.enter("slow", OperationKind.CREATE, timedelta(seconds=9)) == zero


async def test_projects_are_patterns() -> None:
    assert await FakeCatalogue().project_exists("anything")
    some = FakeCatalogue(projects=("p-*",))
    assert [await some.project_exists(one) for one in ("p-1", "q")] == [True, False]


def test_declared_drivers_take_the_place_of_the_installed_ones() -> None:
    types = frozenset({("vm", "debian", "kubernetes")})
    both = [DeclaredDriver("b", types, default=True), DeclaredDriver("a", types)]
    found = plugins.load_drivers(plugins.installed(), provider="fake", settings={}, declared=both)
    assert (sorted(found.loaded), found.default) == (["a", "b"], "b")
    assert found.loaded["a"].capabilities.cluster_types == types
    less = plugins.load_drivers(plugins.installed(), provider="fake", disabled=["b"], settings={}, declared=both)
    assert (sorted(less.loaded), less.default) == (["a"], None)
    with pytest.raises(ConfigError, match=r"^\[drivers\] enabled_drivers: c is not installed\.$"):
        plugins.load_drivers(plugins.installed(), provider="fake", enabled=["c"], settings={}, declared=both)
