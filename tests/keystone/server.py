"""The stand-in as a server: a thread with an event loop of its own, which can go away and come back on the same port."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Mapping
from types import TracebackType

import uvicorn

from .app import App, Mood
from .realm import Realm

_STARTS_WITHIN_S = 20.0


class Keystone:
    """Serves between `with` and its end. `endpoints` are the catalogue: URL by service type, or by (type, interface).

    `mood` makes it answer with errors or late; `go_away` and `come_back` close and open its port.
    """

    def __init__(
        self,
        endpoints: Mapping[str | tuple[str, str], str] | None = None,
        *,
        realm: Realm | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.realm = realm or Realm()
        self.mood = Mood()
        self._host, self._port = host, port
        self._endpoints = dict(endpoints or {})
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def root(self) -> str:
        """scheme://host:port."""
        return f"http://{self._host}:{self._port}"

    @property
    def url(self) -> str:
        """What OS_AUTH_URL is set to."""
        return f"{self.root}/v3"

    def __enter__(self) -> Keystone:
        self.come_back()
        self.offer("identity", dict.fromkeys(_INTERFACES, self.url), name="keystone")
        for key, url in self._endpoints.items():
            kind, names = (key, _INTERFACES) if isinstance(key, str) else (key[0], (key[1],))
            self.offer(kind, dict.fromkeys(names, url))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.go_away()

    def offer(self, kind: str, urls: Mapping[str, str], *, name: str = "") -> None:
        """Put a service into the catalogue: URL by interface. Several calls for one type add to it."""
        found = [one for one in self.realm.tables["services"].values() if one["type"] == kind]
        named = name or _NAMES.get(kind, kind)
        service = found[0] if found else self.realm.add("services", type=kind, name=named, enabled=True)
        for interface, url in urls.items():
            place = {"service_id": service["id"], "region_id": "RegionOne", "enabled": True}
            self.realm.add("endpoints", interface=interface, url=url, **place)

    def come_back(self) -> None:
        """Open the port; the same one again after `go_away`."""
        if self._server is not None:
            return
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((self._host, self._port))
        self._port = listening.getsockname()[1]
        config = uvicorn.Config(
            App(self.realm, self.mood), log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        server = self._server = uvicorn.Server(config)
        started = threading.Event()
        self._thread = threading.Thread(target=_serve, args=(server, listening, started), daemon=True)
        self._thread.start()
        if not started.wait(_STARTS_WITHIN_S):
            raise TimeoutError("the Keystone stand-in did not start")

    def go_away(self) -> None:
        """Close the port and every connection: clients get `connection refused`."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_STARTS_WITHIN_S)
            self._server = self._thread = None

    def token(self, user: str, password: str, project: str | None = None) -> str:
        """A token as a login would give it, without HTTP."""
        from . import tokens

        default = {"id": "default"}
        scope: object = {"project": {"name": project, "domain": default}} if project else "unscoped"
        login = {"methods": ["password"], "password": {"user": {"name": user, "password": password, "domain": default}}}
        return tokens.authenticate(self.realm, {"auth": {"identity": login, "scope": scope}}).id


_INTERFACES = ("public", "internal", "admin")
_NAMES = {"container-infra": "magnum", "compute": "nova", "network": "neutron", "image": "glance"}


def _serve(server: uvicorn.Server, listening: socket.socket, started: threading.Event) -> None:
    async def main() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        started.set()
        await serving

    try:
        asyncio.run(main())
    finally:
        listening.close()
