"""The demo's course: image, service, cluster, workload, answers. Each command is printed before it runs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol

from cyclopts import App

from ...cli.progress import show_progress
from ...domain.errors import ConfigError, JeroboamError
from ...main import find_holder
from ..outcome import tell
from .course import NAME, Course
from .kubernetes import KubernetesDemo
from .lxd import LxdDemo
from .service import PREFERRED_PORT, DemoService, demo_folder
from .swarm import SwarmDemo

_INTERRUPTED = 130


class Demo(Protocol):
    """What is of one container tool only."""

    title: str

    @property
    def template(self) -> tuple[str, ...]: ...

    def build(self, course: Course) -> None: ...

    def enter(self, course: Course) -> None: ...

    def start(self, course: Course) -> None: ...

    def call(self, course: Course, workers: int) -> None: ...

    def look(self, course: Course) -> None: ...

    def further(self) -> tuple[str, ...]: ...


def build_app() -> App:
    """The command `demo`, with `demo clean`."""
    app = App(name="demo", help="A cluster on this machine with a workload on it, from nothing.")
    app.default(demo)
    app.command(clean)
    return app


def demo(
    *, coe: Literal["kubernetes", "swarm", "lxd"] = "kubernetes", kubernetes: str | None = None, workers: int = 2
) -> int:
    """Build the node image, start a service, make a cluster, run a workload on it and call it.

    Everything stays for you to look at; `jeroboam demo clean` removes it. Run it again for a fresh cluster.

    Parameters
    ----------
    coe
        Container tool: kubernetes, or swarm or lxd, which need no long build.
    kubernetes
        Version, such as 1.35; without it the default one.
    workers
        Number of workers, at least 1.
    """
    return _framed(lambda: _demo(coe, kubernetes, workers))


def clean() -> int:
    """Remove the demo's clusters, networks, volumes, service and state. Node images and what was built stay."""
    return _framed(_clean)


def _demo(coe: str, kubernetes: str | None, workers: int) -> None:
    if workers < 1:
        raise ConfigError(f"--workers {workers} is too small.", hint="Give 1 or more.")
    if kubernetes is not None and coe != "kubernetes":
        raise ConfigError(f"--kubernetes {kubernetes} does not fit --coe {coe}.", hint="Drop one of them.")
    course, service = Course(), DemoService(demo_folder())
    part = _part(coe, kubernetes, service)
    with course.phase("node image"):
        part.build(course)
    with course.phase("service"):
        print(f"$ jeroboam up --data {service.folder}   (in the background, log: {service.log})", flush=True)
        url = _running(service)
        course.environment["JEROBOAM_URL"] = url
        print(f"The service answers at {url}.")
    with course.phase("cluster"):
        _fresh_cluster(course, part.template, workers)
        part.enter(course)
    with course.phase("workload"):
        part.start(course)
    with course.phase(part.title):
        part.call(course, workers)
    part.look(course)
    print("\n".join(_ending(course, part, url)))


def _part(coe: str, kubernetes: str | None, service: DemoService) -> Demo:
    if coe == "swarm":
        return SwarmDemo(service)
    return LxdDemo(service) if coe == "lxd" else KubernetesDemo(kubernetes, service)


def _running(service: DemoService) -> str:
    running = service.url
    if running:
        return running
    with show_progress() as progress:
        progress.start("the service starts")
        url = service.ensure()
        progress.finish("the service starts")
    if not url.endswith(f":{PREFERRED_PORT}"):
        print(_elsewhere(find_holder(PREFERRED_PORT)))
    return url


def _elsewhere(holder: str) -> str:
    """Why the service is not where commands look for one."""
    by = f" by {holder}" if holder else ""
    return f"Port {PREFERRED_PORT} is taken{by}, so the demo's service has another. Commands find it by JEROBOAM_URL."


def _fresh_cluster(course: Course, template: tuple[str, ...], workers: int) -> None:
    if any(cluster["name"] == NAME for cluster in course.ask("cluster", "list")):
        print(f"The cluster {NAME} of an earlier run gives way to a fresh one.")
        course.jeroboam("cluster", "delete", NAME, "--yes", "--wait")
    if all(one["name"] != template[0] for one in course.ask("template", "list")):
        course.jeroboam("template", "create", *template)
    course.jeroboam("cluster", "create", NAME, "--template", template[0], "--nodes", str(workers), "--wait")


def _ending(course: Course, part: Demo, url: str) -> Iterator[str]:
    yield ""
    yield "Times:"
    yield from (f"  {seconds:6.1f} s  {name}" for name, seconds in course.phases)
    yield f"  {sum(seconds for _, seconds in course.phases):6.1f} s  in all, without `make` and the Python environment"
    yield ""
    yield "It all goes on running. Look further:"
    yield f"  export JEROBOAM_URL={url}"
    if shutil.which("jeroboam") is None:
        yield f"  export PATH={Path(sys.executable).parent}:$PATH"
    yield from (f"  {line}" for line in part.further())
    yield f"  jeroboam cluster why {NAME}             # its timeline"
    yield f"  jeroboam cluster delete {NAME} --wait"
    yield "  jeroboam demo clean                   # or `make demo-clean`: removes every trace"


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
        return tell(error, 1)
    except KeyboardInterrupt:
        print(f"\n{_left(DemoService(demo_folder()))}", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _left(service: DemoService) -> str:
    """What Ctrl-C did not end."""
    if not service.alive:
        return "Stopped. Nothing of the demo runs; what was built is kept, and the same command goes on from there."
    where = f" at {service.url}" if service.url else ""
    return (
        f"Stopped. The demo's service{where} goes on running, and what it made; `jeroboam demo clean` (or `make demo-clean`) "
        "removes it all."
    )
