"""Docker's two streams in one: a header of eight bytes (stream, three zeros, length) and the piece. Source: Docker Engine API, "attach"."""

from __future__ import annotations

from collections.abc import Iterator

STDOUT, STDERR = 1, 2
_HEADER = 8


def demultiplexed(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Stream and piece, in order. A piece that was cut off is given as far as it goes."""
    at = 0
    while at + _HEADER <= len(content):
        length = int.from_bytes(content[at + 4 : at + _HEADER])
        yield content[at], content[at + _HEADER : at + _HEADER + length]
        at += _HEADER + length
