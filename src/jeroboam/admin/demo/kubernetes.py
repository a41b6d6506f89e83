"""The demo on Kubernetes: a Deployment behind a Service, called from a pod on the control plane."""

from __future__ import annotations

import shutil
import subprocess
from importlib import resources
from pathlib import Path

from ...artifacts import binary_path, catalogue
from ...domain.errors import ConfigError, NotFound
from .course import CALLS, NAME, STEP_S, Course
from .service import DemoService


class KubernetesDemo:
    """Version: a full one."""

    title = "answers through the Service, by name, from another node"

    def __init__(self, version: str | None, service: DemoService) -> None:
        self.version, _ = catalogue().find(version)
        self._service = service
        self._kubectl = ""

    @property
    def template(self) -> tuple[str, ...]:
        """Name and options of the demo's template."""
        return (f"kubernetes-{self.version}", "--image", f"node-kubernetes:{self.version}", "--flavor", "m1.large")

    def build(self, course: Course) -> None:
        course.jeroboam("image", "build", "--kubernetes", self.version)

    def enter(self, course: Course) -> None:
        """The user's access to the cluster."""
        kubeconfig = str(self._service.kubeconfig)
        course.jeroboam("cluster", "config", NAME, "--file", kubeconfig, "--overwrite")
        course.environment["KUBECONFIG"] = kubeconfig
        course.environment["KUBECACHEDIR"] = str(
            self._service.folder / "kubectl-cache"
        )  # else ~/.kube: `demo clean` leaves that alone
        self._kubectl = _kubectl(self.version) or _kubectl_of_a_node(course, self._service.folder)

    def start(self, course: Course) -> None:
        """The workload, until it is ready."""
        manifest = self._service.folder / "hello.yaml"
        manifest.write_text(resources.files(__package__).joinpath("hello.yaml").read_text())
        for words in (
            ["apply", "-f", str(manifest)],
            ["rollout", "status", "deployment/hello", f"--timeout={STEP_S}s"],
            ["wait", "pod/client", "--for=condition=Ready", f"--timeout={STEP_S}s"],
        ):
            course.run(f"kubectl {' '.join(words)}", [self._kubectl, *words])

    def call(self, course: Course, workers: int) -> None:
        url = "http://hello.default.svc.cluster.local"
        words = ["exec", "client", "--", "/hello", "get", url, "-times", str(CALLS)]
        course.answers(f"kubectl {' '.join(words)}", [self._kubectl, *words], workers, "pods")

    def look(self, course: Course) -> None:
        course.run("kubectl get nodes,pods -o wide", [self._kubectl, "get", "nodes,pods", "-o", "wide"])

    def further(self) -> tuple[str, ...]:
        """Lines for a user's shell."""
        alias = () if shutil.which("kubectl") else (f"alias kubectl={self._kubectl}",)
        return (f"export KUBECONFIG={self._service.kubeconfig}", *alias, "kubectl get pods -A -o wide")


def _kubectl(version: str) -> str | None:
    """kubectl of the same release from the cache, else the machine's."""
    try:
        return str(binary_path(version, "kubectl"))
    except NotFound:
        return shutil.which("kubectl")


def _kubectl_of_a_node(course: Course, folder: Path) -> str:
    """The one in a node of the demo's cluster, copied out."""
    cluster = course.ask("cluster", "show", NAME)["uuid"]
    nodes = _docker("ps", "-q", "--filter", f"label=jeroboam.cluster={cluster}").stdout.split()
    target = folder / "kubectl"
    if not nodes or _docker("cp", f"{nodes[0]}:/usr/bin/kubectl", str(target)).returncode:
        raise ConfigError("There is no kubectl on this machine.", hint="Install kubectl, and run the demo again.")
    return str(target)


def _docker(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60, check=False)
