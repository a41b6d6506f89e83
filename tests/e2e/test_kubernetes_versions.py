"""Every Kubernetes version of the catalogue makes a cluster whose nodes are ready and whose DNS serves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jeroboam import artifacts
from jeroboam.contracts import SystemClock
from jeroboam.domain import OperationState, Status
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.providers.docker import DockerProvider, DockerSettings
from jeroboam.reconcile.scope import Limits
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing import builders
from jeroboam.testing.stage import Stage

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.timeout(3000)]
LIMITS = Limits(boot=timedelta(minutes=3), coe=timedelta(minutes=3))


@pytest.fixture
async def real_stage(tmp_path: Path) -> AsyncIterator[Stage]:
    store = SqlStore(f"sqlite:///{tmp_path}/stage.sqlite", Sealer(b"k" * 32), SystemClock())
    provider = DockerProvider(DockerSettings())
    await store.start()
    await provider.start()
    yield Stage(store, provider, KubernetesDriver(), SystemClock(), LIMITS)
    await provider.stop()
    await store.stop()


@pytest.mark.parametrize("version", sorted(artifacts.catalogue().kubernetes))
async def test_a_cluster_of_this_version_serves(version: str, real_stage: Stage) -> None:
    image = await asyncio.to_thread(lambda: asyncio.run(artifacts.build_node_image(version)))
    wish = builders.cluster(name="versions")
    wish = replace(
        wish, shape=replace(wish.shape, image_id=image.tag, driver="kubernetes", labels={"kube_tag": version})
    )
    operation = builders.operation(wish)
    await builders.keep(real_stage.store, wish, operation, groups_of=builders.groups(wish, workers=1))
    try:
        done = await real_stage.run(operation, within_s=400)
        assert (done.state, done.error) == (OperationState.SUCCEEDED, None)
        row = await real_stage.row(wish)
        assert row.cluster.status is Status.CREATE_COMPLETE
        assert row.cluster.coe_version == version
        assert [group.version for group in row.groups] == [version, version]
    finally:
        ended = await real_stage.run(await real_stage.ask_delete(wish), within_s=60)
    assert ended.state is OperationState.SUCCEEDED
    assert list(await real_stage.provider.list_resources(wish.uuid)) == []
