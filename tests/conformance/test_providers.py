"""Both providers under the suite that outside providers run too."""

import pytest

from jeroboam.contracts import Provider
from jeroboam.providers.docker import DockerProvider, DockerSettings
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.testing.provider_suite import CensusSuite, ProviderSuite, RebuilderSuite


@pytest.mark.conformance(provider="fake", nodes="simulated")
class TestFakeProvider(ProviderSuite, RebuilderSuite, CensusSuite):
    settle_s = 5.0

    @pytest.fixture
    async def provider(self) -> Provider:
        return FakeProvider(Cloud(), boot_s=0.05)

    @pytest.fixture
    def image_id(self) -> str:
        return "fake-image"


@pytest.mark.docker
@pytest.mark.kubernetes
@pytest.mark.timeout(3000)
@pytest.mark.conformance(provider="docker", nodes="real machines")
class TestDockerProvider(ProviderSuite, RebuilderSuite, CensusSuite):
    @pytest.fixture
    async def provider(self) -> Provider:
        provider = DockerProvider(DockerSettings())
        await provider.start()
        return provider

    @pytest.fixture
    def image_id(self, swarm_image: str) -> str:
        return swarm_image
