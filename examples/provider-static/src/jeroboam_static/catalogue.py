"""What the inventory offers."""

from __future__ import annotations

from collections.abc import Sequence

from jeroboam.contracts import CatalogueNetwork, Flavor, Image, Keypair

_EXTERNAL = CatalogueNetwork("public", "public", external=True)


class StaticCatalogue:
    """Implements contracts.Catalogue: the same for every project. Filled when the inventory was read."""

    needs_flavor = False  # a machine has the size that it has

    def __init__(self) -> None:
        self.image_list: tuple[Image, ...] = ()
        self.flavor_list: tuple[Flavor, ...] = ()

    async def images(self, project_id: str) -> Sequence[Image]:
        return self.image_list

    async def flavors(self, project_id: str) -> Sequence[Flavor]:
        return self.flavor_list

    async def find_images(self, project_id: str, ident: str) -> Sequence[Image]:
        return [image for image in self.image_list if image.id == ident]

    async def find_flavors(self, project_id: str, ident: str) -> Sequence[Flavor]:
        return [flavor for flavor in self.flavor_list if flavor.id == ident]

    async def find_keypairs(self, project_id: str, ident: str) -> Sequence[Keypair]:
        """None: who may log in was settled when the machines were set up."""
        return []

    async def find_networks(self, project_id: str, ident: str) -> Sequence[CatalogueNetwork]:
        return [_EXTERNAL] if ident == _EXTERNAL.name else []

    async def find_subnets(self, project_id: str, ident: str) -> Sequence[CatalogueNetwork]:
        return []
