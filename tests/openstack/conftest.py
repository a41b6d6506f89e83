"""The OpenStack that these tests run on: tests/openstack/bed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.clients.coe import Coe, Shell
from tests.e2e.world import Service
from tests.faults.conftest import pytest_configure, pytest_runtest_makereport, sight

from .clusters import image, service_of
from .testbed import Bed

__all__ = ["pytest_configure", "pytest_runtest_makereport", "sight"]


@pytest.fixture(scope="session")
def openstack_bed(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A bed that is up, with its endpoints and accounts. One that was up is left so; one that was not is ended with the session.

    Without root, memory or disk for it the tests fail with what is missing; whoever cannot run them leaves the mark `openstack` out.
    """
    bed = Bed()
    was_up = bed.profile() is not None
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():  # it takes minutes, and says how far it is
        bed.up()
    yield bed
    if not was_up:
        bed.down()


@pytest.fixture(scope="session")
def bed_clouds(openstack_bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """clouds.yaml with the bed's admin and demo."""
    path = tmp_path_factory.mktemp("bed") / "clouds.yaml"
    openstack_bed.write_clouds(path)
    return path


@pytest.fixture(scope="session")
def bed_shell(bed_clouds: Path) -> Iterator[Shell]:
    """The unchanged `openstack` of this environment, with those clouds."""
    shell = Shell(bed_clouds, bed_clouds.parent)
    yield shell
    shell.stop()


@pytest.fixture(scope="module")
def booting_bed(openstack_bed: Bed) -> Bed:
    if openstack_bed.profile() != "lxc":
        pytest.skip("servers of this bed boot nothing: end it, then `make test-openstack PROFILE=lxc`")
    return openstack_bed


@pytest.fixture(scope="module")
def service(booting_bed: Bed, bed_clouds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service_of(booting_bed, bed_clouds, tmp_path_factory.mktemp("clusters")) as service:
        yield service


@pytest.fixture
def demo(service: Service, bed_shell: Shell) -> Coe:
    """The tenant."""
    return Coe(bed_shell, "demo")


@pytest.fixture(scope="module")
def images(booting_bed: Bed, bed_clouds: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Ids in Glance of the node images by container tool."""
    folder = tmp_path_factory.mktemp("images")
    return {coe: image(coe, "container", booting_bed, bed_clouds, folder) for coe in ("kubernetes", "swarm")}
