"""What the start tells of the database that it opens, and asks of the provider."""

import pytest
from tests.unit.providers.openstack.cloud import Cloud

from jeroboam.domain import Secret
from jeroboam.main.process import images_at, place
from jeroboam.providers import fake
from jeroboam.providers.openstack import OpenStackProvider, OpenStackSettings


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:////var/lib/jeroboam/store.sqlite", "sqlite:////var/lib/jeroboam/store.sqlite"),
        ("postgresql://jeroboam:geheim@db/jeroboam", "postgresql://jeroboam:***@db/jeroboam"),
        ("postgresql://jeroboam@/j?host=/run&password=geheim", "postgresql://jeroboam@/j?host=%2Frun"),
        ("postgresql://jeroboam@db/j?sslpassword=geheim", "postgresql://jeroboam@db/j"),
    ],
)
def test_no_secret_of_the_database_is_in_the_log(url: str, told: str) -> None:
    assert place(url) == told


async def test_a_cloud_whose_projects_are_all_tenants_is_not_asked_for_images() -> None:
    cloud = OpenStackProvider(Cloud(), OpenStackSettings("http://keystone/v3", "jeroboam", Secret(b"s3cret")))
    assert await images_at(cloud) == ()
    assert await images_at(fake.FakeProvider(fake.Cloud())) != ()
