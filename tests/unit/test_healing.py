"""Which nodes are not well, which may be healed and how, and what was tried before."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jeroboam import healing
from jeroboam.contracts import CoeHealth, Machine, MachineState, NodeHealth
from jeroboam.domain import Ailing, Ailment, NodeGroup, Operation, OperationKind, OperationState, Role, remembered
from jeroboam.healing import Means, Plan, Remedy
from jeroboam.testing import builders

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ALL = Means(frozenset(Ailment))
GONE, STOPPED, NOT_READY = Ailment.GONE, Ailment.STOPPED, Ailment.NOT_READY
START, REBUILD, REPLACE = Remedy.START, Remedy.REBUILD, Remedy.REPLACE


def groups(heads: int = 1, workers: int = 3) -> list[NodeGroup]:
    return builders.groups(builders.cluster(), control_planes=heads, workers=workers)


def ill(*nodes: tuple[str, Ailment]) -> dict[str, Ailing]:
    """By names such as w0 and m1: workers and control plane."""
    groups_of = {"w": ("default-worker", Role.WORKER), "m": ("default-master", Role.CONTROL_PLANE)}
    return {name: Ailing(name, *groups_of[name[0]], int(name[1:]), ailment, "so seen", NOW) for name, ailment in nodes}


def planned(
    ailing: Mapping[str, Ailing],
    due: Collection[str] | None = None,
    *,
    of: list[NodeGroup] | None = None,
    means: Means = ALL,
    tried: Mapping[str, Remedy] | None = None,
    share: int = 34,
) -> Plan:
    due = set(ailing) if due is None else due
    return healing.plan_healing(of or groups(), ailing, due, means, tried or {}, share)


@pytest.mark.parametrize(
    ("ailment", "tried", "rebuilds", "remedy"),
    [
        (GONE, None, False, REPLACE),
        (STOPPED, None, False, START),
        (STOPPED, START, False, REPLACE),
        (STOPPED, REPLACE, False, REPLACE),
        (NOT_READY, None, False, REPLACE),
        (NOT_READY, START, False, REPLACE),
        (GONE, None, True, REBUILD),
        (STOPPED, START, True, REBUILD),
        (STOPPED, REBUILD, True, REPLACE),
        (NOT_READY, REBUILD, True, REPLACE),
    ],
)
def test_what_was_tried_in_vain_is_followed_by_the_next_remedy(
    ailment: Ailment, tried: Remedy | None, rebuilds: bool, remedy: Remedy
) -> None:
    before = {"w0": tried} if tried else {}
    assert planned(ill(("w0", ailment)), means=replace(ALL, rebuilds=rebuilds), tried=before) == Plan(
        {"w0": remedy}, {}
    )


def test_a_control_plane_that_is_its_state_never_loses_it() -> None:
    plan = planned(ill(("m1", NOT_READY)), of=groups(3), means=replace(ALL, rebuilds=True), tried={"m1": REBUILD})
    assert plan.remedies == {"m1": REBUILD}


@pytest.mark.parametrize(
    ("heads", "sick", "remedies", "why"),
    [
        (1, 1, {}, "0 of 1 control-plane nodes are well, which is no majority"),
        (3, 1, {"m0": REPLACE}, None),
        (3, 2, {}, "1 of 3 control-plane nodes are well, which is no majority"),
        (5, 2, {"m0": REPLACE}, "m0 of the control plane comes first"),
    ],
)
def test_the_control_plane_keeps_its_majority(
    heads: int, sick: int, remedies: dict[str, Remedy], why: str | None
) -> None:
    plan = planned(ill(*((f"m{n}", NOT_READY) for n in range(sick))), of=groups(heads))
    assert plan.remedies == remedies
    assert set(plan.left.values()) == ({why} if why else set())


def test_a_single_control_plane_that_stopped_is_started() -> None:
    assert planned(ill(("m0", STOPPED))).remedies == {"m0": START}


def test_nothing_is_done_while_a_control_plane_without_which_nobody_can_be_asked_is_gone() -> None:
    plan = planned(ill(("m0", GONE), ("w0", STOPPED)))
    assert plan.remedies == {}
    assert plan.left == {
        "m0": "0 of 1 control-plane nodes are well, which is no majority",
        "w0": "m0 is gone, and the control plane has no majority without it",
    }


def test_of_two_that_are_gone_of_a_control_plane_that_has_its_majority_one_comes_first() -> None:
    plan = planned(ill(("m0", GONE), ("m1", GONE), ("w0", STOPPED)), of=groups(5))
    assert plan == Plan({"m0": REPLACE, "w0": START}, {"m1": "m0 of the control plane comes first"})


@pytest.mark.parametrize("tried", [{}, {"w0": START}, {"w0": REPLACE}])
def test_a_node_that_is_ready_is_left_alone_whatever_its_machine_is_called(tried: dict[str, Remedy]) -> None:
    plan = planned(ill(("w0", Ailment.FAILED), ("w1", GONE)), tried=tried)
    assert plan == Plan({"w1": REPLACE}, {"w0": "so seen, yet the node is ready"})


@pytest.mark.parametrize(("share", "most"), [(1, 1), (34, 3), (50, 5), (100, 10)])
def test_a_group_keeps_most_of_its_workers(share: int, most: int) -> None:
    plan = planned(ill(*((f"w{n}", NOT_READY) for n in range(10))), of=groups(workers=10), share=share)
    assert len(plan.remedies) == most
    told = f"at most {most} of 10 nodes of default-worker are replaced at once"
    assert list(plan.left.values()) == [told] * (10 - most)


def test_what_is_gone_and_what_is_only_started_counts_for_no_share() -> None:
    ailing = ill(("w0", GONE), ("w1", GONE), ("w2", STOPPED), ("w3", NOT_READY))
    plan = planned(ailing, of=groups(workers=4), share=25)
    assert plan == Plan({"w0": REPLACE, "w1": REPLACE, "w2": START, "w3": REPLACE}, {})


def test_a_node_that_is_not_due_waits_unless_any_operation_makes_it_anew() -> None:
    ailing = ill(("w0", NOT_READY), ("w1", NOT_READY), ("w2", GONE))
    assert planned(ailing, {"w0"}).remedies == {"w0": REPLACE, "w2": REPLACE}
    assert planned(ailing, ()) == Plan({}, {})


def test_a_cluster_that_cannot_be_asked_gets_its_machines_started_and_no_more() -> None:
    plan = planned(ill(("m0", STOPPED), ("w0", GONE)), means=replace(ALL, api_ok=False))
    assert plan.remedies == {"m0": START}
    assert plan.left == {"w0": "the cluster's API does not answer, so nothing can be replaced"}


def test_what_only_the_node_holds_is_not_given_away() -> None:
    means = Means(frozenset({GONE}))
    plan = planned(ill(("w0", GONE), ("w1", NOT_READY)), means=means)
    assert plan.remedies == {"w0": REPLACE}
    assert plan.left == {"w1": "a node that is not ready holds what would be lost with it"}


def test_the_diagnosis_compares_ledger_provider_and_cluster() -> None:
    cluster = builders.cluster()
    of = builders.groups(cluster, workers=3)
    slug = f"demo-{cluster.uuid[:8]}"
    names = [f"{slug}-default-master-0", *(f"{slug}-default-worker-{n}" for n in range(4))]

    def machine(name: str, state: MachineState = MachineState.RUNNING, detail: str = "") -> Machine:
        head = "master" in name
        group, role = ("default-master", Role.CONTROL_PLANE) if head else ("default-worker", Role.WORKER)
        return Machine("id", name, cluster.uuid, group, role, int(name[-1]), state, detail=detail)

    seen = [machine(names[0]), machine(names[1], MachineState.STOPPED, "Exited (137)"), machine(names[2])]
    nodes = (NodeHealth(names[0], True), NodeHealth(names[2], False, "kubelet stopped"), NodeHealth("stranger", False))
    health = CoeHealth(api_ok=True, nodes=nodes, workloads_ready=False)
    found = healing.diagnose(cluster, of, names, seen, health, NOW)
    assert {name[-8:]: (one.ailment, one.why) for name, one in found.items()} == {
        "worker-0": (STOPPED, "Exited (137)"),
        "worker-1": (NOT_READY, "kubelet stopped"),
        "worker-2": (GONE, "its machine is gone"),  # of two in the ledger, as many as the group is short of
    }
    unknown = healing.diagnose(cluster, of, names, seen, None, NOW)
    assert {name[-8:]: one.ailment for name, one in unknown.items()} == {"worker-0": STOPPED, "worker-2": GONE}


@pytest.mark.parametrize(
    ("state", "age_min", "ready", "ailment", "why"),
    [
        (MachineState.FAILED, 0, True, Ailment.FAILED, "its machine is failed: no host"),
        (MachineState.FAILED, 0, False, NOT_READY, "its machine is failed: no host; kubelet stopped"),
        (MachineState.FAILED, 0, None, NOT_READY, "its machine is failed: no host"),
        (MachineState.BUILDING, 14, True, None, None),
        (MachineState.BUILDING, 14, False, None, None),
        (MachineState.BUILDING, 15, True, Ailment.FAILED, "its machine is building: no host"),
        (MachineState.BUILDING, 15, False, NOT_READY, "its machine is building: no host; kubelet stopped"),
        (MachineState.BUILDING, 15, None, NOT_READY, "its machine is building: no host"),
        (MachineState.STOPPED, 0, True, STOPPED, "no host"),
        (MachineState.DELETING, 0, True, GONE, "its machine is gone"),
    ],
)
def test_of_a_machine_that_may_run_the_cluster_is_asked(
    state: MachineState, age_min: int, ready: bool | None, ailment: Ailment | None, why: str | None
) -> None:
    cluster = builders.cluster()
    of = builders.groups(cluster, workers=1)[1:]
    name, made = f"demo-{cluster.uuid[:8]}-default-worker-0", NOW - timedelta(minutes=age_min)
    node = [] if ready is None else [NodeHealth(name, ready, "" if ready else "kubelet stopped")]
    machine = Machine(
        "id", name, cluster.uuid, "default-worker", Role.WORKER, 0, state, detail="no host", created_at=made
    )
    health = CoeHealth(api_ok=True, nodes=tuple(node), workloads_ready=False)
    found = healing.diagnose(cluster, of, [name], [machine], health, NOW, timedelta(minutes=15))
    assert [(one.ailment, one.why) for one in found.values()] == ([(ailment, why)] if ailment else [])


@pytest.mark.parametrize(("state", "ill"), [(MachineState.RUNNING, False), (MachineState.FAILED, True)])
def test_for_a_node_that_its_cluster_has_not_decided_on_nothing_is_done(state: MachineState, ill: bool) -> None:
    """Unless its machine is not well either."""
    cluster = builders.cluster()
    of = builders.groups(cluster, workers=1)[1:]
    name = f"demo-{cluster.uuid[:8]}-default-worker-0"
    machine = Machine("id", name, cluster.uuid, "default-worker", Role.WORKER, 0, state)
    node = NodeHealth(name, ready=False, reason="unknown: another leader", undecided=True)
    health = CoeHealth(api_ok=True, nodes=(node,), workloads_ready=False)
    assert bool(healing.diagnose(cluster, of, [name], [machine], health, NOW)) is ill


def test_what_a_deletion_of_its_group_took_away_is_not_missed() -> None:
    cluster = builders.cluster()
    [_, workers] = builders.groups(cluster, workers=1)
    name = f"demo-{cluster.uuid[:8]}-default-worker-0"
    assert list(healing.diagnose(cluster, [workers], [name], [], None, NOW)) == [name]
    assert healing.diagnose(cluster, [replace(workers, deleting=True)], [name], [], None, NOW) == {}


def test_a_node_is_ill_since_it_was_first_not_well() -> None:
    before = {"w0": replace(ill(("w0", NOT_READY))["w0"], since=NOW - timedelta(hours=1))}
    now = remembered(ill(("w0", STOPPED), ("w1", GONE)), before)
    assert [(one.ailment, one.since) for one in now.values()] == [(STOPPED, NOW - timedelta(hours=1)), (GONE, NOW)]
    assert {name: Ailing.of(name, one.as_json()) for name, one in now.items()} == now
    assert remembered({}, before) == {}


def heal(state: OperationState, hours_ago: float, by: str = healing.AUTO, **nodes: str) -> Operation:
    when = NOW - timedelta(hours=hours_ago)
    details: dict[str, Any] = {"auto": True, "nodes": {name: {"remedy": remedy} for name, remedy in nodes.items()}}
    made = replace(builders.operation(builders.cluster(), OperationKind.HEAL), state=state, details=details)
    return replace(made, user_id=by, created_at=when, started_at=when, finished_at=when)


def test_the_past_is_what_was_tried_since_somebody_else_looked_after_the_cluster() -> None:
    failed, done = OperationState.FAILED, OperationState.SUCCEEDED
    day = timedelta(hours=24)
    operations = [heal(failed, 1, w0="replace"), heal(failed, 2, w0="start"), heal(done, 30, w0="start", w1="start")]
    past = healing.past(operations, NOW, day)
    assert (past.failures, past.failed_at) == (2, NOW - timedelta(hours=1))
    assert past.tried == {"w0": REPLACE}
    assert past.times == {"w0": 2}
    assert healing.past([heal(done, 1, w0="start"), *operations], NOW, day).failures == 0
    assert healing.past([heal(failed, 1, "user-1", w0="start"), *operations], NOW, day) == healing.Past()
    namesake = replace(heal(failed, 1, w0="start"), details={"nodes": {"w0": {"remedy": "start"}}})
    assert healing.past([namesake, *operations], NOW, day) == healing.Past()


@pytest.mark.parametrize(
    ("label", "seconds"), [("", 300), ("0", 0), ("90", 90), ("soon", 300), ("-1", 300), ("1" * 30, 300)]
)
def test_a_grace_that_is_no_number_is_the_operators(label: str, seconds: int) -> None:
    assert healing.Terms().grace_of({"auto_healing_grace": label}) == timedelta(seconds=seconds)
