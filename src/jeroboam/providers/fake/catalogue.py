"""What the fake cloud offers: the built-in few, or what a file says."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ...contracts import CatalogueNetwork, Flavor, Image, Keypair


class _Named(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


@dataclass(frozen=True)
class FakeCatalogue:
    """Implements contracts.Catalogue and ProjectLookup: the same for every project. `projects` are shell patterns, None: all exist."""

    image_list: tuple[Image, ...] = (
        Image("fake-image", "fake-image", {"os_distro": "debian", "kube_version": "v1.34.4"}),
    )
    flavor_list: tuple[Flavor, ...] = (
        Flavor("small", "small", 1, 1024, 10),
        Flavor("m1.medium", "m1.medium", 2, 4096, 20),
    )
    keypairs: tuple[Keypair, ...] = (Keypair("default", "default"),)
    networks: tuple[CatalogueNetwork, ...] = (CatalogueNetwork("public", "public", external=True),)
    subnets: tuple[CatalogueNetwork, ...] = ()
    projects: tuple[str, ...] | None = None
    needs_flavor: bool = False

    async def images(self, project_id: str) -> Sequence[Image]:
        return self.image_list

    async def flavors(self, project_id: str) -> Sequence[Flavor]:
        return self.flavor_list

    async def find_images(self, project_id: str, ident: str) -> Sequence[Image]:
        return _find(self.image_list, ident)

    async def find_flavors(self, project_id: str, ident: str) -> Sequence[Flavor]:
        return _find(self.flavor_list, ident)

    async def find_keypairs(self, project_id: str, ident: str) -> Sequence[Keypair]:
        return _find(self.keypairs, ident)

    async def find_networks(self, project_id: str, ident: str) -> Sequence[CatalogueNetwork]:
        return _find(self.networks, ident)

    async def find_subnets(self, project_id: str, ident: str) -> Sequence[CatalogueNetwork]:
        return _find(self.subnets, ident)

    async def project_exists(self, project_id: str) -> bool:
        return self.projects is None or any(fnmatch.fnmatchcase(project_id, one) for one in self.projects)


def _find(known: Sequence[N], ident: str) -> list[N]:
    """An id is one thing; a name may be several."""
    return [one for one in known if one.id == ident][:1] or [one for one in known if one.name == ident]
