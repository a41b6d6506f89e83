"""The live engines of a cluster: are they there, and the end of their containers. Source: Docker Engine API v1.41."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from jeroboam import pki
from jeroboam.contracts import Access, CoeHealth, Machine, NodeHealth
from jeroboam.domain.errors import CoeUnreachable, DeadlineExceeded

PORT = 2376
_CALL_S = 10.0
_GRACE_S = 30  # what a container gets to end by itself
_RELEASE_S = 300.0


async def look(access: Access, expected: Sequence[Machine]) -> CoeHealth:
    """Raises CoeUnreachable when the cluster's own address does not answer."""
    async with _client(access) as client:
        try:
            answer = await client.get(f"{_base(access)}/version")
            version = str(answer.raise_for_status().json()["Version"])
        except (httpx.HTTPError, OSError, ValueError, KeyError) as error:
            raise CoeUnreachable(f"The Docker API at {access.api_address} does not answer: {_said(error)}.") from error
        nodes = tuple(await asyncio.gather(*(_node(client, machine) for machine in expected)))
    ready = all(node.ready for node in nodes)
    return CoeHealth(True, nodes, ready, coe_version=f"v{version}", container_version=f"docker {version}")


async def stop_containers(access: Access, machine: Machine) -> None:
    """All that run, side by side. Raises DeadlineExceeded naming the host when that takes more than 300 s."""
    if machine.address is None:
        return
    async with _client(access) as client:
        try:
            found = (await _ask(client, "GET", machine, "/containers/json")).json()
            async with asyncio.timeout(_RELEASE_S):
                await asyncio.gather(*(_stop(client, machine, str(one["Id"])) for one in found))
        except TimeoutError as error:
            raise DeadlineExceeded(f"The containers of {machine.name} do not stop within {_RELEASE_S:g} s.") from error
        except (httpx.HTTPError, OSError):
            return  # gone, or not the host that it was: nothing is left there to be stopped


async def _node(client: httpx.AsyncClient, machine: Machine) -> NodeHealth:
    if machine.address is None:
        return NodeHealth(machine.name, ready=False, reason="has no address yet")
    try:
        said = (await _ask(client, "GET", machine, "/version")).json()
        return NodeHealth(machine.name, ready=True, version=f"v{said['Version']}")
    except (httpx.HTTPError, OSError, ValueError, KeyError) as error:
        return NodeHealth(machine.name, ready=False, reason=f"its engine does not answer: {_said(error)}")


async def _stop(client: httpx.AsyncClient, machine: Machine, ident: str) -> None:
    path = f"/containers/{ident}/stop"
    await _ask(client, "POST", machine, path, fine=(304, 404), params={"t": str(_GRACE_S)}, timeout=_GRACE_S * 2)


async def _ask(
    client: httpx.AsyncClient, method: str, machine: Machine, path: str, *, fine: tuple[int, ...] = (), **more: Any
) -> httpx.Response:
    """One call to one host. Its certificate must bear the machine's name: an address may have gone to another."""
    url = f"https://{machine.address}:{PORT}/v1.41{path}"
    answer = await client.request(method, url, extensions={"sni_hostname": machine.name}, **more)
    return answer if answer.status_code in fine else answer.raise_for_status()


@asynccontextmanager
async def _client(access: Access) -> AsyncIterator[httpx.AsyncClient]:
    context = pki.client_context(access.ca_pem, access.cert_pem, access.key_pem)
    async with httpx.AsyncClient(verify=context, timeout=_CALL_S, trust_env=False) as client:
        yield client


def _base(access: Access) -> str:
    return "https://" + access.api_address.partition("://")[2]


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
