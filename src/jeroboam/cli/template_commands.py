"""`jeroboam template`: named shapes that clusters are made from."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .apps import template as template_app
from .deletion import YES, Deletion, delete_each
from .options import DEFAULTS, Common, framed, given, pairs
from .output import plain, show_fields, show_json, show_table
from .preview import warn_of_doubts
from .results import warn_of_namesakes
from .wire import Json, segment

if TYPE_CHECKING:
    from .client import Client


Flag = Annotated[bool, Parameter(negative="", show_default=False)]
_HIDDEN_IN_TABLES = ("links",)
_NOTHING = "There is no template. Make one: jeroboam template create NAME --image IMAGE"


@template_app.command
@framed
def create(
    name: str,
    /,
    *,
    image: str,
    coe: str = "kubernetes",
    flavor: str | None = None,
    control_plane_flavor: str | None = None,
    external_network: str | None = None,
    dns: str | None = None,
    label: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    server_type: str | None = None,
    network_driver: str | None = None,
    volume_driver: str | None = None,
    driver: str | None = None,
    keypair: str | None = None,
    fixed_network: str | None = None,
    fixed_subnet: str | None = None,
    docker_volume_size: int | None = None,
    api_port: int | None = None,
    http_proxy: str | None = None,
    https_proxy: str | None = None,
    no_proxy: str | None = None,
    insecure_registry: str | None = None,
    tags: str | None = None,
    api_lb: Annotated[bool | None, Parameter(negative="--no-api-lb")] = None,
    floating_ip: Annotated[bool | None, Parameter(negative="--no-floating-ip")] = None,
    public: Flag = False,
    hidden: Flag = False,
    common: Common = DEFAULTS,
) -> int:
    """Make a template.

    Examples:

    jeroboam template create k8s --image node-kubernetes:v1.34.4

    jeroboam template create k8s-large --image node-kubernetes:v1.34.4 --flavor m1.large --external-network public --label kube_tag=v1.34.4

    Parameters
    ----------
    name
        Name of the template; need not be unique.
    image
        Node image, by name or id.
    coe
        Container tool of the cluster: kubernetes, swarm, lxd, or that of another loaded driver.
    flavor
        Size of the workers.
    control_plane_flavor
        Size of the control-plane nodes.
    external_network
        Network that floating addresses come from, such as public.
    dns
        Name server of the nodes: an IPv4 address, or several with commas.
    label
        KEY=VALUE for the driver; repeat for more.
    server_type
        What nodes are: vm, container or bm.
    network_driver
        Pod network, such as flannel.
    volume_driver
        Driver of persistent volumes, such as cinder.
    driver
        Cluster driver by name; else the service chooses by server type, image and COE.
    keypair
        SSH key for the nodes.
    fixed_network
        Existing private network to put nodes on.
    fixed_subnet
        Existing subnet of that network.
    docker_volume_size
        Size in GiB of a volume for container images on each node. The provider docker has none: no effect there.
    api_port
        Port of the cluster's API, 1024 to 65535.
    http_proxy
        Proxy of the nodes for http.
    https_proxy
        Proxy of the nodes for https.
    no_proxy
        Hosts that the nodes reach without proxy, with commas.
    insecure_registry
        Registry that nodes may use without TLS.
    tags
        Words to find it by, with commas.
    api_lb
        A load balancer in front of the cluster's API; needed for several control-plane nodes.
    floating_ip
        Floating addresses for the nodes. The provider docker has none: no effect there.
    public
        Every project may use it (needs the right to publish).
    hidden
        Not in the lists of others.
    """
    fields = given(
        name=name,
        image_id=image,
        coe=coe,
        flavor_id=flavor,
        master_flavor_id=control_plane_flavor,
        external_network_id=external_network,
        dns_nameserver=dns,
        labels=pairs(label, "--label"),
        server_type=server_type,
        network_driver=network_driver,
        volume_driver=volume_driver,
        driver=driver,
        keypair_id=keypair,
        fixed_network=fixed_network,
        fixed_subnet=fixed_subnet,
        docker_volume_size=docker_volume_size,
        apiserver_port=api_port,
        http_proxy=http_proxy,
        https_proxy=https_proxy,
        no_proxy=no_proxy,
        insecure_registry=insecure_registry,
        tags=tags,
        master_lb_enabled=api_lb,
        floating_ip_enabled=floating_ip,
        public=public or None,
        hidden=hidden or None,
    )
    with common.client() as client:
        template: Json = client.post("v1/clustertemplates", fields, needs="uuid").document
        if common.json:
            show_json(template)
        else:
            _made(client, template, common)
    return 0


def _made(client: Client, template: Json, common: Common) -> None:
    """What is there now, what speaks against it, and the next command."""
    handle = warn_of_namesakes(client, template, common, "template")
    usable = warn_of_doubts(client, str(template["uuid"]))
    print(f"Template {plain(template.get('name'))} is there ({template['uuid']}).")
    end = "--wait" if usable else "--dry-run"
    print(f"Next: jeroboam cluster create NAME --template {shlex.quote(plain(handle))} {end}")


@template_app.command(name="list")
@framed
def list_(*, limit: int | None = None, common: Common = DEFAULTS) -> int:
    """List the templates you may use.

    Example: jeroboam template list

    Parameters
    ----------
    limit
        Show at most so many.
    """
    with common.client() as client:
        templates = client.entries("v1/clustertemplates", "clustertemplates", limit=limit)
    if common.json:
        show_json(templates)
        return 0
    columns = ("NAME", "UUID", "COE", "IMAGE", "SERVER TYPE", "FLAVOR", "PUBLIC", "LABELS")
    keys = ("name", "uuid", "coe", "image_id", "server_type", "flavor_id", "public", "labels")
    show_table(columns, [[t.get(key) for key in keys] for t in templates], nothing=_NOTHING)
    return 0


@template_app.command
@framed
def show(template: str, /, *, common: Common = DEFAULTS) -> int:
    """Show one template.

    Example: jeroboam template show k8s

    Parameters
    ----------
    template
        Name or uuid.
    """
    with common.client() as client:
        found = client.template(template)
    if common.json:
        show_json(found)
    else:
        show_fields({key: value for key, value in found.items() if key not in _HIDDEN_IN_TABLES})
    return 0


@template_app.command
@framed
def delete(
    *template: Annotated[str, Parameter(required=True, help="Name or uuid; several may be given.")],
    yes: YES = False,
    common: Common = DEFAULTS,
) -> int:
    """Delete templates that no cluster uses. Asks on a terminal.

    Example: jeroboam template delete k8s k8s-large
    """
    with common.client() as client:
        told = "Template {name} is deleted ({uuid})."
        how = Deletion(client.template, lambda one: _delete(client, one), lambda one: told.format(**one))
        return delete_each(template, how, common, question=_really, yes=yes)


def _really(templates: Sequence[Json]) -> str:
    names = ", ".join(str(one.get("name")) for one in templates)
    return f"Delete {'template' if len(templates) == 1 else 'templates'} {names}?"


def _delete(client: Client, template: Json) -> Json:
    client.send("DELETE", f"v1/clustertemplates/{segment(template['uuid'])}")
    return {"uuid": template["uuid"], "name": template["name"]}
