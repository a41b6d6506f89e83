"""The templates that Heat is given, as files to read, and the rules by which they change."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jeroboam.domain import Role
from jeroboam.providers.openstack import tags
from jeroboam.providers.openstack.machine_template import (
    ServerPlan,
    boot_parameter,
    empty_stack,
    machine_names,
    with_machine,
    without_machine,
)
from jeroboam.providers.openstack.network_template import EndpointKind, NetworkPlan, render_network

UUID = "5b2f1a3c-0000-4000-8000-000000000001"
GOLDEN = Path(__file__).parent / "golden"
NETWORK = NetworkPlan(UUID, "demo-5b2f1a3c", "10.0.0.0/20", EndpointKind.SINGLE, 6443, external="public-id")
WORKER = ServerPlan(
    cluster_uuid=UUID,
    name="demo-5b2f1a3c-default-worker-0",
    group="default-worker",
    role=Role.WORKER,
    index=0,
    image="image-id",
    image_word="node-kubernetes-v1.34.4",
    flavor="flavor-id",
    network="network-id",
    security_groups=("nodes-id",),
    keys="a1b2",
)
MASTER = replace(WORKER, name="demo-5b2f1a3c-default-master-0", group="default-master", role=Role.CONTROL_PLANE)
EMPTY = empty_stack(UUID, "default-worker", apart=False)


def _network(**changes: Any) -> dict[str, Any]:
    return render_network(replace(NETWORK, **changes))


def _masters(**changes: Any) -> dict[str, Any]:
    return with_machine(empty_stack(UUID, "default-master", apart=True), replace(MASTER, **changes))


CASES = {
    "network-single": _network(),
    "network-virtual": _network(endpoint=EndpointKind.VIRTUAL, dns=("192.0.2.53",), inner_ports=(7000,)),
    "network-balancer": _network(endpoint=EndpointKind.BALANCER, inner_ports=(7000,)),
    "network-inside-only": _network(external=None),
    "network-without-floating": _network(floating=False),
    "network-bare-metal": _network(network="their-network", subnet="their-subnet", bare=True),
    "network-of-the-tenant": _network(network="their-network", subnet="their-subnet", floating=False),
    "machines-workers": with_machine(
        with_machine(EMPTY, WORKER), replace(WORKER, name="demo-5b2f1a3c-default-worker-1", index=1)
    ),
    "machines-first-master": _masters(port="endpoint-port-id"),
    "machines-masters-virtual": _masters(pairs=("10.0.0.9",), security_groups=("nodes-id", "masters-id")),
    "machines-masters-balanced": _masters(pools=((6443, "pool-id"), (7000, "inner-pool-id"))),
    "machines-bare-metal": with_machine(EMPTY, replace(WORKER, security_groups=())),
    "machines-bare-metal-subnet": with_machine(EMPTY, replace(WORKER, security_groups=(), subnet="their-subnet")),
    "machines-windows": with_machine(EMPTY, replace(WORKER, os="windows", zone="az-windows")),
    "machines-volume-type": with_machine(EMPTY, replace(WORKER, volume_gib=20, volume_type="fast")),
    "machines-all-options": with_machine(EMPTY, replace(WORKER, zone="az1", volume_gib=20, subnet="their-subnet")),
}


@pytest.mark.parametrize("name", CASES)
def test_templates_are_as_in_the_golden_files(name: str) -> None:
    assert yaml.safe_load((GOLDEN / f"{name}.yaml").read_text()) == CASES[name]


def test_every_golden_file_has_its_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(CASES)


@settings(deadline=None)
@given(st.lists(st.integers(0, 49), unique=True, max_size=6), st.integers(0, 49))
def test_a_machine_comes_and_goes_without_a_change_of_the_others(there: list[int], index: int) -> None:
    plans = [replace(WORKER, name=f"demo-5b2f1a3c-default-worker-{n}", index=n, pairs=("10.1.0.0/24",)) for n in there]
    before = EMPTY
    for plan in plans:
        before = with_machine(before, plan)
    name = f"demo-5b2f1a3c-default-worker-{index}"
    after = with_machine(before, replace(WORKER, name=name, index=index))
    assert set(machine_names(after)) == {*machine_names(before), name}
    kept = without_machine(after, name)
    assert kept == without_machine(before, name)
    assert machine_names(kept) == tuple(sorted(plan.name for plan in plans if plan.name != name))


def test_the_order_in_which_machines_were_added_does_not_matter() -> None:
    other = replace(WORKER, name="demo-5b2f1a3c-default-worker-1", index=1)
    one = with_machine(with_machine(EMPTY, WORKER), other)
    two = with_machine(with_machine(EMPTY, other), WORKER)
    assert one == two
    assert tags.digest(one) == tags.digest(two)


def test_a_name_that_begins_like_another_is_another() -> None:
    both = with_machine(with_machine(EMPTY, WORKER), replace(WORKER, name=f"{WORKER.name}0", index=10, pairs=("x",)))
    left = without_machine(both, WORKER.name)
    assert sorted(left["resources"]) == [f"{WORKER.name}0", f"{WORKER.name}0.port", "signal"]
    assert list(left["parameters"]) == [boot_parameter(f"{WORKER.name}0")]


def test_no_boot_is_shown_by_heat_or_replaces_a_server_later() -> None:
    made = with_machine(EMPTY, WORKER)
    assert made["parameters"][boot_parameter(WORKER.name)]["hidden"] is True
    assert made["resources"][WORKER.name]["properties"]["user_data_update_policy"] == "IGNORE"


def test_a_thousand_machines_are_twenty_stacks_well_within_what_heat_takes() -> None:
    """A thousand resources and 512 KiB of template are its defaults for one stack."""
    names = [f"demo-5b2f1a3c-default-worker-{index}" for index in range(1000)]
    stacks = {tags.machine_stack(name) for name in names}
    assert len(stacks) == 20
    assert "jeroboam-demo-5b2f1a3c-default-worker.19" in stacks
    full = EMPTY
    for name in names[:50]:
        full = with_machine(full, replace(WORKER, name=name, pairs=("10.1.0.0/24",), pools=((6443, "p" * 36),)))
    assert len(full["resources"]) == 151
    assert len(yaml.safe_dump(full)) < 100_000


def test_a_stack_that_somebody_touched_is_noticed() -> None:
    given_ = tags.stack_tags(UUID, EMPTY)
    assert tags.is_as_given(EMPTY, given_)
    assert not tags.is_as_given(with_machine(EMPTY, WORKER), given_)
    assert not tags.is_as_given(EMPTY, given_[:2])
    assert tags.cluster_of(given_) == UUID
    assert tags.cluster_of(("of-somebody-else",)) is None
