"""A conductor's own /healthz, /readyz and /metrics, for a process that serves no API. They need no caller and tell of no tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ..domain.errors import RetryLater

if TYPE_CHECKING:
    from ..contracts import Store

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_Answer = tuple[int, bytes, Mapping[str, str]]
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SOON_S = 0.5  # probes wait for a second unless told otherwise. Source: Kubernetes API v1.34, Probe.timeoutSeconds
_LEASELESS = "its lease ran out: others take over its work, and it begins anew under another lease"


class Beats(Protocol):
    """conductor.Pulse."""

    def alive(self) -> bool: ...


class Vitals:
    """An ASGI application of three paths."""

    def __init__(self, store: Store, pulse: Beats, metrics: Callable[[], Awaitable[bytes]]) -> None:
        self._store, self._pulse, self._metrics = store, pulse, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = {"/healthz": self._health, "/readyz": self._ready, "/metrics": self._numbers}.get(scope["path"])
        if page is None:
            await _reply(send, 404, msgspec.json.encode({"paths": ["/healthz", "/readyz", "/metrics"]}))
        elif scope["method"] not in ("GET", "HEAD"):
            await _reply(send, 405, b"", {"allow": "GET, HEAD"})
        else:
            status, body, headers = await page()
            await _reply(send, status, b"" if scope["method"] == "HEAD" else body, headers)

    async def _health(self) -> _Answer:
        """200 while the process answers: to end it helps nobody while the database is away."""
        checks, _ = await self._checks()
        return 200, msgspec.json.encode({"checks": checks}), {}

    async def _ready(self) -> _Answer:
        """200 while it can work: the database answers, and the lease is its own."""
        checks, after_s = await self._checks()
        well = all(told == "ok" for told in checks.values())
        headers = {} if well else {"retry-after": str(max(1, round(after_s)))}
        return 200 if well else 503, msgspec.json.encode({"checks": checks}), headers

    async def _numbers(self) -> _Answer:
        return 200, await self._metrics(), {"content-type": _METRICS_TYPE}

    async def _checks(self) -> tuple[dict[str, str], float]:
        """What is well and what is not, in words; when to ask again."""
        database, after_s = "ok", 1.0
        try:
            async with asyncio.timeout(_SOON_S):
                await self._store.ping()
        except RetryLater as error:
            database, after_s = error.message, error.after_s
        except TimeoutError:
            database = f"The database does not answer within {_SOON_S:g} s."
        lease = "ok" if self._pulse.alive() else _LEASELESS
        return {"process": "ok", "database": database, "conductor": lease}, after_s


async def _reply(send: Send, status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> None:
    named = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    pairs = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
