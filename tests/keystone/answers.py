"""What goes over the wire besides the objects themselves: an answer, and the errors of the Identity API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """Status, JSON body (None: empty) and headers."""

    status: int
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return b"" if self.body is None else json.dumps(self.body).encode()


class Refused(Exception):
    """An error of the Identity API: `{"error": {"code", "title", "message"}}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(
            status, {"error": {"code": status, "title": HTTPStatus(status).phrase, "message": message}}
        )


def unauthorized() -> Refused:
    return Refused(401, "The request you have made requires authentication.")


def not_found(kind: str, ident: str) -> Refused:
    return Refused(404, f"Could not find {kind}: {ident}.")
