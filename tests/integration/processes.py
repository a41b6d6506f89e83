"""Services as real processes: started, asked, stopped, killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

START_S = 100.0  # a busy machine imports slowly


class Service:
    """A process in a session of its own; nothing of it may be left after the test."""

    def __init__(self, arguments: list[str], folder: Path, port: int, env: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._out, self._err = (folder / f"{port}.{time.monotonic_ns()}.{name}" for name in ("out", "err"))
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jeroboam.entry", *arguments],
                stdout=out,
                stderr=err,
                start_new_session=True,
                env={**os.environ, **env},
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def await_answer(self) -> None:
        end = time.monotonic() + START_S
        while True:
            assert self.process.poll() is None, self.err
            assert time.monotonic() < end, f"no answer within {START_S} s; {self.err}"
            try:
                httpx.get(self.url, timeout=5).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return

    def end(self) -> int:
        """The exit code of a process that ends by itself."""
        return self.process.wait(timeout=START_S)

    def stop(self, number: int) -> tuple[int, float]:
        """Exit code and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(timeout=30), time.monotonic() - began

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=20)

    def call(self, method: str, path: str, body: object = None) -> Any:
        answer = httpx.request(method, self.url + path, json=body, timeout=10)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def create_cluster(self, workers: int = 1) -> str:
        template = {"name": "k8s", "image_id": "fake-image", "coe": "kubernetes"}
        made = self.call("POST", "/v1/clustertemplates", template)
        wish = {"name": "demo", "cluster_template_id": made["uuid"], "node_count": workers}
        return str(self.call("POST", "/v1/clusters", wish)["uuid"])

    def await_status(self, uuid: str, status: str, within_s: float) -> None:
        end = time.monotonic() + within_s
        while (seen := self.call("GET", f"/v1/clusters/{uuid}")["status"]) != status:
            assert time.monotonic() < end, f"{seen} and not {status} after {within_s} s; {self.err}"
            time.sleep(0.05)

    def await_step(self, uuid: str, name: str, within_s: float = 20) -> None:
        end = time.monotonic() + within_s
        [operation] = self.call("GET", f"/ext/v1/clusters/{uuid}/operations")["operations"]
        path = f"/ext/v1/operations/{operation['uuid']}/steps"
        while name not in (step["name"] for step in self.call("GET", path)["steps"]):
            assert time.monotonic() < end, f"no step {name} after {within_s} s"
            time.sleep(0.02)


class Stage:
    """Starts services and ends what is left of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.services: list[Service] = []

    def start(self, *arguments: str, port: int | None = None, **env: str) -> Service:
        home = {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")}
        made = Service(list(arguments), self.folder, port or self.port, {**home, **env})
        self.services.append(made)
        return made

    def up(self, *, data: Path | None = None, port: int | None = None, **env: str) -> Service:
        where = ["--data", str(data or self.data), "--port", str(port or self.port)]
        return self.start("up", "--provider", "fake", *where, port=port, **env)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def said(service: Service, event: str) -> dict[str, str] | None:
    """The last line of its log that says so."""
    lines = [json.loads(line) for line in service.err.splitlines() if event in line]
    return next((line for line in reversed(lines) if line["event"] == event), None)


def await_line(service: Service, event: str, within_s: float) -> dict[str, str]:
    """The same, as soon as it is there; fails when the process ends before."""
    ends = time.monotonic() + within_s
    while (found := said(service, event)) is None:
        assert time.monotonic() < ends, f"not within {within_s} s: {event}; {service.err}"
        assert service.process.poll() is None, service.err
        time.sleep(0.05)
    return found
