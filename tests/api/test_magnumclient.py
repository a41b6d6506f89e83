"""The real python-magnumclient as its users call it, against a server on a free loopback port."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import uvicorn
from keystoneauth1 import http_basic, noauth, session
from magnumclient import exceptions  # type: ignore[import-untyped]
from magnumclient.v1 import client  # type: ignore[import-untyped]

from jeroboam import identity
from jeroboam.api import create_app
from jeroboam.contracts import Identity, SystemClock
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.service import Policy, Services
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing.stage import Stage

pytestmark = pytest.mark.sockets


async def _serve(
    path: Path, who: Identity, listener: socket.socket, ready: threading.Event, parts: dict[str, Any]
) -> None:
    store = SqlStore(f"sqlite:///{path}/client.sqlite", Sealer(b"k" * 32), SystemClock())
    await store.start()
    driver, provider = FakeDriver(), FakeProvider(Cloud(), boot_s=0)
    services = Services(
        store=store,
        providers={"fake": provider},
        default_provider="fake",
        drivers={"fake": driver},
        clock=SystemClock(),
        policy=Policy(),
    )
    app = create_app(services=services, identity=who)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
    parts |= {
        "server": server,
        "stage": Stage(store, provider, driver, SystemClock()),
        "loop": asyncio.get_running_loop(),
    }
    ready.set()
    await server.serve(sockets=[listener])
    await store.stop()


@contextmanager
def serving(path: Path, who: Identity) -> Iterator[tuple[str, dict[str, Any]]]:
    """URL of a running service, and what is behind it."""
    parts: dict[str, Any] = {}
    ready = threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=lambda: asyncio.run(_serve(path, who, listener, ready, parts)), daemon=True)
        thread.start()
        assert ready.wait(20)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", parts
        finally:
            parts["server"].should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def run_newest(parts: dict[str, Any], cluster: str) -> str:
    """Let a conductor run the newest operation of the cluster."""

    async def run() -> str:
        stage: Stage = parts["stage"]
        [newest, *_] = await stage.store.list_operations(cluster)
        return (await stage.run(newest)).state

    return asyncio.run_coroutine_threadsafe(run(), parts["loop"]).result(30)


@pytest.mark.parametrize("suffix", ["", "/v1"])
def test_a_cluster_lives_and_dies_through_the_real_client(tmp_path: Path, suffix: str) -> None:
    with serving(tmp_path, identity.create("none", {})) as (url, parts):
        magnum = client.Client(
            session=session.Session(auth=noauth.NoAuth(endpoint=url + suffix)),
            endpoint_override=url + suffix,
            api_version="latest",
        )
        template = magnum.cluster_templates.create(
            name="k8s", coe="kubernetes", image_id="fake-image", external_network_id="public", labels={"a": "b"}
        )
        assert (template.name, template.cluster_distro, template.labels) == ("k8s", "debian", {"a": "b"})
        assert [one.uuid for one in magnum.cluster_templates.list()] == [template.uuid]

        made = magnum.clusters.create(name="demo", cluster_template_id="k8s", node_count=2, master_count=1)
        assert run_newest(parts, made.uuid) == "succeeded"
        cluster = magnum.clusters.get("demo")
        assert (cluster.status, cluster.node_count, cluster.master_count) == ("CREATE_COMPLETE", 2, 1)
        assert (len(cluster.node_addresses), len(cluster.master_addresses)) == (2, 1)
        made_side_by_side = sorted(cluster.node_addresses + cluster.master_addresses)  # in any order
        assert made_side_by_side == ["10.0.0.11", "10.0.0.12", "10.0.0.13"]
        assert [one.name for one in magnum.clusters.list(limit=1)] == ["demo"]
        groups = magnum.nodegroups.list("demo")
        assert [(one.name, one.role, one.node_count) for one in groups] == [
            ("default-master", "master", 1),
            ("default-worker", "worker", 2),
        ]
        assert magnum.certificates.get(cluster_uuid=cluster.uuid).pem.startswith("-----BEGIN CERTIFICATE-----")
        assert magnum.quotas.get("admin", "Cluster").hard_limit == 20
        assert magnum.stats.list(project_id="admin").nodes == 3
        assert magnum.mservices.list() == []

        magnum.clusters.delete("demo")
        assert run_newest(parts, made.uuid) == "succeeded"
        with pytest.raises(exceptions.NotFound, match="Cluster demo could not be found"):
            magnum.clusters.get("demo")
        magnum.cluster_templates.delete("k8s")
        assert magnum.cluster_templates.list() == []


def test_passwords_through_the_real_client(tmp_path: Path) -> None:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (tmp_path / "passwords").write_text(f"alice:{hashed}:web:member,reader\n")
    who = identity.create("basic", {"file": str(tmp_path / "passwords")})
    with serving(tmp_path, who) as (url, _):
        for password in ("secret", "wrong"):
            auth = http_basic.HTTPBasicAuth(endpoint=url, username="alice", password=password)
            magnum = client.Client(session=session.Session(auth=auth), endpoint_override=url, api_version="latest")
            if password == "wrong":
                with pytest.raises(exceptions.Unauthorized):
                    magnum.clusters.list()
            else:
                made = magnum.cluster_templates.create(name="k8s", coe="kubernetes", image_id="fake-image")
                assert (made.project_id, made.user_id) == ("web", "alice")
