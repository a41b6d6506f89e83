"""Runs on each control plane of a cluster whose endpoint is an address that they take over from each other. Needs Python's standard
library, ip(8) and iptables(8) only; what puts it there is virtual_address.py.

Who holds the address says so each second. Who has not heard that for some seconds, and answers at all of the endpoint's ports itself,
takes it and tells the neighbours; of two, the one with the lower rank keeps it. Whoever stops answering lets go. Words bear a tag
under a key of the cluster: pods reach this port, too. None counts twice, nor one that is old.
A tool may listen at the node's own address only: what comes for the held one is led there.
Source: RFC 9568 (VRRP: intervals, skew by priority, gratuitous ARP); RFC 826 (ARP); packet(7).
"""

from __future__ import annotations

import fcntl
import hmac
import json
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

SETTINGS = "/etc/jeroboam/node/holder.json"
PORT = 2390
EVERY_S = 1.0
SILENT_S = 3.5  # of a holder that is taken for gone, and half a second more for each rank
ASK_S = 1.0  # for an own port to answer
WINDOW_S = 300.0  # that clocks may differ by. Source: RFC 4120, 8.2, the skew that Kerberos takes for usual
TELL_S = 60.0  # between two lines on clocks
PROGRAM_S = 10.0  # for ip or iptables, which waits while others change rules
TAG = 32
_IPV4 = 0x0800
_SIOCGIFHWADDR = 0x8927


@dataclass(frozen=True)
class Settings:
    """`rank`: of this node among the control planes; no two have the same, but where one takes another's place."""

    address: str
    ports: tuple[int, ...]
    rank: int
    key: bytes


@dataclass(frozen=True)
class Way:
    """How this node is in the network of the address: by which device, with which own address, and where its neighbours hear it."""

    device: str
    own: str
    broadcast: str


@dataclass(frozen=True)
class Word:
    """Who says that it holds the address, and when, by its own clock."""

    rank: int
    address: str
    at_ms: int


@dataclass
class Election:
    """Who holds the address, as this node sees it. Pure: the time comes in, in seconds that only go on."""

    rank: int
    own: str  # address, which no two have
    holds: bool = False
    heard_at: float = float("-inf")  # the last word of another holder

    def heard(self, rank: int, address: str, now: float) -> None:
        """Another says that it holds the address. It keeps it, unless this node holds it and has the lower rank, or address."""
        if not self.holds or (rank, address) < (self.rank, self.own):
            self.holds = False
            self.heard_at = now

    def decide(self, *, well: bool, now: float) -> bool:
        """Whether this node holds the address from now on."""
        silent = now - self.heard_at
        self.holds = well and (self.holds or silent > SILENT_S + self.rank / 2)
        return self.holds


@dataclass
class Talk:
    """What this node says, and which words of others it believes. Pure: the time comes in, in seconds since 1970."""

    wish: Settings
    own: str
    said_ms: int = 0
    heard_ms: dict[str, int] = field(default_factory=dict)  # by address: the last word that counted
    told_at: float = float("-inf")

    def say(self, now: float) -> bytes:
        """A word that is newer than the last, also when the clock was set back; by more than the window, those before it do not count."""
        now_ms = int(now * 1000)
        self.said_ms = now_ms if abs(self.said_ms - now_ms) > WINDOW_S * 1000 else max(now_ms, self.said_ms + 1)
        return sign(self.wish.key, Word(self.wish.rank, self.own, self.said_ms))

    def hear(self, packet: bytes, now: float) -> Word | None:
        """Another's word; None for this node's own, for what nobody of the cluster wrote, and for what was said before."""
        word = read(self.wish.key, packet)
        if word is None or word.address == self.own:
            return None
        last_ms = self.heard_ms.get(word.address, 0)
        was_ahead = last_ms > (now + WINDOW_S) * 1000  # both clocks were, and are no more
        if word.at_ms <= last_ms and not was_ahead:
            return None
        late_s = now - word.at_ms / 1000
        if abs(late_s) > WINDOW_S:
            self._tell(word, late_s, now)
            return None
        self.heard_ms[word.address] = word.at_ms
        return word

    def _tell(self, word: Word, late_s: float, now: float) -> None:
        if abs(now - self.told_at) >= TELL_S:
            self.told_at = now
            print(  # noqa: T201
                f"a word of {word.address} does not count, it is {late_s:.0f} s old: the clocks differ, or somebody repeats it",
                flush=True,
            )


def sign(key: bytes, word: Word) -> bytes:
    """What is sent."""
    text = f"{word.rank} {word.address} {word.at_ms}".encode()
    return hmac.digest(key, text, "sha256") + text


def read(key: bytes, packet: bytes) -> Word | None:
    """None for what was not written with this key, or as an earlier holder wrote it."""
    tag, text = packet[:TAG], packet[TAG:]
    if not hmac.compare_digest(tag, hmac.digest(key, text, "sha256")):
        return None
    with suppress(ValueError):
        rank, address, at_ms = text.decode().split()
        return Word(int(rank), address, int(at_ms))
    return None


def main() -> int:
    """Until it is ended."""
    with open(SETTINGS, encoding="ascii") as file:
        raw = json.load(file)
    wish = Settings(raw["address"], tuple(raw["ports"]), raw["rank"], bytes.fromhex(raw["key"]))
    way = _way(wish.address)
    _let_go(wish.address, way)  # of an earlier life
    if sys.argv[1:] == ["let-go"]:
        return 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, way.device.encode() + b"\0")
        line.bind(("", PORT))
        _run(wish, way, line)
    return 0


def _run(wish: Settings, way: Way, line: socket.socket) -> None:
    election = Election(wish.rank, way.own, heard_at=time.monotonic())  # a new one listens first
    talk = Talk(wish, way.own)
    while True:
        held = election.holds
        _listen(talk, line, election)
        broke = election.decide(well=_is_well(way.own, wish.ports), now=time.monotonic()) and not _hold(
            talk, way, line, new=not held
        )
        if broke:
            election.holds, election.heard_at = False, time.monotonic()
        if broke or (held and not election.holds):
            _let_go(wish.address, way)
        if held != election.holds:
            print("holds" if election.holds else "lets go of", wish.address, flush=True)  # noqa: T201


def _listen(talk: Talk, line: socket.socket, election: Election) -> None:
    """For the time from one word to the next."""
    end = time.monotonic() + EVERY_S
    while (left := end - time.monotonic()) > 0:
        line.settimeout(left)
        with suppress(TimeoutError):  # nobody speaks
            word = talk.hear(line.recv(600), time.time())
            if word is not None:
                election.heard(word.rank, word.address, time.monotonic())


def _hold(talk: Talk, way: Way, line: socket.socket, *, new: bool) -> bool:
    """Say so, and have it. False when it cannot be had, or the way out is gone. Both each time: neighbours may have missed it or believe
    another; networkd takes addresses that it did not give, and who loads a firewall anew takes all rules."""
    try:
        line.sendto(talk.say(time.time()), (way.broadcast, PORT))
        if _take(talk.wish.address, way) and not new:
            print("puts back what was taken of", talk.wish.address, flush=True)  # noqa: T201
        _announce(talk.wish.address, way.device)
    except OSError as error:
        print(error, flush=True)  # noqa: T201
        return False
    return True


def _is_well(own: str, ports: tuple[int, ...]) -> bool:
    """Whether something listens at all of them here."""
    for port in ports:
        try:
            socket.create_connection((own, port), ASK_S).close()
        except OSError:
            return False
    return True


def _way(address: str) -> Way:
    routes = json.loads(_run_program("ip", "-4", "-json", "route", "show", "match", address))
    device = next(one["dev"] for one in routes if one["dst"] != "default")
    for one in _addresses(device):
        if one.get("broadcast"):
            return Way(device, one["local"], one["broadcast"])
    raise OSError(f"{device} has no broadcast address")


def _addresses(device: str) -> list[dict[str, Any]]:
    """As ip(8) tells them."""
    shown = json.loads(_run_program("ip", "-4", "-json", "address", "show", "dev", device))
    return [one for part in shown for one in part.get("addr_info", ())]


def _take(address: str, way: Way) -> bool:
    """Whether anything of it was missing. What is there is not set again: all who watch the device would hear of it."""
    missing = all(one["local"] != address for one in _addresses(way.device))
    if missing:
        _run_program("ip", "address", "replace", f"{address}/32", "dev", way.device)
    for rule in _rules(address, way):
        if not _has_rule(rule):
            missing = True
            _run_program("iptables", "-w", "-t", "nat", "-I", *rule)
    return missing


def _has_rule(rule: tuple[str, ...]) -> bool:
    try:
        _run_program("iptables", "-w", "-t", "nat", "-C", *rule)
    except OSError:  # whatever it is, to set it tells
        return False
    return True


def _let_go(address: str, way: Way) -> None:
    """Also what was taken by half, or is gone already."""
    with suppress(OSError):  # first: iptables may have to wait, and another has it
        _run_program("ip", "address", "del", f"{address}/32", "dev", way.device)
    for rule in _rules(address, way):
        with suppress(OSError):
            while True:  # as often as it is there
                _run_program("iptables", "-w", "-t", "nat", "-D", *rule)


def _rules(address: str, way: Way) -> list[tuple[str, ...]]:
    lead = ("-d", f"{address}/32", "-j", "DNAT", "--to-destination", way.own)
    return [("PREROUTING", *lead), ("OUTPUT", *lead)]


def _announce(address: str, device: str) -> None:
    """Gratuitous ARP: a request for the address by who has it."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((device, 0x0806))
        own = fcntl.ioctl(wire, _SIOCGIFHWADDR, struct.pack("256s", device.encode()[:15]))[18:24]
        wire.send(arp(own, socket.inet_aton(address)))


def arp(own: bytes, address: bytes) -> bytes:
    """A frame to all."""
    head = b"\xff" * 6 + own + b"\x08\x06"
    return head + struct.pack("!HHBBH", 1, _IPV4, 6, 4, 1) + own + address + b"\0" * 6 + address


def _run_program(*words: str, limit_s: float = PROGRAM_S) -> str:
    """What it says. Raises OSError."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{' '.join(words)}: it did not end within {limit_s:g} s") from error
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
