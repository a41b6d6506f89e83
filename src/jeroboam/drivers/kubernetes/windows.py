"""First boot of a Windows worker: containerd, kubelet, flannel and kube-proxy as services of the system. Pure.

The node image holds the programs (docs/drivers/kubernetes.md). None has been booted here: what is rendered is tested as text.
Sources: Kubernetes docs, Windows containers and kubelet reference; CNI plugins, win-overlay; flannel docs, Backends (vxlan).
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from ... import pki
from ...contracts import ClusterContext, File, MachineSpec, NodeConfig
from .. import powershell
from . import kubeadm
from .labels import Options

VNI, VXLAN_PORT = 4096, 4789  # the least, and the only one, that Windows takes
TAINT = {"key": "os", "value": "windows", "effect": "NoSchedule"}
FLANNEL_GROUP = "jeroboam:flannel"
_NETWORK = f"flannel.{VNI}"  # as flannel calls it
_PLUGINS = r"C:\Program Files\containerd\cni\conf"  # where containerd looks on Windows
_CA = rf"{powershell.NODE}\ca.crt"
_KUBELET, _NET = rf"{powershell.NODE}\kubelet.yaml", rf"{powershell.NODE}\net-conf.json"
_SCRIPTS = ("containerd", "control-plane-open", "kubelet", "flannel", "flanneld", "kube-proxy", "kubelet-serves")


def node_config(context: ClusterContext, machine: MachineSpec, chosen: Options) -> NodeConfig:
    """Files and commands of one machine."""
    shape, inside = context.cluster.shape, context.endpoint.inside
    files = (
        File(_CA, context.secrets.ca.cert_pem),
        File(_KUBELET, _kubelet(context, machine, chosen)),
        File(_NET, _json(_flannel(chosen))),
        File(rf"{_PLUGINS}\10-flannel.conf", _json(_plugin(chosen))),
        _access(context, "kubelet", f"system:node:{machine.name}", "system:nodes"),
        # What stands for the node makes its key another than those of others.
        _access(context, "flannel", f"{FLANNEL_GROUP}:{machine.name}", FLANNEL_GROUP),
        _access(context, "kube-proxy", "system:kube-proxy", f"jeroboam:{machine.name}"),
        *powershell.proxies(shape),
        *(powershell.script(__package__, name) for name in _SCRIPTS),
    )
    group = kubeadm.group_of(context, machine)
    words = ",".join(f"{key}={value}" for key, value in sorted(kubeadm.node_labels(machine, group).items()))
    commands = (
        powershell.step("containerd", timeout_s=120),
        powershell.step("control-plane-open", inside.host, str(inside.port), timeout_s=600),
        powershell.step("kubelet", machine.name, words, inside.host, timeout_s=120),
        powershell.step("kubelet-serves", timeout_s=120),
        powershell.step("flannel", machine.name, inside.host, timeout_s=300),
        powershell.step("kube-proxy", machine.name, _NETWORK, str(chosen.pods), timeout_s=120),
    )
    return NodeConfig(machine.name, files, commands, os="windows")


def _access(context: ClusterContext, name: str, user: str, group: str) -> File:
    secrets = context.secrets
    cert, key = pki.derived_client_certificate(secrets.ca, secrets.tokens[kubeadm.NODE_SEED], user, [group])
    text = pki.kubeconfig("cluster", name, f"https://{context.endpoint.inside}", secrets.ca.cert_pem, cert, key)
    return File(rf"{powershell.NODE}\{name}.conf", text, 0o600)


def _kubelet(context: ClusterContext, machine: MachineSpec, chosen: Options) -> bytes:
    """As elsewhere, without what Windows has not: control groups, a file of name servers, static pods."""
    config = kubeadm.kubelet(context, machine, chosen)
    for absent in ("cgroupDriver", "failSwapOn", "failCgroupV1", "staticPodPath", "evictionHard"):
        del config[absent]
    config |= {
        "containerRuntimeEndpoint": "npipe:////./pipe/containerd-containerd",
        "resolvConf": "",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "registerWithTaints": [TAINT, *config["registerWithTaints"]],
    }
    config["authentication"]["x509"]["clientCAFile"] = _CA
    return yaml.safe_dump(config, sort_keys=False).encode()


def _flannel(chosen: Options) -> dict[str, Any]:
    return {"Network": str(chosen.pods), "Backend": {"Type": "vxlan", "VNI": VNI, "Port": VXLAN_PORT}}


def _plugin(chosen: Options) -> dict[str, Any]:
    """What containerd calls for each pod: flannel gives win-overlay the node's part of the pods' addresses. What goes to pods and Services
    stays in the overlay, all else leaves by the node's address."""
    inner = [str(chosen.services), str(chosen.pods)]
    outward = {"Type": "OutBoundNAT", "ExceptionList": inner}
    services = {"Type": "ROUTE", "DestinationPrefix": inner[0], "NeedEncap": True}
    return {
        "name": _NETWORK,
        "cniVersion": "0.3.0",
        "type": "flannel",
        "capabilities": {"dns": True},
        "delegate": {
            "type": "win-overlay",
            "policies": [{"Name": "EndpointPolicy", "Value": value} for value in (outward, services)],
        },
    }


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"
