"""/healthz, /readyz and /metrics: what they tell of a service that is well, that has no conductor, and whose database is away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from jeroboam import identity
from jeroboam.api import create_app
from jeroboam.domain.errors import ProviderUnavailable

if TYPE_CHECKING:
    from tests.api.conftest import Api

    from jeroboam.contracts import Store

SILENT = "none has given a sign of life for 180 s; what is asked for waits"


class Away:
    async def ping(self) -> None:
        raise ProviderUnavailable("The database does not answer.", after_s=3)


class Silent:
    async def ping(self) -> None:
        await asyncio.Event().wait()


async def of_broken(api: Api, method: str, path: str, store: object = None) -> httpx.Response:
    services = replace(api.services, store=cast("Store", store or Away()))
    app = create_app(services=services, identity=identity.create("none", {}))
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9511") as client:
        return await client.request(method, path)


async def test_a_service_that_is_well(anonymous: Api) -> None:
    await anonymous.stage.store.heartbeat("host-1", "magnum-conductor")
    for path in ("/healthz", "/readyz"):
        answer = await anonymous.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json() == {"checks": {"process": "ok", "database": "ok", "conductor": "ok"}}
        head = await anonymous.call("HEAD", path)
        assert (head.status_code, head.text) == (200, "")


async def test_without_a_conductor_requests_are_taken_and_it_is_told(anonymous: Api) -> None:
    assert (await anonymous.get("/readyz")).json()["checks"]["conductor"] == SILENT
    await anonymous.stage.store.heartbeat("host-1", "magnum-conductor")
    anonymous.clock.advance(181)
    answer = await anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["conductor"]) == (200, SILENT)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_without_the_database_it_lives_and_is_not_ready(anonymous: Api, method: str) -> None:
    ready = await of_broken(anonymous, method, "/readyz")
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "3")
    alive = await of_broken(anonymous, method, "/healthz")
    assert alive.status_code == 200
    if method == "GET":
        told = {"checks": {"process": "ok", "database": "The database does not answer."}}
        assert (ready.json(), alive.json()) == (told, told)


async def test_a_database_that_says_nothing_does_not_keep_the_process_from_saying_that_it_lives(anonymous: Api) -> None:
    async with asyncio.timeout(60):
        alive = await of_broken(anonymous, "GET", "/healthz", Silent())
    told = {"checks": {"process": "ok", "database": "The database does not answer within 0.5 s."}}
    assert (alive.status_code, alive.json()) == (200, told)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_they_are_only_read(anonymous: Api, path: str) -> None:
    answer = await anonymous.post(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_metrics_are_served_where_there_are_any(anonymous: Api) -> None:
    async def page() -> bytes:
        return b"jeroboam_leases 1.0\n"

    app = create_app(services=anonymous.services, identity=identity.create("trusted_headers", {}), metrics=page)
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9511") as client:
        answer = await client.get("/metrics")
    assert (answer.status_code, answer.text) == (200, "jeroboam_leases 1.0\n")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert (await anonymous.get("/metrics")).status_code == 404
