"""A fault of Docker Engine that we step around: it may lock up for good when containers of one network end side by side.

What ends a container's part in a network takes the lock of the network, then that of all networks; what forgets its name takes them the
other way round. Containers are still listed and killed then; networks, starts and removals hang until the engine is restarted.
Source: moby issue 46661, libnetwork pull request 2679 (20.10.27), moby pull request 42545 (23.0).
"""

from __future__ import annotations

import re

MENDED = (20, 10, 27)


def may_lock_up(version: str) -> bool:
    """Whether an engine that names this as its version has the fault. One whose version is no number is taken for a new one."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return found is not None and tuple(map(int, found.groups())) < MENDED
