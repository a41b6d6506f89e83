"""What every driver must do on every provider, as a test: the life of one cluster. Subclass, give the fixtures, and run it by pytest:

    class TestMyDriverOnMyProvider(LifeSuite):
        @pytest.fixture
        async def stage(self): ...     # a jeroboam.testing.stage.Stage of both, started; its fixture ends it
        @pytest.fixture
        def image_id(self): ...        # an image of the provider's catalogue that fits the driver

The cluster goes through the steps that the service's clusters go through. One whose API has no address for us is taken at its
nodes' word, and gives no node away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..contracts import MachineState
from ..domain import Cluster, Operation, OperationState
from ..planning import plan_machines
from . import builders
from .stage import Stage


@dataclass(frozen=True)
class Life:
    """A cluster of one control plane, and how long each change of it may take."""

    stage: Stage
    cluster: Cluster
    within_s: float

    async def ends_well(self, operation: Operation) -> None:
        """Run it."""
        ended = await self.stage.run(operation, within_s=self.within_s)
        steps = await self.stage.store.list_steps(operation.uuid)
        said = [(step.name, step.target, step.message, step.log) for step in steps if not step.ok]
        assert ended.state is OperationState.SUCCEEDED, (ended.error, said)

    async def resize(self, workers: int) -> None:
        """Ask for so many, run it, and count."""
        await self.ends_well(await self.stage.ask_resize(self.cluster, workers))
        await self.has(workers)

    async def has(self, workers: int) -> None:
        """The machines that were asked for run, at addresses of their own, and no other is there."""
        wanted = plan_machines(self.cluster, builders.groups(self.cluster, workers=workers), []).wanted
        seen = await self.stage.provider.list_machines(self.cluster.uuid)
        assert sorted(machine.name for machine in seen) == sorted(spec.name for spec in wanted)
        assert {machine.state for machine in seen} == {MachineState.RUNNING}
        assert len({machine.address for machine in seen} - {None}) == workers + 1


class LifeSuite:
    """Made with one worker, grown, shrunk, deleted."""

    operation_s = 300.0

    async def test_a_cluster_is_made_grows_shrinks_and_leaves_nothing(self, stage: Stage, image_id: str) -> None:
        shape = replace(
            builders.template().shape,
            coe=stage.driver.capabilities.coe,
            driver=stage.driver.name,
            image_id=image_id,
            labels={},
        )
        cluster, create = await stage.add(workers=1, name="life", shape=shape)
        life = Life(stage, cluster, self.operation_s)
        try:
            await _is_fine(stage, cluster, image_id)
            await life.ends_well(create)
            await life.has(workers=1)
            await life.resize(workers=2)
            if (await stage.row(cluster)).cluster.api_address:
                await life.resize(workers=1)
            await life.ends_well(await stage.ask_delete(cluster))
            assert await stage.provider.list_resources(cluster.uuid) == []
        finally:
            await stage.provider.delete_all(cluster.uuid)


async def _is_fine(stage: Stage, cluster: Cluster, image_id: str) -> None:
    """Driver and provider say so, as they are asked before the service takes a wish."""
    groups = builders.groups(cluster, workers=2)
    [image] = await stage.provider.catalogue.find_images(cluster.project_id, image_id)
    assert stage.driver.validate(cluster, groups, image) == []
    assert await stage.provider.preflight(cluster, plan_machines(cluster, groups, []).wanted) == []
