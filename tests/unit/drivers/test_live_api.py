"""What an answer of a live cluster means, whatever the tool."""

import httpx
import pytest

from jeroboam.domain.errors import CoeRefused, CoeUnreachable
from jeroboam.drivers.live_api import LiveApi
from jeroboam.drivers.lxd.api import LxdApi
from jeroboam.drivers.swarm.engine import Engine


def answering(kind: type[LiveApi], status: int) -> LiveApi:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, text="no"))
    return kind(httpx.AsyncClient(base_url="https://192.0.2.1:1", transport=transport))


@pytest.mark.parametrize("status", [401, 403])
async def test_a_plain_no_is_not_asked_again(status: int) -> None:
    engine, lxd = answering(Engine, status), answering(LxdApi, status)
    assert isinstance(engine, Engine)
    assert isinstance(lxd, LxdApi)
    with pytest.raises(CoeRefused, match=f"^The Docker API answers GET /v1.41/info with {status}: no$"):
        await engine.info()
    with pytest.raises(CoeRefused, match=f"^The LXD API answers GET /1.0 with {status}: no$"):
        await lxd.server()


async def test_a_swarm_without_a_leader_passes() -> None:
    engine = answering(Engine, 503)
    assert isinstance(engine, Engine)
    with pytest.raises(CoeUnreachable, match=r"^The Docker API answers GET /v1\.41/nodes with 503: no$"):
        await engine.nodes()
