"""Groups that are passed on to providers as text. They check the values; here is only what the sample file says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Passed:
    """An option that a provider reads itself. `default` in words, as in its own documentation."""

    name: str
    default: str
    meaning: str


PASSED: Mapping[str, tuple[Passed, ...]] = {
    "docker": (
        Passed("host", "", "URL of the Docker daemon. When it is not set: $DOCKER_HOST, else the first socket found."),
        Passed("pool", "10.89.0.0/16", "Where the networks of clusters come from, a /24 each."),
        Passed("publish", "127.0.0.1", "Address of this host on which the APIs of clusters are published."),
        Passed("ports", "26443-28442", "Ports for the APIs of clusters; outside the kernel's ephemeral ones."),
        Passed("raise_limits", "true", "Raise this host's inotify limits for the nodes, where we may."),
        Passed(
            "keypairs",
            "",
            "Comma list of the key pairs that requests may name, for clients that insist on one. They have no effect: nodes are entered "
            "by `docker exec`, not by SSH. Others are refused with 404.",
        ),
    ),
    "fake": (
        Passed("boot_s", "0.3", "Seconds that a machine takes to boot."),
        Passed(
            "catalogue",
            "",
            "YAML file with images, flavors, keypairs, networks, subnets, projects, faults and drivers. When it is not set: a few "
            "built-in ones.",
        ),
        Passed("latency_s", "0.0", "Seconds that each call takes."),
        Passed(
            "faults",
            "[]",
            'What goes wrong, a JSON list: [{"call": "ensure_machine", "effect": "refuse", "name": "*"}].',
        ),
        Passed(
            "state", "", "File that keeps what was made. When it is not set: `fake-cloud.sqlite` in the data folder."
        ),
    ),
}
