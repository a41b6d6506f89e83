"""The container tools and kinds of machine that can be asked for, whatever is loaded."""

from __future__ import annotations

COES = ("kubernetes", "swarm", "swarm-mode", "lxd")
SERVER_TYPES = ("vm", "bm", "container")
_ALIASES = {"swarm-mode": "swarm"}


def canonical(coe: str) -> str:
    """The tool that is meant: `swarm-mode` is another word for `swarm`."""
    return _ALIASES.get(coe, coe)
