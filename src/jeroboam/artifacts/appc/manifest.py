"""The manifest of an App Container image: its fields as types, and what is wrong with them. Pure.

Source: appc specification 0.8.11, spec/aci.md (schema) and spec/types.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ...domain.errors import InvalidRequest

_IDENTIFIER = re.compile(r"[a-z0-9]+([-._~/][a-z0-9]+)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_SERVED_VERSION = re.compile(r"0\.\d+\.\d+([-+].*)?")
LAST_PORT = 65535


class Pair(msgspec.Struct, frozen=True):
    """A label, an annotation or a variable."""

    name: str
    value: str


class EventHandler(msgspec.Struct, frozen=True):
    """A program that an executor of the format ran before or after the app."""

    name: str
    exec: tuple[str, ...]


class Isolator(msgspec.Struct, frozen=True):
    """A limit. What its value looks like depends on its name."""

    name: str
    value: Any = None


class MountPoint(msgspec.Struct, frozen=True, rename="camel"):
    """Where the app expects data from outside."""

    name: str
    path: str
    read_only: bool = False


class Port(msgspec.Struct, frozen=True, rename="camel"):
    """`count` ports from `port` on, where the app listens."""

    name: str
    protocol: str
    port: int
    count: int = 1
    socket_activated: bool = False


class App(msgspec.Struct, frozen=True, rename="camel"):
    """How the image is run."""

    exec: tuple[str, ...]
    user: str
    group: str
    working_directory: str = "/"
    environment: tuple[Pair, ...] = ()
    event_handlers: tuple[EventHandler, ...] = ()
    isolators: tuple[Isolator, ...] = ()
    mount_points: tuple[MountPoint, ...] = ()
    ports: tuple[Port, ...] = ()
    supplementary_gids: tuple[int, ...] = msgspec.field(default=(), name="supplementaryGIDs")


class Dependency(msgspec.Struct, frozen=True, rename="camel"):
    """Another image whose files lie below this one's."""

    image_name: str


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """The manifest of an image. Fields that it does not know are left out, as the specification wants."""

    ac_kind: str
    ac_version: str
    name: str
    labels: tuple[Pair, ...] = ()
    app: App | None = None
    dependencies: tuple[Dependency, ...] = ()
    path_whitelist: tuple[str, ...] = ()
    annotations: tuple[Pair, ...] = ()

    def label(self, name: str) -> str:
        """The value of a label; empty when it is not there."""
        return next((label.value for label in self.labels if label.name == name), "")

    def annotation(self, name: str) -> str:
        """The value of an annotation; empty when it is not there."""
        return next((one.value for one in self.annotations if one.name == name), "")


def parse(raw: bytes) -> Manifest:
    """Raises InvalidRequest naming the field, its value and what would be right."""
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # a wrong type is a DecodeError with the field's path
        raise InvalidRequest(f"The ACI's manifest cannot be read: {error}.", field="manifest") from error
    for field, value, wish in _problems(manifest):
        raise InvalidRequest(
            f"{field} = {value!r} of the ACI's manifest is not usable; {wish}.", field=field, value=value
        )
    return manifest


def _problems(manifest: Manifest) -> Iterator[tuple[str, object, str]]:
    if manifest.ac_kind != "ImageManifest":
        yield "acKind", manifest.ac_kind, "only an ImageManifest is an image"
    if not _SERVED_VERSION.fullmatch(manifest.ac_version):
        yield "acVersion", manifest.ac_version, "versions 0.x.y of the specification are known"
    if not _IDENTIFIER.fullmatch(manifest.name):
        yield "name", manifest.name, "a name is lower-case letters and digits with single -._~/ between"
    if manifest.dependencies:
        names = ", ".join(one.image_name for one in manifest.dependencies)
        yield (
            "dependencies",
            names,
            "their files are not in this archive and nobody serves ACIs to fetch them from: "
            "render the image with them first (for example by acbuild or rkt on a machine that has them), then convert that",
        )
    yield from _pairs("labels", manifest.labels)
    yield from _pairs("annotations", manifest.annotations)
    if not _is_moment(manifest.annotation("created") or "1970-01-01T00:00:00Z"):
        yield "annotations.created", manifest.annotation("created"), "a moment is written as 2014-10-27T19:32:27Z"
    for path in manifest.path_whitelist:
        if not path.startswith("/"):
            yield "pathWhitelist", path, "its paths begin with /"
    if manifest.app is not None:
        yield from _app(manifest.app)


def _pairs(field: str, pairs: Sequence[Pair]) -> Iterator[tuple[str, object, str]]:
    seen: set[str] = set()
    for pair in pairs:
        if pair.name in seen:
            yield f"{field}.name", pair.name, "a name stands there once"
        seen.add(pair.name)


def _is_moment(text: str) -> bool:
    """Whether a reader of the image can take it for a moment. Source: RFC 3339, as Go's encoding/json is strict about it."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return bool(_MOMENT.fullmatch(text))


def _app(app: App) -> Iterator[tuple[str, object, str]]:
    if not app.exec or not app.exec[0].startswith("/"):
        yield "app.exec", list(app.exec), "it begins with the program's path, which begins with /"
    if not app.user:
        yield "app.user", app.user, "a name, a number or a path in the image"
    if not app.group:
        yield "app.group", app.group, "a name, a number or a path in the image"
    for field, name in (("app.user", app.user), ("app.group", app.group)):
        if ":" in name or not name.isprintable():
            yield field, name, "a colon and what cannot be printed are in no user's name"
    if not app.working_directory.startswith("/"):
        yield "app.workingDirectory", app.working_directory, "it begins with /"
    for variable in app.environment:
        if not _VARIABLE.fullmatch(variable.name):
            yield "app.environment.name", variable.name, "letters, digits and _"
    for point in app.mount_points:
        if not point.path.startswith("/"):
            yield "app.mountPoints.path", point.path, "it begins with /"
    for port in app.ports:
        if not 1 <= port.port <= LAST_PORT:
            yield "app.ports.port", port.port, f"1 to {LAST_PORT}"
        elif not 1 <= port.count <= LAST_PORT + 1 - port.port:
            yield "app.ports.count", port.count, f"1 to {LAST_PORT + 1 - port.port}, since it begins at {port.port}"
