"""How long from the request to a cluster that is of use, against the same by hand.

Kubernetes: nodes Ready, DNS answering, a pod running. Swarm: nodes Ready, a service running on two nodes. LXD: members online, a system
container with an address on each.

    .venv/bin/python bench/time_to_ready.py [--coe kubernetes] [--rounds 5] [--workers 1 3] [--json]

Both ways use the same node image and alternate in one run, since machines are shared and noisy: the ratio counts, not the seconds.
Jeroboam's time includes its API, its store and its engine; it runs as `jeroboam up` in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from by_hand import LXD, ByHand, KubernetesByHand, LxdByHand, SwarmByHand, docker

_POD = """
apiVersion: v1
kind: Pod
metadata: {name: probe}
spec:
  containers:
    - {name: hello, image: "jeroboam.local/hello:1", args: [serve], imagePullPolicy: Never}
"""
_HELLO = "jeroboam.local/hello:1"
_LIMIT_S = 120.0
_LOOK_S = 0.2
_KUBECTL = ("kubectl", "--kubeconfig=/etc/kubernetes/super-admin.conf", "--request-timeout=5s")


@dataclass(frozen=True)
class Way:
    """A container tool: its node image, its cluster by hand, and what "of use" is, with the same looks for both ways.
    `of_use` takes the first node and the count of nodes."""

    image: str
    by_hand: type[ByHand]
    of_use: Callable[[str, int], None]


def kubernetes_of_use(first: str, nodes: int) -> None:
    """All nodes Ready, a pod running, and the cluster's DNS answering from inside it."""
    kubectl = ("exec", "-i", first, *_KUBECTL)
    _until(lambda: "probe" in docker(*kubectl, "apply", "-f", "-", stdin=_POD, check=False))
    ready = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}'
    _until(
        lambda: docker(*kubectl, "get", "nodes", "-o", f"jsonpath={ready}", check=False).split().count("True") == nodes
    )
    name = "kubernetes.default.svc.cluster.local"
    _until(lambda: docker(*kubectl, "exec", "probe", "--", "/hello", "lookup", name, check=False) != "")


def swarm_of_use(first: str, nodes: int) -> None:
    """All nodes Ready, and a service running on two of them."""
    swarm = ("exec", first, "docker")
    _until(lambda: docker(*swarm, "node", "ls", "--format", "{{.Status}}", check=False).split() == ["Ready"] * nodes)
    wish = ("--name", "probe", "--replicas", "2", "--replicas-max-per-node", "1", "--endpoint-mode", "dnsrr")
    docker(*swarm, "service", "create", "-d", "--no-resolve-image", *wish, _HELLO, "serve")
    shown = ("service", "ps", "probe", "--filter", "desired-state=running", "--format", "{{.CurrentState}}")
    _until(lambda: docker(*swarm, *shown, check=False).count("Running") == 2)


def lxd_of_use(first: str, nodes: int) -> None:
    """All members online, and a system container with an address on each."""
    lxc = ("exec", *LXD, first, "lxc")
    members: list[str] = []

    def online() -> bool:
        found = json.loads(docker(*lxc, "cluster", "list", "--format", "json", check=False) or "[]")
        members[:] = [one["server_name"] for one in found if one["status"] == "Online"]
        return len(members) == nodes

    _until(online)
    _until(lambda: "small" in docker(*lxc, "image", "alias", "list", "--format", "csv", check=False))
    with ThreadPoolExecutor() as side_by_side:
        launch = ("launch", "-q", "small")
        list(side_by_side.map(lambda name: docker(*lxc, *launch, f"p-{name}", "--target", name), members))
    _until(lambda: docker(*lxc, "list", "--format", "csv", "-c", "4", check=False).count("(eth0)") == nodes)


WAYS = {
    "kubernetes": Way("jeroboam/node-kubernetes:v1.34.4", KubernetesByHand, kubernetes_of_use),
    "swarm": Way("jeroboam/node-swarm:v20.10.24", SwarmByHand, swarm_of_use),
    "lxd": Way("jeroboam/node-lxd:v5.0.2", LxdByHand, lxd_of_use),
}


def _until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + _LIMIT_S
    while not true():
        if time.monotonic() > ends:
            raise TimeoutError(f"the cluster is not of use after {_LIMIT_S:g} s")
        time.sleep(_LOOK_S)


def by_hand(way: Way, image: str, workers: int) -> float:
    """Seconds by hand."""
    cluster = way.by_hand(image, workers)
    began = time.monotonic()
    try:
        cluster.make()
        way.of_use(cluster.first, workers + 1)
        return time.monotonic() - began
    finally:
        cluster.remove()


def by_jeroboam(way: Way, url: str, template: str, workers: int) -> float:
    """Seconds by one request to the API."""
    with httpx.Client(base_url=url, timeout=30) as api:
        began = time.monotonic()
        body = {"name": "bench", "cluster_template_id": template, "node_count": workers}
        uuid = api.post("/v1/clusters", json=body).raise_for_status().json()["uuid"]
        try:
            labels = ("--filter", f"label=jeroboam.cluster={uuid}", "--filter", "label=jeroboam.role=control-plane")
            _until(lambda: docker("ps", "-q", *labels) != "")
            way.of_use(docker("ps", "-q", *labels), workers + 1)
            took = time.monotonic() - began
            tell_steps(api, uuid)
            return took
        finally:
            api.delete(f"/v1/clusters/{uuid}").raise_for_status()
            _until(lambda: api.get(f"/v1/clusters/{uuid}").status_code == 404)


def tell_steps(api: httpx.Client, cluster: str) -> None:
    """Where the time went, on stderr: begin and length of each step of the creation, in seconds after the request."""
    operation = api.get(f"/ext/v1/clusters/{cluster}/operations").raise_for_status().json()["operations"][0]
    zero = datetime.fromisoformat(operation["created_at"])
    for step in api.get(f"/ext/v1/operations/{operation['uuid']}/steps").raise_for_status().json()["steps"]:
        start = datetime.fromisoformat(step["started_at"])
        end = datetime.fromisoformat(step["ended_at"]) if step["ended_at"] else None
        length = f"{(end - start).total_seconds():5.2f} s" if end else "under way"
        print(f"  {(start - zero).total_seconds():6.2f} {length:9} {step['name']} {step['target']}", file=sys.stderr)


@contextmanager
def service() -> Iterator[str]:
    """`jeroboam up` on a free port with a data folder of its own; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        program = Path(sys.executable).with_name("jeroboam")
        argv = [str(program), "up", "--data", f"{folder}/data", "--port", str(port)]
        process = subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, "NO_COLOR": "1"})
        try:
            url = f"http://127.0.0.1:{port}"
            _until(lambda: process.poll() is not None or _answers(url))
            if process.poll() is not None:
                raise RuntimeError((Path(folder) / "log").read_text()[-2000:])
            yield url
        finally:
            process.terminate()
            process.wait(60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthcheck", timeout=2).is_success
    except httpx.HTTPError:
        return False


def make_template(url: str, coe: str, image: str) -> str:
    """A template of this image; its uuid."""
    body: dict[str, object] = {"name": "bench", "coe": coe, "image_id": image, "external_network_id": "public"}
    if coe == "kubernetes":
        body |= {"flavor_id": "m1.large", "master_flavor_id": "m1.large", "labels": {"boot_volume_size": "1"}}
    answer = httpx.post(f"{url}/v1/clustertemplates", json=body, timeout=30)
    return str(answer.raise_for_status().json()["uuid"])


def measure(url: str, coe: str, image: str, workers: int, rounds: int) -> dict[str, object]:
    """Alternating, one round of each first to warm both up."""
    way, template = WAYS[coe], make_template(url, coe, image)
    hand, ours = [], []
    for number in range(rounds + 1):
        pair = by_hand(way, image, workers), by_jeroboam(way, url, template, workers)
        print(f"{coe} 1+{workers} round {number}: by hand {pair[0]:.1f} s, Jeroboam {pair[1]:.1f} s", file=sys.stderr)
        if number:
            hand.append(pair[0])
            ours.append(pair[1])
    medians = statistics.median(hand), statistics.median(ours)
    return {
        "coe": coe,
        "nodes": f"1+{workers}",
        "rounds": rounds,
        "by_hand_s": medians[0],
        "jeroboam_s": medians[1],
    } | {"ratio": medians[1] / medians[0]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--coe", choices=WAYS, default="kubernetes")
    parser.add_argument("--image", help="node image; the default version's if not given")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    image = asked.image or WAYS[asked.coe].image
    with service() as url:
        rows = [measure(url, asked.coe, image, workers, asked.rounds) for workers in asked.workers]
    if asked.json:
        print(json.dumps(rows))
        return
    print("nodes  by hand  Jeroboam  ratio   (medians)")
    for row in rows:
        print(f"{row['nodes']:5}  {row['by_hand_s']:6.1f}s  {row['jeroboam_s']:7.1f}s  {row['ratio']:5.2f}")


if __name__ == "__main__":
    main()
