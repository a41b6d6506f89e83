"""Images on Kubernetes: each node's containerd gets the archive through the exec of a helper pod on it, fed by the API server.

The helper is a Job of one pod on one node, made of what the node has: its smallest image, with the node's own programs and containerd's
socket bound in. It goes when the load ends; when this program is killed, the Job ends at its deadline and removes itself. Whoever may
make pods in kube-system may do all that. Sources: Kubernetes API v1.34 (Job: activeDeadlineSeconds, ttlSecondsAfterFinished), containerd
1.6 `ctr images import`, namespace k8s.io of its CRI plug-in.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources

from ..errors import CliError, WaitTimeout
from ..wire import Json
from ..workloads.kubernetes_exec import execute, feed
from ..workloads.patience import Patience
from ..workloads.session import Session
from ..workloads.workload import MANAGED_BY
from . import BY, LOADED, PRESENT, Bring, Node, Tell, Telling
from .archive import Archive, full
from .slim import Slim, of_blobs, plain_layers, slimming, write_layout

_JOBS = "/apis/batch/v1/namespaces/kube-system/jobs"
_PODS = "/api/v1/namespaces/kube-system/pods"
_RUN = "jeroboam.io/load"
_GROUP = "magnum.openstack.org/nodegroup"
_FOLDERS = ("/usr", "/lib", "/lib64")  # where the node's programs and what they are linked to lie
_SOCKETS = "/run/containerd"
_SPARE_S = 30  # a helper outlives the wait for it by so much
_GONE_WITHIN_S = 20.0


class KubernetesNodes:
    """Implements Nodes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def nodes(self) -> list[Node]:
        found = [_node(one) for one in self._session.listed("/api/v1/nodes", "items")]
        return sorted(found, key=lambda node: node.name)

    @contextmanager
    def bringing(self, archive: Archive, patience: Patience, telling: Telling) -> Iterator[Bring]:
        run = secrets.token_hex(4)
        try:
            with slimming(archive, write_layout) as slim:
                slimmable = plain_layers(archive)

                def bring(node: Node, told: Tell) -> str:
                    with self._helper(node, run, patience.afresh(), told) as path:
                        return self._bring(archive, slim if slimmable else None, path, patience, told)

                yield bring
        finally:
            self._remove_all(run)

    @contextmanager
    def _helper(self, node: Node, run: str, patience: Patience, tell: Tell) -> Iterator[str]:
        """The path of its exec."""
        name = f"{BY}-{run}-{secrets.token_hex(3)}"
        self._session.post(_JOBS, job(name, run, node, int(patience.left_s) + _SPARE_S))
        try:
            yield f"{_PODS}/{self._running(name, node, patience, tell)}/exec"
        finally:
            self._session.delete(f"{_JOBS}/{name}", propagationPolicy="Background")

    def _bring(self, archive: Archive, slim: Slim | None, path: str, patience: Patience, tell: Tell) -> str:
        """Without the layers that the node holds; if that does not do, whole."""
        pairs = [word for name, ident in archive.pairs for word in (full(name), ident)]
        asked = execute(self._session, path, _argv("held", *pairs), patience.left_s)
        first, *held = asked.stdout.decode(errors="replace").split() or [""]
        if first == PRESENT:
            return PRESENT
        less = slim(of_blobs(archive, frozenset(held))) if slim else archive
        if less is not archive and self._feed(less, path, pairs, patience, tell) is None:
            return LOADED
        why = self._feed(archive, path, pairs, patience, tell)
        if why is None:
            return LOADED
        raise CliError(why)

    def _feed(self, archive: Archive, path: str, pairs: list[str], patience: Patience, tell: Tell) -> str | None:
        """None when the node has it now, else why not."""
        tell(total=archive.size)
        argv = _argv("take", str(archive.size), *pairs)
        said = feed(self._session, path, argv, archive.pieces(), patience, lambda count: tell(more=count))
        if said.exit_code == 0 and said.stdout.split()[-1:] == [LOADED.encode()]:
            return None
        return _last(said.stderr) or f"containerd's import ended with exit code {said.exit_code}"

    def _running(self, job_name: str, node: Node, patience: Patience, tell: Tell) -> str:
        """The name of the helper's pod, once it runs."""
        while True:
            tell()
            for pod in self._session.listed(_PODS, "items", labelSelector=f"job-name={job_name}"):
                phase = pod["status"].get("phase")
                if phase == "Running":
                    return str(pod["metadata"]["name"])
                if phase == "Failed":
                    raise CliError(
                        f"the helper pod failed: {pod['status'].get('message') or pod['status'].get('reason')}"
                    )
            patience.pause(f"the helper pod on {node.name} does not run")

    def _remove_all(self, run: str) -> None:
        """Every helper of this run, and its pods."""
        wanted = f"{_RUN}={run}"
        self._session.delete(_JOBS, labelSelector=wanted, propagationPolicy="Background")
        patience = Patience(_GONE_WITHIN_S)
        with suppress(WaitTimeout):  # Kubernetes goes on removing them
            while self._session.listed(_PODS, "items", labelSelector=wanted):
                patience.pause("helper pods are not gone")


def job(name: str, run: str, node: Node, deadline_s: int) -> Json:
    """What is posted for a helper. Pure."""
    labels = {MANAGED_BY: BY, _RUN: run}
    places = {f"host{number}": path for number, path in enumerate((*_FOLDERS, _SOCKETS))}
    mounts = [{"name": label, "mountPath": path, "readOnly": path in _FOLDERS} for label, path in places.items()]
    pod: Json = {
        "nodeName": node.name,
        "hostNetwork": True,  # needs no pod network, which may be what the image is for
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "tolerations": [{"operator": "Exists"}],
        "containers": [
            {
                "name": "load",
                "image": node.ident,
                "imagePullPolicy": "IfNotPresent",
                "command": ["/usr/bin/sleep", "infinity"],
                "securityContext": {"runAsUser": 0},
                "volumeMounts": mounts,
            }
        ],
        "volumes": [{"name": label, "hostPath": {"path": path}} for label, path in places.items()],
    }
    spec = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": deadline_s,
        "ttlSecondsAfterFinished": 0,
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def _node(found: Json) -> Node:
    name, status = str(found["metadata"]["name"]), found["status"]
    labels = found["metadata"].get("labels") or {}
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ())
    smallest = _smallest(status.get("images") or [])
    why = "" if ready else "the node is not Ready"
    if ready and not smallest:
        why = "the node has no image that a helper could be made of"
    architecture = str((status.get("nodeInfo") or {}).get("architecture") or "")
    return Node(name, str(labels.get(_GROUP) or ""), architecture, why, ident=smallest)


def _smallest(images: list[Json]) -> str:
    """The name of one that the node has for sure."""
    for image in sorted(images, key=lambda image: int(image.get("sizeBytes") or 0)):
        for name in image.get("names") or ():
            if "@" not in name and "<none>" not in name:
                return str(name)
    return ""


def _argv(script: str, *words: str) -> tuple[str, ...]:
    folder = resources.files(__package__) / "scripts"
    text = "".join((folder / f"{name}.sh").read_text() for name in ("containerd", script))
    return ("/usr/bin/sh", "-c", text, BY, *words)


def _last(said: bytes) -> str:
    """The last line of a complaint."""
    lines = [" ".join(line.split()) for line in said.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
