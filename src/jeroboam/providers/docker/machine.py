"""A node as a container: its configuration. Pure."""

from __future__ import annotations

from typing import Any

from ...contracts import Address, Flavor, MachineSpec, NetworkSpec
from .labels import PORT, machine_labels

# All that Linux 5.8 has but SYS_RESOURCE, which some hosts cannot give; that one is added where the probe says so.
CAPABILITIES = (
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
)
_STOP_S = 10


def container_config(
    spec: MachineSpec,
    *,
    image: str,
    network: str,
    address: str,
    publish: Address | None,
    port: NetworkSpec,
    flavor: Flavor | None,
    host_cpus: int,
    extra_capabilities: tuple[str, ...],
) -> dict[str, Any]:
    """The container of a machine. `publish` is set for the machine that answers for the cluster's API."""
    key = f"{port.endpoint_port}/{port.endpoint_protocol}"
    host: dict[str, Any] = {
        "CapAdd": [*CAPABILITIES, *extra_capabilities],
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
        "MaskedPaths": [],
        "ReadonlyPaths": [],
        "DeviceCgroupRules": ["a *:* rwm"],  # a privileged pod may only be given what its node may do
        "CgroupnsMode": "private",
        "Tmpfs": {"/run": "exec,mode=755,size=512m", "/tmp": "exec,mode=1777,size=2g"},  # noqa: S108 - inside the node
        "Mounts": [{"Type": "volume", "Source": spec.name, "Target": "/data", "VolumeOptions": {"NoCopy": True}}],
        "RestartPolicy": {"Name": "unless-stopped"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "2"}},
        "NetworkMode": network,
        "PortBindings": {key: [{"HostIp": publish.host, "HostPort": str(publish.port)}]} if publish else {},
        **(_limits(flavor, host_cpus) if flavor else {}),
    }
    return {
        "Image": image,
        "Hostname": spec.name,
        "Tty": True,
        "Env": ["container=docker"],
        "Labels": machine_labels(spec, address) | ({PORT: str(publish.port)} if publish else {}),
        "StopSignal": "SIGRTMIN+3",  # systemd: halt
        "StopTimeout": _STOP_S,
        "ExposedPorts": {key: {}} if publish else {},
        "HostConfig": host,
        "NetworkingConfig": {"EndpointsConfig": {network: {"IPAMConfig": {"IPv4Address": address}}}},
    }


def _limits(flavor: Flavor, host_cpus: int) -> dict[str, int]:
    """Upper bounds, not reservations: a flavor of more cores than the host has means all of them."""
    limits = {"NanoCpus": int(min(flavor.vcpus, host_cpus) * 1_000_000_000)}
    if flavor.ram_mib:
        limits["Memory"] = flavor.ram_mib * 1024 * 1024
    return limits
