"""What all fuzz tests share: how long they look, and what every refusal looks like."""

from __future__ import annotations

import os
from typing import Any

BUDGET = int(os.environ.get("JEROBOAM_FUZZ", "1"))
"""Times the usual number of examples. Above 1 they are drawn anew at each run, else they are the same everywhere."""

ROUTER = (404, 405, 406)
"""Answers that may come without texts: no endpoint was reached."""


def shaped(answer: Any) -> None:
    """No fault of ours; and a refusal has the contract's shape."""
    assert answer.status_code < 500, answer.text
    if answer.status_code < 400:
        return
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-openstack-request-id"].startswith("req-")
    [error] = answer.json()["errors"]
    assert set(error) == {"request_id", "code", "status", "title", "detail", "links"}
    assert error["status"] == answer.status_code
    if error["code"] == "":
        assert (answer.status_code in ROUTER, error["detail"]) == (True, "")
    else:
        assert (error["code"], bool(error["detail"])) == ("client", True)
