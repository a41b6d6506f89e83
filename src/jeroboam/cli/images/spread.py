"""An archive to many nodes: some at a time, each with its bar; a node that fails stops no other; Ctrl-C ends all and leaves nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import CliError, Interrupted, Usage
from ..output import plain
from ..progress import Shown
from ..workloads.patience import Patience
from . import LOADED, PRESENT, Bring, Node, Nodes
from .archive import Archive, refuse_other_architecture

FAILED = "failed"
_AT_ONCE = 4


@dataclass(frozen=True)
class Result:
    """What became of one node: LOADED, PRESENT or FAILED; `why` it failed."""

    node: str
    state: str
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def chosen(nodes: Sequence[Node], names: Sequence[str], group: str | None) -> list[Node]:
    """Those asked for; all when nothing is. Raises Usage, naming what there is."""
    there = [node.name for node in nodes]
    for name in names:
        if name not in there:
            raise Usage(f"--nodes {name!r} is no node of the cluster.", hint=f"It has: {', '.join(there)}.")
    groups = sorted({node.group for node in nodes if node.group})
    if group is not None and group not in groups:
        raise Usage(f"--group {group!r} has no node.", hint=f"There are: {', '.join(groups) or 'none'}.")
    found = [n for n in nodes if (not names or n.name in names) and (group is None or n.group == group)]
    if not found:
        raise Usage(f"--nodes {','.join(names)} and --group {group} have no node in common.", hint="Drop one of them.")
    return found


def spread(tool: Nodes, nodes: Sequence[Node], archive: Archive, patience: Patience, shown: Shown) -> list[Result]:
    """Bring it to each of these nodes. Raises Interrupted, and CliError when it could not be begun."""
    stop = threading.Event()

    def telling(task: str) -> Told:
        return Told(task, archive.size, shown, stop, patience)

    fit = [node for node in nodes if not _unfit(archive, node)]
    results = {node.name: Result(node.name, FAILED, _unfit(archive, node)) for node in nodes}
    if fit:
        with tool.bringing(archive, patience, telling) as bring:
            results |= {result.node: result for result in _all(fit, bring, telling, stop)}
    return list(results.values())


def _unfit(archive: Archive, node: Node) -> str:
    return node.why_not or refuse_other_architecture(archive.images, node.name, node.architecture)


def _all(nodes: Sequence[Node], bring: Bring, telling: Callable[[str], Told], stop: threading.Event) -> list[Result]:
    def one(node: Node) -> Result:
        with telling(node.name) as tell:
            try:
                state = bring(node, tell)
            except (CliError, OSError) as error:  # the archive itself may go away meanwhile
                why = " ".join(plain(error).split())
                tell.ended(why)
                return Result(node.name, FAILED, why)
            tell.ended("has it already" if state == PRESENT else None)
            return Result(node.name, state)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures: list[Future[Result]] = [pool.submit(one, node) for node in nodes]
        try:
            wait(futures)
        except KeyboardInterrupt:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise Interrupted(_stopped(futures), hint="Run it again: nodes that have it are passed over.") from None
    return [future.result() for future in futures]


def _stopped(futures: Sequence[Future[Result]]) -> str:
    ended = [f.result() for f in futures if f.done() and not f.cancelled() and f.exception() is None]
    have = sum(result.state in (LOADED, PRESENT) for result in ended)
    return f"Stopped; {have} of {len(futures)} nodes have the image."


class Told:
    """Implements Tell for one task of the progress; the task begins with the first word about it."""

    def __init__(self, task: str, total: int | None, shown: Shown, stop: threading.Event, patience: Patience) -> None:
        self._task, self._total, self._shown, self._stop, self._patience = task, total, shown, stop, patience
        self._begun = False

    def __enter__(self) -> Told:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._begun:
            self.ended(None if kind is None else "failed")

    def __call__(self, *, total: int | None = None, more: int = 0, note: str | None = None) -> None:
        if self._stop.is_set():
            raise Interrupted("Stopped.")
        self._patience.check(f"{self._task} has not got all")
        if not self._begun or total is not None:
            self._total = total or self._total
            self._shown.start(self._task, total=self._total, unit="B")
            self._begun = True
        self._shown.advance(self._task, more, note=note)

    def ended(self, note: str | None) -> None:
        """The task is over; `note` is how, if not well. What never began and ended well is not worth a word."""
        if not self._begun and note is not None:
            self._shown.start(self._task, total=self._total, unit="B")
        self._shown.finish(self._task, note=note)
        self._begun = False
