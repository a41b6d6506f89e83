"""What the kernel under the nodes can do for networks between them, found out by using it once in a container that only ends.

`ip_vs`: the generic netlink family by which dockerd sets up the routing mesh. `esp4`: a security association with the cipher of
encrypted overlays. `wireguard`: a link of that type, for flannel. Asking for one loads the module where there is one.
Source: moby 20.10, libnetwork (ipvs, overlay/encryption.go); flannel 0.26, pkg/backend/wireguard.
"""

from __future__ import annotations

import asyncio

from ...domain.errors import JeroboamError
from .daemon import Daemon, Missing, Taken
from .trial import trial

FEATURES = ("ip_vs", "esp4", "wireguard")
_WITHIN_S = 15.0
_LOOK_S = 0.1
PROBE = """
say() { echo "kernel $1 $2"; }
command -v genl >/dev/null && if genl ctrl get name IPVS >/dev/null 2>&1; then say ip_vs yes; else say ip_vs no; fi
command -v ip >/dev/null || exit 0
key=0x000102030405060708090a0b0c0d0e0f10111213
if ip xfrm state add src 127.0.0.1 dst 127.0.0.1 proto esp spi 1 mode transport aead 'rfc4106(gcm(aes))' $key 64 2>/dev/null
then say esp4 yes; else say esp4 no; fi
if ip link add jeroboam type wireguard 2>/dev/null; then say wireguard yes; else say wireguard no; fi
"""


async def kernel_features(daemon: Daemon, image: str) -> dict[str, bool]:
    """The FEATURES that could be tried, and whether they work. None where no such container runs or the image has no iproute2."""
    config = {
        "Image": image,
        "Entrypoint": ["/bin/sh", "-c", PROBE],
        "Cmd": [],
        "NetworkDisabled": True,  # no network whose other trials might end at the same time (see engine.py)
        "HostConfig": {"CapDrop": ["ALL"], "CapAdd": ["NET_ADMIN"], "NetworkMode": "none"},
    }
    try:
        async with trial(daemon, config) as name, asyncio.timeout(_WITHIN_S):
            running = True
            while running:
                await asyncio.sleep(_LOOK_S)
                running = bool((await daemon.inspect(name))["State"]["Running"])
            return read(await daemon.log(name, len(FEATURES)))
    except (JeroboamError, Taken, Missing, TimeoutError):
        return {}


def read(log: str) -> dict[str, bool]:
    """What a probe said."""
    said = [line.split() for line in log.splitlines()]
    return {words[1]: words[2] == "yes" for words in said if len(words) == 3 and words[0] == "kernel"}
