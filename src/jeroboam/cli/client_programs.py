"""The container tools' own clients: whether this machine has one, and where to get it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from .output import plain

_GET = {
    "kubectl": "get it as https://kubernetes.io/docs/tasks/tools says",
    "docker": "get it as https://docs.docker.com/engine/install says (Debian: docker.io)",
    "lxc": "it comes with LXD (Debian: the package lxd-client)",
}


def tell_if_missing(name: str, environ: Mapping[str, str] = os.environ) -> None:
    """A line on stderr when the program is not on the PATH."""
    if shutil.which(name, path=environ.get("PATH", "")):
        return
    built = _built_kubectl(environ) if name == "kubectl" else None
    where = f"the image build left one, alias kubectl={built}" if built else _GET[name]
    print(
        f"{name} is not on the PATH: {plain(where)}. `jeroboam run`, `ps`, `logs`, `exec` need none.", file=sys.stderr
    )


def _built_kubectl(environ: Mapping[str, str]) -> Path | None:
    """The newest that `jeroboam image build` left in the cache, for which docs/quickstart.md names the place, too."""
    home = Path(environ.get("HOME") or os.path.expanduser("~"))
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "jeroboam" / "bin" / "kubernetes"
    return max(cache.glob("v*/*/kubectl"), key=_version, default=None)


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall("[0-9]+", path.parent.parent.name)]
