"""The store's promises, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import sqlalchemy.ext.asyncio
from tests.conformance.store_use import KEY, add

from jeroboam.contracts import Caller, ClusterBrief, Page, Quota, Share, StatusChange, Totals
from jeroboam.domain import (
    Cluster,
    Health,
    OperationKind,
    OperationState,
    Resource,
    SignedCertificate,
    Status,
    Step,
    Upgrade,
)
from jeroboam.domain.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
)
from jeroboam.store import Sealer, SqlStore, tables
from jeroboam.store.reading import InPlace
from jeroboam.store.rows import values
from jeroboam.testing import builders
from jeroboam.testing.builders import ManualClock

ME = Caller("user-1", builders.PROJECT, frozenset({"member", "reader"}))
STRANGER = Caller("user-2", "project-2", frozenset({"member", "reader"}))
ADMIN = Caller("root", "admin", frozenset({"admin"}))
BRIEF = (
    *("uuid", "name", "template_uuid", "keypair", "docker_volume_size_gib", "labels", "status", "health"),
    *("control_plane_flavor_id", "flavor_id", "create_timeout_min", "backend_id"),
)


async def test_templates_keep_every_field_and_are_seen_by_their_project(store: SqlStore, clock: ManualClock) -> None:
    template = builders.template(tags="a,b")
    kept = await store.add_template(template)
    assert kept == replace(template, id=1, created_at=clock.time)
    assert await store.find_templates("k8s", ME) == [kept]
    assert await store.find_templates(template.uuid, STRANGER) == []
    assert await store.find_templates(template.uuid, ADMIN) == [kept]
    public = await store.update_template(replace(kept, public=True), seen=kept)
    assert public is not None
    assert public == replace(kept, public=True, updated_at=clock.time)
    assert len(await store.list_templates(STRANGER, Page())) == 1
    assert await store.update_template(replace(kept, tags="lost"), seen=kept) is None
    await store.update_template(replace(public, hidden=True), seen=public)
    assert await store.list_templates(STRANGER, Page()) == []
    with pytest.raises(Conflict, match=f"A ClusterTemplate with UUID {template.uuid} already exists"):
        await store.add_template(template)


async def test_a_template_in_use_stays(store: SqlStore) -> None:
    template = await store.add_template(builders.template())
    await add(store, template_uuid=template.uuid)
    assert await store.template_in_use(template.uuid)
    [kept] = await store.find_templates(template.uuid, ADMIN)
    with pytest.raises(Conflict, match=f"ClusterTemplate {template.uuid} is referenced by one or multiple clusters"):
        await store.update_template(replace(kept, tags="x"), seen=kept, unused=True)
    with pytest.raises(Conflict, match="is referenced by one or multiple clusters"):
        await store.delete_template(template.uuid)
    with pytest.raises(NotFound):
        await store.delete_template("0b6e8f0e-0000-4000-8000-000000000000")


async def test_a_template_that_an_upgrade_goes_to_stays(store: SqlStore) -> None:
    uuid, _ = await add(store)
    template = await store.add_template(builders.template())
    row = await store.load(uuid)
    assert row is not None
    target = Upgrade(template.uuid, "fake-image", {}, {}, ())
    upgrade = replace(builders.operation(row.cluster, OperationKind.UPGRADE), details=target.as_details())
    assert await store.request_change(uuid, [], upgrade, status=Status.UPDATE_IN_PROGRESS)
    assert await store.template_in_use(template.uuid)
    with pytest.raises(Conflict, match="is referenced by one or multiple clusters"):
        await store.delete_template(template.uuid)
    begun = await store.begin_operation(upgrade.uuid)
    assert begun is not None
    await store.finish_operation(upgrade.uuid, begun[1], OperationState.FAILED, error="no")
    await store.delete_template(template.uuid)
    again = replace(upgrade, uuid=str(uuid4()))
    with pytest.raises(NotFound, match=f"^ClusterTemplate {template.uuid} could not be found.$"):
        await store.request_change(uuid, [], again, status=Status.UPDATE_IN_PROGRESS)


async def test_no_cluster_is_kept_without_its_template(store: SqlStore) -> None:
    cluster = builders.cluster()
    with pytest.raises(NotFound, match=f"^ClusterTemplate {cluster.template_uuid} could not be found.$"):
        await store.add_cluster(cluster, builders.groups(cluster), builders.operation(cluster), max_clusters=9)
    assert await store.list_clusters(None, Page()) == []


async def test_a_template_goes_or_a_cluster_is_made_from_it_never_both(url: str, clock: ManualClock) -> None:
    """By two processes at once, again and again: one of them is refused."""
    first, second = (SqlStore(url, Sealer(KEY), clock) for _ in range(2))
    await first.start()
    for _ in range(20):
        template = await first.add_template(builders.template())
        cluster = builders.cluster(template_uuid=template.uuid)
        outcomes = await asyncio.gather(
            first.add_cluster(cluster, builders.groups(cluster), builders.operation(cluster), max_clusters=99),
            second.delete_template(template.uuid),
            return_exceptions=True,
        )
        made, gone = (outcome is None for outcome in outcomes)
        assert made is not gone
        assert [type(one) for one in outcomes if one is not None] == [Conflict if made else NotFound]
        assert bool(await first.templates_by_uuid({template.uuid})) is made
        assert bool(await first.find_clusters(cluster.uuid, None)) is made
    await first.stop()
    await second.stop()


async def test_clusters_keep_every_field(store: SqlStore, clock: ManualClock) -> None:
    cluster = builders.cluster(create_timeout_min=7, keypair="k")
    groups = builders.groups(cluster)
    groups[1] = replace(groups[1], node_labels={"a": "b"}, node_taints=({"key": "k", "effect": "NoSchedule"},))
    await builders.keep(store, cluster, builders.operation(cluster), groups_of=groups)
    [row] = await store.find_clusters("demo", builders.PROJECT)
    assert row.cluster == replace(cluster, id=1, created_at=clock.time)
    assert row.groups == tuple(replace(g, id=n + 1, created_at=clock.time) for n, g in enumerate(groups))
    assert await store.find_clusters("demo", "project-2") == []


async def test_two_creates_at_the_limit_one_wins(store: SqlStore) -> None:
    template = await store.add_template(builders.template())

    async def create() -> str:
        cluster = builders.cluster(template_uuid=template.uuid)
        try:
            await store.add_cluster(cluster, builders.groups(cluster), builders.operation(cluster), max_clusters=3)
        except QuotaExceeded as error:
            return str(error)
        return "ok"

    results = await asyncio.gather(*(create() for _ in range(6)))
    assert sorted(results)[3:] == ["ok"] * 3
    assert sorted(results)[0] == (
        "Resource limit exceeded: You have reached the maximum clusters per project, 3. "
        "You may delete a cluster to make room for a new one."
    )
    assert len(await store.list_clusters(None, Page())) == 3


async def test_parallel_creates_of_several_processes_win_as_often_as_the_limit_says(
    url: str, clock: ManualClock
) -> None:
    stores = [SqlStore(url, Sealer(KEY), clock) for _ in range(3)]
    template = await stores[0].add_template(builders.template())
    other = builders.cluster(project_id="project-2", template_uuid=template.uuid)

    async def create(store: SqlStore, project: str) -> bool:
        cluster = replace(other, uuid=str(uuid4()), project_id=project)
        try:
            await store.add_cluster(cluster, builders.groups(cluster), builders.operation(cluster), max_clusters=7)
        except QuotaExceeded:
            return False
        return True

    projects = ("project-1", "project-2")
    won = await asyncio.gather(*(create(store, project) for store in stores for _ in range(8) for project in projects))
    assert [sum(won[place::2]) for place in (0, 1)] == [7, 7]
    assert [len(await stores[0].list_briefs(project, Page())) for project in projects] == [7, 7]
    for store in stores:
        await store.stop()


async def test_lists_are_paged_in_any_order(store: SqlStore) -> None:
    for name in ("b", "a", "c", "a"):
        await add(store, name=name, keypair=None if name == "b" else name)
    for key, descending in (("name", False), ("name", True), ("keypair", False), ("keypair", True), ("id", True)):
        whole = await store.list_clusters(None, Page(sort_key=key, descending=descending))
        seen: list[str] = []
        while len(seen) < 4:
            page = Page(limit=1, marker=seen[-1] if seen else None, sort_key=key, descending=descending)
            seen += [row.cluster.uuid for row in await store.list_clusters(None, page)]
        assert seen == [row.cluster.uuid for row in whole], key
    with pytest.raises(InvalidRequest, match='The sort_key value "zz" is an invalid field for sorting'):
        await store.list_clusters(None, Page(sort_key="zz"))
    with pytest.raises(NotFound, match="Cluster nope could not be found"):
        await store.list_clusters(None, Page(marker="nope"))


async def test_briefs_are_the_same_clusters_in_short(store: SqlStore) -> None:
    await add(store, name="b", health=Health.HEALTHY)
    await add(store, name="a", backend_id="x")
    page = Page(sort_key="name")
    rows = await store.list_clusters(None, page)
    assert [brief.name for brief in await store.list_briefs(builders.PROJECT, page)] == ["a", "b"]
    assert await store.list_briefs(None, page) == [in_brief(row.cluster) for row in rows]
    assert await store.list_briefs("project-2", page) == []
    with pytest.raises(NotFound, match="Cluster nope could not be found"):
        await store.list_briefs(None, Page(marker="nope"))


def in_brief(cluster: Cluster) -> ClusterBrief:
    """By hand; `builders.groups` makes one control plane and two workers."""
    fields: dict[str, Any] = {name: {**vars(cluster.shape), **vars(cluster)}[name] for name in BRIEF}
    return ClusterBrief(**fields, workers=2, control_planes=1)


@pytest.mark.parametrize("rows", [20, 500])
async def test_lists_and_looks_take_a_fixed_number_of_statements(store: SqlStore, rows: int) -> None:
    """However much there is; a marker costs one more."""
    template = await store.add_template(builders.template())
    first, operation = await add(store, name="a", template_uuid=template.uuid)
    await copies(store, rows)
    statements: list[str] = []
    for engine in {read_engine(store), store._engine.sync_engine}:
        sa.event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))

    async def count(reading: Awaitable[object]) -> int:
        statements.clear()
        await reading
        return len([s for s in statements if s.startswith("SELECT")])

    page, marked = Page(), Page(marker=first, sort_key="name")
    await rows_of_a_cluster(store, first, operation, rows)
    assert len(await store.list_clusters(None, page)) == rows + 1
    assert {
        "briefs": await count(store.list_briefs(builders.PROJECT, page)),
        "briefs after a marker": await count(store.list_briefs(None, marked)),
        "clusters": await count(store.list_clusters(builders.PROJECT, page)),
        "clusters after a marker": await count(store.list_clusters(None, marked)),
        "templates": await count(store.list_templates(ME, page)),
        "templates of clusters": await count(store.templates_by_uuid([template.uuid, "no"])),
        "quotas": await count(store.list_quotas(None, page)),
        "conductors": await count(store.list_conductors()),
        "operations": await count(store.list_operations(first)),
        "steps": await count(store.list_steps(operation)),
        "certificates": await count(store.list_certificates(first)),
        "runnable operations": await count(store.runnable_operations(200)),
        "resources": await count(store.open_resources(first)),
        "totals": await count(store.totals(None)),
        "a cluster": await count(store.find_clusters(first, None)),
        "a cluster by name": await count(store.find_clusters("a", builders.PROJECT)),
        "a template": await count(store.find_templates("k8s", ME)),
    } == {
        "briefs": 1,
        "briefs after a marker": 2,
        "clusters": 2,
        "clusters after a marker": 3,
        "templates": 1,
        "templates of clusters": 1,
        "quotas": 1,
        "conductors": 1,
        "operations": 1,
        "steps": 1,
        "certificates": 1,
        "runnable operations": 1,
        "resources": 1,
        "totals": 1,
        "a cluster": 2,
        "a cluster by name": 2,
        "a template": 1,
    }


async def rows_of_a_cluster(store: SqlStore, cluster: str, operation: str, number: int) -> None:
    """So many rows of everything else that is listed."""
    now = store._clock.now()
    own: dict[sa.Table, list[Any]] = {
        tables.steps: [Step(operation, "machine", f"w-{n}", 1, now) for n in range(number)],
        tables.resources: [Resource(cluster, "machine", f"w-{n}") for n in range(number)],
        tables.certificates: [SignedCertificate(cluster, str(n), "CN=a", "k", now, "u", "p") for n in range(number)],
        tables.operations: [builders.operation(builders.cluster(uuid=cluster)) for _ in range(number)],
    }
    hosts = [
        {"host": f"h{n}", "binary": "b", "report_count": 1, "created_at": now, "last_seen_at": now}
        for n in range(number)
    ]
    async with store._write() as connection:
        for table, things in own.items():
            await connection.execute(table.insert(), [values(thing) for thing in things])
        await connection.execute(tables.services.insert(), hosts)


async def copies(store: SqlStore, number: int) -> None:
    """So many more clusters with two node groups each, and templates, in one transaction."""
    clusters = [builders.cluster(name=f"c{n}") for n in range(number)]
    groups = [group for cluster in clusters for group in builders.groups(cluster)]
    templates = [builders.template(uuid=str(uuid4()), name=f"t{n}") for n in range(number)]
    async with store._write() as connection:
        for table, things in ((tables.clusters, clusters), (tables.node_groups, groups), (tables.templates, templates)):
            await connection.execute(table.insert(), [values(thing) for thing in things])


def read_engine(store: SqlStore) -> sa.Engine:
    """Where statements of reads can be counted."""
    reader = store._reader
    return reader._engine if isinstance(reader, InPlace) else store._engine.sync_engine


async def test_what_was_never_whole_has_no_health(store: SqlStore, clock: ManualClock) -> None:
    _, operation = await add(store)
    begun = await store.begin_operation(operation)
    assert begun is not None
    await store.finish_operation(
        operation, begun[1], OperationState.FAILED, change=StatusChange(status=Status.CREATE_FAILED)
    )
    assert await store.health_targets(10, clock.now()) == []


async def test_health_is_claimed_once_a_period(store: SqlStore, clock: ManualClock) -> None:
    cluster, operation = await add(store)
    assert await store.health_targets(10, clock.now()) == []  # still being created
    begun = await store.begin_operation(operation)
    assert begun is not None
    await store.finish_operation(
        operation, begun[1], OperationState.SUCCEEDED, change=StatusChange(status=Status.CREATE_COMPLETE)
    )
    assert [r.cluster.uuid for r in await store.health_targets(10, clock.now())] == [cluster]
    assert await store.health_targets(10, clock.now()) == []
    clock.advance(61)
    assert len(await store.health_targets(10, clock.now() - timedelta(seconds=60))) == 1
    await store.write_health(cluster, Health.HEALTHY, {"api": "ok"})
    row = await store.load(cluster)
    assert row is not None
    assert (row.cluster.health, row.cluster.health_reason) == (Health.HEALTHY, {"api": "ok"})


async def settled(store: SqlStore, count: int) -> list[str]:
    """Clusters that nobody looked at yet."""
    made = [await add(store) for _ in range(count)]
    for _, operation in made:
        assert await store.begin_operation(operation) is not None
        change = StatusChange(status=Status.CREATE_COMPLETE)
        await store.finish_operation(operation, 1, OperationState.SUCCEEDED, change=change)
    return [cluster for cluster, _ in made]


async def claimed(store: SqlStore, clock: ManualClock, share: Share | None = None) -> set[str]:
    return {row.cluster.uuid for row in await store.health_targets(100, clock.now(), share)}


async def test_clusters_at_rest_are_shared_out_and_each_is_in_one_share(store: SqlStore, clock: ManualClock) -> None:
    """Before anybody looked at them, and afterwards."""
    clusters = await settled(store, 24)
    one, two, three = 260819517, 1936434399, 1856776461
    shares = [Share(one, (two, three)), Share(two, (one, three)), Share(three, (two, one))]
    first = [await claimed(store, clock, share) for share in shares]
    assert all(first)
    assert sorted(uuid for some in first for uuid in some) == sorted(clusters)
    assert await claimed(store, clock) == set()
    clock.advance(1)
    assert [await claimed(store, clock, share) for share in shares] == first
    clock.advance(1)
    left = [await claimed(store, clock, share) for share in (Share(one, (two,)), Share(two, (one,)))]
    assert left[0] > first[0]
    assert left[1] > first[1]
    assert left[0] | left[1] == set(clusters)
    clock.advance(1)
    assert len(await store.health_targets(1, clock.now(), shares[0])) == 1


async def test_what_ails_is_kept_until_it_is_told_anew(store: SqlStore, clock: ManualClock) -> None:
    cluster, operation = await add(store)
    begun = await store.begin_operation(operation)
    assert begun is not None
    change = StatusChange(status=Status.CREATE_COMPLETE)
    await store.finish_operation(operation, begun[1], OperationState.SUCCEEDED, change=change)
    for told, kept in (({"w": {"index": 1}}, {"w": {"index": 1}}), (None, {"w": {"index": 1}}), ({}, {})):
        await store.write_health(cluster, Health.UNHEALTHY, {"api": "ok"}, told)
        row = await store.load(cluster)
        assert row is not None
        assert row.cluster.ailing == kept


async def test_machines_of_the_ledger_come_for_many_clusters_at_once(store: SqlStore) -> None:
    (one, first), (other, second) = await add(store), await add(store)
    fences = {}
    for cluster, operation in ((one, first), (other, second)):
        begun = await store.begin_operation(operation)
        assert begun is not None
        fences[cluster] = begun[1]
    for cluster, kind, name in (
        (one, "machine", "a"),
        (one, "machine", "b"),
        (one, "network", "n"),
        (other, "machine", "c"),
    ):
        await store.open_resource(Resource(cluster, kind, name), fences[cluster])
    await store.close_resources(one, fences[one], [("machine", "a")])
    assert await store.recorded_machines([one, other, "none"]) == {one: ["b"], other: ["c"], "none": []}
    assert await store.recorded_machines([]) == {}


@pytest.mark.parametrize("kind", [OperationKind.HEAL, OperationKind.RESIZE])
async def test_a_changed_cluster_is_looked_at_anew_at_once(
    store: SqlStore, clock: ManualClock, kind: OperationKind
) -> None:
    """Else it would be called unhealthy, for up to a period, for what was just mended."""
    cluster, operation = await add(store)
    begun = await store.begin_operation(operation)
    assert begun is not None
    whole = StatusChange(status=Status.CREATE_COMPLETE)
    await store.finish_operation(operation, begun[1], OperationState.SUCCEEDED, change=whole)
    row = (await store.health_targets(10, clock.now()))[0]
    assert await store.health_targets(10, clock.now()) == []
    asked = builders.operation(row.cluster, kind)
    await store.request_change(cluster, [], asked, status=Status.UPDATE_IN_PROGRESS)
    again = await store.begin_operation(asked.uuid)
    assert again is not None
    change = StatusChange(status=Status.UPDATE_COMPLETE)
    await store.finish_operation(asked.uuid, again[1], OperationState.SUCCEEDED, change=change)
    assert [one.cluster.uuid for one in await store.health_targets(10, clock.now())] == [cluster]


async def test_heartbeats_count(store: SqlStore, clock: ManualClock) -> None:
    await store.heartbeat("a", "magnum-conductor")
    clock.advance(5)
    await store.heartbeat("a", "magnum-conductor")
    [row] = await store.list_conductors()
    assert (row.host, row.report_count, row.last_seen_at) == ("a", 2, clock.now())


async def test_certificates_are_recorded(store: SqlStore, clock: ManualClock) -> None:
    cluster, _ = await add(store)
    given = SignedCertificate(cluster, "1", "CN=admin", "kubernetes", clock.now(), "user-1", "project-1")
    await store.record_certificate(given)
    await store.record_certificate(replace(given, serial="2", purpose="jeroboam ps"))
    first, second = await store.list_certificates(cluster)
    assert first == replace(given, created_at=clock.now())
    assert (first.purpose, second.purpose) == (None, "jeroboam ps")


async def test_quotas_are_kept_by_project_and_resource(store: SqlStore, clock: ManualClock) -> None:
    made = await store.add_quota("p", "Cluster", 5)
    assert made == Quota(1, "p", "Cluster", 5, clock.now(), None)
    with pytest.raises(Conflict, match="Quota for project p already exists for resource Cluster"):
        await store.add_quota("p", "Cluster", 6)
    clock.advance(1)
    changed = await store.update_quota("p", "Cluster", 7)
    assert changed == replace(made, hard_limit=7, updated_at=clock.now())
    assert await store.get_quota("p", "Cluster") == changed
    assert await store.get_quota("q", "Cluster") is None
    other = await store.add_quota("q", "Cluster", 0)
    assert await store.list_quotas(None, Page()) == [changed, other]
    assert await store.list_quotas("q", Page()) == [other]
    assert await store.list_quotas(None, Page(marker="1")) == [other]
    assert await store.list_quotas(None, Page(marker="1", sort_key="hard_limit", descending=True)) == [other]
    for marker in ("9", str(2**70)):
        with pytest.raises(NotFound, match=f"Quota {marker} could not be found"):
            await store.list_quotas(None, Page(marker=marker))
    await store.delete_quota("p", "Cluster")
    for call in (store.delete_quota("p", "Cluster"), store.update_quota("p", "Cluster", 1)):
        with pytest.raises(NotFound, match="Quota could not be found: project_id p resource Cluster"):
            await call


async def test_the_quota_of_a_project_counts_before_the_default(store: SqlStore) -> None:
    await store.add_quota(builders.PROJECT, "Cluster", 0)
    with pytest.raises(QuotaExceeded, match="maximum clusters per project, 0"):
        await add(store)


async def test_totals(store: SqlStore) -> None:
    assert await store.totals(None) == Totals(0, 0)
    await add(store)
    await add(store, project_id="project-2")
    assert await store.totals(None) == Totals(clusters=2, nodes=6)
    assert await store.totals("project-2") == Totals(clusters=1, nodes=3)
    assert await store.totals("project-3") == Totals(0, 0)


async def test_templates_by_uuid_whoever_may_see_them(store: SqlStore) -> None:
    one, two = [await store.add_template(builders.template(hidden=hidden)) for hidden in (True, False)]
    assert await store.templates_by_uuid([one.uuid, "nope"]) == {one.uuid: one}
    assert await store.templates_by_uuid({one.uuid, two.uuid}) == {one.uuid: one, two.uuid: two}
    assert await store.templates_by_uuid([]) == {}


async def test_a_change_of_what_was_seen_before_somebody_elses_is_not_written(store: SqlStore) -> None:
    cluster, _ = await add(store)
    row = await store.load(cluster)
    assert row is not None

    async def change(count: int) -> bool:
        return await store.request_change(
            cluster,
            [replace(row.groups[1], node_count=count)],
            builders.operation(row.cluster, OperationKind.UPDATE),
            status=Status.UPDATE_IN_PROGRESS,
            seen_generation=row.cluster.generation,
        )

    assert sorted(await asyncio.gather(change(5), change(6))) == [False, True]
    after = await store.load(cluster)
    assert after is not None
    assert after.cluster.generation == 2
    assert len(await store.list_operations(cluster)) == 2


async def test_text_and_numbers_that_no_database_holds_are_the_users(store: SqlStore) -> None:
    with pytest.raises(InvalidRequest, match="NUL"):
        await store.add_template(builders.template(name="a\x00b"))
    with pytest.raises(InvalidRequest, match="too large"):
        await add(store, create_timeout_min=2**80)
