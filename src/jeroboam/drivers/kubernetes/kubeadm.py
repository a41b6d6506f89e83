"""What kubeadm and the kubelet read, as text. Pure. Source: kubeadm.k8s.io/v1beta4, kubelet.config.k8s.io/v1beta1, kubeproxy v1alpha1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from ...contracts import ClusterContext, MachineSpec
from ...domain import NodeGroup, Role
from . import runtimes
from .labels import Options

NODE_SEED = "node-seed"  # the token that keys of nodes are derived from
CGROUP_DRIVER = "@CGROUP_DRIVER@"  # known on the node only; its first command puts it in
RESOLV_CONF = "/etc/kubelet-resolv.conf"
PKI = "/etc/kubernetes/pki"
_SOCKET = "unix:///run/containerd/containerd.sock"
# The default of 20 requests/s makes its forty controllers start one after the other, which takes 5 s.
_UNHURRIED = {"kube-api-qps": "100", "kube-api-burst": "200"}
_CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def init_config(context: ClusterContext, machine: MachineSpec, options: Options, version: str) -> bytes:
    """The file of `kubeadm init`."""
    return _yaml(
        _init(context, machine),
        _cluster(context, options, version),
        kubelet(context, machine, options),
        _proxy(options),
    )


def kubelet_config(context: ClusterContext, machine: MachineSpec, options: Options) -> bytes:
    """The file of a worker's kubelet."""
    return _yaml(kubelet(context, machine, options))


def kubelet(context: ClusterContext, machine: MachineSpec, options: Options) -> dict[str, Any]:
    """A kubelet inside a container or a small server: images are baked in, the disk may be shared with others."""
    group = group_of(context, machine)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": CGROUP_DRIVER,
        "clusterDNS": [options.dns],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": _SOCKET,
        "failSwapOn": False,
        "failCgroupV1": False,
        "resolvConf": RESOLV_CONF,
        "rotateCertificates": True,
        "serializeImagePulls": False,
        "staticPodPath": "/etc/kubernetes/manifests",
        "imageGCHighThresholdPercent": 100,  # the baked images cannot be pulled again
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "registerWithTaints": _taints(machine, group),
    }


def kubelet_environment(context: ClusterContext, machine: MachineSpec, chosen: Options) -> bytes:
    """Arguments that have no place in the kubelet's file. Source: kubelet 1.34, --help."""
    labels = runtimes.node_labels(context.image, chosen.oci_runtimes) | node_labels(machine, group_of(context, machine))
    words = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return f"KUBELET_ARGS=--hostname-override={machine.name} --node-labels={words}\n".encode()


def node_labels(machine: MachineSpec, group: NodeGroup) -> dict[str, str]:
    """Labels a node registers with. A kubelet may not set others of kubernetes.io (NodeRestriction)."""
    own = {"magnum.openstack.org/nodegroup": label_value(group.name), "magnum.openstack.org/role": group.role_name}
    return {key: label_value(value) for key, value in own.items()} | dict(group.node_labels)


def label_value(text: str) -> str:
    """`text` as a label's value: at most 63 letters, digits, `-`, `_`, `.`, ending in a letter or digit."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in text)
    return kept[:63].strip("-_.")


def group_of(context: ClusterContext, machine: MachineSpec) -> NodeGroup:
    """The node group of a machine."""
    return next(group for group in context.groups if group.name == machine.group)


def _taints(machine: MachineSpec, group: NodeGroup) -> list[Mapping[str, str]]:
    own = [_CONTROL_PLANE_TAINT] if machine.role is Role.CONTROL_PLANE else []
    return [*own, *group.node_taints]


def _init(context: ClusterContext, machine: MachineSpec) -> dict[str, Any]:
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "nodeRegistration": {"name": machine.name, "criSocket": _SOCKET, "imagePullPolicy": "IfNotPresent"},
        "localAPIEndpoint": {"bindPort": context.endpoint.inside.port},
    }


def _cluster(context: ClusterContext, options: Options, version: str) -> dict[str, Any]:
    inside, outside = context.endpoint.inside, context.endpoint.outside
    names = {"localhost", "127.0.0.1", inside.host} | ({outside.host} if outside else set())
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "kubernetesVersion": version,
        "clusterName": context.cluster.name,
        "certificatesDir": PKI,
        "encryptionAlgorithm": "ECDSA-P256",
        "controlPlaneEndpoint": str(inside),
        "networking": {
            "podSubnet": str(options.pods),
            "serviceSubnet": str(options.services),
            "dnsDomain": "cluster.local",
        },
        "apiServer": {"certSANs": sorted(names)},
        "controllerManager": _flags(_alone(context) | _UNHURRIED | {"node-cidr-mask-size": str(options.subnet_bits)}),
        "scheduler": _flags(_alone(context)),
    }


def _alone(context: ClusterContext) -> dict[str, str]:
    """A single control plane has nobody to hold an election with; waiting for one costs 3 s at each start."""
    size = sum(group.node_count for group in context.groups if group.role is Role.CONTROL_PLANE)
    return {"leader-elect": "false"} if size == 1 else {}


def _flags(values: Mapping[str, str]) -> dict[str, Any]:
    return {"extraArgs": [{"name": name, "value": value} for name, value in sorted(values.items())]}


def _proxy(options: Options) -> dict[str, Any]:
    """The host's connection tracking is not the node's to tune: zeros leave it alone."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clusterCIDR": str(options.pods),
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def _yaml(*documents: dict[str, Any]) -> bytes:
    return yaml.safe_dump_all(documents, sort_keys=False, width=1_000_000).encode()
