"""Load on an HTTP service from a process of its own: keep-alive connections that ask one after the other. Used by api.py.

Reads a job as JSON from stdin (port, connections, seconds, requests as method, path, headers, body) and writes what it saw to stdout.
It speaks just enough HTTP/1.1 to cost less than the service that it measures.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

_LATE_S = 60.0


def wire(port: int, request: dict[str, Any]) -> bytes:
    """One request as bytes."""
    body = json.dumps(request["body"]).encode() if request.get("body") is not None else b""
    headers = {"Host": f"127.0.0.1:{port}", "Accept": "application/json", **request["headers"]}
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{request['method']} {request['path']} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Read the whole answer. Raises RuntimeError with its body when it is no success."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(int(length.partition(b":")[2]))
    status = int(head[9:12])
    if status >= 300:
        raise RuntimeError(f"{request.partition(b' HTTP')[0].decode()}: {status} {body.decode()[:500]}")


async def connection(port: int, requests: Iterator[bytes], ends: float, seen: list[float]) -> None:
    """Ask until the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (began := time.perf_counter()) < ends:
        await asyncio.wait_for(ask(reader, writer, next(requests)), _LATE_S)
        seen.append(time.perf_counter() - began)
    writer.close()


async def load(job: dict[str, Any]) -> dict[str, Any]:
    """Latencies in seconds, and how long it took."""
    requests = itertools.cycle([wire(job["port"], request) for request in job["requests"]])
    seen: list[float] = []
    began = time.perf_counter()
    ends = began + job["seconds"]
    await asyncio.gather(*(connection(job["port"], requests, ends, seen) for _ in range(job["connections"])))
    return {"took_s": time.perf_counter() - began, "latencies_s": sorted(seen)}


if __name__ == "__main__":
    json.dump(asyncio.run(load(json.load(sys.stdin))), sys.stdout)
