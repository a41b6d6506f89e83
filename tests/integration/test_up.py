"""`jeroboam up`, `serve` and `doctor` as real processes with the fake provider: what they promise, and what a kill does to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.integration.processes import Stage, free_port

from jeroboam.providers.fake import Cloud

pytestmark = pytest.mark.sockets


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    for service in made.services:
        service.kill()


def session_is_empty(leader: int) -> bool:
    """True when no process of the session is left."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                return False
    return True


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def test_a_cluster_completes_and_ctrl_c_ends_it_all(stage: Stage) -> None:
    service = stage.up()
    service.await_answer()
    uuid = service.create_cluster(workers=2)
    service.await_status(uuid, "CREATE_COMPLETE", within_s=10)

    assert f"listens on {service.url}\n" in service.out
    assert "provider fake, drivers fake\n" in service.out
    assert "jeroboam cluster create demo --template k8s --wait\n" in service.out
    assert mode(stage.data) == "0o700"
    assert {mode(file) for file in stage.data.iterdir()} == {"0o600"}
    assert len((stage.data / "key").read_bytes()) == 32
    lines = [json.loads(line) for line in service.err.splitlines()]
    starts = [line["event"] for line in lines if line["logger"] == "jeroboam.main.process"]
    assert starts == [
        "drivers and provider load",
        "the store opens",
        "the provider starts",
        "the conductor starts",
        "the API opens",
    ]
    told = [line["event"] for line in lines if line["logger"] == "jeroboam.progress"]
    assert told[0] == "demo: create: begins"
    assert told[-1].startswith("demo: create: succeeded after ")
    assert {line["step"] for line in lines if "step" in line} == {"keys", "network", "machine", "boot", "coe", "marks"}

    code, took_s = service.stop(signal.SIGINT)
    assert (code, session_is_empty(service.process.pid)) == (0, True)
    assert took_s < 10


def test_the_openstack_client_needs_nothing_but_the_written_clouds_yaml(stage: Stage) -> None:
    service = stage.up()
    service.await_answer()
    uuid = service.create_cluster()
    service.await_status(uuid, "CREATE_COMPLETE", within_s=10)
    env = {**os.environ, "OS_CLIENT_CONFIG_FILE": str(stage.data / "clouds.yaml"), "OS_CLOUD": "jeroboam"}
    client = Path(sys.executable).parent / "openstack"
    asked = [str(client), "coe", "cluster", "list", "-f", "json"]
    said = subprocess.run(asked, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert said.returncode == 0, said.stderr
    [row] = json.loads(said.stdout)
    assert (row["uuid"], row["name"], row["status"]) == (uuid, "demo", "CREATE_COMPLETE")


def test_kill_9_in_the_middle_of_a_create_and_the_next_start_goes_on(stage: Stage) -> None:
    killed = stage.up(JEROBOAM_FAKE__BOOT_S="3")
    killed.await_answer()
    uuid = killed.create_cluster(workers=2)
    killed.await_step(uuid, "boot")
    killed.kill()

    service = stage.up(JEROBOAM_FAKE__BOOT_S="3")
    service.await_answer()
    service.await_status(uuid, "CREATE_COMPLETE", within_s=20)
    assert f"goes on with: create 1 control plane, 2 workers (cluster {uuid})\n" in service.out
    assert "template create k8s" in killed.out
    assert "template create k8s" not in service.out
    told = [json.loads(line)["event"] for line in service.err.splitlines()]
    assert "demo: create: goes on" in told
    assert len(Cloud(stage.data / "fake-cloud.sqlite").state.machines) == 3
    assert service.stop(signal.SIGTERM)[0] == 0


def test_an_orderly_stop_in_the_middle_of_a_create_hands_it_over(stage: Stage) -> None:
    first = stage.up(JEROBOAM_FAKE__BOOT_S="4")
    first.await_answer()
    uuid = first.create_cluster()
    first.await_step(uuid, "boot")
    code, took_s = first.stop(signal.SIGTERM)
    assert code == 0
    assert took_s < 10
    assert "Traceback" not in first.err

    second = stage.up()
    second.await_answer()
    second.await_status(uuid, "CREATE_COMPLETE", within_s=20)


def test_a_taken_folder_and_a_taken_port_are_told_with_the_pid(stage: Stage) -> None:
    service = stage.up()
    service.await_answer()
    pid = service.process.pid
    same_folder = stage.up(port=free_port())
    same_port = stage.up(data=stage.folder / "other")
    assert (same_folder.end(), same_port.end()) == (1, 1)
    assert same_folder.err == (
        f"jeroboam: Another Jeroboam (pid {pid}) works on the data folder {stage.data}. "
        f"Stop it (`kill {pid}`), or give this one a folder and a port of its own.\n"
    )
    assert same_port.err.startswith(f"jeroboam: Port {stage.port} of 127.0.0.1 is in use by pid {pid} (")
    assert same_port.err.endswith(
        "Stop that program, or choose another port (`--port`, JEROBOAM_API__PORT or [api] port), "
        "and export JEROBOAM_URL=http://HOST:PORT where you type the commands.\n"
    )
    assert not (stage.folder / "other").exists()  # a refused start leaves nothing behind
    httpx.get(service.url, timeout=10).raise_for_status()


def test_a_second_ctrl_c_does_not_wait(stage: Stage) -> None:
    service = stage.up()
    service.await_answer()
    service.process.send_signal(signal.SIGINT)
    end = time.monotonic() + 10
    while "stopping" not in service.err and time.monotonic() < end:
        time.sleep(0.001)
    code, took_s = service.stop(signal.SIGINT)
    assert code == 130
    assert took_s < 1


def test_serve_is_quiet_and_reads_the_operators_file(stage: Stage) -> None:
    file = stage.folder / "jeroboam.conf"
    store = stage.folder / "store.sqlite"
    file.write_text(
        f"[api]\nhost = 127.0.0.1\nport = {stage.port}\n"
        f"[database]\nconnection = sqlite:///{store}\n"
        "[identity]\nmode = none\n[provider]\ndefault = fake\n"
        "[quotas]\nmax_clusters_per_project = 1\n[drivers]\ndefault_driver = fake\n"
    )
    service = stage.start("serve", "--config", str(file))
    service.await_answer()
    uuid = service.create_cluster()
    service.await_status(uuid, "CREATE_COMPLETE", within_s=10)
    template = service.call("GET", f"/v1/clusters/{uuid}")["cluster_template_id"]
    one_more = {"name": "two", "cluster_template_id": template}
    refused = httpx.post(f"{service.url}/v1/clusters", json=one_more, timeout=10)
    assert refused.status_code == 403
    assert service.stop(signal.SIGTERM)[0] == 0
    assert service.out == ""
    [ready] = [line for line in map(json.loads, service.err.splitlines()) if line["event"] == "ready"]
    assert (ready["port"], ready["provider"], ready["drivers"]) == (stage.port, "fake", ["fake"])
    assert store.is_file()
    assert mode(stage.folder / "store.sqlite.d" / "key") == "0o600"


def test_a_mistake_in_the_file_is_one_sentence(stage: Stage) -> None:
    file = stage.folder / "jeroboam.conf"
    file.write_text("[api]\nprot = 1\n")
    service = stage.start("serve", "--config", str(file))
    assert service.end() == 1
    assert service.err == (
        f"jeroboam: {file}: [api] prot is not an option. The nearest is `port`; `jeroboam config sample` prints all.\n"
    )


def test_doctor_tells_what_fails_with_the_cure(stage: Stage) -> None:
    absent = f"unix://{stage.folder}/absent.sock"
    with socket.create_server(("127.0.0.1", stage.port)):
        service = stage.start("doctor", "--json", JEROBOAM_API__PORT=str(stage.port), JEROBOAM_DOCKER__HOST=absent)
        assert service.end() == 1
    found = {finding["name"]: finding for finding in json.loads(service.out)}
    assert found["python"]["level"] == "ok"
    assert found["data folder"]["value"] == f"{stage.folder}/.local/share/jeroboam (will be made)"
    assert found["port"]["level"] == "fail"
    assert found["port"]["value"].startswith(f"127.0.0.1:{stage.port} is held by pid {os.getpid()} (")
    assert found["port"]["cure"] == f"Stop it, or use `jeroboam up --port {stage.port + 1}`."
    assert found["docker"]["level"] == "fail"
    assert found["docker"]["value"].startswith(f"No Docker daemon answers at {absent}")
    assert found["docker"]["cure"].startswith("Start Docker")


def test_doctor_knows_its_own_service(stage: Stage) -> None:
    service = stage.up()
    service.await_answer()
    asked = stage.start("doctor", "--json", JEROBOAM_API__PORT=str(stage.port))
    asked.end()
    [port] = [finding for finding in json.loads(asked.out) if finding["name"] == "port"]
    assert port == {"name": "port", "level": "ok", "value": f"a service answers at 127.0.0.1:{stage.port}", "cure": ""}
