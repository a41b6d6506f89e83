"""The first boot's step kubelet-serves: a kubelet that does not stay up ends the boot with its own last words."""

import os
import subprocess
from pathlib import Path

import pytest

from jeroboam.contracts import Command, Image
from jeroboam.domain import Role
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.testing import builders
from jeroboam.testing.driver_suite import context_of, specs_of

IMAGE = Image("image-1", "node", {"os_distro": "debian", "kube_version": "v1.34.4"})
DEATHS = 'n=$(cat "$COUNT"); echo $((n + 1)) >"$COUNT"; echo "$n"'


def step_of(role: Role) -> Command:
    cluster, driver = builders.cluster(), KubernetesDriver()
    context = context_of(driver, IMAGE, cluster, builders.groups(cluster))
    machine = next(m for m in specs_of(cluster, context.groups) if m.role is role)
    [step] = [c for c in driver.node_config(context, machine).commands if c.name == "kubelet-serves"]
    return step


def ended(folder: Path, config: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    """The step where nobody listens at the kubelet's port, with a systemctl that counts a death at each look."""
    for name, line in {"systemctl": DEATHS, "journalctl": "echo cannot read the configuration", "sleep": ":"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    (folder / "count").write_text("0\n")
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "COUNT": str(folder / "count")}
    *words, _ = step_of(Role.WORKER).argv
    argv = [*words, str(config)]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=seconds, check=False)


def test_five_deaths_are_a_crash_loop(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    done = ended(tmp_path, tmp_path / "config.yaml", 30)
    assert (done.returncode, done.stdout) == (1, "the kubelet does not stay up: cannot read the configuration\n")
    assert int((tmp_path / "count").read_text()) == 6


def test_deaths_before_it_has_its_configuration_do_not_count(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        ended(tmp_path, tmp_path / "absent", 1.5)
    assert int((tmp_path / "count").read_text()) > 6


def test_the_control_plane_looks_while_kubeadm_works() -> None:
    assert step_of(Role.CONTROL_PLANE).background
    assert not step_of(Role.WORKER).background
