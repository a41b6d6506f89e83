"""Both providers under the suite that outside providers run too."""

import asyncio

import pytest

from jeroboam import artifacts
from jeroboam.contracts import Provider
from jeroboam.providers.docker import DockerProvider, DockerSettings
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.testing.provider_suite import ProviderSuite


class TestFakeProvider(ProviderSuite):
    settle_s = 5.0

    @pytest.fixture
    async def provider(self) -> Provider:
        return FakeProvider(Cloud(), boot_s=0.05)

    @pytest.fixture
    def image_id(self) -> str:
        return "fake-image"


@pytest.fixture(scope="session")
def node_image() -> str:
    return asyncio.run(artifacts.build_distro_image("swarm")).tag


@pytest.mark.docker
@pytest.mark.kubernetes
@pytest.mark.timeout(3000)
class TestDockerProvider(ProviderSuite):
    @pytest.fixture
    async def provider(self) -> Provider:
        provider = DockerProvider(DockerSettings())
        await provider.start()
        return provider

    @pytest.fixture
    def image_id(self, node_image: str) -> str:
        return node_image
