"""Which machine becomes what, and what the balancer is told. Pure."""

from pathlib import Path

import asyncssh

from jeroboam_static import balancer
from jeroboam_static.choice import BALANCER, Need, candidates, described, unmet
from jeroboam_static.inventory import Entry

KEY = asyncssh.generate_private_key("ssh-ed25519")
WORKER, HEAD, FORWARD = Need("worker", "host", None), Need("control-plane", "host", None), Need(BALANCER, "", None)


def entry(name: str, *roles: str, image: str = "host", flavor: str | None = None) -> Entry:
    return Entry(
        name,
        "192.0.2.1",
        22,
        "root",
        Path("id"),
        KEY,
        "192.0.2.1",
        image,
        flavor,
        frozenset(roles or ("control-plane", "worker")),
    )


def names(found: list[Entry]) -> list[str]:
    return [one.name for one in found]


def test_a_machine_that_may_do_less_is_taken_first() -> None:
    yard = [entry("any"), entry("w1", "worker"), entry("w2", "worker"), entry("old", "worker", image="other")]
    assert names(candidates(WORKER, yard)) == ["w1", "w2", "any"]
    assert names(candidates(HEAD, yard)) == ["any"]


def test_a_flavor_must_fit_where_one_is_asked_for() -> None:
    yard = [entry("a", flavor="small"), entry("b", flavor="large"), entry("c")]
    assert names(candidates(Need("worker", "host", "large"), yard)) == ["b"]
    assert names(candidates(WORKER, yard)) == ["a", "b", "c"]


def test_a_balancer_is_taken_of_any_image_but_only_where_the_inventory_says_so() -> None:
    assert names(candidates(FORWARD, [entry("a"), entry("b", "balancer", image="other")])) == ["b"]


def test_the_choosy_are_served_first_and_what_is_missing_is_said_by_kind() -> None:
    yard = [entry("a", flavor="large"), entry("b", flavor="small")]
    picky = Need("worker", "host", "large")
    assert unmet([WORKER, picky], yard) == []
    missing = unmet([HEAD, WORKER, WORKER, WORKER, picky, FORWARD], yard)
    assert described(missing) == [
        "1 machine is missing: role balancer",
        "3 machines are missing: role worker, image host",
    ]


def test_the_balancer_forwards_each_port_to_the_nodes_there_are() -> None:
    said = balancer.configuration((6443, 2377), {"b": "192.0.2.2", "a": "192.0.2.1"}).decode()
    assert said.endswith(
        "listen port-6443\n  bind :6443\n  server a 192.0.2.1:6443\n  server b 192.0.2.2:6443\n"
        "listen port-2377\n  bind :2377\n  server a 192.0.2.1:2377\n  server b 192.0.2.2:2377\n"
    )
    assert "server" not in balancer.configuration((6443,), {}).decode().split("listen")[1]
