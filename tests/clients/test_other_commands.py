"""`openstack coe quotas`, `service`, `stats`; microversions by flag; and the command as shells run it."""

from __future__ import annotations

import subprocess
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from . import test_cluster_commands as clusters
from . import test_config_command as config
from . import test_node_group_commands as groups
from . import test_template_commands as templates
from .coe import OPENSTACK, Coe, environment
from .conftest import settled

pytestmark = [pytest.mark.sockets, pytest.mark.timeout(400)]  # the first waits for service and client to start

QUOTA = ["--project-id", "blue", "--resource", "Cluster"]
QUOTA_FLAGS = {"--project-id", "--resource"}

# Every command that has flags, with all of them; the tests of each are made from the same tables.
FLAGS = {
    "coe_cluster_template_create": set(templates.CREATE),
    "coe_cluster_template_update": set(templates.UPDATE),
    "coe_cluster_template_list": set(templates.LIST),
    "coe_cluster_create": set(clusters.CREATE),
    "coe_cluster_update": set(clusters.UPDATE),
    "coe_cluster_list": set(clusters.LIST),
    "coe_cluster_resize": set(clusters.RESIZE),
    "coe_cluster_upgrade": set(clusters.UPGRADE),
    "coe_cluster_config": set(config.CONFIG),
    "coe_nodegroup_create": set(groups.CREATE),
    "coe_nodegroup_update": set(groups.UPDATE),
    "coe_nodegroup_list": set(groups.LIST),
    "coe_quotas_create": QUOTA_FLAGS | {"--hard-limit"},
    "coe_quotas_update": QUOTA_FLAGS | {"--hard-limit"},
    "coe_quotas_show": QUOTA_FLAGS,
    "coe_quotas_delete": QUOTA_FLAGS,
    "coe_quotas_list": {"--marker", "--limit", "--sort-key", "--sort-dir", "--all-tenants"},
}
# What cliff gives to every command that prints a table.
OF_CLIFF = {"--help", "--format", "--column", "--quote", "--noindent", "--max-width", "--fit-width", "--print-empty"}
OF_CLIFF |= {"--sort-column", "--sort-ascending", "--sort-descending", "--variable", "--prefix"}


def table(out: str) -> dict[str, str]:
    """Rows of two columns."""
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines() if line[0] == "|")
    return {name: value for name, value in cells if name != "Property"}


@pytest.mark.filterwarnings("ignore:The osc_lib.version module:DeprecationWarning")
def test_no_flag_of_the_client_is_left_out() -> None:
    declared = {}
    for command in entry_points(group="openstack.container_infra.v1"):
        parser = command.load()(None, None).get_parser(command.name)
        flags = {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")}
        if flags - OF_CLIFF:
            declared[command.name] = flags - OF_CLIFF
    assert declared == FLAGS


def test_quotas(root: Coe, ada: Coe) -> None:
    assert table(ada("quotas", "show", *QUOTA)) == {"project_id": "blue", "resource": "Cluster", "hard_limit": "1000"}
    made = table(root("quotas", "create", *QUOTA, "--hard-limit", "30"))
    assert (made["project_id"], made["resource"], made["hard_limit"]) == ("blue", "Cluster", "30")
    said = root("quotas", "create", *QUOTA)
    assert "failed: Quota for project blue already exists for resource Cluster (HTTP 409)" in said
    green = ["--project-id", "green", "--resource", "Cluster"]
    assert table(root("quotas", "create", *green))["hard_limit"] == "1"
    assert table(root("quotas", "update", *QUOTA, "--hard-limit", "40"))["hard_limit"] == "40"
    assert table(ada("quotas", "show", *QUOTA))["hard_limit"] == "40"

    def listed(*flags: str) -> list[str]:
        rows = [line for line in root("quotas", "list", *flags).splitlines() if line[0] == "|"]
        return [row.split("|")[1].strip() for row in rows[1:]]

    assert listed() == []
    assert listed("--all-tenants") == ["blue", "green"]
    assert listed("--all-tenants", "--sort-key", "project_id", "--sort-dir", "desc") == ["green", "blue"]
    assert listed("--all-tenants", "--limit", "1") == ["blue"]
    assert listed("--all-tenants", "--marker", made["id"]) == ["green"]

    assert "Policy doesn't allow quota:create to be performed" in ada("quotas", "create", *QUOTA)
    assert ada.fails("quotas", "show", *green) == "Not authorized (HTTP 403)"
    for project in (QUOTA, green):
        assert "has been accepted" in root("quotas", "delete", *project)
    assert "Quota could not be found: project_id blue resource Cluster (HTTP 404)" in root("quotas", "delete", *QUOTA)


def test_a_quota_is_kept(root: Coe, bob: Coe) -> None:
    green = ["--project-id", "green", "--resource", "Cluster"]
    root("quotas", "create", *green, "--hard-limit", "0")
    templates.create(bob, "k8s")
    said = bob.fails("cluster", "create", "over", "--cluster-template", "k8s")
    assert said.startswith("Resource limit exceeded: You have reached the maximum clusters per project, 0 (HTTP 403)")
    root("quotas", "delete", *green)


def test_services_and_statistics(root: Coe, ada: Coe, bob: Coe, template: str) -> None:
    [conductor] = root.json("service", "list")
    assert (conductor["id"], conductor["binary"], conductor["state"]) == (1, "magnum-conductor", "up")
    said = "Policy doesn't allow magnum-service:get_all to be performed (HTTP 403)"
    assert ada.fails("service", "list") == said
    before = table(ada("stats", "list", "blue"))
    clusters.create(ada, "counted", template, {"--node-count": "3"})
    after = table(ada("stats", "list", "blue"))
    assert int(after["clusters"]) == int(before["clusters"]) + 1
    assert int(after["nodes"]) == int(before["nodes"]) + 4
    assert bob.fails("stats", "list", "blue") == "Not authorized (HTTP 403)"
    assert table(root("stats", "list", "blue")) == after
    ada("cluster", "delete", "counted")


@pytest.fixture(scope="module")
def cluster(ada: Coe, template: str) -> Any:
    yield clusters.create(ada, "versions", template)
    ada("cluster", "delete", "versions")


@pytest.mark.parametrize("minor", range(1, 15))
def test_every_microversion(ada: Coe, cluster: Any, minor: int) -> None:
    coe = ada.at(f"1.{minor}")
    # The client takes stack_id, the name until 1.12, for cluster_id, but its command shows nothing then.
    assert coe.json("cluster", "show", "versions")["cluster_id"] == (cluster["cluster_id"] if minor >= 13 else "")
    assert [row["name"] for row in coe.json("cluster", "template", "list") if row["name"] == "k8s"] == ["k8s"]
    resize = coe.run("cluster", "resize", "versions", "1")
    assert (resize.code, "HTTP 406" in resize.err) == ((0, False) if minor >= 7 else (1, True))
    listed = coe.run("nodegroup", "list", "versions")
    assert (listed.code, "HTTP 406" in listed.err) == ((0, False) if minor >= 9 else (1, True))
    unknown = coe.fails("cluster", "create", "x", "--cluster-template", "nope")
    status = 404 if minor >= 10 else 400
    assert unknown.endswith(f"ClusterTemplate nope could not be found (HTTP {status})")  # from 1.13 on after a warning
    rotated = coe("credential", "rotate", "versions")
    if minor < 12:
        assert rotated.startswith("Credential rotation failed: ")
        assert "HTTP 406" in rotated
    else:
        assert rotated == f"Request to rotate credentials for cluster {cluster['uuid']} accepted.\n"
        settled(ada, "versions", "UPDATE_COMPLETE")


@pytest.mark.parametrize("version", ["1.0", "1.15"])
def test_a_microversion_that_is_not_there(ada: Coe, version: str) -> None:
    assert ada.at(version).fails("cluster", "list").endswith("(HTTP 406)")


def test_the_command_itself(clouds: Path) -> None:
    argv = [OPENSTACK, "--os-cloud", "ada", "coe", "cluster", "show", "nope"]
    done = subprocess.run(argv, env=environment(clouds), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Cluster nope could not be found (HTTP 404) (Request-ID: req-")


def test_the_interactive_mode(clouds: Path, ada: Coe, template: str) -> None:
    done = subprocess.run(
        [OPENSTACK, "--os-cloud", "ada"],
        input="coe cluster template show k8s -f value -c coe\ncoe cluster show nope\ncoe cluster list -f csv\n",
        env=environment(clouds),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "kubernetes" in done.stdout
    assert '"uuid","name","keypair","node_count","master_count","status","health_status"' in done.stdout
    assert "Cluster nope could not be found (HTTP 404)" in done.stderr
