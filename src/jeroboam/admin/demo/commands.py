"""The demo's course. Each command is printed before it runs; the program behind it is this one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from ...artifacts import binary_path, catalogue
from ...domain.errors import ConfigError, JeroboamError, NotFound
from ..progress import show_progress
from .service import DemoService, demo_folder

_NAME = "demo"
_COMMAND_S = 3600.0
_PODS_S = 120
_REPLICAS = 4  # as in hello.yaml
_CALLS = 12
_ANSWERS_S = 20.0
Flag = Annotated[bool, Parameter(negative="", show_default=False)]


class CommandFailed(ConfigError):
    """A command of the demo ended badly; what it said stands above."""


@dataclass
class Course:
    """What runs commands and keeps the time of each phase."""

    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    phases: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A part of the demo whose time is told at the end."""
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        yield
        self.phases.append((name, time.monotonic() - began))

    def run(self, shown: str, argv: Sequence[str], *, check: bool = True) -> int:
        """Print the command and run it with its output on this terminal. Raises CommandFailed."""
        print(f"$ {shown}", flush=True)
        done = subprocess.run(argv, env=self.environment, timeout=_COMMAND_S, check=False)
        if check and done.returncode:
            raise CommandFailed(f"`{shown}` ended with exit code {done.returncode}.", hint="Its message stands above.")
        return done.returncode

    def jeroboam(self, *words: str, check: bool = True) -> int:
        """One of our own commands."""
        return self.run(" ".join(("jeroboam", *words)), [sys.executable, "-m", "jeroboam", *words], check=check)

    def ask(self, *words: str) -> Any:
        """The JSON of one of our own commands, unseen."""
        argv = [sys.executable, "-m", "jeroboam", *words, "--json"]
        done = subprocess.run(argv, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise CommandFailed(f"`jeroboam {' '.join(words)}` failed: {done.stderr.strip()[:500]}")
        return json.loads(done.stdout)


def build_app() -> App:
    """The command `demo`, with `demo clean`."""
    app = App(name="demo", help="A Kubernetes cluster on this machine with a workload on it, from nothing.")
    app.default(demo)
    app.command(clean)
    return app


def demo(*, kubernetes: str | None = None, workers: int = 2) -> int:
    """Build the node image, start a service, make a cluster, run a workload on it and call it.

    Everything stays for you to look at; `jeroboam demo clean` removes it. Run it again for a fresh cluster.

    Parameters
    ----------
    kubernetes
        Version, such as 1.35; without it the default one.
    workers
        Number of workers, at least 1.
    """
    return _framed(lambda: _demo(kubernetes, workers))


def clean() -> int:
    """Remove the demo's clusters, networks, volumes, service and state. Node images and what was built stay."""
    return _framed(_clean)


def _demo(kubernetes: str | None, workers: int) -> None:
    if workers < 1:
        raise ConfigError(f"--workers {workers} is too small.", hint="Give 1 or more.")
    version, _ = catalogue().find(kubernetes)
    course, service = Course(), DemoService(demo_folder())
    with course.phase("node image"):
        course.jeroboam("image", "build", "--kubernetes", version)
    with course.phase("service"):
        print(f"$ jeroboam up --data {service.folder}   (in the background, log: {service.log})", flush=True)
        url = _running(service)
        course.environment["JEROBOAM_URL"] = url
        print(f"The service answers at {url}.")
    with course.phase("cluster"):
        _fresh_cluster(course, f"node-kubernetes:{version}", version, workers)
        course.jeroboam("cluster", "config", _NAME, "--file", str(service.kubeconfig))
    course.environment["KUBECONFIG"] = str(service.kubeconfig)
    kubectl = _kubectl(version, service.folder)
    with course.phase("workload"):
        _workload(course, kubectl, service.folder)
    with course.phase("answers through the Service, by name, from another node"):
        _call(course, kubectl, workers)
    course.run("kubectl get nodes,pods -o wide", [kubectl, "get", "nodes,pods", "-o", "wide"])
    print("\n".join(_ending(course, service, url, kubectl)))


def _running(service: DemoService) -> str:
    running = service.url
    if running:
        return running
    with show_progress() as progress:
        progress.start("the service starts")
        url = service.ensure()
        progress.finish("the service starts")
    return url


def _fresh_cluster(course: Course, image: str, version: str, workers: int) -> None:
    if any(cluster["name"] == _NAME for cluster in course.ask("cluster", "list")):
        print(f"The cluster {_NAME} of an earlier run gives way to a fresh one.")
        course.jeroboam("cluster", "delete", _NAME, "--yes", "--wait")
    template = f"kubernetes-{version}"
    if all(one["name"] != template for one in course.ask("template", "list")):
        course.jeroboam("template", "create", template, "--image", image, "--flavor", "m1.large")
    words = ("cluster", "create", _NAME, "--template", template, "--nodes", str(workers), "--wait")
    course.jeroboam(*words)


def _workload(course: Course, kubectl: str, folder: Path) -> None:
    manifest = folder / "hello.yaml"
    manifest.write_text(resources.files(__package__).joinpath("hello.yaml").read_text())
    course.run(f"kubectl apply -f {manifest}", [kubectl, "apply", "-f", str(manifest)])
    wait = ["rollout", "status", "deployment/hello", f"--timeout={_PODS_S}s"]
    course.run(f"kubectl {' '.join(wait)}", [kubectl, *wait])
    ready = ["wait", "pod/client", "--for=condition=Ready", f"--timeout={_PODS_S}s"]
    course.run(f"kubectl {' '.join(ready)}", [kubectl, *ready])


def _call(course: Course, kubectl: str, workers: int) -> None:
    """Until every worker has answered: a fresh Service reaches the nodes' packet filters within a second or so."""
    words = ["exec", "client", "--", "/hello", "get", "http://hello.default.svc.cluster.local", "-times", str(_CALLS)]
    print(f"$ kubectl {' '.join(words)}", flush=True)
    ends = time.monotonic() + _ANSWERS_S
    while True:
        done = subprocess.run(
            [kubectl, *words], env=course.environment, capture_output=True, text=True, timeout=_PODS_S, check=False
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        nodes = {answer["node"] for answer in answers}
        if len(nodes) == min(workers, _REPLICAS) or time.monotonic() > ends:
            break
        time.sleep(0.5)
    print(done.stdout, end="")
    if done.returncode or len(answers) != _CALLS:
        raise CommandFailed(f"The Service does not answer: {done.stderr.strip()}")
    print(f"{len(answers)} answers from {len({a['host'] for a in answers})} pods on {len(nodes)} of {workers} workers.")


def _kubectl(version: str, folder: Path) -> str:
    """kubectl of the same release from the cache, else the machine's, else the one in a node of the cluster."""
    try:
        return str(binary_path(version, "kubectl"))
    except NotFound:
        return shutil.which("kubectl") or _kubectl_of_a_node(folder)


def _kubectl_of_a_node(folder: Path) -> str:
    nodes = subprocess.run(
        ["docker", "ps", "-q", "--filter", "label=jeroboam.role=control-plane"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout.split()
    copy = ["docker", "cp", f"{nodes[0] if nodes else 'none'}:/usr/bin/kubectl", str(folder / "kubectl")]
    if subprocess.run(copy, capture_output=True, timeout=60, check=False).returncode:
        raise ConfigError("There is no kubectl on this machine.", hint="Install kubectl, and run the demo again.")
    return str(folder / "kubectl")


def _ending(course: Course, service: DemoService, url: str, kubectl: str) -> Iterator[str]:
    yield ""
    yield "Times:"
    yield from (f"  {seconds:6.1f} s  {name}" for name, seconds in course.phases)
    yield f"  {sum(seconds for _, seconds in course.phases):6.1f} s  in all"
    yield ""
    yield "It all goes on running. Look further:"
    yield f"  export JEROBOAM_URL={url} KUBECONFIG={service.kubeconfig}"
    if shutil.which("jeroboam") is None:
        yield f"  export PATH={Path(sys.executable).parent}:$PATH"
    if shutil.which("kubectl") is None:
        yield f"  alias kubectl={kubectl}"
    yield "  kubectl get pods -A -o wide"
    yield f"  jeroboam cluster why {_NAME}             # its timeline"
    yield f"  jeroboam cluster delete {_NAME} --wait"
    yield "  jeroboam demo clean                 # or `make demo-clean`: removes every trace"


def _clean() -> None:
    service = DemoService(demo_folder())
    if not service.folder.exists():
        print("Nothing of the demo is here.")
        return
    course = Course()
    course.environment["JEROBOAM_URL"] = _running(service)  # it knows what belongs to the demo
    clusters = [cluster["uuid"] for cluster in course.ask("cluster", "list")]
    if clusters:
        course.jeroboam("cluster", "delete", *clusters, "--yes", "--wait")
    service.stop()
    service.forget()
    count = f"{len(clusters)} cluster{'' if len(clusters) == 1 else 's'}"
    print(f"Removed: {count}, the service and {service.folder}.")


def _framed(work: Callable[[], None]) -> int:
    """The exit code; errors are one sentence and the next move."""
    try:
        work()
    except JeroboamError as error:
        print(f"Error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"       {error.hint}", file=sys.stderr)
        return 1
    except subprocess.TimeoutExpired as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0
