"""What a cluster's own credential may call: the paths of its stacks, servers and networks, and what Heat and Nova ask of others in its
name when a stack is updated: a host that has not yet got an image downloads it as whoever asked for the server. Pure.

Not among them: to make or to delete a stack, which takes a trust that no application credential may make or end
(docs/adr/0018-credentials-of-clusters.md); anything of Keystone; images, flavors, key pairs and quotas but to read them.
Source: Identity API v3.13, application credentials; `*` is one part of a path, `**` any. Seen at Keystone 22, Nova 26, Neutron 21, Heat 19.
"""

from __future__ import annotations

from .rest import CINDER, GLANCE, HEAT, NEUTRON, NOVA, OCTAVIA, Body

_READ, _ALL = ("GET",), ("GET", "POST", "PUT", "DELETE")
_STACK = "/**/stacks/*/*"
_VOLUMES = ("volumes", "attachments")
_NETWORKS = ("networks", "subnets", "ports", "routers", "security-groups", "security-group-rules", "floatingips")

_RULES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (HEAT, _READ, ("/**/stacks", "/**/stacks/*", _STACK, f"{_STACK}/template", f"{_STACK}/resources")),
    (HEAT, ("GET", "PATCH"), (f"{_STACK}/resources/*",)),
    (HEAT, _READ, (f"{_STACK}/resources/*/metadata",)),
    (HEAT, ("PUT",), (_STACK,)),
    (NOVA, _READ, ("/**v2.1", "/**v2.1/", "/**/flavors", "/**/flavors/*", "/**/limits", "/**/os-availability-zone")),
    (NOVA, _ALL, ("/**/servers", "/**/servers/**", "/**/os-server-groups", "/**/os-server-groups/*")),
    (NEUTRON, _ALL, tuple(f"/**/{kind}{more}" for kind in _NETWORKS for more in ("", "/**"))),
    (NEUTRON, _READ, ("/**/extensions", "/**/extensions/*", "/**/quotas/**")),
    (GLANCE, _READ, ("/**/images", "/**/images/*", "/**/images/*/file", "/**/schemas/image")),
    (CINDER, _ALL, tuple(f"/**/{kind}{more}" for kind in _VOLUMES for more in ("", "/**"))),
    ("block-storage", _ALL, tuple(f"/**/{kind}{more}" for kind in _VOLUMES for more in ("", "/**"))),
    *((kind, _READ, ("/**/types", "/**/types/*")) for kind in (CINDER, "block-storage")),
    (OCTAVIA, _ALL, ("/**/lbaas/**",)),
)


def access_rules() -> list[Body]:
    """As Keystone takes them."""
    return [
        {"service": service, "method": method, "path": path}
        for service, methods, paths in _RULES
        for path in paths
        for method in methods
    ]
