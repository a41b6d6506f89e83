"""First boot of a node as a value: files, units, commands. Rendered by jeroboam.bootstrap for each kind of machine."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class File:
    """A file on the node. `secret` content is kept out of logs and reprs; use mode 0o600 with it."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644


@dataclass(frozen=True)
class Command:
    """A command of the first boot. Run in order; each has a deadline; non-zero ends the bootstrap with `name` as the culprit.

    `background` commands start in their place in the order and run beside the following ones; the bootstrap waits for them at its end.
    A command may run again after a power loss in its middle, so it must be repeatable.
    """

    name: str
    argv: tuple[str, ...]
    timeout_s: int = 300
    background: bool = False


@dataclass(frozen=True)
class NodeConfig:
    """All that makes a fresh machine a node of its cluster. `os` is what its paths and commands are written for: linux or windows."""

    hostname: str
    files: tuple[File, ...] = ()
    commands: tuple[Command, ...] = ()
    os: str = "linux"


@dataclass(frozen=True)
class NodeProgress:
    """What a node's console says of its bootstrap. `done` and `failed` are both False while it goes on."""

    step: str = ""
    done: bool = False
    failed: bool = False
    message: str = ""
