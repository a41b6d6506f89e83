"""What a Docker daemon can offer as catalogue: its node images, our flavors, one external network."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...contracts import CatalogueNetwork, Flavor, Image, Keypair
from .daemon import Daemon
from .labels import NODE_IMAGE

_EXTERNAL = CatalogueNetwork("public", "public", external=True)


class DockerCatalogue:
    """Implements contracts.Catalogue. The same for every project: the daemon knows no tenants."""

    needs_flavor = False  # a node without one takes what it needs of the host

    def __init__(self, daemon: Daemon, flavors: Sequence[Flavor], keypairs: Collection[str] = ()) -> None:
        self._daemon = daemon
        self._flavors = tuple(flavors)
        self._keypairs = keypairs

    async def images(self, project_id: str) -> Sequence[Image]:
        found = await self._daemon.images(f"{NODE_IMAGE}=1")
        return [
            _image(one["Id"], tag, one["Labels"]) for one in found for tag in one["RepoTags"] or [] if ":<" not in tag
        ]

    async def find_images(self, project_id: str, ident: str) -> Sequence[Image]:
        """By tag, by the tag's last part (`node-kubernetes:v1.34.4`), by id with or without `sha256:`, or its first 12 digits."""
        found: dict[str, Image] = {}
        for image in await self.images(project_id):
            if ident in _names(image):
                found.setdefault(image.id, image)  # two tags of one image are one image
        return list(found.values())

    async def flavors(self, project_id: str) -> Sequence[Flavor]:
        return self._flavors

    async def find_flavors(self, project_id: str, ident: str) -> Sequence[Flavor]:
        return [flavor for flavor in self._flavors if ident == flavor.name]

    async def find_keypairs(self, project_id: str, ident: str) -> Sequence[Keypair]:
        """The names that the settings let pass. They have no effect: nodes are entered by `docker exec`, not by SSH."""
        return [Keypair(ident, ident)] if ident in self._keypairs else []

    async def find_networks(self, project_id: str, ident: str) -> Sequence[CatalogueNetwork]:
        return [_EXTERNAL] if ident == _EXTERNAL.name else []

    async def find_subnets(self, project_id: str, ident: str) -> Sequence[CatalogueNetwork]:
        return []


def _names(image: Image) -> set[str]:
    digest = image.id.removeprefix("sha256:")
    return {image.id, digest, digest[:12], image.name, image.name.rsplit("/", 1)[-1]}


def _image(ident: str, tag: str, labels: Mapping[str, Any]) -> Image:
    named = {"jeroboam.coe": "magnum_driver"} | {
        key: key for key in ("os_distro", "kube_version", "docker_version", "lxd_version", "oci_runtimes")
    }
    return Image(ident, tag, {name: str(labels[key]) for key, name in named.items() if key in labels})
