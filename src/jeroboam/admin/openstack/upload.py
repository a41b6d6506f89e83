"""An image file becomes one of Glance: once, whole, with the properties by which templates and drivers know what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ...contracts import Progress
from ...domain.errors import InvalidRequest, JeroboamError, ProviderUnavailable
from .glance import SUM, Found, Shelf

if TYPE_CHECKING:
    from ...artifacts import CloudImage

_FORMATS = ("raw", "qcow2")
_DONE = "active"


class Outcome(StrEnum):
    """What came of it."""

    MADE = "made"
    KEPT = "kept"


@dataclass(frozen=True)
class Upload:
    """What is asked for."""

    path: Path
    record: CloudImage
    name: str
    visibility: str
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """The image; others of its name with other content, which stay; those whose bytes never came whole."""

    id: str
    outcome: Outcome
    others: tuple[str, ...]
    unfinished: tuple[str, ...]


def check(wish: Upload) -> None:
    """Raises InvalidRequest when Glance has no use for such a file."""
    if wish.record.format not in _FORMATS:
        raise InvalidRequest(
            f"{wish.path} is a {wish.record.format}, from which no server of a cloud starts.",
            hint=f"Build one with --format raw --server-type {wish.record.server_type}.",
        )
    if wish.path.stat().st_size != wish.record.size:
        raise _not_it(wish)


def put(shelf: Shelf, wish: Upload, sha256: str, progress: Progress) -> Report:
    """Make the image unless it is there. `sha256`: of the file, now. What was begun and did not end well is removed again.

    Raises InvalidRequest (the file is not what its record says) and what the shelf raises.
    """
    if sha256 != wish.record.sha256:
        raise _not_it(wish)
    found = shelf.find(wish.name)
    done = [one for one in found if one.status == _DONE]
    same = next((one for one in done if one.sha256 == sha256), None)
    others = tuple(one.id for one in done if one.sha256 != sha256)
    unfinished = tuple(one.id for one in found if one.sha256 and one.status in ("queued", "saving"))
    if same is not None:
        return Report(same.id, Outcome.KEPT, others, unfinished)
    ident = shelf.make(wish.name, wish.visibility, described(wish))
    try:
        _fill(shelf, ident, wish, progress)
    except BaseException:  # Ctrl-C as well
        shelf.delete(ident)
        raise
    return Report(ident, Outcome.MADE, others, unfinished)


def described(wish: Upload) -> Mapping[str, object]:
    """All that Glance is told beside name, visibility and bytes. Pure."""
    return {
        "disk_format": wish.record.format,
        "container_format": "bare",
        "min_disk": wish.record.min_disk_gib,
        **wish.record.properties,
        **wish.more,
        SUM: wish.record.sha256,
    }


def _fill(shelf: Shelf, ident: str, wish: Upload, progress: Progress) -> None:
    task, note = f"upload {wish.name}", "failed"
    progress.start(task, total=wish.record.size, unit="B")
    try:
        shelf.fill(ident, wish.path, lambda amount: progress.advance(task, amount))
        now = shelf.get(ident)
        if not _whole(now, wish):
            raise ProviderUnavailable(
                f"Glance took {now.size} of {wish.record.size} bytes of {wish.name}, and calls it {now.status}.",
                after_s=5.0,
                hint="Run it again.",
            )
        note = ""
    except JeroboamError:
        raise
    except BaseException:
        note = "stopped"
        raise
    finally:
        progress.finish(task, note=note or None)


def _whole(now: Found, wish: Upload) -> bool:
    return now.status == _DONE and now.size == wish.record.size


def _not_it(wish: Upload) -> InvalidRequest:
    return InvalidRequest(
        f"{wish.path} is not the file that its record speaks of: it was changed, or not copied whole.",
        hint="Copy both files anew, or build it again with --force.",
    )
