"""Members of a real LXD cluster are killed and removed behind the service's back: they come back, and what can come back with them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .patient import LABELS, WITHIN_S, Patient, ward
from .test_lxd import Lxd, live_lxd
from .world import SOON_S, containers, run, until

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class LxdPatient(Patient):
    """Of a control plane and two workers."""

    lxd: Lxd

    @property
    def workers(self) -> list[str]:
        return containers(self.uuid, "worker")


@pytest.fixture(scope="module")
def patient(lxd_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LxdPatient]:
    with ward(tmp_path_factory.mktemp("lxd-healing")) as service:
        template = service.template("healed", lxd_image, coe="lxd", labels=LABELS)
        with live_lxd(service, template, lxd_image, tmp_path_factory.mktemp("lxc"), workers=2) as lxd:
            yield LxdPatient(service, lxd.uuid, lxd)


def test_a_member_that_is_killed_is_started_again_and_its_instances_run_again(patient: LxdPatient) -> None:
    lxd, worker = patient.lxd, patient.workers[0]
    container = run("docker", "inspect", "-f", "{{.Id}}", worker)
    lxd.lxc("launch", "-q", "small", "stays", "--target", worker)
    until(lambda: lxd.address("stays"), SOON_S, "it has an address")
    run("docker", "kill", worker)
    done = patient.healed(1)
    assert (done["summary"], done["user_id"]) == (f"heal: start {worker} (stopped)", "auto-healing")
    assert run("docker", "inspect", "-f", "{{.Id}}", worker) == container
    assert lxd.members() == dict.fromkeys(containers(lxd.uuid), "Online")
    until(lambda: lxd.instances()["stays"]["status"] == "Running", WITHIN_S, "the instance runs again")
    assert lxd.instances()["stays"]["location"] == worker


def test_a_member_that_is_removed_is_struck_off_and_another_joins(patient: LxdPatient) -> None:
    lxd, workers = patient.lxd, patient.workers
    run("docker", "rm", "-f", workers[1])
    run("docker", "volume", "rm", workers[1])
    done = patient.healed(2)
    assert done["summary"] == f"heal: replace {workers[1]} (gone)"
    assert patient.workers == workers
    assert lxd.members() == dict.fromkeys(containers(lxd.uuid), "Online")
    lxd.lxc("launch", "-q", "small", "late", "--target", workers[1])
    until(lambda: lxd.address("late"), SOON_S, "an instance on the new member")
    assert patient.shown()["status"] == "UPDATE_COMPLETE"
