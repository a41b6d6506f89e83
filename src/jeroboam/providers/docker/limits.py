"""Kernel limits that all nodes of this host share: raised where we may, since the usual ones stop at about six nodes.

Every node has systemd, containerd, kubelet and pods that watch files; when the instances of inotify run out, kubelets die with
"too many open files". Source: Linux, Documentation/admin-guide/sysctl/fs.rst.
"""

from __future__ import annotations

from pathlib import Path

import structlog

INOTIFY = {"max_user_instances": 4096, "max_user_watches": 524288}
_FOLDER = Path("/proc/sys/fs/inotify")
_log = structlog.get_logger(__name__)


def raise_limits(folder: Path = _FOLDER) -> dict[str, int]:
    """Raise what is lower than wanted; returns what was raised, with the former values. Never lowers, never fails."""
    raised: dict[str, int] = {}
    for name, wanted in INOTIFY.items():
        present = limit(name, folder)
        if present is None or present >= wanted:
            continue
        try:
            (folder / name).write_text(f"{wanted}\n")
        except OSError as error:
            _log.warning("a kernel limit is low and cannot be raised", limit=name, present=present, why=str(error))
            continue
        raised[name] = present
        _log.info("raised a kernel limit for the nodes", limit=f"fs.inotify.{name}", before=present, now=wanted)
    return raised


def limit(name: str, folder: Path = _FOLDER) -> int | None:
    """The present value; None where this kernel has none."""
    try:
        return int((folder / name).read_text())
    except (OSError, ValueError):
        return None
