"""The catalogue of a Docker daemon: what it says of its images, as the contract wants it."""

from typing import Any

from jeroboam.providers.docker.catalogue import DockerCatalogue
from jeroboam.providers.docker.daemon import Daemon
from jeroboam.providers.docker.settings import read_settings

DIGEST = "ab12" * 16
LABELS = {"os_distro": "debian", "kube_version": "v1.34.4", "jeroboam.coe": "kubernetes"}


class OneImage(Daemon):
    """A daemon that holds one node image under two tags."""

    async def images(self, label: str) -> list[dict[str, Any]]:
        assert label == "jeroboam.node-image=1"
        return [{"Id": f"sha256:{DIGEST}", "RepoTags": ["jeroboam/node:v1", "copy/node:v1"], "Labels": LABELS}]


async def test_an_id_matches_once_however_many_tags_the_image_has() -> None:
    catalogue = DockerCatalogue(OneImage("unix:///nowhere"), ())
    assert [image.name for image in await catalogue.images("p")] == ["jeroboam/node:v1", "copy/node:v1"]
    for ident in (f"sha256:{DIGEST}", DIGEST, "ab12ab12ab12", "node:v1"):
        assert [image.id for image in await catalogue.find_images("p", ident)] == [f"sha256:{DIGEST}"], ident
    assert [image.name for image in await catalogue.find_images("p", "copy/node:v1")] == ["copy/node:v1"]
    assert await catalogue.find_images("p", "node:v2") == []


async def test_a_key_pair_is_known_where_the_settings_name_it() -> None:
    settings = read_settings({"keypairs": "ada, grace ,"})
    catalogue = DockerCatalogue(OneImage("unix:///nowhere"), (), settings.keypairs)
    assert [one.name for one in await catalogue.find_keypairs("p", "grace")] == ["grace"]
    for other in ("", "linus", "ada, grace"):
        assert await catalogue.find_keypairs("p", other) == []
    assert await DockerCatalogue(OneImage("unix:///nowhere"), ()).find_keypairs("p", "ada") == []
