"""What a cloud offers: images of Glance, flavors and keypairs of Nova, networks of Neutron."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from ...contracts import CatalogueNetwork, Image, Keypair
from ...domain.names import parses_as_uuid
from .neutron import Neutron, catalogue_network
from .nova import Nova, NovaFlavor
from .rest import GLANCE, Body, Rest, checked

_PAGE = 1000
# What is no property: the schema of an image. Source: Image API v2 reference, GET /v2/images.
_SCHEMA = frozenset(
    (
        *(
            "id",
            "name",
            "status",
            "visibility",
            "protected",
            "checksum",
            "owner",
            "size",
            "virtual_size",
            "disk_format",
        ),
        *("container_format", "min_disk", "min_ram", "created_at", "updated_at", "file", "schema", "self", "tags"),
        *("os_hash_algo", "os_hash_value", "os_hidden", "direct_url", "locations", "stores"),
    )
)


class OpenStackCatalogue:
    """Implements contracts.Catalogue. Every look-up is made in the tenant's project, so it finds what the tenant may use."""

    needs_flavor = True

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._nova = Nova(rest)
        self._neutron = Neutron(rest)

    async def images(self, project_id: str) -> Sequence[Image]:
        return await self._images(project_id, {})

    async def find_images(self, project_id: str, ident: str) -> Sequence[Image]:
        if not ident:
            return []
        if parses_as_uuid(ident):
            answer = await self._rest.call(project_id, GLANCE, "GET", f"/images/{quote(ident)}")
            found = checked(answer, f"Image {ident} could not be read", fine=(404,))
            if answer.status < 400 and found.get("status") == "active":
                return [_image(found)]
        return await self._images(project_id, {"name": ident})

    async def flavors(self, project_id: str) -> Sequence[NovaFlavor]:
        return await self._nova.flavors(project_id)

    async def find_flavors(self, project_id: str, ident: str) -> Sequence[NovaFlavor]:
        found = await self._nova.flavors(project_id)
        by_id = [flavor for flavor in found if flavor.id == ident]
        return by_id or [flavor for flavor in found if flavor.name == ident]

    async def find_keypairs(self, project_id: str, ident: str) -> Sequence[Keypair]:
        """Only the service's own: Nova shows a user nobody else's."""
        return [keypair for keypair in await self._nova.keypairs(project_id) if keypair.name == ident]

    async def find_networks(self, project_id: str, ident: str) -> Sequence[CatalogueNetwork]:
        return [catalogue_network(raw) for raw in await self._neutron.find(project_id, "network", ident)]

    async def find_subnets(self, project_id: str, ident: str) -> Sequence[CatalogueNetwork]:
        return [catalogue_network(raw) for raw in await self._neutron.find(project_id, "subnet", ident)]

    async def _images(self, project_id: str, query: dict[str, str]) -> Sequence[Image]:
        wanted = {"status": "active", "limit": str(_PAGE), **query}
        found: list[Body] = []
        while True:
            answer = await self._rest.call(project_id, GLANCE, "GET", "/images", query=wanted)
            body = checked(answer, "Images could not be listed", fine=(400,))
            found += body.get("images") or []
            if "next" not in body:
                return [_image(raw) for raw in found]
            wanted["marker"] = found[-1]["id"]


def _image(raw: Body) -> Image:
    properties = {key: value for key, value in raw.items() if key not in _SCHEMA and isinstance(value, str)}
    return Image(raw["id"], raw.get("name") or "", properties)
