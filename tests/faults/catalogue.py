"""What may go wrong, as data: each fault with its class, the words that a tenant reads and the time within which he reads them.

The tests of this folder inject each fault once (`@pytest.mark.fault(NAME)`) and hold the service against its line here. The page
docs/faults.md is written from it: `make faults`; a test holds it true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path("docs/faults.md")
ANSWER, STATUS, TIMELINE, HEALTH = "answer", "status_reason", "timeline", "health"


@dataclass(frozen=True)
class Fault:
    """`message` and `hint` are what is read, `…` standing for what differs each time; `where` is where, `within_s` counts from the
    injection (a request is one itself). `injected` tells how the test brings it about."""

    name: str
    what: str
    injected: str
    error_class: str
    where: str
    message: str
    hint: str
    within_s: float

    def fits(self, said: str) -> bool:
        """Whether `said` holds the message."""
        return re.search(_pattern(self.message), said, re.DOTALL) is not None


def _pattern(words: str) -> str:
    return ".*?".join(re.escape(part) for part in words.split("…"))


WISHES = (
    Fault(
        "image-unknown",
        "the image of a template does not exist",
        "a template names an image that the provider has not",
        "user",
        ANSWER,
        "Image no-such-image could not be found.",
        "",
        10,
    ),
    Fault(
        "flavor-too-small",
        "a flavor is too small for a control plane",
        "the flavor catalogue has one of 512 MiB, and the template names it",
        "user",
        ANSWER,
        "Flavor tiny has 512 MiB of memory, too little for a node of default-master: kubernetes needs 768 MiB there.",
        "Choose a larger flavor.",
        10,
    ),
    Fault(
        "flavor-unknown",
        "a flavor does not exist",
        "a request names a flavor that the provider has not",
        "user",
        ANSWER,
        "Unable to find flavor enormous.",
        "",
        10,
    ),
    Fault(
        "address-overlap-labels",
        "the addresses of pods and Services overlap",
        "two labels of the template",
        "user",
        ANSWER,
        "Label service_cluster_ip_range = 10.100.0.0/16 is not usable.",
        "Give a network apart from the pods' 10.100.0.0/16.",
        10,
    ),
    Fault(
        "version-unknown",
        "a version is asked for that the image does not hold",
        "the label kube_tag",
        "user",
        ANSWER,
        "Label kube_tag = v1.2.3, but image fake-image holds Kubernetes v1.34.4.",
        "Leave the label out, or choose an image of that version.",
        10,
    ),
    Fault(
        "two-of-one-name",
        "two clusters have one name",
        "two are made, then one is asked for by its name",
        "user",
        ANSWER,
        "Multiple clusters exist with same name.",
        "Please use the cluster uuid instead.",
        10,
    ),
    Fault(
        "project-quota",
        "the project's quota of clusters is used up",
        "an administrator sets it to one, and a second cluster is asked for",
        "user",
        ANSWER,
        "You have reached the maximum clusters per project, 1.",
        "You may delete a cluster to make room for a new one.",
        10,
    ),
    Fault(
        "provider-quota",
        "the provider's quota of machines is too small",
        "the provider has room for two machines, and four are asked for",
        "user",
        ANSWER,
        "4 machines are wanted, and the quota leaves room for 2.",
        "",
        10,
    ),
    Fault(
        "proxy-malformed",
        "a proxy's address does not fit a unit file",
        "http_proxy of the template has two lines",
        "user",
        ANSWER,
        "http_proxy holds characters that cannot be printed.",
        "Write it on one line.",
        10,
    ),
    Fault(
        "network-too-small",
        "more nodes are asked for than the network has addresses",
        "241 nodes on Docker's /24 network",
        "user",
        ANSWER,
        "242 nodes do not fit a network of 241.",
        "",
        10,
    ),
    Fault(
        "delete-while-creating",
        "a cluster is deleted while it is created",
        "a deletion is asked for while the first machine is being made",
        "user",
        TIMELINE,
        "Stopped: a newer request took its place.",
        "",
        30,
    ),
)
PROVIDER = (
    Fault(
        "image-gone",
        "the image vanishes after the request was accepted",
        "the provider's catalogue is empty when the machines are made",
        "user",
        STATUS,
        "Image fake-image could not be found at the provider fake.",
        "Build or upload the image (`jeroboam image build`), or use a template with another image.",
        30,
    ),
    Fault(
        "quota-gone",
        "somebody else uses up the provider's quota during the create",
        "the provider refuses the second machine",
        "operator",
        STATUS,
        "The quota of 1 machines is used up.",
        "Ask for fewer nodes, delete what is not needed, or have the quota raised; then retry.",
        30,
    ),
    Fault(
        "provider-refuses",
        "the provider says no",
        "the fake cloud refuses the network",
        "operator",
        STATUS,
        "the cloud's policy forbids networks",
        "",
        30,
    ),
    Fault(
        "provider-away",
        "the provider does not answer for a moment",
        "the fake cloud is away for two calls",
        "transient",
        STATUS,
        "the cloud is away",
        "",
        30,
    ),
    Fault(
        "provider-slow",
        "the provider is too slow for the operation's time limit",
        "each call takes longer than the operation may",
        "operator",
        STATUS,
        "create did not finish within its time limit; still missing:",
        "Delete the cluster, or try again with a longer create_timeout.",
        30,
    ),
    Fault(
        "boot-fails",
        "a node's first boot fails",
        "the fake cloud's machine says so on its console",
        "operator",
        STATUS,
        "demo-…-default-worker-1: bootstrap step join failed: no route to the control plane",
        "The node's last console lines are in the timeline (`jeroboam cluster why`).",
        30,
    ),
    Fault(
        "boot-silent",
        "a node says nothing on its console",
        "machines that boot for an hour; the boot limit is a second",
        "operator",
        STATUS,
        "demo-…-default-… did not finish its bootstrap within … minutes; it stands at join.",
        "The node's last console lines are in the timeline.",
        30,
    ),
    Fault(
        "node-gone",
        "a node vanishes again and again during the create",
        "the fake cloud loses each machine at once",
        "operator",
        STATUS,
        "demo-…-default-… does not stay up (absent) after 3 attempts.",
        "Read the node's console in the timeline; a larger flavor or another image may help.",
        30,
    ),
    Fault(
        "node-never-ready",
        "a node boots and never becomes ready",
        "the fake driver says so of one worker; the limit is a second",
        "operator",
        STATUS,
        "The cluster was not ready within … minutes of its nodes' boot: 1 of 3 nodes not ready; demo-…-default-worker-1",
        "Look at the nodes' consoles in the timeline; then retry, or delete the cluster.",
        30,
    ),
    Fault(
        "driver-gone",
        "the cluster's driver is not installed any more",
        "an operation of a cluster whose driver no conductor has",
        "operator",
        STATUS,
        "Driver gone is not loaded.",
        "Loaded are: fake.",
        30,
    ),
    Fault(
        "own-error",
        "an error of Jeroboam's own",
        "the driver divides by zero while it writes a first boot",
        "bug",
        STATUS,
        "An error of Jeroboam's own stopped the operation (incident …).",
        "The operator finds the trace in the service's log under that number.",
        30,
    ),
)
DOCKER = (
    Fault(
        "docker-answers-500",
        "Docker answers with an error",
        "a proxy before its socket answers 500",
        "transient",
        STATUS,
        "Docker: the storage driver is confused",
        "If it lasts, the daemon's log says why.",
        30,
    ),
    Fault(
        "docker-answers-429",
        "Docker asks for fewer calls",
        "a proxy before its socket answers 429",
        "transient",
        STATUS,
        "Docker asks for fewer calls: slow down",
        "Nothing is lost; it goes on, slower.",
        30,
    ),
    Fault(
        "docker-answers-garbage",
        "what answers is no Docker",
        "a proxy before its socket answers with a web page",
        "transient",
        STATUS,
        "What answers at unix://… is no Docker daemon, or a broken one",
        "Look at the daemon and at what stands before its socket; this goes on when it answers.",
        30,
    ),
    Fault(
        "docker-slow",
        "Docker does not answer in time",
        "a proxy before its socket keeps a call for longer than call_timeout_s",
        "transient",
        STATUS,
        "Docker did not answer within 1 s.",
        "It is overloaded, or its disk is.",
        30,
    ),
    Fault(
        "docker-locked-up",
        "Docker is locked up: it lists containers, and its networks do not answer",
        "a proxy before its socket keeps calls about networks for longer than call_timeout_s",
        "transient",
        STATUS,
        "Docker did not answer within 1 s.",
        "It lists containers but no networks: most likely it is locked up, a known fault of Docker Engine before 20.10.27. "
        "Restart the Docker daemon; all goes on then.",
        30,
    ),
    Fault(
        "docker-restarted",
        "Docker is restarted during the create",
        "the socket goes away when the network is made, and comes back 2 s later; the create goes on",
        "transient",
        STATUS,
        "Docker cannot be reached",
        "Look at the daemon and at what stands before its socket; this goes on when it answers.",
        30,
    ),
    Fault(
        "docker-disk-full",
        "the disk of the Docker host is full",
        "a proxy before its socket answers as Docker does then",
        "operator",
        STATUS,
        "Docker refused: mkdir /var/lib/docker/…: no space left on device",
        "The disk of the Docker daemon is full; make room (`docker system df`).",
        30,
    ),
    Fault(
        "docker-memory-full",
        "the Docker host has no memory left",
        "a proxy before its socket answers as Docker does then",
        "operator",
        STATUS,
        "Docker refused: …cannot allocate memory",
        "The host has no memory left; use fewer or smaller nodes.",
        30,
    ),
    Fault(
        "networks-used-up",
        "no network is free for another cluster",
        "the pool is a single /24, and a network of somebody else overlaps it",
        "operator",
        STATUS,
        "No /24 network of 10.213.77.0/24 is free.",
        "Delete clusters that are not needed, or set [docker] pool to another range.",
        30,
    ),
    Fault(
        "port-in-use",
        "all ports for the APIs of clusters are in use",
        "a program listens on the only port of the range",
        "operator",
        STATUS,
        "No free port of …-… is left for another cluster.",
        "Widen [docker] ports, or delete a cluster.",
        30,
    ),
    Fault(
        "port-taken-later",
        "others take every port that is tried for a cluster's API",
        "a proxy before the socket answers each start as Docker does then",
        "transient",
        STATUS,
        "cannot start: Docker: …port is already allocated",
        "Another program holds the port; stop it, and this goes on.",
        20,
    ),
)
SERVICE = (
    Fault(
        "database-gone",
        "the database is gone for 20 s",
        "PostgreSQL is stopped during a resize and started 20 s later; the resize ends well",
        "transient",
        ANSWER,
        "The database does not answer.",
        "",
        10,
    ),
    Fault(
        "identity-gone",
        "Keystone is gone",
        "nothing listens at its address",
        "transient",
        ANSWER,
        "The Keystone service is temporarily unavailable.",
        "",
        15,
    ),
)
LIVE = (
    Fault(
        "api-wrong-ca",
        "something else answers in the place of a cluster's API",
        "a server with a certificate of another CA",
        "operator",
        HEALTH,
        "The API server at https://127.0.0.1:… shows a certificate that is not of this cluster's CA.",
        "Something else answers there, or the cluster's CA was changed by hand; look at what holds the port.",
        10,
    ),
    Fault(
        "clock-before-certificate",
        "clock skew: a certificate is not valid yet",
        "a server whose certificate begins tomorrow",
        "operator",
        HEALTH,
        "The API server at https://127.0.0.1:… shows a certificate that is not valid yet.",
        "Compare the clocks of the control plane and of the service; NTP keeps them together.",
        10,
    ),
    Fault(
        "clock-skew",
        "clock skew: the control plane's clock is wrong",
        "a server with the right certificate whose answers are dated two hours ahead; nodes in containers share the host's clock",
        "operator",
        HEALTH,
        "the control plane's clock is … ahead of the service's",
        "Set both by NTP: certificates and leases do not hold between clocks that differ.",
        10,
    ),
    Fault(
        "api-unreachable",
        "a cluster's API cannot be reached",
        "nothing listens on its port",
        "transient",
        HEALTH,
        "The API server at https://127.0.0.1:… does not answer",
        "Where it lasts: is a control-plane machine up, and does a way lead from the service to its port?",
        10,
    ),
    Fault(
        "certificate-refused",
        "the API does not accept our certificate",
        "a server that trusts another CA for its clients",
        "operator",
        HEALTH,
        "The API server at https://127.0.0.1:… does not accept our certificate.",
        "The cluster's CA was changed by hand; put it back, or make the cluster anew.",
        10,
    ),
)
NODES = (
    Fault(
        "registry-unreachable",
        "a registry is out of reach",
        "on a real cluster kube-proxy gets an image of registry.invalid",
        "operator",
        HEALTH,
        "kube-proxy runs on … of 5 nodes; image registry.invalid/a:1 cannot be pulled on …: the registry is out of reach",
        "Nodes need a way to it",
        60,
    ),
    Fault(
        "proxy-dead",
        "the cluster's proxy does not work",
        "a real cluster with http_proxy = http://127.0.0.1:9; kube-proxy gets an image of registry.example",
        "user",
        HEALTH,
        "kube-proxy runs on … of 5 nodes; image registry.example/a:1 cannot be pulled on …: the proxy does not work",
        "Make a cluster of a template with another http_proxy.",
        60,
    ),
    Fault(
        "registry-wrong-ca",
        "a registry's certificate is of a CA that nodes do not know",
        "on a real cluster kube-proxy gets an image of a registry with a CA of its own",
        "user",
        HEALTH,
        "kube-proxy runs on … of 5 nodes; image …/a:1 cannot be pulled on …: the registry's certificate is of a CA that the nodes do not "
        "know",
        "Give the registry a certificate of a public CA, or use another registry.",
        60,
    ),
    Fault(
        "certificate-unknown",
        "our credentials are revoked: a cluster does not know them",
        "a real API server is asked with a certificate of another CA",
        "operator",
        HEALTH,
        "The API server answers GET /… with 401",
        "The cluster does not know our certificate: were its CAs changed by hand?",
        30,
    ),
    Fault(
        "node-disk-full",
        "the disk of a node is full",
        "on a real node the kubelet's file system is filled to the last MiB",
        "user",
        HEALTH,
        "its disk is full: pods are evicted, and new ones go elsewhere (DiskPressure)",
        "Remove data that pods wrote to the node or images that none uses, or ask for nodes with larger disks.",
        120,
    ),
    Fault(
        "node-memory-full",
        "the memory of a node is used up",
        "on a real node the kubelet's threshold is set above the memory that there is: nodes in containers see the host's",
        "user",
        HEALTH,
        "its memory is used up: pods are evicted, and new ones go elsewhere (MemoryPressure)",
        "Give the pods memory limits, or ask for more or larger nodes.",
        120,
    ),
    Fault(
        "kubelet-crash-loop",
        "the kubelet of a node keeps failing",
        "on a real node the kubelet's configuration is no YAML any more",
        "operator",
        HEALTH,
        "its kubelet has not reported since …: it keeps failing, or cannot reach the API",
        "Read the kubelet's words on that node (`journalctl -u kubelet`), or replace it: resize by its name, then back.",
        180,
    ),
    Fault(
        "cni-missing",
        "the network plugin of a node is missing",
        "on a real node the CNI configuration is taken away",
        "operator",
        HEALTH,
        "its pods have no network: no CNI configuration is in /etc/cni/net.d",
        "Put the node image's CNI configuration back, or replace the node: resize by its name, then back.",
        120,
    ),
    Fault(
        "etcd-gone",
        "etcd has no quorum",
        "on a real control plane etcd, its only member, is stopped",
        "operator",
        HEALTH,
        "the API server is up, but etcd does not answer it: it has stopped, or lost its quorum",
        "Look at etcd on the control plane (`crictl ps -a`, disk and clock); nothing can be changed meanwhile.",
        120,
    ),
    Fault(
        "api-hangs",
        "a cluster's API takes calls and answers none",
        "a real control plane is frozen",
        "transient",
        HEALTH,
        "The API server at https://127.0.0.1:… does not answer",
        "Where it lasts: is a control-plane machine up, and does a way lead from the service to its port?",
        60,
    ),
    Fault(
        "kubelet-never-up",
        "the kubelet does not stay up at a node's first boot",
        "a node image whose kubelet ends with an error",
        "operator",
        STATUS,
        "…: bootstrap step kubelet-serves failed: exit code 1: the kubelet does not stay up: no kubelet today",
        "The node's last console lines are in the timeline (`jeroboam cluster why`).",
        180,
    ),
)
OPENSTACK = (
    Fault(
        "openstack-answers-500",
        "Heat answers with an error",
        "a proxy before Heat answers the creation of a stack with 500, then no more; the create ends well",
        "transient",
        TIMELINE,
        "Stack jeroboam-faulty-… was not created: the database is away",
        "Where it lasts, the log of the service that answers so says why; this goes on when it is right again.",
        120,
    ),
    Fault(
        "openstack-slow",
        "Heat does not answer in time",
        "a proxy before Heat keeps the creation of a stack for longer than timeout_s, then no more; the create ends well",
        "transient",
        TIMELINE,
        "The cloud did not answer within … s: ",
        "It is overloaded, or what stands before it is; this goes on when it answers.",
        240,
    ),
    Fault(
        "openstack-stack-stuck",
        "a stack stays in progress",
        "Nova's compute manager is stopped (SIGSTOP) before the servers are made, and goes on later; so does the create",
        "transient",
        TIMELINE,
        "Stack jeroboam-faulty-…-default-….0 is still at CREATE_IN_PROGRESS: Heat waits for faulty-… (OS::Nova::Server)",
        "Where it lasts, the logs of Heat's engine and of the service behind the resource say why; it goes on by itself then.",
        300,
    ),
    Fault(
        "openstack-no-host",
        "no host takes a server: it is in ERROR",
        "the workers' flavor has 4096 vCPUs",
        "operator",
        TIMELINE,
        "faulty-…-default-worker-…: ResourceInError: …No valid host was found",
        "No host of the cloud has room for this flavor, or none fits its extra specs: choose another, or ask the operator.",
        300,
    ),
    Fault(
        "openstack-quota-half-way",
        "the project's quota of servers is used up half way",
        "Nova's quota leaves room for two servers, and four are asked for",
        "user",
        TIMELINE,
        "faulty-…-default-…Quota exceeded for instances",
        "Free some of it, or ask the operator of the cloud for more.",
        300,
    ),
    Fault(
        "openstack-keystone-gone",
        "Keystone is gone for 30 s",
        "Keystone is ended, and started again 30 s after the words; the create ends well",
        "transient",
        TIMELINE,
        "The cloud cannot be reached: ",
        "Look at that service and at what stands before it; this goes on when it answers.",
        120,
    ),
    Fault(
        "openstack-credentials-revoked",
        "the credentials of the service are revoked",
        "its user loses the role in the project while the cluster is made",
        "operator",
        TIMELINE,
        "The project … is gone from Keystone, or the user jeroboam-faulty has no role in it any more.",
        "member` gives the role back, and what failed can be asked for again.",
        300,
    ),
    Fault(
        "openstack-foreign-port",
        "a port of somebody else holds the cluster's network",
        "a tenant makes one in it, and the cluster is deleted; the deletion ends well once the port is gone",
        "transient",
        TIMELINE,
        "Stack jeroboam-faulty-… cannot be deleted: …",
        "In the cluster's network there is still port",
        600,
    ),
    Fault(
        "openstack-delete-failed",
        "Heat cannot delete a stack",
        "a tenant ties another network to the cluster's router; what is in the stack is removed one by one, and the deletion ends well",
        "transient",
        TIMELINE,
        "Stack jeroboam-faulty-… cannot be deleted: router: …resources were removed one by one.",
        "",
        600,
    ),
)
FAULTS = (*WISHES, *PROVIDER, *DOCKER, *OPENSTACK, *SERVICE, *LIVE, *NODES)
_HEAD = """\
# Faults

What may go wrong, and what a tenant reads then. Each line is a test in `tests/faults`, or on a real OpenStack in
`tests/openstack`, which brings the fault about and holds the service against the line: class, words and time. `make faults` writes this
page from the tests' own data.

- *class*: whose move it is. `user`: the tenant's; `transient`: nobody's, it passes; `operator`: of this service; `bug`: the developers'.
- *read in*: `answer`, that of the request; `status_reason`, of the cluster; `timeline`, of the operation; `health`, the cluster's
  `health_status_reason`. `jeroboam cluster why` shows all but the first, with whose move it is and the next one.
- *within*: seconds from the fault to the words. A cluster's health is looked at each `[conductor] health_s` (60 s), which comes on top.

| fault | brought about by | class | read in | words | next move | within |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = ((f.what, f.injected, f.error_class, f.where, f.message, f.hint or "-", f"{f.within_s:g} s") for f in FAULTS)
    return _HEAD + "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(page())
