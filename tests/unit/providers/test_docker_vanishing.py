"""A node's container that somebody removes while it boots: the next look finds it gone and makes it anew. Nothing of it is an error of our
own."""

from __future__ import annotations

import aiodocker
import pytest

from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.providers.docker import DockerProvider, DockerSettings

# Docker 20.10 between `docker rm -f` and the end of the container.
_LEAVING = aiodocker.DockerError(409, "can not get logs from container which is dead or marked for removal")


class _Container:
    """What aiodocker gives for a name."""

    async def log(self, **_: object) -> list[str]:
        raise _LEAVING

    async def put_archive(self, *_: object) -> None:
        raise _LEAVING


class _Client:
    """aiodocker's client, as far as these calls go."""

    def __init__(self) -> None:
        self.containers = self

    def container(self, _: str) -> _Container:
        return _Container()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> DockerProvider:
    provider = DockerProvider(DockerSettings(raise_limits=False))
    monkeypatch.setattr(provider.daemon, "_client", _Client())
    return provider


async def test_its_console_is_empty(provider: DockerProvider) -> None:
    assert await provider.console_log("cluster", "demo-worker-0") == ""


async def test_its_files_are_for_another_look(provider: DockerProvider) -> None:
    with pytest.raises(ProviderUnavailable, match="demo-worker-0: can not get logs"):
        await provider._boot("demo-worker-0", b"")
