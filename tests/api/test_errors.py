"""The table from error to status: no class is without an answer, also those that only plug-ins raise."""

from __future__ import annotations

import json

import pytest

from jeroboam.api.errors import answer
from jeroboam.domain.errors import JeroboamError, UserError


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
