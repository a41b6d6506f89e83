"""A program inside a pod, over the WebSocket protocol v4.channel.k8s.io: each message begins with the number of its channel.

Source: Kubernetes v1.34, staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import httpcore

from ..errors import BadAnswer, CliError, Unreachable, WaitTimeout
from . import missing, websocket
from .patience import Patience
from .session import Session
from .workload import Outcome

_PROTOCOL = "v4.channel.k8s.io"
_STDIN, _STDOUT, _STDERR, _STATUS = 0, 1, 2, 3
_SEND = b"send"
Said = dict[int, bytearray]


def execute(session: Session, path: str, argv: Sequence[str], timeout_s: float) -> Outcome:
    """Run it to its end. Raises WaitTimeout; the program goes on then, since nobody can call it back."""
    patience = Patience(timeout_s)
    with _connected(session, path, argv, patience) as socket:
        try:
            return _outcome(socket, _nothing(), argv[0])
        except httpcore.ReadTimeout:
            raise WaitTimeout(f"{argv[0]} does not end within {timeout_s:g} s; it goes on.") from None


def feed(
    session: Session,
    path: str,
    argv: Sequence[str],
    pieces: Iterable[bytes],
    patience: Patience,
    passed: Callable[[int], None],
) -> Outcome:
    """Run it to its end and give it this input if its first word is `send`, until it complains or ends; `passed` hears the count of
    bytes. Raises WaitTimeout; the program meets the end of its input then."""
    with _connected(session, path, argv, patience, stdin=True) as socket:
        said = _nothing()
        try:
            while not any(said.values()):  # each channel begins with an empty message
                _hear(socket, said)
            if said[_STDOUT].startswith(_SEND):
                with suppress(httpcore.WriteError):  # it ended while we sent; why, it has said before
                    _give(socket, said, pieces, passed)
            return _outcome(socket, said, argv[0])
        except (httpcore.ReadTimeout, httpcore.WriteTimeout):
            patience.check("The program does not end")
            raise Unreachable(f"The connection to {session.cluster} stands still.", hint="Try again.") from None


def _give(socket: websocket.WebSocket, said: Said, pieces: Iterable[bytes], passed: Callable[[int], None]) -> None:
    for piece in pieces:
        if socket.has_come():
            _hear(socket, said)
        if said[_STDERR] or said[_STATUS]:
            return
        socket.send(bytes([_STDIN]) + piece)
        passed(len(piece))


@contextmanager
def _connected(
    session: Session, path: str, argv: Sequence[str], patience: Patience, *, stdin: bool = False
) -> Iterator[websocket.WebSocket]:
    ends = [(name, "1") for name in ("stdin", "stdout", "stderr") if stdin or name != "stdin"]
    query = urlencode([*(("command", word) for word in argv), *ends])
    key = websocket.new_key()
    wanted = websocket.headers(key, _PROTOCOL)
    with session.opened("GET", f"{path}?{query}", headers=wanted, timeout_s=patience.left_s) as answer:
        accepted = websocket.accepts(key, answer.headers.get("sec-websocket-accept", ""))
        if answer.status_code != 101 or not accepted:
            raise BadAnswer(f"The Kubernetes API of {session.cluster} does not speak WebSocket.")
        try:
            yield websocket.WebSocket(answer.extensions["network_stream"], lambda: patience.left_s or 0.001)
        except (websocket.Broken, httpcore.NetworkError) as error:
            raise Unreachable(f"The connection to {session.cluster} broke: {error}.", hint="Try again.") from None


def _nothing() -> Said:
    return {_STDOUT: bytearray(), _STDERR: bytearray(), _STATUS: bytearray()}


def _hear(socket: websocket.WebSocket, said: Said) -> None:
    """One message. Raises Broken at the end of all."""
    message = next(socket.messages(), None)
    if message is None:
        raise websocket.Broken("the end before the program's")
    _keep(message, said)


def _keep(message: bytes, said: Said) -> None:
    if message and message[0] in said:
        said[message[0]] += message[1:]


def _outcome(socket: websocket.WebSocket, said: Said, program: str) -> Outcome:
    for message in socket.messages():
        _keep(message, said)
    return Outcome(exit_code(bytes(said[_STATUS]), program), bytes(said[_STDOUT]), bytes(said[_STDERR]))


def exit_code(status: bytes, program: str) -> int:
    """What the Status on the last channel says. Raises NoProgram, CliError when the program could not be started."""
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
    said = " ".join(str(found.get("message")).split())
    raise missing.of(said, program) or CliError(f"The program could not be run: {said}")
