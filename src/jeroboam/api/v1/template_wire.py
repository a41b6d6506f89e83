"""Cluster templates on the wire: Magnum's names, and ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from ...domain import COES, SERVER_TYPES, ClusterShape, ClusterTemplate
from ...domain.errors import InvalidRequest
from ...service import Services
from ...service.templates import NewTemplate
from . import kinds
from .fields import Field
from .links import Link, links, moment

SHAPE = {
    "coe": "coe",
    "image_id": "image_id",
    "flavor_id": "flavor_id",
    "master_flavor_id": "control_plane_flavor_id",
    "keypair_id": "keypair_id",
    "external_network_id": "external_network_id",
    "fixed_network": "fixed_network",
    "fixed_subnet": "fixed_subnet",
    "dns_nameserver": "dns_nameserver",
    "network_driver": "network_driver",
    "volume_driver": "volume_driver",
    "server_type": "server_type",
    "cluster_distro": "os_distro",
    "driver": "driver",
    "docker_storage_driver": "docker_storage_driver",
    "docker_volume_size": "docker_volume_size_gib",
    "apiserver_port": "apiserver_port",
    "http_proxy": "http_proxy",
    "https_proxy": "https_proxy",
    "no_proxy": "no_proxy",
    "insecure_registry": "insecure_registry",
    "registry_enabled": "registry_enabled",
    "tls_disabled": "tls_disabled",
    "master_lb_enabled": "api_lb_enabled",
    "floating_ip_enabled": "floating_ip_enabled",
    "labels": "labels",
}
"""Wire name -> field of ClusterShape."""

COLUMNS = SHAPE | {name: name for name in ("id", "uuid", "name", "public", "hidden", "tags", "project_id", "user_id")}
COLUMNS |= {"created_at": "created_at", "updated_at": "updated_at"}

_TEXT = kinds.Text()
MANDATORY = frozenset(
    [
        "coe",
        "image_id",
        "external_network_id",
        "network_driver",
        "server_type",
        "cluster_distro",
        "tls_disabled",
        "registry_enabled",
        "public",
        "hidden",
    ]
)
"""What PATCH may not remove."""


FIELDS: dict[str, Field] = {
    **{name: Field(_TEXT) for name in SHAPE},
    "uuid": Field(kinds.Uuid()),
    "name": Field(_TEXT),
    "coe": Field(kinds.Text(examples=COES)),
    "image_id": Field(_TEXT, mandatory=True),
    "server_type": Field(kinds.OneOf(SERVER_TYPES), default="vm"),
    "docker_volume_size": Field(kinds.Integer(least=1)),
    "apiserver_port": Field(kinds.Integer(least=1024, most=65535)),
    "labels": Field(kinds.Labels(), default={}),
    "tls_disabled": Field(kinds.Boolean(), default=False),
    "registry_enabled": Field(kinds.Boolean(), default=False),
    "public": Field(kinds.Boolean(), default=False),
    "hidden": Field(kinds.Boolean(), default=False),
    "master_lb_enabled": Field(kinds.Boolean(), default=False),
    "floating_ip_enabled": Field(kinds.Boolean(), default=True),
    "tags": Field(kinds.Text(least=0)),
    **{name: Field(_TEXT, read_only=True) for name in ("project_id", "user_id", "links", "created_at", "updated_at")},
}
"""The keys of a POST body, and of what a PATCH leaves, in every installation."""


def body_fields(services: Services) -> dict[str, Field]:
    """The same in this installation: its drivers may serve tools that no other has."""
    return {**FIELDS, "coe": Field(kinds.OneOf((*COES, *_further_coes(services))))}


def _further_coes(services: Services) -> list[str]:
    """Of loaded drivers whose tool Magnum has never heard of."""
    return sorted({one.capabilities.coe for one in services.drivers.values()} - set(COES))


def check_coe(body: Mapping[str, Any]) -> None:
    """Magnum's words for no COE at all. Raises InvalidRequest."""
    if body.get("coe") is None:
        unset = "None" if "coe" in body else "Unset"
        raise InvalidRequest(f"Requested COE type {unset} is not supported.", field="coe")


def shape_of(values: Mapping[str, Any]) -> ClusterShape:
    """The shape that decoded values describe."""
    return ClusterShape(**{ours: values[wire] for wire, ours in SHAPE.items()})


def wish_of(values: Mapping[str, Any]) -> NewTemplate:
    """What a POST asks for."""
    own = {name: values[name] for name in ("uuid", "name", "public", "hidden", "tags")}
    return NewTemplate(shape=shape_of(values), **own)


def document(template: ClusterTemplate) -> dict[str, Any]:
    """The attributes that PATCH works on."""
    own = {name: getattr(template, name) for name in ("public", "hidden", "tags")}
    return {"name": _name(template)} | own | {wire: getattr(template.shape, ours) for wire, ours in SHAPE.items()}


def changed(template: ClusterTemplate, values: Mapping[str, Any]) -> ClusterTemplate:
    """The template as a patched document has it. One without a name is kept under its uuid."""
    own = {name: values[name] for name in ("public", "hidden", "tags")}
    return replace(template, name=values["name"] or template.uuid, shape=shape_of(values), **own)


def _name(template: ClusterTemplate) -> str | None:
    return None if template.name == template.uuid else template.name


class TemplateView(msgspec.Struct):
    """Every field, always."""

    uuid: str
    name: str | None
    coe: str
    image_id: str
    flavor_id: str | None
    master_flavor_id: str | None
    keypair_id: str | None
    external_network_id: str | None
    fixed_network: str | None
    fixed_subnet: str | None
    dns_nameserver: str | None
    network_driver: str | None
    volume_driver: str | None
    server_type: str
    docker_storage_driver: str | None
    docker_volume_size: int | None
    apiserver_port: int | None
    cluster_distro: str | None
    http_proxy: str | None
    https_proxy: str | None
    no_proxy: str | None
    insecure_registry: str | None
    labels: Mapping[str, str]
    tls_disabled: bool
    registry_enabled: bool
    public: bool
    hidden: bool
    master_lb_enabled: bool
    floating_ip_enabled: bool
    tags: str | None
    driver: str | None
    project_id: str
    user_id: str
    links: list[Link]
    created_at: str | None
    updated_at: str | None


def view(template: ClusterTemplate, host: str) -> TemplateView:
    """As it is shown."""
    return TemplateView(
        uuid=template.uuid,
        name=_name(template),
        **{wire: getattr(template.shape, ours) for wire, ours in SHAPE.items()},
        public=template.public,
        hidden=template.hidden,
        tags=template.tags,
        project_id=template.project_id,
        user_id=template.user_id,
        links=links(host, f"clustertemplates/{template.uuid}"),
        created_at=moment(template.created_at),
        updated_at=moment(template.updated_at),
    )
