"""The demo on Docker Swarm: a service on an overlay network, called from a container on the manager."""

from __future__ import annotations

import json

from .course import CALLS, NAME, REPLICAS, STEP_S, Course, until
from .service import DemoService

_IMAGE = "jeroboam.local/hello:1"
_NETWORK = "front"


class SwarmDemo:
    """The engine's version is the node image's."""

    title = "answers by name over the overlay network, from another node"

    def __init__(self, service: DemoService) -> None:
        self._folder = service.folder / "docker"
        self._image = ""

    @property
    def template(self) -> tuple[str, ...]:
        """Name and options of the demo's template."""
        return (f"swarm-{self._image.rpartition(':')[2]}", "--coe", "swarm", "--image", self._image)

    def build(self, course: Course) -> None:
        self._image = str(course.made("image", "build", "--coe", "swarm")["tag"])
        print(self._image, flush=True)

    def enter(self, course: Course) -> None:
        """The user's access to the cluster."""
        course.environment["DOCKER_CONFIG"] = str(self._folder)
        for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"):
            course.environment.pop(name, None)
        course.jeroboam("cluster", "config", NAME, "--overwrite")

    def start(self, course: Course) -> None:
        """The workload, until it is ready."""
        self._docker(course, "network", "create", "-d", "overlay", "--attachable", _NETWORK)
        names = ["--name", "hello", "--network", _NETWORK, "--env", "NODE_NAME={{.Node.Hostname}}"]
        # No routing mesh: it wants IPVS, which not every kernel has.
        place = ["--endpoint-mode", "dnsrr", "--constraint", "node.role==worker", "--replicas", str(REPLICAS)]
        self._docker(course, "service", "create", "-d", "--no-resolve-image", *names, *place, _IMAGE, "serve")
        until(lambda: self._running(course) == REPLICAS, STEP_S, f"{REPLICAS} tasks of the service run")

    def call(self, course: Course, workers: int) -> None:
        words = ["run", "--rm", "--network", _NETWORK, _IMAGE, "get", "http://hello:8080", "-times", str(CALLS)]
        argv = ["docker", "--context", NAME, *words]
        course.answers(f"docker --context {NAME} {' '.join(words)}", argv, workers, "containers")

    def look(self, course: Course) -> None:
        self._docker(course, "node", "ls")
        self._docker(course, "service", "ps", "hello")

    def further(self) -> tuple[str, ...]:
        """Lines for a user's shell."""
        return (f"export DOCKER_CONFIG={self._folder}", f"docker --context {NAME} service ls")

    def _docker(self, course: Course, *words: str) -> None:
        shown = " ".join(f"'{word}'" if "{" in word else word for word in words)
        course.run(f"docker --context {NAME} {shown}", ["docker", "--context", NAME, *words])

    def _running(self, course: Course) -> int:
        words = ["service", "ps", "hello", "--filter", "desired-state=running", "--format", "{{json .CurrentState}}"]
        done = course.hear("docker service ps hello", ["docker", "--context", NAME, *words])
        return sum(json.loads(line).startswith("Running") for line in done.stdout.splitlines())
