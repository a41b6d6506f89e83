"""As much of a WebSocket as a program's input and output take. Source: RFC 6455, sections 1.3, 5.2 and 5.5.

Whoever opens it hands over the stream of bytes after the 101; no extension is asked for, so none is understood.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

import httpcore

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_LOOK_S = 0.05
_LIMIT = 64 * 1024 * 1024  # of one message; the API servers send a few KiB at a time


class Stream(Protocol):
    """Bytes both ways: httpcore's NetworkStream."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes; b"" at the end."""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of them."""

    def get_extra_info(self, info: str) -> Any:
        """`is_readable`: whether something came."""


class Broken(Exception):
    """The other side does not speak the protocol, or is gone in the middle of a message."""


def headers(key: str, protocol: str) -> dict[str, str]:
    """Of the request that asks for the change of protocol."""
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": protocol,
    }


def new_key() -> str:
    """A key nobody has seen."""
    return base64.b64encode(os.urandom(16)).decode()


def accepts(key: str, answer: str) -> bool:
    """Whether Sec-WebSocket-Accept is the answer to this key."""
    return answer == base64.b64encode(hashlib.sha1((key + _MAGIC).encode(), usedforsecurity=False).digest()).decode()


class WebSocket:
    """A client's end. `left_s` tells how long a read may take."""

    def __init__(self, stream: Stream, left_s: Callable[[], float]) -> None:
        self._stream, self._left_s = stream, left_s
        self._held = b""

    def messages(self) -> Iterator[bytes]:
        """Each message whole, until the other side closes. Pings are answered. Raises Broken."""
        parts: list[bytes] = []
        while True:
            final, opcode, payload = self._frame()
            if opcode == _CLOSE:
                with suppress(httpcore.NetworkError):  # who closes may be gone
                    self._send(_CLOSE, payload[:2])
                return
            if opcode == _PING:
                self._send(_PONG, payload)
            elif opcode in (_CONTINUATION, _TEXT, _BINARY):
                parts.append(payload)
                if sum(map(len, parts)) > _LIMIT:
                    raise Broken(f"a message of more than {_LIMIT} bytes")
                if final:
                    yield b"".join(parts)
                    parts = []
            elif opcode != _PONG:
                raise Broken(f"opcode {opcode}")

    def send(self, content: bytes) -> None:
        """One message of bytes."""
        self._send(_BINARY, content)

    def has_come(self) -> bool:
        """Whether the other side began to say something. What wakes a TLS connection may be nothing of ours: hence a look."""
        if not self._held and self._stream.get_extra_info("is_readable"):
            with suppress(httpcore.ReadTimeout):
                self._held = self._stream.read(65536, timeout=_LOOK_S)
        return bool(self._held)

    def _frame(self) -> tuple[bool, int, bytes]:
        first, second = self._take(2)
        if first & 0x70 or second & 0x80:
            raise Broken("a frame with an extension, or masked by a server")
        length = second & 0x7F
        if length >= 126:
            length = int.from_bytes(self._take(2 if length == 126 else 8))
        if length > _LIMIT:
            raise Broken(f"a frame of {length} bytes")
        return bool(first & 0x80), first & 0x0F, self._take(length)

    def _take(self, count: int) -> bytes:
        while len(self._held) < count:
            more = self._stream.read(65536, timeout=self._left_s())
            if not more:
                raise Broken("the end in the middle of a frame")
            self._held += more
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def _send(self, opcode: int, payload: bytes) -> None:
        """A client masks what it sends."""
        mask = os.urandom(4)
        head = bytes([0x80 | opcode]) + _length(len(payload)) + mask
        self._stream.write(head + _masked(mask, payload), timeout=self._left_s())


def _length(count: int) -> bytes:
    if count < 126:
        return bytes([0x80 | count])
    return b"\xfe" + count.to_bytes(2) if count < 1 << 16 else b"\xff" + count.to_bytes(8)


def _masked(mask: bytes, payload: bytes) -> bytes:
    """As one number: byte by byte would hold up a large upload."""
    count = len(payload)
    key = (mask * (count // 4 + 1))[:count]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(count)
