"""What end-to-end tests hold in their hands: a service as a process, a live cluster, and Docker's view of both."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from jeroboam.contracts import Machine
from jeroboam.providers.docker import DockerProvider, DockerSettings

PROGRAM = [sys.executable, "-m", "jeroboam"]
SOON_S = 180.0  # what a loaded machine may take for what is there within seconds otherwise
_STARTS_WITHIN_S = 180  # seconds of CPU where nobody else wants them; a loaded machine takes its time


def until(true: Callable[[], Any], within_s: float, what: str, every_s: float = 0.3) -> Any:
    """The first truthy answer. Fails with `what` was awaited after `within_s` seconds."""
    ends = time.monotonic() + within_s
    while True:
        found = true()
        if found:
            return found
        assert time.monotonic() < ends, f"not within {within_s:g} s: {what}"
        time.sleep(every_s)


def run(*argv: str, env: dict[str, str] | None = None, stdin: str | None = None, check: bool = True) -> str:
    """Output of a program; fails with what it said."""
    done = subprocess.run(
        argv, env={**os.environ, **(env or {})}, input=stdin, capture_output=True, text=True, timeout=300, check=False
    )
    assert not check or done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def traces(cluster: str) -> list[str]:
    """Everything that Docker has of a cluster."""
    label = f"label=jeroboam.cluster={cluster}"
    kinds = (("ps", "-aq"), ("volume", "ls", "-q"), ("network", "ls", "-q"))
    return [found for kind in kinds for found in run("docker", *kind, "--filter", label).split()]


def sweep(cluster: str) -> None:
    """Remove everything that Docker has of a cluster, without asking any service."""
    label = f"label=jeroboam.cluster={cluster}"
    for found in run("docker", "ps", "-aq", "--filter", label).split():
        run("docker", "rm", "-fv", found, check=False)
    for kind in ("volume", "network"):
        for found in run("docker", kind, "ls", "-q", "--filter", label).split():
            run("docker", kind, "rm", found, check=False)


def containers(cluster: str, role: str = "") -> list[str]:
    """Names of the cluster's running nodes, of one role if asked."""
    filters = ["--filter", f"label=jeroboam.cluster={cluster}"]
    filters += ["--filter", f"label=jeroboam.role={role}"] if role else []
    return sorted(run("docker", "ps", "--format", "{{.Names}}", *filters).split())


async def machines(cluster: str) -> list[Machine]:
    """The cluster's nodes as the provider sees them."""
    provider = DockerProvider(DockerSettings())
    await provider.start()
    found = list(await provider.list_machines(cluster))
    await provider.stop()
    return found


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Service:
    """`jeroboam up` with a data folder of its own. May be killed and started again. `argv` is another command in its place;
    `auth` are user and password of its requests."""

    folder: Path
    port: int = field(default_factory=free_port)
    env: dict[str, str] = field(default_factory=dict)
    argv: list[str] = field(default_factory=list)
    auth: tuple[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder.parent / "log").read_text(errors="replace")

    def start(self) -> None:
        """Until it answers; one that does not is killed."""
        argv = [*PROGRAM, *(self.argv or ["up", "--data", str(self.folder), "--port", str(self.port)])]
        with (self.folder.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, **self.env})
        try:
            until(self._up, _STARTS_WITHIN_S, "the service answers", every_s=0.1)
        except AssertionError as late:
            self.kill()
            raise AssertionError(f"{late}\n{self.log}") from None

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """In order; and what a failed test left in Docker goes, too."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        for cluster in self.asked:
            sweep(cluster)

    def cli(self, *words: str, check: bool = True) -> Any:
        """The JSON answer of a jeroboam command."""
        said = run(*PROGRAM, *words, "--json", env={"JEROBOAM_URL": self.url}, check=check)
        return json.loads(said) if said else None

    def api(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request, whatever comes of it."""
        return httpx.request(method, f"{self.url}{path}", timeout=60, trust_env=False, auth=self.auth, **more)

    def status(self, cluster: str) -> str:
        """A cluster's status, or GONE."""
        answer = self.api("GET", f"/v1/clusters/{cluster}")
        return "GONE" if answer.status_code == 404 else str(answer.json()["status"])

    def template(self, name: str, image: str, **more: Any) -> str:
        """The uuid of a new template."""
        body = {"name": name, "coe": "kubernetes", "image_id": image, "external_network_id": "public", **more}
        answer = self.api("POST", "/v1/clustertemplates", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["uuid"])

    def ask_cluster(self, template: str, name: str, **more: Any) -> str:
        """The uuid of a cluster just asked for."""
        answer = self.api("POST", "/v1/clusters", json={"name": name, "cluster_template_id": template, **more})
        assert answer.status_code == 202, answer.text
        self.asked.append(str(answer.json()["uuid"]))
        return self.asked[-1]

    def settle(self, cluster: str, status: str, within_s: float = 240) -> None:
        """Until the cluster has this status; fails at once in another final one."""

        def there() -> bool:
            seen = self.status(cluster)
            assert seen in (status, "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"), self.why(cluster)
            return seen == status

        until(there, within_s, f"{status}\n{self.why(cluster)}")

    def why(self, cluster: str) -> str:
        """What `jeroboam cluster why` prints."""
        return run(*PROGRAM, "cluster", "why", cluster, env={"JEROBOAM_URL": self.url}, check=False)

    def remove(self, cluster: str) -> None:
        """Delete a cluster; nothing is left of it."""
        assert self.api("DELETE", f"/v1/clusters/{cluster}").status_code in (204, 404)
        self.settle(cluster, "GONE", 120)
        assert traces(cluster) == []

    def _up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            return self.api("GET", "/healthcheck").is_success
        except httpx.TransportError:
            return False


@dataclass(frozen=True)
class Cluster:
    """A live Kubernetes cluster."""

    uuid: str
    kubeconfig: Path
    program: str

    @property
    def control_plane(self) -> str:
        return containers(self.uuid, "control-plane")[0]

    @property
    def workers(self) -> list[str]:
        return containers(self.uuid, "worker")

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """kubectl with the cluster's kubeconfig, ten seconds a request."""
        return run(self.program, f"--kubeconfig={self.kubeconfig}", *words, stdin=stdin, check=check)

    def get(self, *words: str) -> Any:
        """A JSON document."""
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def ready_nodes(self) -> list[str]:
        """Names of the nodes whose condition Ready is True; empty while the API does not answer."""
        said = self.kubectl("get", "nodes", "--request-timeout=5s", "-o", "json", check=False)
        nodes = json.loads(said)["items"] if said else []
        return sorted(n["metadata"]["name"] for n in nodes if _is_ready(n))


def _is_ready(node: Any) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
