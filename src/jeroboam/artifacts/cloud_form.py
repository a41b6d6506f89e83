"""What node images of clouds have beside their container tool, by the kind of server, and the files that they come as. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from ..domain.errors import InvalidRequest
from .oven import MASKED, Form

CONTAINER, VM, BM = "container", "vm", "bm"
SERVER_TYPES = (CONTAINER, VM, BM)
TAR, RAW, QCOW2 = "tar", "raw", "qcow2"
_DEFAULT = {TAR: CONTAINER, RAW: VM, QCOW2: VM}
_SERVES = {CONTAINER: (TAR, RAW), VM: (RAW, QCOW2), BM: (RAW, QCOW2)}
# openssl opens what a server's first boot is sealed in.
_COMMON = ("cloud-init", "openssl", "python3", "e2fsprogs", "cloud-guest-utils", "fdisk", "systemd-resolved", "netbase")
_MACHINE = ("udev", "initramfs-tools", "systemd-timesyncd")
# Nobody logs in, and the nodes of a cluster are replaced, not updated.
_IDLE = (
    *("getty.target", "getty@.service", "serial-getty@.service", "console-getty.service", "systemd-firstboot.service"),
    *(
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "dpkg-db-backup.timer",
        "e2scrub_all.timer",
        "e2scrub_reap.service",
    ),
)
# cloud-init's generator looks whether this is a cloud, which takes seconds, and on a slow machine so many that systemd ends it: then
# there is no first boot. It always is one.
_ENABLE = (
    "mkdir -p /etc/systemd/system-generators; ln -sf /dev/null /etc/systemd/system-generators/cloud-init-generator; "
    "ln -sf /lib/systemd/system/cloud-init.target /etc/systemd/system/multi-user.target.wants/cloud-init.target; "
    "systemctl enable systemd-networkd.service systemd-networkd-wait-online.service systemd-resolved.service "
    "cloud-init-local.service cloud-init.service cloud-config.service cloud-final.service jeroboam-prepare.service"
)
_INIT = "ln -sf /usr/local/sbin/jeroboam-lxc-init /usr/sbin/init"  # what Nova has libvirt start
_MASKED_IN_CONTAINER = (*dict.fromkeys((*MASKED, *_IDLE)), "sys-fs-fuse-connections.mount")
# What makes a disk of a tree: none of it is on the disk.
DISK_TOOLS = (
    *("e2fsprogs", "dosfstools", "mtools", "fdisk", "qemu-utils"),
    *("grub-common", "grub-pc-bin", "grub-efi-amd64-bin"),
)

FORMS: Mapping[str, Form] = {
    CONTAINER: Form(
        CONTAINER,
        f"{_INIT}; systemctl mask {' '.join(_MASKED_IN_CONTAINER)}; {_ENABLE}",
        packages=_COMMON,
        trees=("cloud", "container"),
    ),
    VM: Form(
        VM,
        f"systemctl mask {' '.join(_IDLE)}; {_ENABLE}",
        packages=(*_COMMON, *_MACHINE, "linux-image-cloud-amd64"),
        trees=("cloud", "machine"),
    ),
    BM: Form(
        BM,
        f"systemctl mask {' '.join(_IDLE)}; {_ENABLE}",
        packages=(*_COMMON, *_MACHINE, "linux-image-amd64"),  # with the drivers of real disks and network cards
        trees=("cloud", "machine"),
    ),
}


@dataclass(frozen=True)
class Wrapping:
    """How a tree becomes one file: the scripts in order, what they need installed, and whether a machine boots from it."""

    scripts: tuple[str, ...]
    tools: tuple[str, ...] = ()  # none: those of the image itself do

    def text(self) -> str:
        """The whole script."""
        folder = resources.files(__package__) / "disk"
        return "".join((folder / name).read_text() for name in self.scripts)


def wrapping(format_: str, server_type: str) -> Wrapping:
    """How an image of this format for these servers is made."""
    if format_ == TAR:
        return Wrapping(("tar.sh",))
    if server_type == CONTAINER:
        return Wrapping(("filesystem.sh",))
    return Wrapping(("disk.sh", "qcow2.sh") if format_ == QCOW2 else ("disk.sh",), DISK_TOOLS)


def tree_script() -> str:
    """What the oven runs before any of them."""
    return (resources.files(__package__) / "disk" / "tree.sh").read_text()


def check_server_type(format_: str, server_type: str | None) -> str:
    """The kind of server that an image of this format is for. Raises InvalidRequest when they do not fit."""
    chosen = server_type or _DEFAULT[format_]
    if format_ not in _SERVES[chosen]:
        fitting = " or ".join(_SERVES[chosen])
        raise InvalidRequest(
            f"--format {format_} does not fit --server-type {chosen}.",
            hint=f"A server of type {chosen} starts from {fitting}.",
        )
    return chosen
