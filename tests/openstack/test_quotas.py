"""What a cluster takes of real quotas: as much as the preflight says, and no more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jeroboam.domain import Role
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import WELL, World

from .projects import project_of_its_own, provider_in
from .test_provider import _OnTheBed
from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(900)]
# What Neutron has for a project without being asked: its group "default" with two rules in and two out
_DEFAULT = {"security_group": 1, "security_group_rule": 4}
_TAKEN = {"network": 1, "subnet": 1, "router": 1, "floatingip": 1, "security_group": 2, "security_group_rule": 7}


class TestQuotas(_OnTheBed):
    async def test_a_project_with_exactly_what_is_needed_has_room_for_one_cluster(
        self, openstack_bed: Bed, image_id: str
    ) -> None:
        if openstack_bed.profile() != "heat-fake":
            pytest.skip("another profile of the bed is up, whose DHCP takes ports as well")
        neutron = openstack_bed.connect(openstack_bed.admin).network
        with project_of_its_own(openstack_bed, "jeroboam-quotas") as project:
            provider = provider_in(openstack_bed, project)
            shape = replace(builders.template().shape, image_id=image_id, external_network_id="public")
            world = World(
                provider, builders.cluster(name="narrow", project_id=project.id, shape=shape), image_id, "m1.tiny"
            )
            machines = [world.spec(0, Role.CONTROL_PLANE, "heads"), world.spec(0)]
            room = {kind: count + _DEFAULT.get(kind, 0) for kind, count in _TAKEN.items()}
            # The group "default" is there once the project's groups are looked at
            list(openstack_bed.connect(openstack_bed.admin).network.security_groups(project_id=project.id))
            _allow(neutron, project, {**dict.fromkeys(room, 0), "port": 1})
            problems = await provider.preflight(world.cluster, machines)
            assert [one.field for one in problems].count("fixed_network") == 3
            assert len(problems) == len(_TAKEN) + 1
            _allow(neutron, project, {**room, "port": 4})  # two machines, router, and DHCP, which this bed has not
            assert await provider.preflight(world.cluster, machines) == []
            try:
                network, endpoint = await world.place()
                for spec in machines:
                    await provider.ensure_machine(spec, network, endpoint, WELL)
                used = neutron.get(f"/quotas/{project.id}/details.json").json()["quota"]
                assert {kind: used[kind]["used"] for kind in room} == room
                assert used["port"]["used"] == 3
            finally:
                await provider.delete_all(world.cluster.uuid)


def _allow(neutron: Any, project: Any, quotas: dict[str, int]) -> None:
    neutron.put(f"/quotas/{project.id}", json={"quota": quotas}).raise_for_status()
