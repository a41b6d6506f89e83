"""The bytes of a file that is not there yet: begun before the minutes of baking, so that a folder that takes none is told at once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from ..domain.errors import HostUnsupported

_BEGIN, _END = ".jeroboam-", ".part"


@contextmanager
def writing(output: Path) -> Iterator[None]:
    """Around what is done with the output: what the system refuses is HostUnsupported, with the place and the cure."""
    try:
        yield
    except OSError as error:
        raise HostUnsupported(
            f"The output cannot be written: {error.filename or output}: {error.strerror}.",
            hint="Free some space or see who owns it, or name another place by --output.",
        ) from error


@contextmanager
def open_part(output: Path) -> Iterator[BinaryIO]:
    """A file beside the output, to be given its name when it is whole; else gone at the end. It is locked while its builder lives:
    those whose builder was killed, up to 2 GiB each, are removed here. Raises HostUnsupported."""
    with writing(output):
        _forget_abandoned(output.parent)
        file = _begun(output.parent)
    try:
        with file:
            yield file
    finally:
        with suppress(OSError):  # it has its name
            Path(file.name).unlink()


def give_name(part: BinaryIO, output: Path) -> None:
    """The part, whole, becomes the output."""
    Path(part.name).replace(output)


def _begun(folder: Path) -> BinaryIO:
    file = (folder / f"{_BEGIN}{uuid4().hex[:12]}{_END}").open("xb")
    with suppress(OSError):  # where files cannot be locked, none is taken for abandoned either
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _forget_abandoned(folder: Path) -> None:
    for path in folder.glob(f"{_BEGIN}*{_END}"):
        with suppress(OSError), path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while its builder lives
            path.unlink()
