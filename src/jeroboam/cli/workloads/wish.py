"""What `jeroboam run` asks for, checked before any tool is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import Usage

MAX_NAME = 50  # room for what tools append to it: a host name has 63
MAX_REPLICAS = 1000
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PUBLISH = re.compile(r"(?:([0-9]{1,5}):)?([0-9]{1,5})")


@dataclass(frozen=True)
class Publish:
    """A port of the workload, opened on nodes: on the port `outside` of them, or one that the tool chooses."""

    inside: int
    outside: int | None = None

    @classmethod
    def parse(cls, text: str) -> Publish:
        """`PORT` or `NODEPORT:PORT`. Raises Usage."""
        found = _PUBLISH.fullmatch(text)
        ports = [int(part) for part in found.groups() if part] if found else []
        if not ports or not all(1 <= port <= 65535 for port in ports):
            hint = "Write PORT, or NODEPORT:PORT to choose the port of the nodes; each from 1 to 65535."
            raise Usage(f"--publish {text!r} is no port.", hint=hint)
        return cls(ports[-1], ports[0] if len(ports) == 2 else None)


@dataclass(frozen=True)
class Wish:
    """One workload. Values of `env` may be secrets: they are not shown. Raises Usage for what no tool could take."""

    name: str
    image: str
    replicas: int = 1
    publish: Publish | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > MAX_NAME:
            hint = f"Choose one with --name: a lower-case letter, then letters, digits and `-`, at most {MAX_NAME}."
            raise Usage(f"{self.name!r} cannot be the name of a workload.", hint=hint)
        if not self.image or any(char.isspace() for char in self.image):
            raise Usage(f"--image {self.image!r} is no image.", hint="Write it as the container tool does.")
        if not 1 <= self.replicas <= MAX_REPLICAS:
            raise Usage(f"--replicas {self.replicas} is not from 1 to {MAX_REPLICAS}.")
        for name in self.env:
            if not _VARIABLE.fullmatch(name):
                hint = "Letters, digits and `_`, and no digit first."
                raise Usage(f"--env {name!r} is no name of a variable.", hint=hint)


def name_of(image: str) -> str:
    """A name after the image: `registry.local/team/Web_App:1.2` is `web-app`."""
    last = image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    return re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:MAX_NAME].rstrip("-")
