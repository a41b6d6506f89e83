"""The table from error to status: no class is without an answer, also those that only plug-ins raise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

if TYPE_CHECKING:
    from tests.api.conftest import Api

from jeroboam.api.errors import answer
from jeroboam.domain.errors import ConfigError, JeroboamError, UserError


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UserError("No such zone.", hint="Name another."), 400, "client"),
        (JeroboamError("It broke.", hint="Look at it."), 500, "server"),
    ],
)
def test_the_roots_of_the_tree_have_an_answer(error: JeroboamError, status: int, code: str) -> None:
    made = answer(error, "req-1")
    assert made.status == status
    [entry] = json.loads(made.body)["errors"]
    assert (entry["status"], entry["code"], entry["detail"]) == (status, code, f"{error.message} {error.hint}")


def test_what_only_the_operator_can_mend_is_told_to_the_operator() -> None:
    error = ConfigError("Keystone does not let the user jeroboam in.", hint="Look at [keystone_authtoken].")
    with capture_logs() as logs:
        made = answer(error, "req-1")
    [entry] = json.loads(made.body)["errors"]
    assert (made.status, entry["detail"]) == (
        500,
        "Keystone does not let the user jeroboam in. The operator of this service can mend it: its log has how, at the request req-1.",
    )
    assert [(line["request_id"], line["hint"]) for line in logs] == [("req-1", "Look at [keystone_authtoken].")]


@pytest.mark.parametrize("junk", [b"\xff\x80", b"p" * 256, b"a\tb"])
@pytest.mark.parametrize("header", ["X-User-Id", "X-Project-Id"])
async def test_who_calls_is_an_id(member: Api, header: str, junk: bytes) -> None:
    answer = await member.get("/v1/clusters", headers={header: junk})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"].startswith(f"Header {header.lower()} is no id: ")
