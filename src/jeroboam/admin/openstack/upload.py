"""An image file becomes one of Glance: once, whole, with the properties by which templates and drivers know what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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
_DONE, _BEGUN = "active", ("queued", "saving")


class Outcome(StrEnum):
    """What came of it."""

    MADE = "made"
    CHANGED = "changed"
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
    """The image, and what was set anew of one that was there. Beside it, by id and left alone: others of its name, of other content or
    another project; the same once more, in this project; those whose bytes never came whole."""

    id: str
    outcome: Outcome
    changed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()


def check(wish: Upload) -> None:
    """Raises InvalidRequest when Glance has no use for such a file."""
    if wish.record.format not in _FORMATS:
        raise InvalidRequest(
            f"{wish.path} is a {wish.record.format}, from which no server of a cloud starts.",
            hint=f"Build one with --format raw --server-type {wish.record.server_type}.",
        )
    if wish.path.stat().st_size != wish.record.size:
        raise _not_it(wish)


def put(shelf: Shelf, wish: Upload, sha256: str, ident: str, progress: Progress) -> Report:
    """Make the image, of this id, unless it is there; set what is asked for of one that is. `sha256`: of the file, now. What was begun and
    did not end well is removed again; where even that fails, a note of the error names it.

    Raises InvalidRequest (the file is not what its record says) and what the shelf raises.
    """
    if sha256 != wish.record.sha256:
        raise _not_it(wish)
    wanted, found = described(wish), shelf.find(wish.name)
    same = min(
        (one for one in found if _same(one, wish, shelf.project)),
        key=lambda one: len(_differing(one, wanted)),
        default=None,
    )
    if same is not None:
        differing = _differing(same, wanted)
        if differing:
            shelf.change(same.id, differing)
        outcome = Outcome.CHANGED if differing else Outcome.KEPT
        return _report(same.id, outcome, wish, shelf.project, found, tuple(differing))
    with _given_back(shelf, ident):
        shelf.make(ident, wish.name, wanted)
        _fill(shelf, ident, wish, progress)
    with suppress(ProviderUnavailable):  # the image is made: what else there is can be told as it was before
        found = shelf.find(wish.name)  # somebody may have uploaded the same meanwhile
    return _report(ident, Outcome.MADE, wish, shelf.project, found)


def described(wish: Upload) -> Mapping[str, object]:
    """All that Glance is told beside name and bytes. Pure."""
    return {
        "visibility": wish.visibility,
        "disk_format": wish.record.format,
        "container_format": "bare",
        "min_disk": wish.record.min_disk_gib,
        **wish.record.properties,
        **wish.more,
        SUM: wish.record.sha256,
    }


def _same(one: Found, wish: Upload, project: str) -> bool:
    """Whether it is this file, uploaded: the sum alone is a property, which any project may write on an image of its own."""
    size, sha256 = wish.record.size, wish.record.sha256
    known = one.sha256 == sha256 and one.told.get("disk_format") == wish.record.format
    return known and one.owner == project and _whole(one, size)


def _differing(one: Found, wanted: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in wanted.items() if one.told.get(key) != value}


def _report(
    ident: str,
    outcome: Outcome,
    wish: Upload,
    project: str,
    found: Sequence[Found],
    changed: tuple[str, ...] = (),
) -> Report:
    beside = [one for one in found if one.id != ident]
    copies = [one for one in beside if _same(one, wish, project)]
    return Report(
        ident,
        outcome,
        changed,
        others=tuple(one.id for one in beside if one.status == _DONE and one not in copies),
        copies=tuple(one.id for one in copies),
        unfinished=tuple(one.id for one in beside if one.owner == project and one.sha256 and one.status in _BEGUN),
    )


@contextmanager
def _given_back(shelf: Shelf, ident: str) -> Iterator[None]:
    """An image that is not filled is none: it goes whatever ended its making, Ctrl-C as well."""
    try:
        yield
    except BaseException as error:
        try:
            shelf.delete(ident)
        except BaseException as worse:
            left = f"The image {ident} may be left in Glance: openstack image delete {ident}"
            error.add_note(left)
            if not isinstance(worse, JeroboamError):  # a second Ctrl-C
                worse.add_note(left)
                raise
        raise


def _fill(shelf: Shelf, ident: str, wish: Upload, progress: Progress) -> None:
    task, note = f"upload {wish.name}", "failed"
    progress.start(task, total=wish.record.size, unit="B")
    try:
        shelf.fill(ident, wish.path, lambda amount: progress.advance(task, amount))
        now = shelf.get(ident)
        if not _whole(now, wish.record.size):
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


def _whole(now: Found, size: int) -> bool:
    return now.status == _DONE and now.size == size


def _not_it(wish: Upload) -> InvalidRequest:
    return InvalidRequest(
        f"{wish.path} is not the file that its record speaks of: it was changed, or not copied whole.",
        hint="Copy both files anew, or build it again with --force.",
    )
