"""What a manifest of appc means in the words of an OCI image, and what it cannot. Pure.

Source: appc specification 0.8.11 (spec/aci.md, spec/OS-SPEC.md, spec/ace.md); OCI image specification 1.1 (config.md, annotations.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...domain.errors import InvalidRequest
from .manifest import App, Manifest, Port

_ARCHES: Mapping[str, tuple[str, str]] = {
    "amd64": ("amd64", ""),
    "i386": ("386", ""),
    "aarch64": ("arm64", ""),
    "armv6l": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "ppc64le": ("ppc64le", ""),
    "s390x": ("s390x", ""),
}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # ace.md: an executor sets it
_PROTOCOLS = ("tcp", "udp", "sctp")
_KNOWN = {
    "homepage": "org.opencontainers.image.url",
    "documentation": "org.opencontainers.image.documentation",
    "version": "org.opencontainers.image.version",
}
_SPOKEN_FOR = ("os", "arch", "created", "authors")
_EPOCH = "1970-01-01T00:00:00Z"
_REPOSITORY = re.compile(
    r"([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]+)?/)?[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def reference(manifest: Manifest, image_id: str) -> str:
    """The image's name: that of the ACI with its version as the tag. Without a version the tag is the beginning of its id, never
    "latest", which a kubelet would try to pull each time."""
    version = re.sub(r"[^A-Za-z0-9_.-]", "-", manifest.label("version"))[:128].lstrip(".-")
    return f"{manifest.name.replace('~', '-')}:{version or image_id[: len('sha512-') + 12]}"


def check_reference(text: str) -> str:
    """A name that somebody chose, with a tag. Raises InvalidRequest saying what one looks like."""
    repository, colon, tag = text.rpartition(":")
    if not colon or "/" in tag or not _REPOSITORY.fullmatch(repository) or not _TAG.fullmatch(tag):
        raise InvalidRequest(
            f"--name {text} is no image name with a tag; give one like registry.example/team/app:1.0.",
            field="name",
            value=text,
        )
    return text


def platform(manifest: Manifest, own: str) -> dict[str, str]:
    """Architecture and system. `own` is this machine's architecture, for images that run on any. Raises InvalidRequest."""
    system, arch = manifest.label("os"), manifest.label("arch")
    if system not in ("", "linux"):
        raise InvalidRequest(
            f"The ACI is made for {system}; nodes run linux.",
            field="labels.os",
            value=system,
            hint="Build it for linux.",
        )
    if arch and arch not in _ARCHES:
        known = ", ".join(_ARCHES)
        raise InvalidRequest(
            f"The ACI's label arch = {arch} is not known; known are: {known}.", field="labels.arch", value=arch
        )
    name, variant = _ARCHES[arch] if arch else (own, "")
    return {"os": "linux", "architecture": name} | ({"variant": variant} if variant else {})


def asked_owners(app: App | None) -> list[str]:
    """Paths of the image whose owners say who runs the app."""
    return [name for name in (app.user, app.group) if name.startswith("/")] if app else []


def config(manifest: Manifest, machine: str, image_id: str, owners: Mapping[str, tuple[int, int]]) -> dict[str, object]:
    """The image configuration, all but its rootfs. Raises InvalidRequest."""
    created = manifest.annotation("created") or _EPOCH
    made: dict[str, object] = {
        **platform(manifest, machine),
        "created": created,
        "config": _process(manifest.app, owners) | {"Labels": _labels(manifest, image_id)},
        "history": [{"created": created, "created_by": f"jeroboam image convert ({manifest.name})"}],
    }
    if authors := manifest.annotation("authors"):
        made["author"] = authors
    return made


def losses(manifest: Manifest) -> Iterator[str]:
    """What the format says and an image cannot: for a person, who may say it in a pod."""
    app = manifest.app
    if app is None:
        yield "It has no app, so it has no entry point: give a command when you run it."
        return
    for handler in app.event_handlers:
        yield f"{handler.name} {list(handler.exec)} is not run: use an init container or a lifecycle hook."
    for isolator in app.isolators:
        yield f"The isolator {isolator.name} is not kept: set it as the container's resources or securityContext."
    if app.supplementary_gids:
        yield f"supplementaryGIDs {list(app.supplementary_gids)} are not kept: set them in the pod's securityContext."
    for point in app.mount_points:
        if point.read_only:
            yield f"The mount point {point.name} ({point.path}) is to be read-only: say so where you mount it."
    for port in app.ports:
        if port.socket_activated:
            yield f"The port {port.name} wants socket activation, which containers do not have: the app must open it."
        if port.protocol not in _PROTOCOLS:
            yield f"The port {port.name} is of the protocol {port.protocol}, which is not kept."


def _process(app: App | None, owners: Mapping[str, tuple[int, int]]) -> dict[str, object]:
    if app is None:
        return {}
    env = {variable.name: variable.value for variable in app.environment}
    made: dict[str, object] = {
        "Entrypoint": list(app.exec),
        "User": f"{_owner(app.user, owners, 0)}:{_owner(app.group, owners, 1)}",
        "WorkingDir": app.working_directory,
        "Env": [f"{name}={value}" for name, value in ({"PATH": _PATH} | env).items()],
    }
    if app.ports:
        made["ExposedPorts"] = {name: {} for port in app.ports for name in _exposed(port)}
    if app.mount_points:
        made["Volumes"] = {point.path: {} for point in app.mount_points}
    return made


def _exposed(port: Port) -> list[str]:
    if port.protocol not in _PROTOCOLS:
        return []
    return [f"{number}/{port.protocol}" for number in range(port.port, port.port + port.count)]


def _owner(name: str, owners: Mapping[str, tuple[int, int]], which: int) -> str:
    """A name or number is looked up by the container runtime as appc wants it: in the image's own files first."""
    if not name.startswith("/"):
        return name
    found = owners.get(name.strip("/"))
    if found is None:
        field = ("app.user", "app.group")[which]
        raise InvalidRequest(f"{field} = {name} names a file that is not in the ACI.", field=field, value=name)
    return str(found[which])


def _labels(manifest: Manifest, image_id: str) -> dict[str, str]:
    own = {"appc.io/name": manifest.name, "appc.io/image-id": image_id}
    pairs = (*manifest.annotations, *manifest.labels)
    return own | {_KNOWN.get(pair.name, pair.name): pair.value for pair in pairs if pair.name not in _SPOKEN_FOR}
