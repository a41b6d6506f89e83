"""Faults of what the service itself stands on: its database, the identity service."""

import time
from datetime import timedelta

import httpx
import pytest
from tests.faults.conftest import Sight
from tests.integration.processes import Service
from tests.integration.test_postgres_service import PASSES_WITHIN_S, resize, server, service, stage
from tests.keystone import Keystone

from jeroboam import identity
from jeroboam.api.errors import answer
from jeroboam.domain.errors import IdentityUnavailable
from jeroboam.testing.postgres import PostgresServer

__all__ = ["server", "service", "stage"]
AWAY = timedelta(seconds=20)


@pytest.mark.fault("database-gone")
@pytest.mark.postgresql
@pytest.mark.sockets
@pytest.mark.timeout(300)
def test_the_database_is_gone_for_20_s(service: Service, server: PostgresServer, sight: Sight) -> None:
    uuid = service.create_cluster(workers=1)
    service.await_status(uuid, "CREATE_COMPLETE", PASSES_WITHIN_S)
    resize(service, uuid, 4)
    server.stop()
    sight.begins()
    back = time.monotonic() + AWAY.total_seconds()
    while time.monotonic() < back:
        sight.answer(httpx.get(f"{service.url}/v1/clusters/{uuid}", timeout=10))
        sight.begins()
        time.sleep(2)
    server.start()
    service.await_status(uuid, "UPDATE_COMPLETE", PASSES_WITHIN_S)
    assert service.call("GET", f"/v1/clusters/{uuid}")["node_count"] == 4


@pytest.mark.fault("identity-gone")
@pytest.mark.sockets
async def test_the_identity_service_is_gone(keystone: Keystone, sight: Sight) -> None:
    keystone.realm.add_user("jeroboam", "pass-jeroboam", "service", "service")
    account = {"username": "jeroboam", "password": "pass-jeroboam", "project_name": "service"}
    domains = {"user_domain_name": "Default", "project_domain_name": "Default"}
    settings = {"auth_url": keystone.url, "http_connect_timeout": "2", **account, **domains}
    mode = identity.create("keystone", settings)
    token = keystone.token("ada", "pass-ada", "blue")
    keystone.__exit__(None, None, None)
    sight.begins()
    with pytest.raises(IdentityUnavailable) as caught:
        await mode.authenticate({"x-auth-token": token}, "192.0.2.7")
    said = answer(caught.value, "req-1")
    assert (said.status, said.headers["Retry-After"]) == (503, "5")
    sight.plain(said.body.decode(), "transient")
