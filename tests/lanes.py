"""The lanes of `make test`: which tests may run beside each other. Two files of one lane never do.

Most tests of real clusters wait, so two lanes of them and the light tests fit on two cores. A lane is a folder or several, so that
fixtures that cost a cluster are still made once.
"""

from __future__ import annotations

from pathlib import PurePath

import pytest

CLUSTERS, MACHINES, ASLEEP = "clusters", "machines", "asleep"
_ORDER = (CLUSTERS, MACHINES, ASLEEP)  # the longest begin first


def lane(item: pytest.Item) -> str:
    """Tests on Docker: those of whole clusters, those that sleep while their cluster runs, all others. A light file is its own lane."""
    file = PurePath(item.nodeid.partition("::")[0])
    if item.get_closest_marker("docker") is None:
        return str(file)
    return {"e2e": CLUSTERS, "tempest": ASLEEP}.get(file.parts[1], MACHINES)


def arrange(items: list[pytest.Item]) -> None:
    """Give each test its lane, as pytest-xdist understands it, and order the lanes."""
    ranks = {}
    for item in items:
        name = lane(item)
        item.add_marker(pytest.mark.xdist_group(name))
        ranks[item] = _ORDER.index(name) if name in _ORDER else len(_ORDER)
    items.sort(key=ranks.__getitem__)
