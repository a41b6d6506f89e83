"""Glance, asked and changed through openstacksdk. `Shelf` is the port; tests have a stand-in for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ...domain.errors import ConfigError, ProviderRefused
from .faults import asking, line
from .login import connect

SUM = "jeroboam_sha256"  # by which an image is known again: Glance's own hash is of another kind
_WRITES_WITHIN_S = 900  # for the answer after the last byte: a slow store has them to keep
_PIECE = 1 << 20
_PAGE = 100
_PATCH = "application/openstack-images-v2.1-json-patch"


@dataclass(frozen=True)
class Found:
    """An image of Glance. `owner` is a project's id; `told` all that Glance says of it, fields and properties."""

    id: str
    status: str
    owner: str
    size: int
    told: Mapping[str, object] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """What its property says, which any project may write on images of its own; "" where there is none."""
        return str(self.told.get(SUM) or "")


class Shelf(Protocol):
    """Where images are kept. Every method raises ProviderUnavailable (no answer; try again), ProviderRefused or ConfigError."""

    @property
    def project(self) -> str:
        """Id of the login's own, whose images are made."""
        ...

    def find(self, name: str) -> Sequence[Found]:
        """All images of a name that we see: an administrator those of all projects."""
        ...

    def make(self, ident: str, name: str, told: Mapping[str, object]) -> None:
        """An image without its bytes, by an id of ours, so that it can be deleted though the answer was lost. `told`: its fields and
        properties."""
        ...

    def change(self, ident: str, told: Mapping[str, object]) -> None:
        """Set these fields and properties; others stay."""
        ...

    def fill(self, ident: str, path: Path, read: Callable[[int], None]) -> None:
        """Give it the bytes of a file; `read` hears how many were taken."""
        ...

    def get(self, ident: str) -> Found: ...

    def delete(self, ident: str) -> None:
        """One that is gone is fine."""
        ...


class Glance:
    """Implements Shelf."""

    def __init__(self, cloud: str | None, cafile: Path | None) -> None:
        connection = connect(cloud, cafile)
        with asking("log in"):
            self.project = str(connection.current_project_id or "")
        if not self.project:
            raise ConfigError("The login names no project, and images belong to one.", hint="Set OS_PROJECT_NAME.")
        with asking("find out its version", "Glance"):
            self._image: Any = connection.image
            _ = self._image.request  # the SDK's stand-in for a service that is not there has none

    def find(self, name: str) -> Sequence[Found]:
        seen: list[Found] = []
        with asking("list images", "Glance"):
            more: dict[str, str] = {}
            while page := self._call("GET", "/images", params={"name": name, "limit": _PAGE, **more})["images"]:
                seen += [_found(one) for one in page]
                more = {"marker": seen[-1].id}
        return seen

    def make(self, ident: str, name: str, told: Mapping[str, object]) -> None:
        with asking(f"make the image {name}", "Glance"), _allowed(f"make a {told['visibility']} image"):
            self._call("POST", "/images", json={"id": ident, "name": name, **told})

    def change(self, ident: str, told: Mapping[str, object]) -> None:
        patch = [{"op": "add", "path": f"/{_pointer(key)}", "value": value} for key, value in told.items()]
        what = f"change {', '.join(told)} of the image {ident}"
        with asking(what, "Glance"), _allowed(what):
            self._call("PATCH", f"/images/{ident}", data=json.dumps(patch), headers={"Content-Type": _PATCH})

    def fill(self, ident: str, path: Path, read: Callable[[int], None]) -> None:
        with asking("take the image's bytes", "Glance"), path.open("rb") as file:
            body = _Told(file, path.stat().st_size, read)
            headers = {"Content-Type": "application/octet-stream"}
            self._call("PUT", f"/images/{ident}/file", data=body, headers=headers, timeout=_WRITES_WITHIN_S)

    def get(self, ident: str) -> Found:
        with asking(f"show the image {ident}", "Glance"):
            return _found(self._call("GET", f"/images/{ident}"))

    def delete(self, ident: str) -> None:
        with asking(f"delete the image {ident}", "Glance"):
            self._image.delete_image(ident, ignore_missing=True)

    def _call(self, method: str, path: str, **more: Any) -> Any:
        from openstack.exceptions import raise_from_response

        answer = self._image.request(path, method, **more)
        raise_from_response(answer)
        return answer.json() if answer.content else {}


class _Told:
    """A file that tells how much of it was read."""

    def __init__(self, file: Any, size: int, told: Callable[[int], None]) -> None:
        self._file, self._size, self._tell = file, size, told

    def __len__(self) -> int:
        return self._size

    def read(self, most: int = -1) -> bytes:
        piece: bytes = self._file.read(max(most, _PIECE) if most > 0 else most)
        self._tell(len(piece))
        return piece


@contextmanager
def _allowed(what: str) -> Iterator[None]:
    from openstack import exceptions as sdk

    try:
        yield
    except sdk.ForbiddenException as error:
        raise ProviderRefused(
            f"Glance does not let this account {what}: {line(error)}",
            hint="Log in as an administrator, or choose --visibility private, which this project alone sees.",
        ) from error


def _pointer(key: str) -> str:
    """Source: RFC 6901, 3."""
    return key.replace("~", "~0").replace("/", "~1")


def _found(raw: Mapping[str, Any]) -> Found:
    return Found(str(raw["id"]), str(raw["status"]), str(raw.get("owner") or ""), int(raw.get("size") or 0), raw)
