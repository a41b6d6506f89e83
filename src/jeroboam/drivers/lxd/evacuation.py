"""Making a member safe to remove: its system containers move, then it is struck off."""

from __future__ import annotations

import asyncio

from ...domain.errors import DeadlineExceeded, ProviderRefused
from .api import LxdApi

_LIMIT_S = 300.0
_LOOK_S = 0.5
_SUCCESS, _FAILURE = 200, 400
_AWAY = "Offline"


async def release(api: LxdApi, name: str, *, dead: bool = False, limit_s: float = _LIMIT_S) -> None:
    """`dead`: known to be, though LXD may call it online for 20 s more; one that goes offline meanwhile is waited for no longer.
    Repeatable; unknown members count as released. Raises DeadlineExceeded (still there), ProviderRefused (cannot move)."""
    status = await _status(api, name)
    if status is None:
        return
    away = dead or status == _AWAY or not await _evacuated(api, name, limit_s)
    refused = await api.remove_member(name, force=away)
    if refused:
        raise ProviderRefused(
            f"LXD does not let {name} go: {refused}.",
            hint="Move or delete what is on it (`lxc list`, `lxc move NAME --target MEMBER`), then retry.",
        )


async def _status(api: LxdApi, name: str) -> str | None:
    """None when LXD does not know it."""
    return next((str(one["status"]) for one in await api.members() if one["server_name"] == name), None)


async def _evacuated(api: LxdApi, name: str, limit_s: float) -> bool:
    """False when it went offline before all had moved."""
    said = ""
    try:
        async with asyncio.timeout(limit_s):
            operation = await api.evacuate(name)
            while operation:
                state = await api.operation(operation)
                said = str(state.get("err") or "")
                if state["status_code"] == _SUCCESS:
                    return True
                if state["status_code"] >= _FAILURE:
                    break
                if await _status(api, name) == _AWAY:
                    return False
                await asyncio.sleep(_LOOK_S)
            else:
                return True
    except TimeoutError:
        said = f"not within {limit_s:g} s"
    raise DeadlineExceeded(
        f"{name}: its system containers did not leave: {said}.",
        hint="Look with `lxc cluster show`; make room on the other members, or stop what cannot move, then retry.",
    )
