"""The documents against the API: whatever they allow or forbid is answered as they say, and never with a 500."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.api.fuzzing import BUDGET, shaped

from jeroboam.api import openapi

if TYPE_CHECKING:
    from tests.api.conftest import Api

HOST = "http://127.0.0.1:9511"
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
LATEST = {"OpenStack-API-Version": "container-infra latest"}
QUICK = settings(
    max_examples=10 * BUDGET,
    deadline=None,
    derandomize=BUDGET == 1,
    suppress_health_check=list(HealthCheck),
)


def operations() -> list[Any]:
    found: list[Any] = []
    for document in openapi.documents().values():
        found += schemathesis.openapi.from_dict(document).get_all_operations()
    return [one.ok() for one in found]


async def places(api: Api, path: str) -> dict[str, str]:
    """What the placeholders of a path may stand for so that something is there."""
    if "{uuid}" in path:
        [newest, *_] = (await api.get("/ext/v1/clusters/demo/operations")).json()["operations"]
        return {"uuid": newest["uuid"]}
    ident = "free" if "clustertemplates" in path else "default-worker" if "nodegroups" in path else "demo"
    known = {"ident": ident, "cluster": "demo", "project": "project-1", "resource": "Cluster", "name": "fake"}
    return {name: value for name, value in known.items() if f"{{{name}}}" in path}


async def send(api: Api, case: Any) -> httpx.Response:
    """The request as Schemathesis means it, byte for byte."""
    wanted = case.as_transport_kwargs(base_url=HOST)
    known = {
        key: wanted[key] for key in ("method", "url", "headers", "params", "cookies", "data", "json") if key in wanted
    }
    made: Any = requests.Request(**known).prepare()
    headers = {**api.headers, **made.headers}
    content = made.body.encode() if isinstance(made.body, str) else made.body
    request = httpx.Request(str(made.method), str(made.url), headers=headers, content=content)
    async with httpx.AsyncClient(transport=api.transport, trust_env=False) as client:
        return await client.send(request)


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.label)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
def test_answers_are_those_of_the_document(
    runner: asyncio.Runner, api: Api, operation: Any, mode: GenerationMode
) -> None:
    known = runner.run(places(api, operation.path))
    at_home = operation.as_strategy(mode, path_parameters=known, headers=LATEST)
    anywhere = operation.as_strategy(mode)

    @QUICK
    @given(st.tuples(st.just(True), at_home) | st.tuples(st.just(False), anywhere))
    def ask(drawn: tuple[bool, Any]) -> None:
        sure, case = drawn
        answer = runner.run(send(api, case))
        answer.elapsed = timedelta()  # which httpx sets only for streams that it closes
        if not sure and answer.status_code in (404, 405):  # a generated name may lead to another path
            shaped(answer)
        else:
            case.validate_response(answer, checks=CHECKS)

    ask()
