"""First boot of a control-plane machine and of a worker. Pure.

The control plane is made by `kubeadm init` from our CAs. A worker needs no join: it gets a certificate of its own, waits
until the API's port is open and starts its kubelet, so all machines boot side by side and no token can make another node.
"""

from __future__ import annotations

from importlib import resources
from string import Template

from ... import bootstrap, pki
from ...artifacts import catalogue
from ...contracts import ClusterContext, Command, File, MachineSpec, NodeConfig
from ...domain import Cluster, Role
from .. import checks
from . import kubeadm, runtimes, windows
from .labels import Options, options

NODE_SEED = kubeadm.NODE_SEED
_KUBEADM = "/etc/kubernetes/kubeadm.yaml"
_KUBELET = "/etc/kubernetes/kubelet.yaml"
_KUBELET_HAS = "/var/lib/kubelet/config.yaml"
_ADDONS = "/etc/kubernetes/addons"
_ADMIN = "/etc/kubernetes/super-admin.conf"  # admin.conf has no rights before kubeadm's last phases
_SKIPPED = "preflight,addon/coredns,show-join-command"
_CGROUP_DRIVER = f"""\
driver=$(cat /run/jeroboam/cgroup-driver 2>/dev/null || echo systemd)
sed -i "s/{kubeadm.CGROUP_DRIVER}/$driver/" "$1"
"""
_OPEN = 'until (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; do sleep 0.1; done'
_APPLY = f"""\
{_OPEN}
until kubectl --kubeconfig {_ADMIN} --request-timeout=5s apply --validate=false -f "$3"; do sleep 0.2; done
"""
# The kubelet's health port is open, or it has died so often that it will not come up: then its own last words are the reason. Deaths
# before it had its configuration do not count.
_SERVES = """\
early=0
until (exec 3<>/dev/tcp/127.0.0.1/10248) 2>/dev/null; do
  deaths=$(systemctl show kubelet --property=NRestarts --value)
  [ -e "$1" ] || early=$deaths
  if [ $((deaths - early)) -ge 5 ]; then
    echo "the kubelet does not stay up: $(journalctl -q -u kubelet -t kubelet -n 1 --no-pager -o cat)"
    exit 1
  fi
  sleep 0.2
done
"""
_ALSO_NAMED = """\
until ctr version >/dev/null 2>&1; do sleep 0.1; done
while [ $# -gt 1 ]; do ctr -n k8s.io images tag --force "$1" "$2" || exit 1; shift 2; done
"""


def node_config(context: ClusterContext, machine: MachineSpec) -> NodeConfig:
    """Files and commands of one machine."""
    chosen = options(context.cluster.shape.labels)
    if checks.is_windows(context.image):
        return windows.node_config(context, machine, chosen)
    common = (
        File("/etc/default/kubelet", kubeadm.kubelet_environment(context, machine, chosen)),
        *_resolver(context.cluster),
        *bootstrap.proxy_of("containerd", context.cluster.shape),
        *bootstrap.last_words_of("kubelet", "containerd"),
        File(f"{kubeadm.PKI}/ca.crt", context.secrets.ca.cert_pem),
    )
    if machine.role is Role.CONTROL_PLANE:
        return _control_plane(context, machine, chosen, common)
    return _worker(context, machine, chosen, common)


def version_of(context: ClusterContext) -> str:
    """The Kubernetes version that the node image holds."""
    return context.image.properties["kube_version"]


def _control_plane(
    context: ClusterContext, machine: MachineSpec, chosen: Options, common: tuple[File, ...]
) -> NodeConfig:
    version = version_of(context)
    inside = context.endpoint.inside
    files = (
        *common,
        *_authorities(context),
        File(_KUBEADM, kubeadm.init_config(context, machine, chosen, version), 0o600),
        *(File(f"{_ADDONS}/{name}.yaml", _manifest(name, context, chosen)) for name in _addons(chosen)),
        File(f"{_ADDONS}/runtimes.yaml", runtimes.classes(runtimes.offered(context.image, chosen.oci_runtimes))),
    )
    commands = (
        Command("cgroup-driver", _bash(_CGROUP_DRIVER, _KUBEADM), 10),
        Command("addons", _bash(_APPLY, inside.host, str(inside.port), _ADDONS), 300, background=True),
        Command("kubelet-serves", _bash(_SERVES, _KUBELET_HAS), 300, background=True),
        Command("kubelet-at-boot", ("systemctl", "enable", "kubelet"), 30),  # kubeadm starts it, and no more
        Command("control-plane", ("kubeadm", "init", f"--config={_KUBEADM}", f"--skip-phases={_SKIPPED}"), 300),
    )
    return NodeConfig(machine.name, files, commands)


def _addons(chosen: Options) -> tuple[str, ...]:
    return ("flannel", "coredns", "windows") if chosen.windows else ("flannel", "coredns")


def _worker(context: ClusterContext, machine: MachineSpec, chosen: Options, common: tuple[File, ...]) -> NodeConfig:
    inside = context.endpoint.inside
    files = (
        *common,
        File(_KUBELET, kubeadm.kubelet_config(context, machine, chosen)),
        File("/etc/kubernetes/kubelet.conf", _kubelet_access(context, machine), 0o600),
    )
    commands = (
        Command("cgroup-driver", _bash(_CGROUP_DRIVER, _KUBELET), 10),
        *runtimes.trial(runtimes.offered(context.image, chosen.oci_runtimes)),
        *_names_of_the_cluster(context),
        Command("kubelet-config", ("cp", _KUBELET, _KUBELET_HAS), 10),
        Command("control-plane-open", _bash(_OPEN, inside.host, str(inside.port)), 600),
        Command("kubelet", bootstrap.enable_now("kubelet"), 60),
        Command("kubelet-serves", _bash(_SERVES, _KUBELET_HAS), 120),
    )
    return NodeConfig(machine.name, files, commands)


def _bash(script: str, *arguments: str) -> tuple[str, ...]:
    return ("bash", "-c", script, "bash", *arguments)


def _names_of_the_cluster(context: ClusterContext) -> tuple[Command, ...]:
    """Add-ons that run on any node name the images of the control plane's version. A node of another one holds its own, which the
    skew rules allow in their place: they get those names, too. Nothing could be pulled."""
    running, own = context.cluster.coe_version, version_of(context)
    if running is None or running == own or running not in catalogue().kubernetes:
        return ()
    pairs = [(_image(part, own), _image(part, running)) for part in ("/kube-proxy:", "/coredns:", "/flannel:")]
    words = [name for pair in pairs if pair[0] != pair[1] for name in pair]
    return (Command("image-names", _bash(_ALSO_NAMED, *words), 60),) if words else ()


def _authorities(context: ClusterContext) -> tuple[File, ...]:
    """What kubeadm makes its leaves from."""
    kept = context.secrets
    pairs = {"ca": kept.ca, "etcd/ca": kept.etcd_ca, "front-proxy-ca": kept.front_proxy_ca}
    keys = [File(f"{kubeadm.PKI}/{name}.key", ca.key_pem.reveal(), 0o600) for name, ca in pairs.items()]
    certs = [File(f"{kubeadm.PKI}/{name}.crt", ca.cert_pem) for name, ca in pairs.items() if name != "ca"]
    service_account = kept.service_account_key
    return (
        *keys,
        *certs,
        File(f"{kubeadm.PKI}/sa.key", service_account.reveal(), 0o600),
        File(f"{kubeadm.PKI}/sa.pub", pki.public_key(service_account)),
    )


def _kubelet_access(context: ClusterContext, machine: MachineSpec) -> bytes:
    """The kubelet's own right, and no other node's: CN and O are what the node authorizer looks at."""
    secrets, server = context.secrets, f"https://{context.endpoint.inside}"
    cert, key = pki.derived_client_certificate(
        secrets.ca, secrets.tokens[NODE_SEED], f"system:node:{machine.name}", ["system:nodes"]
    )
    return pki.kubeconfig("cluster", "kubelet", server, secrets.ca.cert_pem, cert, key)


def _manifest(name: str, context: ClusterContext, chosen: Options) -> bytes:
    text = resources.files(__package__).joinpath(f"manifests/{name}.yaml").read_text()
    values = {
        "pods": chosen.pods,
        "backend": chosen.backend,
        "vxlan": f', "VNI": {windows.VNI}, "Port": {windows.VXLAN_PORT}' if chosen.windows else "",
        "dns": chosen.dns,
        "flannel_image": _image("/flannel:", version_of(context)),
        "coredns_image": _image("/coredns:", version_of(context)),
        "api_host": context.endpoint.inside.host,
        "api_port": context.endpoint.inside.port,
    }
    return Template(text).substitute(values).encode()


def _image(part: str, version: str) -> str:
    """The name of a baked container image."""
    _, release = catalogue().find(version)
    return next(image.name for image in release.images if part in image.name)


def _resolver(cluster: Cluster) -> tuple[File, ...]:
    servers = [word.strip() for word in (cluster.shape.dns_nameserver or "").split(",") if word.strip()]
    if not servers:
        return ()
    return (File(kubeadm.RESOLV_CONF, "".join(f"nameserver {server}\n" for server in servers).encode()),)
