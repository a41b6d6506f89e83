"""nova-compute, with two changes for LXC servers.

A server keeps the capabilities that libvirt would drop (MKNOD and others). And to end one is tried again where libvirt
gives up: it walks the server's control groups, and those of containers in it may vanish under its hands.
"""

import sys
import time
from typing import Any

import libvirt
from nova.cmd.compute import main
from nova.virt.libvirt import config
from nova.virt.libvirt import guest as libvirt_guest

_TRIES = 20


class AllCapabilities(config.LibvirtConfigGuestFeature):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__("capabilities")

    def format_dom(self) -> Any:
        root = super().format_dom()
        root.set("policy", "allow")
        return root


_format_dom = config.LibvirtConfigGuest.format_dom
_poweroff = libvirt_guest.Guest.poweroff


def with_capabilities(guest: Any) -> Any:
    if guest.virt_type == "lxc" and not any(isinstance(feature, AllCapabilities) for feature in guest.features):
        guest.features.append(AllCapabilities())
    return _format_dom(guest)


def patient_poweroff(guest: Any) -> Any:
    for left in range(_TRIES, -1, -1):
        try:
            return _poweroff(guest)
        except libvirt.libvirtError as error:
            if not left or "No such device" not in str(error):
                raise
            time.sleep(0.5)
    return None


config.LibvirtConfigGuest.format_dom = with_capabilities
libvirt_guest.Guest.poweroff = patient_poweroff

if __name__ == "__main__":
    sys.argv[0] = "nova-compute"
    sys.exit(main())
