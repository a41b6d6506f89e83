"""The bed itself: what the other tests stand on."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(3600)]
_TEMPLATE = Path(__file__).with_name("bed") / "templates" / "trivial.yaml"
_WITHIN_S = 120


def test_every_service_of_the_catalogue_answers(openstack_bed: Bed) -> None:
    kinds = {"cloudformation", "compute", "identity", "image", "key-manager", "network", "orchestration", "placement"}
    urls = openstack_bed.endpoints()
    assert kinds <= set(urls)
    with httpx.Client(timeout=_WITHIN_S, trust_env=False) as client:
        said = {kind: client.get(urls[kind].partition("%")[0]).status_code for kind in kinds}
    assert {kind: status for kind, status in said.items() if status >= 500} == {}


def test_demo_is_a_tenant_and_no_administrator(openstack_bed: Bed) -> None:
    demo = openstack_bed.connect(openstack_bed.demo)
    roles = {role["name"] for role in demo.session.auth.get_access(demo.session)._data["token"]["roles"]}
    assert roles == {"creator", "heat_stack_owner", "member", "reader"}


def test_the_tenant_makes_and_removes_a_stack(openstack_bed: Bed) -> None:
    cloud = openstack_bed.connect(openstack_bed.demo)
    name = "bed-test"
    cloud.delete_stack(name, wait=True)  # what a test that was killed left
    cloud.create_stack(name, template_file=str(_TEMPLATE), wait=True, timeout=_WITHIN_S)
    assert cloud.get_stack(name).status == "CREATE_COMPLETE"
    assert cloud.delete_stack(name, wait=True) is True
    assert cloud.get_stack(name) is None
