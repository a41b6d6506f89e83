"""The API in process: a real SqlStore on SQLite, the fake provider and driver, and a caller chosen by headers."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from jeroboam import identity
from jeroboam.api import ApiSettings, create_app
from jeroboam.contracts import Driver, ProjectLookup, Provider
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.service import Policy, Services, ServiceSettings
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing.builders import ManualClock
from jeroboam.testing.stage import Stage

POLICY = Policy()
FREE = "0b6e8f0e-aaaa-4000-8000-000000000001"  # a template "free" that no cluster uses, of the fixture `api`
TEMPLATE = {"coe": "kubernetes", "image_id": "fake-image", "name": "k8s"}


@dataclass
class Api:
    """A client of the application, and what lies behind it. `as_` gives the same as somebody else."""

    services: Services
    stage: Stage
    clock: ManualClock
    transport: httpx.ASGITransport
    headers: dict[str, str] = field(default_factory=dict)

    def as_(self, user: str, project: str = "project-1", roles: str = "member,reader", **more: str) -> Api:
        who = {"X-User-Id": user, "X-Project-Id": project, "X-Roles": roles, **more}
        return Api(self.services, self.stage, self.clock, self.transport, self.headers | who)

    def at(self, version: str) -> Api:
        asked = {"OpenStack-API-Version": f"container-infra {version}"}
        return Api(self.services, self.stage, self.clock, self.transport, self.headers | asked)

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = self.headers | more.pop("headers", {})
        async with httpx.AsyncClient(
            transport=self.transport, base_url="http://127.0.0.1:9511", trust_env=False
        ) as client:
            return await client.request(method, path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.call("GET", path, **more)

    async def post(self, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return await self.call("POST", path, json=json, **more)

    async def patch(self, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return await self.call("PATCH", path, json=json, **more)

    async def delete(self, path: str, **more: Any) -> httpx.Response:
        return await self.call("DELETE", path, **more)

    async def template(self, **changes: Any) -> str:
        """A template's uuid."""
        made = await self.post("/v1/clustertemplates", {**TEMPLATE, **changes})
        assert made.status_code == 201, made.text
        return str(made.json()["uuid"])

    async def cluster(self, **changes: Any) -> str:
        """A cluster's uuid, just asked for."""
        body = {"name": "demo", **changes}
        if "cluster_template_id" not in body:
            body["cluster_template_id"] = await self.template()
        made = await self.post("/v1/clusters", body)
        assert made.status_code == 202, made.text
        return str(made.json()["uuid"])

    async def finished(self, uuid: str) -> str:
        """Run the newest operation of a cluster to its end, as a conductor would; its state."""
        [newest, *_] = await self.stage.store.list_operations(uuid)
        return (await self.stage.run(newest)).state


Maker = Callable[..., Api]


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its schema and nothing in it: migrating once saves most of each test's time."""
    path = tmp_path_factory.mktemp("blank") / "blank.sqlite"

    async def build() -> None:
        store = SqlStore(f"sqlite:///{path}", Sealer(b"k" * 32), ManualClock())
        await store.start()
        await store.stop()

    asyncio.run(build())
    return path


@pytest.fixture
async def make(tmp_path: Path, blank: Path) -> AsyncIterator[Maker]:
    """Builds an Api with other parts than the usual ones."""
    clock = ManualClock()
    shutil.copy(blank, tmp_path / "api.sqlite")
    store = SqlStore(f"sqlite:///{tmp_path}/api.sqlite", Sealer(b"k" * 32), clock)

    def build(
        *,
        settings: ServiceSettings | None = None,
        api: ApiSettings | None = None,
        drivers: dict[str, Driver] | None = None,
        provider: Provider | None = None,
        policy: Policy = POLICY,
    ) -> Api:
        chosen: Provider = provider or FakeProvider(Cloud(), boot_s=0)
        loaded: dict[str, Driver] = drivers or {"fake": FakeDriver()}
        services = Services(
            store=store,
            providers={"fake": chosen},
            default_provider="fake",
            drivers=loaded,
            clock=clock,
            policy=policy,
            settings=settings or ServiceSettings(),
            projects=chosen.catalogue if isinstance(chosen.catalogue, ProjectLookup) else None,
        )
        app = create_app(
            services=services, identity=identity.create("trusted_headers", {}), settings=api or ApiSettings()
        )
        stage = Stage(store, chosen, next(iter(loaded.values())), clock)
        return Api(services, stage, clock, httpx.ASGITransport(app=cast("Any", app)))

    yield build
    await store.stop()


@pytest.fixture
def anonymous(make: Maker) -> Api:
    """Nobody in particular."""
    return make()


@pytest.fixture
def member(anonymous: Api) -> Api:
    """A member and reader of project-1."""
    return anonymous.as_("user-1")


@pytest.fixture
def admin(anonymous: Api) -> Api:
    """An administrator, of a project of his own."""
    return anonymous.as_("root", "admin", "admin")


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """For tests that are no coroutines, because hypothesis calls them many times."""
    with asyncio.Runner() as made:
        yield made


@pytest.fixture
def api(runner: asyncio.Runner, make: Maker) -> Api:
    """A member and administrator with a free template and a finished cluster "demo", at the latest version."""
    member = make().as_("user-1", roles="member,reader,admin").at("latest")

    async def prepare() -> None:
        await member.template(name="free", uuid=FREE)
        assert await member.finished(await member.cluster()) == "succeeded"

    runner.run(prepare())
    return member
