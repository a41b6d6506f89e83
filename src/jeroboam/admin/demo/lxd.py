"""The demo on LXD: system containers spread over the members, called from one on the first member."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from .course import CALLS, NAME, REPLICAS, STEP_S, Course, until
from .service import DemoService

_IMAGE = "small"
_PORT = 8080


class LxdDemo:
    """The version is the node image's. Without lxc on this machine, the one in the node image is used."""

    title = "answers from system containers on other members"

    def __init__(self, service: DemoService) -> None:
        self._config = service.folder / "config"
        self._image = ""

    @property
    def template(self) -> tuple[str, ...]:
        """Name and options of the demo's template."""
        return (f"lxd-{self._image.rpartition(':')[2]}", "--coe", "lxd", "--image", self._image)

    @property
    def _folder(self) -> Path:
        return self._config / "jeroboam" / "lxc" / NAME

    def build(self, course: Course) -> None:
        self._image = str(course.made("image", "build", "--coe", "lxd")["tag"])
        print(self._image, flush=True)

    def enter(self, course: Course) -> None:
        """The user's access to the cluster."""
        course.environment["XDG_CONFIG_HOME"] = str(self._config)
        course.environment["LXD_CONF"] = str(self._folder)
        course.jeroboam("cluster", "config", NAME, "--overwrite")

    def start(self, course: Course) -> None:
        """The workload, until it has addresses."""
        members = sorted(str(one["server_name"]) for one in self._json(course, "cluster", "list"))
        workers = [name for name in members if "-default-worker-" in name]
        for number in range(REPLICAS):
            where = workers[number % len(workers)]
            named = ("--target", where, "-c", f"environment.NODE_NAME={where}")
            self._lxc(course, "launch", "-q", _IMAGE, f"hello-{number}", *named)
        self._lxc(course, "launch", "-q", _IMAGE, "client", "--target", members[0])
        until(lambda: len(self._addresses(course)) == REPLICAS + 1, STEP_S, "every system container has an address")

    def call(self, course: Course, workers: int) -> None:
        found = [address for name, address in sorted(self._addresses(course).items()) if name != "client"]
        asked = "; ".join(f"hello get http://{address}:{_PORT} -times {CALLS // REPLICAS}" for address in found)
        words = ["exec", "client", "--", "sh", "-c", asked]
        shown = f"lxc exec client -- sh -c '{asked}'"
        course.answers(shown, self._argv(*words), min(workers, REPLICAS), "system containers")

    def look(self, course: Course) -> None:
        self._lxc(course, "cluster", "list")
        self._lxc(course, "list")

    def further(self) -> tuple[str, ...]:
        """Lines for a user's shell."""
        alias = () if shutil.which("lxc") else (f'alias lxc="{" ".join(self._client())}"',)
        return (f"export LXD_CONF={self._folder}", *alias, "lxc list")

    def _client(self) -> list[str]:
        mount = f"{self._folder}:/conf"
        return [
            "docker",
            "run",
            "--rm",
            "-i",
            "--network=host",
            "-v",
            mount,
            "-e",
            "LXD_CONF=/conf",
            self._image,
            "lxc",
        ]

    def _argv(self, *words: str) -> list[str]:
        return [*(["lxc"] if shutil.which("lxc") else self._client()), *words]

    def _lxc(self, course: Course, *words: str) -> None:
        course.run(f"lxc {' '.join(words)}", self._argv(*words), quiet_input=True)

    def _json(self, course: Course, *words: str) -> Any:
        return course.ask_tool(f"lxc {' '.join(words)}", self._argv(*words, "--format", "json"))

    def _addresses(self, course: Course) -> dict[str, str]:
        found = {}
        for one in self._json(course, "list"):
            network = ((one.get("state") or {}).get("network") or {}).get("eth0") or {}
            for address in network.get("addresses", []):
                if address["family"] == "inet":
                    found[str(one["name"])] = str(address["address"])
        return found
