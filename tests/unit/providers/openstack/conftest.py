import pytest
from tests.unit.providers.openstack.cloud import Cloud
from tests.unit.providers.openstack.worlds import KEY, SETTINGS

from jeroboam.providers.openstack import OpenStackProvider
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import World


@pytest.fixture
def cloud() -> Cloud:
    return Cloud("project-0", "project-1")


@pytest.fixture
def world(cloud: Cloud) -> World:
    provider = OpenStackProvider(cloud, SETTINGS)
    provider.use_key(KEY)
    return World(provider, builders.cluster(name="suite"), "node", "m1.small")
