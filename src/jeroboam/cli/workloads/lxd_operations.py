"""LXD does long things in the background; here they are followed to their end. Source: LXD 5.0, doc/rest-api.md, "Background operation"."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..errors import CliError, Refused
from ..wire import Json
from .patience import Patience
from .session import Session

_LOOK_S = 10.0  # how long LXD holds one question open
_RUNNING, _SUCCESS = 103, 200
# What LXD answers, with 500, when the question's time is over and the operation is not. Source: LXD 5.0, lxd/operations.go.
_GOING_ON = "context deadline exceeded"
_AT_ONCE = 8
T = TypeVar("T")


def each(act: Callable[[T], None], things: Iterable[T]) -> None:
    """Some at once: LXD forgets an operation five seconds after its end, so somebody has to wait for each. Raises the first CliError,
    when all have ended."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        errors = [one.exception() for one in [pool.submit(act, thing) for thing in things]]
    for error in errors:
        if error is not None:
            raise error


class Operations:
    """Those of one cluster."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def end(self, begun: Json, patience: Patience, going_on: str) -> Json:
        """One that has ended well. Raises WaitTimeout saying that `going_on` is the case, CliError with LXD's reason."""
        way = str(begun["operation"]).partition("?")
        while True:
            found = self._looked(way[0], max(1, int(min(_LOOK_S, patience.left_s))))
            code = int(found["status_code"])
            if code == _SUCCESS:
                return found
            if code > _SUCCESS:
                reason = " ".join(str(found.get("err") or found.get("status")).split())
                raise CliError(f"{found.get('description')} failed on {self._session.cluster}: {reason}")
            patience.pause(going_on)

    def _looked(self, way: str, seconds: int) -> Json:
        """As it is then, or when the seconds are over."""
        try:
            return dict(self._session.get(f"{way}/wait", timeout=str(seconds))["metadata"])
        except Refused as error:
            if _GOING_ON not in error.message:
                raise
            return {"status_code": _RUNNING}
