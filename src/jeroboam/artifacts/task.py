"""A task that people see: it begins, and it ends whatever happens, with a word when it did not end well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..contracts import Progress
from ..domain.errors import JeroboamError


@contextmanager
def under_way(progress: Progress, task: str, *, total: int | None = None, unit: str = "") -> Iterator[None]:
    """Around the work of one task."""
    progress.start(task, total=total, unit=unit)
    try:
        yield
    except BaseException as error:
        progress.finish(task, note="failed" if isinstance(error, JeroboamError) else "stopped")
        raise
    progress.finish(task)
