"""Who answers whom: calls from pods on the nodes of a cluster."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.world import Cluster

HELLO = "jeroboam.local/hello:1"
_WITHIN_S = 120
_POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  nodeName: {node}
  hostNetwork: {own}
  tolerations: [{{operator: Exists}}]
  terminationGracePeriodSeconds: 1
  containers: [{{name: hello, image: "{image}", imagePullPolicy: IfNotPresent, args: [{does}]}}]
"""
# A port that is closed says so, and one that speaks another protocol than HTTP does: packets come and go.
_SILENCE = re.compile(r"i/o timeout|deadline exceeded|Client\.Timeout|no route to host|network is unreachable")


def pod_on(cluster: Cluster, name: str, node: str, *, does: str = "sleep", in_its_network: bool = False) -> str:
    """A pod on this node, whatever its taints, from which calls are made; with `serve` it answers on port 8080, too. Its address."""
    own = str(in_its_network).lower()
    cluster.kubectl("apply", "-f", "-", stdin=_POD.format(name=name, node=node, own=own, image=HELLO, does=does))
    cluster.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=120s")
    return str(cluster.get("pod", name)["status"]["podIP"])


def got(cluster: Cluster, pod: str, url: str) -> str:
    """What a pod reads there; "" when that is nothing."""
    return cluster.kubectl("exec", pod, "--", "/hello", "get", url, check=False)


def answers(cluster: Cluster, pod: str, *places: str) -> dict[str, bool]:
    """By HOST:PORT, whether a packet of a pod is answered from there within 10 s."""
    with ThreadPoolExecutor(8) as calls:
        return dict(zip(places, calls.map(lambda place: _answers(cluster, pod, place), places), strict=True))


def _answers(cluster: Cluster, pod: str, place: str) -> bool:
    words = ("exec", pod, "--", "/hello", "get", f"http://{place}/")
    argv = (cluster.program, f"--kubeconfig={cluster.kubeconfig}", *words)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_WITHIN_S, check=False)
    assert done.returncode == 0 or "hello: " in done.stderr, done.stderr  # the call itself was made
    return done.returncode == 0 or not _SILENCE.search(done.stderr)


def address_of(cluster: Cluster, node: str) -> str:
    """Of a node, in its own network."""
    found = cluster.get("node", node)["status"]["addresses"]
    return str(next(one["address"] for one in found if one["type"] == "InternalIP"))
