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
            "call_timeout_s",
            "120",
            "Seconds that one call to the daemon may take before it is given up and made again.",
        ),
        Passed(
            "keypairs",
            "",
            "Comma list of the key pairs that requests may name, for clients that insist on one. They have no effect: nodes are entered "
            "by `docker exec`, not by SSH. Others are refused with 404.",
        ),
    ),
    "openstack": (
        Passed("auth_url", "", "Keystone's address, such as https://keystone.example/v3. Needed."),
        Passed(
            "username",
            "",
            "The service's own user. It needs the role `member` in every project that has clusters. Needed.",
        ),
        Passed("password", "", "Its password. Needed."),
        Passed("user_domain_name", "Default", "Its domain."),
        Passed("region_name", "", "The region of the catalogue. When it is not set: the first."),
        Passed("interface", "public", "Which addresses of the catalogue are called: public, internal or admin."),
        Passed(
            "cafile", "", "PEM file with the certificates by which the service and its nodes know the cloud's APIs."
        ),
        Passed(
            "network_cidr",
            "10.0.0.0/20",
            "Addresses of a cluster's own network, where its label fixed_subnet_cidr names none. Each cluster has its own router, so all "
            "may have the same.",
        ),
        Passed("timeout_s", "30", "Seconds that one call to the cloud may take."),
        Passed(
            "cluster_credentials",
            "none",
            "Whether each cluster has an application credential of its own, with which it is worked for: rules (one that may call what a "
            "cluster needs and nothing else), plain (without access rules, where the cloud's services know none), none.",
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
        Passed(
            "latency_s",
            "0.0",
            "Seconds that a call takes: 2, 5..60 (evenly) or exp:20 (mean); or a list of CALL=SECONDS, the rest without CALL.",
        ),
        Passed("error_rate", "0", "Part of the calls that fail and would pass again, from 0 to 1."),
        Passed("away_s", "0.0", "Seconds out of every away_every_s for which the cloud cannot be reached."),
        Passed("away_every_s", "60.0", "See away_s."),
        Passed("machine_life_s", "0.0", "Seconds after which a machine is lost, on average. 0: never."),
        Passed("machine_quota", "0", "Machines of all clusters together. 0: any number."),
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
