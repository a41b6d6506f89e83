"""What a conductor tells of itself over HTTP: while it is well, without its database, without its lease."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.main.vitals import Vitals

if TYPE_CHECKING:
    from jeroboam.contracts import Store

WELL = {"process": "ok", "database": "ok", "conductor": "ok"}
LEASELESS = "its lease ran out: others take over its work, and it begins anew under another lease"


class Answering:
    async def ping(self) -> None:
        return


class Away:
    async def ping(self) -> None:
        raise ProviderUnavailable("The database does not answer.", after_s=3)


class Silent:
    async def ping(self) -> None:
        await asyncio.Event().wait()


class Pulse:
    def __init__(self, alive: bool = True) -> None:
        self._alive = alive

    def alive(self) -> bool:
        return self._alive


async def page() -> bytes:
    return b"jeroboam_leases 1.0\n"


async def asked(path: str, *, store: object = None, alive: bool = True, method: str = "GET") -> httpx.Response:
    app = Vitals(cast("Store", store or Answering()), Pulse(alive), page)
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9512") as client:
        return await client.request(method, path)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_one_that_is_well(path: str) -> None:
    answer = await asked(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {"checks": WELL}
    head = await asked(path, method="HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "0")


@pytest.mark.parametrize(
    ("store", "told", "after"),
    [
        (Away(), "The database does not answer.", "3"),
        (Silent(), "The database does not answer within 0.5 s.", "1"),
    ],
)
async def test_without_its_database_it_lives_and_is_not_ready(store: object, told: str, after: str) -> None:
    ready, alive = await asked("/readyz", store=store), await asked("/healthz", store=store)
    assert (ready.status_code, ready.headers["retry-after"]) == (503, after)
    assert alive.status_code == 200
    assert ready.json() == alive.json() == {"checks": {**WELL, "database": told}}


async def test_without_its_lease_it_lives_and_is_not_ready() -> None:
    ready, alive = await asked("/readyz", alive=False), await asked("/healthz", alive=False)
    assert (ready.status_code, ready.headers["retry-after"], alive.status_code) == (503, "1", 200)
    assert ready.json() == alive.json() == {"checks": {**WELL, "conductor": LEASELESS}}


async def test_its_numbers_are_in_prometheus_format() -> None:
    answer = await asked("/metrics")
    assert (answer.status_code, answer.text) == (200, "jeroboam_leases 1.0\n")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_there_is_nothing_else() -> None:
    refused = await asked("/metrics", method="POST")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    absent = await asked("/v1/clusters")
    assert (absent.status_code, absent.json()) == (404, {"paths": ["/healthz", "/readyz", "/metrics"]})
