"""A tenant's proxy for a unit that fetches from outside, as a drop-in of that unit."""

from __future__ import annotations

from ..contracts import File
from ..domain import ClusterShape


def proxy_of(unit: str, shape: ClusterShape) -> tuple[File, ...]:
    """The drop-in, or nothing where no proxy is wanted."""
    values = {"HTTP_PROXY": shape.http_proxy, "HTTPS_PROXY": shape.https_proxy, "NO_PROXY": shape.no_proxy}
    lines = [f'Environment="{key}={_escaped(value)}"' for key, value in values.items() if value]
    if not lines:
        return ()
    content = "\n".join(["[Service]", *lines, ""])
    return (File(f"/etc/systemd/system/{unit}.service.d/proxy.conf", content.encode(), 0o600),)


def _escaped(value: str) -> str:
    """As a quoted word of a unit file, where `%` begins a specifier. Source: systemd.unit(5), systemd.syntax(7)."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
