"""Labels that this driver reads, and their values as types."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ...contracts import KernelNeed, LabelSpec, PodRange, Problem
from ...domain import NO, YES, Labels
from . import runtimes

BACKENDS = ("vxlan", "host-gw", "wireguard")
_BACKEND = "flannel_backend"
WINDOWS = "windows_nodes"
# Names and defaults: the Magnum user guide, section "labels".
LABELS = (
    LabelSpec("kube_tag", "version", "", "Kubernetes version; must be the node image's own. Empty: whatever it holds."),
    LabelSpec("flannel_network_cidr", "cidr", "10.100.0.0/16", "Addresses of pods."),
    LabelSpec("flannel_network_subnetlen", "int", "24", "Part of it that each node gets.", unit="bits"),
    LabelSpec("flannel_backend", "enum", "vxlan", "How pods of two nodes reach each other.", choices=BACKENDS),
    LabelSpec("service_cluster_ip_range", "cidr", "10.254.0.0/16", "Addresses of Services."),
    LabelSpec(
        WINDOWS,
        "bool",
        "false",
        "Node groups of Windows may be added: pods reach each other as Windows does it (VXLAN 4096, UDP port 4789).",
    ),
    LabelSpec(
        runtimes.CONTAINER_RUNTIME,
        "enum",
        "containerd",
        "What the kubelet runs containers by.",
        choices=runtimes.CONTAINER_RUNTIMES,
    ),
    LabelSpec(
        runtimes.OCI_RUNTIMES, "text", "", "RuntimeClasses, with commas between. Empty: all that the node image holds."
    ),
)
_SMALLEST_SERVICES = 24
_SUBNET_BITS = range(20, 28)


@dataclass(frozen=True)
class Options:
    """The labels, read."""

    kube_tag: str | None
    pods: ipaddress.IPv4Network
    subnet_bits: int
    backend: str
    services: ipaddress.IPv4Network
    oci_runtimes: tuple[str, ...] = ()  # none: whatever the image holds
    windows: bool = False

    @property
    def dns(self) -> str:
        """The address of the cluster's DNS, as kubeadm chooses it."""
        return str(self.services[10])


def read(labels: Labels) -> tuple[Options | None, list[Problem]]:
    """The options, or everything that is wrong with them."""
    problems: list[Problem] = []
    given = {spec.name: labels.get(spec.name) or spec.default for spec in LABELS}
    pods = _network(given, "flannel_network_cidr", problems)
    services = _network(given, "service_cluster_ip_range", problems)
    bits = _bits(given["flannel_network_subnetlen"], pods, problems)
    if given[_BACKEND] not in BACKENDS:
        problems.append(_problem(_BACKEND, given[_BACKEND], f"one of {', '.join(BACKENDS)}"))
    oci_runtimes = runtimes.read(given, problems)
    windows = _windows(given, problems)
    if pods and services and pods.overlaps(services):
        problems.append(_problem("service_cluster_ip_range", str(services), f"a network apart from the pods' {pods}"))
    if services and services.prefixlen > _SMALLEST_SERVICES:
        wish = f"a network of at least /{_SMALLEST_SERVICES}"
        problems.append(_problem("service_cluster_ip_range", str(services), wish))
    if problems or pods is None or services is None or bits is None:
        return None, problems
    return Options(given["kube_tag"] or None, pods, bits, given[_BACKEND], services, oci_runtimes, windows), []


def kernel_needs(labels: Labels) -> list[KernelNeed]:
    """What the labels ask of the nodes' kernel."""
    if labels.get(_BACKEND) != "wireguard":
        return []
    return [KernelNeed("wireguard", f"Label {_BACKEND} = wireguard", f"labels.{_BACKEND}", "Use vxlan or host-gw.")]


def routed_pods(labels: Labels) -> PodRange | None:
    """Whose packets go between nodes as they are; labels that cannot be read ask for nothing."""
    found, _ = read(labels)
    if found is None or found.backend != "host-gw":
        return None
    return PodRange(str(found.pods), found.subnet_bits, f"Label {_BACKEND} = host-gw", f"labels.{_BACKEND}")


def options(labels: Labels) -> Options:
    """The options of labels that were checked before. Raises ValueError with what is wrong otherwise."""
    found, problems = read(labels)
    if found is None:
        raise ValueError("; ".join(problem.message for problem in problems))
    return found


def _network(given: dict[str, str], name: str, problems: list[Problem]) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(given[name])
    except ValueError:
        problems.append(_problem(name, given[name], "an IPv4 network such as 10.100.0.0/16"))
        return None


def _bits(text: str, pods: ipaddress.IPv4Network | None, problems: list[Problem]) -> int | None:
    wish = f"a number from {_SUBNET_BITS.start} to {_SUBNET_BITS.stop - 1} above the length of flannel_network_cidr"
    bits = int(text) if text.isascii() and text.isdecimal() else -1
    if bits not in _SUBNET_BITS or (pods is not None and bits <= pods.prefixlen):
        problems.append(_problem("flannel_network_subnetlen", text, wish))
        return None
    return bits


def _windows(given: dict[str, str], problems: list[Problem]) -> bool:
    word = given[WINDOWS].lower()
    if word not in YES | NO:
        problems.append(_problem(WINDOWS, given[WINDOWS], "true or false"))
    elif word in YES and given[_BACKEND] != "vxlan":
        problems.append(_problem(_BACKEND, given[_BACKEND], f"vxlan beside {WINDOWS} = true"))
    return word in YES


def _problem(name: str, value: str, wish: str) -> Problem:
    return Problem(f"Label {name} = {value} is not usable.", f"labels.{name}", f"Give {wish}.")
