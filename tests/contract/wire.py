"""What the tables share: how an answer is read and how a patch is written."""

from __future__ import annotations

from typing import Any

HOST = "http://127.0.0.1:9511"
ABSENT = "0b6e8f0e-aaaa-4000-8000-000000000001"
WRONG = "Invalid input for field/attribute "
SERVICE = "container-infrastructure-management"


def detail(answer: Any) -> str:
    """The text of an error that a controller gave, after its shape is checked (3.1)."""
    [error] = answer.json()["errors"]
    assert set(error) == {"request_id", "code", "status", "title", "detail", "links"}
    assert (error["request_id"], error["code"], error["links"]) == ("", "client", [])
    assert error["status"] == answer.status_code
    assert error["title"] == error["detail"].split(".")[0]
    assert answer.headers["content-type"] == "application/json"
    return str(error["detail"])


def plain(status: int) -> dict[str, Any]:
    """The body of an error of the router: no texts."""
    empty = {"request_id": "", "code": "", "status": status, "title": "", "detail": "", "links": []}
    return {"errors": [empty]}


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def remove(path: str) -> dict[str, Any]:
    return {"op": "remove", "path": path}
