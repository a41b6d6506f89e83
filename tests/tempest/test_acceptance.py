"""magnum-tempest-plugin, Magnum's own acceptance tests, unchanged, against `jeroboam serve`. Each runs twice: with the credentials of
one member, and with a reader's, a member's and an administrator's (`rbac`). What fails here and why: docs/magnum-compatibility.md."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.tempest import cloud
from tests.tempest.workspace import Results, Workspace

from jeroboam import artifacts

CATALOGUE = """
images: [{name: tempest-image, properties: {os_distro: debian}}]
flavors: [{name: m1.medium, vcpus: 2, ram: 4096, disk: 20}]
keypairs: [tempest]
"""
LIVE = "test_cluster.ClusterTest.test_create_list_sign_delete_clusters"
ZERO = "test_cluster.ClusterTest.test_create_cluster_with_zero_nodes"
PASS = {
    "test_cluster.ClusterTest": """
        test_create_cluster_for_nonexisting_cluster_template test_create_cluster_with_nonexisting_flavor
        test_create_cluster_with_zero_masters test_delete_cluster_for_nonexisting_cluster
        test_update_cluster_for_nonexisting_cluster""",
    "test_cluster_template.ClusterTemplateTest": """
        test_create_cluster_template test_create_cluster_template_invalid_network_driver
        test_create_cluster_template_invalid_volume_driver test_create_cluster_template_missing_flavor
        test_create_cluster_template_missing_image test_create_cluster_template_missing_keypair
        test_create_get_public_cluster_template test_delete_cluster_template_404 test_delete_cluster_template_by_name
        test_delete_cluster_template_by_name_404 test_delete_cluster_template_by_uuid
        test_get_cluster_template_by_name_404 test_get_cluster_template_by_uuid_404 test_list_cluster_templates
        test_update_cluster_template_404 test_update_cluster_template_by_uuid
        test_update_cluster_template_invalid_patch test_update_cluster_template_name_not_found
        test_update_cluster_template_public_by_uuid""",
    "test_cluster_template_admin.ClusterTemplateAdminTest": """
        test_create_get_public_cluster_template test_update_cluster_template_public_by_uuid""",
    "test_magnum_service.MagnumServiceTest": "test_magnum_service_list test_magnum_service_list_needs_admin",
}
NAMES = frozenset(f"{kind}.{name}" for kind, names in PASS.items() for name in names.split())
ZERO_SAID = "Resizing a nodegroup to zero is not supported in the provided microversion"

# As `rbac` a reader asks for the CA of a cluster that a member made; by Magnum's own default only who made it may.
POLICY = '"certificate:get": "rule:admin_or_project_reader"\n'

# tempest's script calls kubectl by this path; both places are seen by its processes only.
_OWN_PLACES = """
set -e
mount -t tmpfs none /opt/stack && mkdir /opt/stack/bin && cp "$1" /opt/stack/bin/kubectl
mount --bind "$2" /tmp/magnum-nodes
shift 2
exec "$@"
"""


def check(results: Results, prefix: str, *more: str) -> None:
    """All pass but the one that contradicts Magnum itself; none is skipped."""
    assert {name: why.splitlines()[-1] for name, why in results.failed.items() if ZERO_SAID not in why} == {}
    assert set(results.failed) == {prefix + ZERO}
    assert results.passed == {prefix + name for name in (*NAMES, *more)}
    assert results.skipped == {}


@pytest.mark.sockets
@pytest.mark.timeout(700)
def test_with_fake_machines(tmp_path: Path) -> None:
    """All but the test that enters its cluster."""
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    with cloud.running(tmp_path, f"[provider]\ndefault = fake\n[fake]\nboot_s = 0\ncatalogue = {catalogue}\n") as made:
        for part, prefix in (("plain", ""), ("rbac", "rbac.")):
            options = made.options(part, tmp_path / f"{part}.yaml", image="tempest-image", flavor="m1.medium")
            workspace = Workspace(tmp_path / part, options)
            check(workspace.run(*select(part), "--exclude-regex", LIVE, within_s=300), prefix)


@pytest.mark.docker
@pytest.mark.kubernetes
@pytest.mark.sockets
@pytest.mark.timeout(3600)
def test_with_real_clusters(tmp_path: Path) -> None:
    """Whole, side by side: each of the two spends ten minutes asleep while its cluster runs."""
    image = asyncio.run(artifacts.build_node_image()).tag
    kubectl = artifacts.binary_path(image.rpartition(":")[2], "kubectl")
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    settings = (
        f"[provider]\ndefault = docker\n[docker]\nkeypairs = {cloud.KEYPAIR}\n[oslo_policy]\npolicy_file = {policy}\n"
    )
    with cloud.running(tmp_path, settings) as made, places(Path("/opt/stack"), Path("/tmp/magnum-nodes")):

        def run(part: str) -> Results:
            options = made.options(part, tmp_path / f"{part}.yaml", image=image, flavor="m1.medium")
            workspace = Workspace(tmp_path / part, options)
            nodes = tmp_path / part / "magnum-nodes"
            nodes.mkdir()
            wrap = ("unshare", "--mount", "sh", "-c", _OWN_PLACES, "sh", str(kubectl), str(nodes))
            return workspace.run(*select(part), within_s=2700, wrap=wrap)

        with ThreadPoolExecutor(2) as pool:
            plain, rbac = pool.map(run, ("plain", "rbac"))
    check(plain, "", LIVE)
    check(rbac, "rbac.", LIVE)
    for part in ("plain", "rbac"):
        said = (tmp_path / part / "magnum-nodes" / "kubernetes" / "kubectl_get_all").read_text()
        assert "pod/coredns" in said


def select(part: str) -> tuple[str, ...]:
    module = {"plain": "test_", "rbac": "rbac"}[part]
    return ("--serial", "--regex", rf"^magnum_tempest_plugin\.tests\.api\.v1\.{module}")


@contextmanager
def places(*folders: Path) -> Iterator[None]:
    """Folders to mount something over; those that were not there before are not there afterwards."""
    made = [folder for folder in folders if not folder.exists()]
    for folder in made:
        folder.mkdir(parents=True)
    try:
        yield
    finally:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
