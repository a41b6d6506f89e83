from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jeroboam.contracts import Machine, MachineSpec, MachineState
from jeroboam.domain import Cluster, ClusterShape, NodeGroup, Role
from jeroboam.planning import plan_batch, plan_machines

CLUSTER = Cluster(
    "5b2f1a3c-0000-4000-8000-000000000000", "demo", "p", "u", "t", ClusterShape(coe="kubernetes", image_id="img")
)


def group(name: str, count: int, role: Role = Role.WORKER, **more: object) -> NodeGroup:
    return replace(NodeGroup("ng-" + name, CLUSTER.uuid, name, role, str(role), "p", count, "img"), **more)  # type: ignore[arg-type]


def machine(spec: MachineSpec, state: MachineState = MachineState.RUNNING) -> Machine:
    return Machine("id-" + spec.name, spec.name, spec.cluster_uuid, spec.group, spec.role, spec.index, state)


def apply(groups: list[NodeGroup], seen: list[Machine]) -> list[Machine]:
    plan = plan_machines(CLUSTER, groups, seen)
    made = [machine(spec) for spec in plan.ensure]
    made_names = {m.name for m in made}
    gone = {m.name for m in plan.remove}
    return [m for m in seen if m.name not in gone | made_names] + made


def test_a_new_cluster_wants_all_its_machines_and_one_is_first() -> None:
    plan = plan_machines(CLUSTER, [group("default-master", 1, Role.CONTROL_PLANE), group("default-worker", 2)], [])
    assert [(s.name, s.first) for s in plan.ensure] == [
        ("demo-5b2f1a3c-default-master-0", True),
        ("demo-5b2f1a3c-default-worker-0", False),
        ("demo-5b2f1a3c-default-worker-1", False),
    ]
    assert plan.remove == ()


def test_shrinking_removes_the_highest_numbers() -> None:
    seen = apply([group("w", 4)], [])
    plan = plan_machines(CLUSTER, [group("w", 2)], seen)
    assert [m.index for m in plan.remove] == [2, 3]


def test_a_named_node_goes_and_its_name_is_not_used_again_while_it_is_there() -> None:
    seen = apply([group("w", 3)], [])
    plan = plan_machines(CLUSTER, [group("w", 2, remove_nodes=(seen[0].name,))], seen)
    assert [m.index for m in plan.remove] == [0]
    replaced = plan_machines(CLUSTER, [group("w", 3, remove_nodes=(seen[0].id,))], seen)
    assert [s.index for s in replaced.ensure] == [3]


def test_a_stopped_machine_is_ensured_again() -> None:
    seen = [replace(m, state=MachineState.STOPPED) for m in apply([group("w", 1)], [])]
    assert [s.index for s in plan_machines(CLUSTER, [group("w", 1)], seen).ensure] == [0]


def test_a_deleted_group_and_strangers_with_the_clusters_tag_go() -> None:
    seen = apply([group("w", 1), group("x", 1)], [])
    plan = plan_machines(CLUSTER, [group("w", 1), group("x", 1, deleting=True)], seen)
    assert [m.group for m in plan.remove] == ["x"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), unique_by=lambda g: g[0]),
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9), st.sampled_from(MachineState)), max_size=12),
)
def test_applying_the_plan_twice_changes_nothing(
    wishes: list[tuple[str, int]], found: list[tuple[str, int, MachineState]]
) -> None:
    groups = [group(name, count) for name, count in wishes]
    seen = {
        (name, index): machine(
            MachineSpec(CLUSTER.uuid, f"demo-5b2f1a3c-{name}-{index}", name, Role.WORKER, index, "img", None, "p"),
            state,
        )
        for name, index, state in found
    }
    after = apply(groups, list(seen.values()))
    settled = plan_machines(CLUSTER, groups, after)
    assert settled.ensure == ()
    assert settled.remove == ()
    assert {g.name: sum(m.group == g.name for m in after) for g in groups} == dict(wishes)


@given(st.integers(1, 5), st.integers(0, 7), st.integers(0, 4), st.integers(1, 4), st.data())
def test_a_rollout_replaces_every_node_and_never_takes_too_many_away(
    heads: int, workers: int, others: int, size: int, data: st.DataObject
) -> None:
    groups = [group("w", workers), group("x", others), group("m", heads, Role.CONTROL_PLANE)]
    seen = apply(groups, [])
    outdated = {m.name for m in seen}
    limits = {"m": 1, "w": size, "x": size}
    for _ in range(40):
        plan = plan_machines(CLUSTER, groups, seen)
        batch = plan_batch(groups, plan, outdated, size)
        if not batch and not plan.ensure:
            break
        assert all(sum(m.group == name for m in batch) + sum(s.group == name for s in plan.ensure) <= limits[name]
                   for name in limits)  # fmt: skip
        if any(m.role is Role.WORKER for m in batch):
            assert not any(m.role is Role.CONTROL_PLANE for m in (*batch, *seen) if m.name in outdated)
        gone = {m.name for m in batch[: data.draw(st.integers(0, len(batch)))]}  # the process may die in the middle
        seen = [m for m in seen if m.name not in gone]
        outdated -= gone
        if data.draw(st.booleans()):
            seen = apply(groups, seen)
    else:
        seen = apply(groups, seen)
    while outdated:
        batch = plan_batch(groups, plan_machines(CLUSTER, groups, seen), outdated, size)
        assert batch or len(seen) < heads + workers + others
        outdated -= {m.name for m in batch}
        seen = apply(groups, [m for m in seen if m not in batch])
    assert {g.name: sum(m.group == g.name for m in seen) for g in groups} == {"m": heads, "w": workers, "x": others}
