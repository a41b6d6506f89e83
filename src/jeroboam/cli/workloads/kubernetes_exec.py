"""A program inside a pod, over the WebSocket protocol v4.channel.k8s.io: each message begins with the number of its channel.

Source: Kubernetes v1.34, staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import httpcore

from ..errors import BadAnswer, CliError, Unreachable, WaitTimeout
from . import websocket
from .patience import Patience
from .session import Session
from .workload import Outcome

_PROTOCOL = "v4.channel.k8s.io"
_STDOUT, _STDERR, _STATUS = 1, 2, 3


def execute(session: Session, path: str, argv: Sequence[str], timeout_s: float) -> Outcome:
    """Run it to its end. Raises WaitTimeout; the program goes on then, since nobody can call it back."""
    query = urlencode([*(("command", word) for word in argv), ("stdout", "1"), ("stderr", "1")])
    key = websocket.new_key()
    wanted = websocket.headers(key, _PROTOCOL)
    patience = Patience(timeout_s)
    with session.opened("GET", f"{path}?{query}", headers=wanted, timeout_s=timeout_s) as answer:
        accepted = websocket.accepts(key, answer.headers.get("sec-websocket-accept", ""))
        if answer.status_code != 101 or not accepted:
            raise BadAnswer(f"The Kubernetes API of {session.cluster} does not speak WebSocket.")
        socket = websocket.WebSocket(answer.extensions["network_stream"], lambda: patience.left_s or 0.001)
        try:
            return _outcome(socket)
        except httpcore.ReadTimeout:
            raise WaitTimeout(f"{argv[0]} does not end within {timeout_s:g} s; it goes on.") from None
        except (websocket.Broken, httpcore.NetworkError) as error:
            raise Unreachable(f"The connection to {session.cluster} broke: {error}.", hint="Try again.") from None


def _outcome(socket: websocket.WebSocket) -> Outcome:
    said = {_STDOUT: bytearray(), _STDERR: bytearray(), _STATUS: bytearray()}
    for message in socket.messages():
        if message and message[0] in said:
            said[message[0]] += message[1:]
    return Outcome(exit_code(bytes(said[_STATUS])), bytes(said[_STDOUT]), bytes(said[_STDERR]))


def exit_code(status: bytes) -> int:
    """What the Status on the last channel says. Raises CliError when the program could not be started."""
    found: Any = None
    with suppress(ValueError):
        found = json.loads(status)
    if not isinstance(found, dict):
        raise CliError("The cluster did not tell how the program ended.", hint="Try again.")
    if found.get("status") == "Success":
        return 0
    for cause in (found.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise CliError(f"The program could not be run: {' '.join(str(found.get('message')).split())}")
