"""The lanes of `make test`: which tests may run beside each other. Two tests of one lane never do.

Most tests of real clusters wait, so two lanes of them and the light tests fit on two cores. Lanes are folders, so that fixtures that
cost a cluster are still made once.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

_LANES = {
    "tests/e2e/": "clusters",
    "tests/conformance/": "machines",
    "tests/faults/": "machines",
    "tests/integration/": "machines",
    "examples/": "machines",
    "tests/tempest/": "asleep",  # for ten minutes, while its clusters run
}
_ORDER = list(dict.fromkeys(_LANES.values()))  # the longest begin first


class Lanes(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each worker of pytest-xdist a lane at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return lane(nodeid)


def lane(nodeid: str) -> str:
    """A file of light tests is a lane of its own."""
    return next((name for folder, name in _LANES.items() if nodeid.startswith(folder)), nodeid.partition("::")[0])


def arrange(items: list[pytest.Item]) -> None:
    """Lane by lane, as they begin."""
    items.sort(key=lambda item: _ORDER.index(found) if (found := lane(item.nodeid)) in _ORDER else len(_ORDER))
