"""Nodes that hold an address in turn, each in a network namespace of its own, with the program that runs on control planes."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

pytestmark = [pytest.mark.sockets, pytest.mark.timeout(400)]

ADDRESS = "10.9.0.5"
PORT = 2376
LIMIT_S = 110.0  # of a wait; on a quiet machine none takes more than 5 s
# Begins once the network is there; answers at its port, as a tool would.
NODE = """\
import socket, sys, threading
import holder
sys.stdin.readline()
server = socket.create_server((sys.argv[2], int(sys.argv[3])))
def answer():
    while True:
        server.accept()[0].close()
threading.Thread(target=answer, daemon=True).start()
holder.SETTINGS = sys.argv.pop(1)
del sys.argv[1:]
holder.main()
"""


@dataclass
class Node:
    own: str
    process: subprocess.Popen[str]

    def run(self, *words: str) -> str:
        """In its namespace."""
        inside = ("nsenter", f"--net=/proc/{self.process.pid}/ns/net", *words)
        return subprocess.run(inside, capture_output=True, text=True, timeout=60, check=True).stdout

    def has_address(self) -> bool:
        shown = json.loads(self.run("ip", "-4", "-json", "address", "show", "dev", "v0"))
        return any(one["local"] == ADDRESS for one in shown[0]["addr_info"])

    def leads(self) -> list[str]:
        """The chains that lead what comes for the address to the node's own."""
        rules = self.run("iptables", "-w", "-t", "nat", "-S").splitlines()
        end = f" -d {ADDRESS}/32 -j DNAT --to-destination {self.own}"
        return [rule.split()[1] for rule in rules if rule.endswith(end)]


def _namespaces() -> bool:
    programs = ("unshare", "nsenter", "ip", "iptables")
    if os.geteuid() or not all(map(shutil.which, programs)):
        return False
    tried = "ip link add v0 type veth peer name v1 && iptables -w -t nat -S"
    done = subprocess.run(["unshare", "-n", "sh", "-c", tried], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node]]:
    """Two in one network. They bear the same rank, as a node and the one that takes its place may."""
    if not _namespaces():
        pytest.skip("network namespaces need root, ip, iptables and a kernel that lets it")
    folder = tmp_path_factory.mktemp("nodes")
    (folder / "holder.py").write_bytes(files("jeroboam.providers.openstack").joinpath("holder.py").read_bytes())
    settings = folder / "holder.json"
    settings.write_text(json.dumps({"address": ADDRESS, "ports": [PORT], "rank": 0, "key": "07" * 32}))
    with ExitStack() as stack:
        one, other = (_started(stack, folder, settings, own) for own in ("10.9.0.11", "10.9.0.12"))
        one.run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v0", "netns", str(other.process.pid))
        for node in (one, other):
            node.run("ip", "address", "add", f"{node.own}/24", "broadcast", "+", "dev", "v0")
            node.run("ip", "link", "set", "v0", "up")
            node.run("ip", "link", "set", "lo", "up")
        for node in (one, other):
            assert node.process.stdin is not None
            node.process.stdin.write("\n")
            node.process.stdin.flush()
        yield one, other


def _started(stack: ExitStack, folder: Path, settings: Path, own: str) -> Node:
    words = ["unshare", "-n", sys.executable, "-c", NODE, str(settings), own, str(PORT)]
    process = stack.enter_context(subprocess.Popen(words, stdin=subprocess.PIPE, text=True, cwd=folder))
    stack.callback(process.kill)
    before = os.readlink("/proc/self/ns/net")
    _until(lambda: os.readlink(f"/proc/{process.pid}/ns/net") != before, "a namespace of its own")
    return Node(own, process)


def _until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end, f"not within {LIMIT_S} s: {what}"
        time.sleep(0.1)


def _one_holds(nodes: tuple[Node, Node]) -> bool:
    return [node.has_address() for node in nodes].count(True) == 1


def _one_leads(nodes: tuple[Node, Node]) -> bool:
    return [sorted(node.leads()) for node in nodes if node.has_address()] == [["OUTPUT", "PREROUTING"]]


def test_of_two_that_hold_it_one_lets_go_even_at_the_same_rank(nodes: tuple[Node, Node]) -> None:
    for node in nodes:
        node.run("iptables", "-w", "-A", "INPUT", "-p", "udp", "-j", "DROP")  # no word is heard
    _until(lambda: all(node.has_address() for node in nodes), "both hold the address")
    for node in nodes:
        node.run("iptables", "-w", "-F", "INPUT")
    _until(lambda: _one_holds(nodes), "one lets go")


def test_what_is_taken_from_a_holder_is_put_back(nodes: tuple[Node, Node]) -> None:
    """As systemd-networkd takes addresses that it did not give, and the reload of a firewall all rules."""
    _until(lambda: _one_leads(nodes), "one holds the address and leads it to its own")
    for node in nodes:
        node.run("iptables", "-w", "-t", "nat", "-F")
        node.run("ip", "address", "flush", "dev", "v0", "to", f"{ADDRESS}/32")
    _until(lambda: _one_leads(nodes), "address and rules are put back, each once")
