"""What runs the demo's commands: each is printed before it runs, and the time of each phase is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ...domain.errors import ConfigError

NAME = "demo"
REPLICAS = 4
CALLS = 12
STEP_S = 120
_COMMAND_S = 3600.0
_PATIENCE_S = 5.0  # of who watches without a word


class CommandFailed(ConfigError):
    """A command of the demo ended badly; what it said stands above."""


@dataclass
class Course:
    """What runs commands and keeps the time of each phase."""

    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    phases: list[tuple[str, float]] = field(default_factory=list)
    answers_s: float = 75.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A part of the demo whose time is told at the end."""
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        yield
        self.phases.append((name, time.monotonic() - began))

    def run(self, shown: str, argv: Sequence[str], *, check: bool = True, quiet_input: bool = False) -> int:
        """Print the command and run it with its output on this terminal. Raises CommandFailed."""
        return self._shown(shown, argv, check=check, stdin=subprocess.DEVNULL if quiet_input else None).returncode

    def _shown(
        self,
        shown: str,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: int | None = None,
        stdout: int | None = None,
    ) -> subprocess.CompletedProcess[str]:
        print(f"$ {shown}", flush=True)
        with _deadline(shown, _COMMAND_S):
            done = subprocess.run(
                argv,
                env=self.environment,
                stdin=stdin,
                stdout=stdout,
                text=True,
                timeout=_COMMAND_S,
                check=False,
            )
        if check and done.returncode:
            raise CommandFailed(f"`{shown}` ended with exit code {done.returncode}.", hint="Its message stands above.")
        return done

    def jeroboam(self, *words: str, check: bool = True) -> int:
        """One of our own commands."""
        return self.run(" ".join(("jeroboam", *words)), [sys.executable, "-m", "jeroboam", *words], check=check)

    def made(self, *words: str) -> Any:
        """The JSON of one of our own commands that is printed before it runs, and whose progress is seen. Raises CommandFailed."""
        argv = [sys.executable, "-m", "jeroboam", *words, "--json"]
        return json.loads(self._shown(" ".join(("jeroboam", *words)), argv, stdout=subprocess.PIPE).stdout)

    def ask(self, *words: str) -> Any:
        """The JSON of one of our own commands, unseen."""
        return self.ask_tool(" ".join(("jeroboam", *words)), [sys.executable, "-m", "jeroboam", *words, "--json"])

    def ask_tool(self, shown: str, argv: Sequence[str]) -> Any:
        """The JSON that a command prints, unseen. Raises CommandFailed."""
        done = self.hear(shown, argv)
        if done.returncode:
            raise CommandFailed(f"`{shown}` failed: {done.stderr.strip()[:500]}")
        return json.loads(done.stdout)

    def hear(self, shown: str, argv: Sequence[str], *, within_s: float = STEP_S) -> subprocess.CompletedProcess[str]:
        """Run a command unseen and without input; how it ended and what it said. Raises CommandFailed when it does not end."""
        with _deadline(shown, within_s):
            return subprocess.run(
                argv,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=within_s,
                check=False,
            )

    def answers(self, shown: str, argv: Sequence[str], workers: int, kind: str) -> None:
        """Call the workload until every worker has answered. Packet filters of nodes follow within a second or so. Nodes of a swarm hear
        of each other's tasks by UDP; what is lost they learn when they compare all they know, every 30 s. Raises CommandFailed when
        a worker does not answer. Source: libnetwork, networkdb, `PushPullInterval`."""
        print(f"$ {shown}", flush=True)
        began, told = time.monotonic(), False
        while True:
            done = self.hear(shown, argv)
            answers = list(_answers(done.stdout))
            nodes = {answer["node"] for answer in answers}
            if done.returncode == 0 and len(answers) == CALLS and len(nodes) == min(workers, REPLICAS):
                break
            seen = f"{len(answers)} of {CALLS} calls were answered, by {len(nodes)} of {workers} workers"
            waited_s = time.monotonic() - began
            if waited_s > self.answers_s:
                print(done.stdout, end="")
                raise CommandFailed(
                    f"Not every worker answered within {self.answers_s:g} s. At last {seen}. {done.stderr.strip()[:500]}".rstrip(),
                    hint=f"`jeroboam cluster why {NAME}` tells how its nodes are.",
                )
            if waited_s > _PATIENCE_S and not told:
                print(f"{seen} so far; called again for at most {self.answers_s:g} s.", flush=True)
                told = True
            time.sleep(0.5)
        print(done.stdout, end="")
        hosts = len({answer["host"] for answer in answers})
        print(f"{len(answers)} answers from {hosts} {kind} on {len(nodes)} of {workers} workers.")


@contextmanager
def _deadline(shown: str, within_s: float) -> Iterator[None]:
    try:
        yield
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(
            f"`{shown}` did not end within {within_s:g} s.", hint=f"`jeroboam cluster why {NAME}` tells how far it is."
        ) from error


def _answers(text: str) -> Iterator[dict[str, str]]:
    """The workload's own lines; a tool on the way may have said something, too."""
    for line in text.splitlines():
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict) and found.keys() >= {"host", "node"}:
                yield found


def until(true: Callable[[], bool], within_s: float, what: str) -> None:
    """Raises CommandFailed when it does not become so in time."""
    ends = time.monotonic() + within_s
    while not true():
        if time.monotonic() > ends:
            raise CommandFailed(f"Not within {within_s:g} s: {what}.")
        time.sleep(0.2)
