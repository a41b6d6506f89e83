import json

import pytest

from jeroboam.artifacts import held
from jeroboam.domain.errors import ArtifactUnavailable


async def test_an_image_replaced_between_the_two_calls_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process builds while this one lists."""
    held_now = ["old"]

    async def docker(*argv: str, timeout_s: float) -> str:
        if argv[0] == "images":
            return "\n".join(held_now)
        if argv[2:] == ("old",):
            held_now[:] = ["new"]
            raise ArtifactUnavailable("docker image failed: Error response from daemon: no such image: old")
        labels = {"jeroboam.coe": "swarm", "docker_version": "v1", "jeroboam.recipe": "r"}
        return json.dumps([{"Id": argv[2], "RepoTags": ["node:v1"], "Size": 3, "Config": {"Labels": labels}}])

    monkeypatch.setattr(held, "docker", docker)
    assert await held.list_node_images() == [held.NodeImage("node:v1", "new", "swarm", "v1", "r", 3)]


async def test_any_other_refusal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def docker(*argv: str, timeout_s: float) -> str:
        raise ArtifactUnavailable("docker images failed: no space left on device")

    monkeypatch.setattr(held, "docker", docker)
    with pytest.raises(ArtifactUnavailable, match="no space left"):
        await held.list_node_images()
