"""Glance, asked and changed through openstacksdk. `Shelf` is the port; tests have a stand-in for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ...domain.errors import ProviderRefused
from .faults import asking
from .login import connect

SUM = "jeroboam_sha256"  # by which an image is known again: Glance's own hash is of another kind
_WRITES_WITHIN_S = 900  # for the answer after the last byte: a slow store has them to keep
_PIECE = 1 << 20


@dataclass(frozen=True)
class Found:
    """An image of Glance. `sha256` is "" for one that we did not make."""

    id: str
    status: str
    sha256: str
    size: int


class Shelf(Protocol):
    """Where images are kept. Every method raises ProviderUnavailable (no answer; try again), ProviderRefused or ConfigError."""

    def find(self, name: str) -> Sequence[Found]:
        """All images of a name that we see."""
        ...

    def make(self, name: str, visibility: str, told: Mapping[str, object]) -> str:
        """An image without its bytes, by id; `told`: properties, formats, sizes."""
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
        self._image: Any = connect(cloud, cafile).image

    def find(self, name: str) -> Sequence[Found]:
        with asking("list images", "Glance"):
            return [_found(one) for one in self._image.images(name=name)]

    def make(self, name: str, visibility: str, told: Mapping[str, object]) -> str:
        from openstack import exceptions as sdk

        with asking(f"make the image {name}", "Glance"):
            try:
                return str(self._call("POST", "/images", json={"name": name, "visibility": visibility, **told})["id"])
            except sdk.ForbiddenException as error:
                raise ProviderRefused(
                    f"Glance does not let this account make a {visibility} image.",
                    hint="Log in as an administrator, or choose --visibility private, which this project alone sees.",
                ) from error

    def fill(self, ident: str, path: Path, read: Callable[[int], None]) -> None:
        with asking("take the image's bytes", "Glance"), path.open("rb") as file:
            body = _Told(file, path.stat().st_size, read)
            headers = {"Content-Type": "application/octet-stream"}
            self._call("PUT", f"/images/{ident}/file", data=body, headers=headers, timeout=_WRITES_WITHIN_S)

    def get(self, ident: str) -> Found:
        with asking(f"show the image {ident}", "Glance"):
            return _found(self._image.get_image(ident))

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


def _found(raw: Any) -> Found:
    return Found(str(raw.id), str(raw.status), str((raw.properties or {}).get(SUM) or ""), int(raw.size or 0))
