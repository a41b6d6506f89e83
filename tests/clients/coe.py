"""`openstack coe` in a test's hands."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPENSTACK = str(Path(sys.executable).with_name("openstack"))
_CHILD = str(Path(__file__).with_name("openstack_child.py"))
_WITHIN_S = 120


def environment(clouds: Path) -> dict[str, str]:
    """What `openstack` looks at: this clouds.yaml and nothing of the caller's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    # `cluster config` of python-magnumclient fails where SHELL is not set, as it is not under every init and CI.
    return {**kept, "OS_CLIENT_CONFIG_FILE": str(clouds), "SHELL": "/bin/bash"}


def words(flags: Mapping[str, str | None]) -> list[str]:
    """Flags as they are typed; one without a value is a switch."""
    return [word for flag, value in flags.items() for word in (flag, value) if word is not None]


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


class Shell:
    """A running openstack_child.py."""

    def __init__(self, clouds: Path, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(clouds),
            cwd=folder,
            text=True,
        )

    def run(self, *argv: str) -> Said:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(argv) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], _WITHIN_S)
        assert ready, f"no answer within {_WITHIN_S} s: openstack {' '.join(argv)}"
        line = self._process.stdout.readline()
        assert line, f"openstack ended with {self._process.wait(10)}: {' '.join(argv)}"
        return Said(*json.loads(line))

    def stop(self) -> None:
        """It ends with its input."""
        try:
            self._process.communicate(timeout=20)
        finally:
            self._process.kill()


@dataclass(frozen=True)
class Coe:
    """Commands of one user, at a microversion if one is named."""

    shell: Shell
    cloud: str
    version: str = ""

    def at(self, version: str) -> Coe:
        return Coe(self.shell, self.cloud, version)

    def run(self, *words: str) -> Said:
        asked = ("--os-container-infra-api-version", self.version) if self.version else ()
        return self.shell.run("--os-cloud", self.cloud, *asked, "coe", *words)

    def __call__(self, *words: str) -> str:
        """Output of a command that succeeds."""
        said = self.run(*words)
        assert said.code == 0, f"{' '.join(words)}: {said.err}"
        return said.out

    def json(self, *words: str) -> Any:
        """The document that a command prints, after the sentences that some print before it."""
        out = self(*words, "-f", "json")
        return json.loads(out[min(at for at in (out.find("{"), out.find("[")) if at >= 0) :])

    def fails(self, *words: str) -> str:
        """What a command that fails says, without the request's id."""
        said = self.run(*words)
        assert said.code == 1, f"{' '.join(words)} ended with {said.code}: {said.out}{said.err}"
        return said.err.partition(" (Request-ID:")[0].strip()
