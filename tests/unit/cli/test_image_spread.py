"""An archive to many nodes: each has its result, whatever becomes of the others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jeroboam.cli.errors import CliError, Interrupted, Usage
from jeroboam.cli.images import LOADED, PRESENT, Bring, Node, Tell, Telling
from jeroboam.cli.images.archive import Archive, read
from jeroboam.cli.images.spread import Result, chosen, spread
from jeroboam.cli.progress import LineProgress
from jeroboam.cli.workloads.patience import Patience

from .image_files import docker_archive

NODES = [Node("a", "one", "amd64"), Node("b", "one", "x86_64"), Node("c", "two")]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return read(docker_archive(tmp_path / "web.tar", "web:1"))


class Tool:
    """Nodes by script: what becomes of each; a state, or an error to raise."""

    def __init__(self, **becomes: str | BaseException) -> None:
        self.becomes, self.closed = becomes, False
        self.asked: list[str] = []

    def nodes(self) -> list[Node]:
        return NODES

    @contextmanager
    def bringing(self, archive: Archive, patience: Patience, telling: Telling) -> Iterator[Bring]:
        with telling("once") as tell:
            tell(more=1)
        try:
            yield self._bring
        finally:
            self.closed = True

    def _bring(self, node: Node, tell: Tell) -> str:
        self.asked.append(node.name)
        found = self.becomes.get(node.name, LOADED)
        if isinstance(found, BaseException):
            raise found
        if found == LOADED:
            tell(more=10)
        return found


def test_a_node_that_fails_stops_no_other(archive: Archive) -> None:
    lines: list[str] = []
    nodes = [*NODES, Node("d")]
    tool = Tool(a=CliError("no space\n left"), b=PRESENT, d=OSError(5, "Input/output error"))
    found = spread(tool, nodes, archive, Patience(60), LineProgress(lines.append))
    assert found == [
        Result("a", "failed", "no space left"),
        Result("b", "present"),
        Result("c", "loaded"),
        Result("d", "failed", "[Errno 5] Input/output error"),
    ]
    assert sorted(tool.asked) == ["a", "b", "c", "d"]
    assert tool.closed
    ends = sorted(line.partition(" s, ")[0].rstrip("0123456789.") for line in lines if not line.endswith("..."))
    assert ends == ["a: no space left", "b: has it already", "c: ", "d: [Errno 5] Input/output error", "once: "]


def test_nodes_that_are_not_well_are_not_tried(archive: Archive) -> None:
    tool = Tool()
    nodes = [Node("a", why_not="the node is not Ready"), Node("b", architecture="arm64")]
    found = spread(tool, nodes, archive, Patience(60), LineProgress(lambda line: None))
    assert found == [
        Result("a", "failed", "the node is not Ready"),
        Result("b", "failed", "web:1 is for amd64, b is arm64"),
    ]
    assert (tool.asked, tool.closed) == ([], False)  # nothing was begun, either


def test_when_the_time_is_up_each_node_says_so(archive: Archive) -> None:
    now = 0.0
    patience = Patience(5, clock=lambda: now)

    class Slow(Tool):
        def _bring(self, node: Node, tell: Tell) -> str:
            nonlocal now
            now = 6.0
            return super()._bring(node, tell)

    found = spread(Slow(), NODES[:1], archive, patience, LineProgress(lambda line: None))
    assert found == [Result("a", "failed", "a has not got all within 5 s.")]


def test_ctrl_c_ends_every_node_and_what_was_begun(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Barrier(3)

    def interrupted(futures: object) -> None:
        begun.wait(60)
        raise KeyboardInterrupt

    class Long(Tool):
        def _bring(self, node: Node, tell: Tell) -> str:
            if node.name == "a":
                return PRESENT
            begun.wait(60)
            while True:
                tell(more=1)

    monkeypatch.setattr("jeroboam.cli.images.spread.wait", interrupted)
    tool = Long()
    with pytest.raises(Interrupted, match=r"^Stopped; 1 of 3 nodes have the image\.$"):
        spread(tool, NODES, archive, Patience(60), LineProgress(lambda line: None))
    assert tool.closed


def test_nodes_are_chosen_by_name_and_group() -> None:
    assert chosen(NODES, [], None) == NODES
    assert [node.name for node in chosen(NODES, ["a", "c"], None)] == ["a", "c"]
    assert [node.name for node in chosen(NODES, ["a", "c"], "one")] == ["a"]
    with pytest.raises(Usage, match=r"^--nodes 'd' is no node of the cluster\.$") as refused:
        chosen(NODES, ["a", "d"], None)
    assert refused.value.hint == "It has: a, b, c."
    with pytest.raises(Usage, match=r"^--group 'x' has no node\.$") as refused:
        chosen(NODES, [], "x")
    assert refused.value.hint == "There are: one, two."
    with pytest.raises(Usage, match=r"^--nodes a and --group two have no node in common\.$"):
        chosen(NODES, ["a"], "two")
