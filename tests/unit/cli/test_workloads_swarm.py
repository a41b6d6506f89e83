"""`jeroboam run` and the others on Swarm: what is sent to the Docker API of a manager, and what is made of its answers."""

import json
from typing import Any

import pytest

from .conftest import Run
from .scripted import Service, live

Capture = pytest.CaptureFixture[str]
API = "/v1.41"
LABELS = {"app.kubernetes.io/name": "web", "app.kubernetes.io/managed-by": "jeroboam"}


def node(ident: str, availability: str = "active") -> Any:
    number = ident.removeprefix("n")
    return {
        "ID": ident,
        "Description": {"Hostname": f"node-{number}"},
        "Status": {"State": "ready", "Addr": f"10.0.0.1{number}"},
        "Spec": {"Availability": availability},
    }


def task(slot: int, state: str, *, at: int = 1, error: str = "", port: int = 0) -> Any:
    status: Any = {
        "State": state,
        "Err": error,
        "ContainerStatus": {"ContainerID": f"c{slot}{at}" if not error else ""},
    }
    if port:
        status["PortStatus"] = {"Ports": [{"TargetPort": 8080, "PublishedPort": port}]}
    wish = {"DesiredState": "running", "Spec": {"ContainerSpec": {"Image": "hello:1"}}}
    moment = f"2026-01-02T03:04:0{at}Z"
    return {
        "ID": f"t{slot}{at}",
        "ServiceID": "s1",
        "NodeID": f"n{slot}",
        "Slot": slot,
        "CreatedAt": moment,
        "Status": status,
    } | wish


def piece(stream: int, text: str) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4) + text.encode()


@pytest.fixture
def swarm(service: Service) -> Service:
    live(service, "swarm", "tcp")
    service.on("GET", f"{API}/nodes", 200, [node("n1"), node("n2"), node("n3", "drain")])
    service.on("GET", f"{API}/services", 200, [])
    service.on("GET", f"{API}/tasks", 200, [])
    return service


def runs(swarm: Service, *tasks: Any) -> None:
    """A workload web with these tasks."""
    template = {"ContainerSpec": {"Image": "hello:1"}}
    spec = {"Name": "web", "Labels": LABELS, "Mode": {"Replicated": {"Replicas": 2}}, "TaskTemplate": template}
    swarm.on("GET", f"{API}/services", 200, [{"ID": "s1", "Spec": spec}])
    swarm.on("GET", f"{API}/tasks", 200, list(tasks))


def test_run_makes_a_service_in_host_mode_and_says_so(swarm: Service, run: Run, capsys: Capture) -> None:
    def made(asked: Any) -> tuple[int, Any]:
        runs(swarm, task(1, "running", port=32768), task(2, "running", port=32769))
        return 201, {"ID": "s1"}

    swarm.on_call("POST", f"{API}/services/create", made)
    words = ["--name", "web", "--replicas", "2", "--publish", "8080", "--env", "A={{.Node.ID}}", "--wait"]
    assert run("run", "demo", "--image", "hello:1", *words, "--", "serve", "-port", "8080") == 0
    assert capsys.readouterr().out == (
        "web: 2 of 2 run\n"
        "Port 8080 is open on nodes that have a replica, and only there (host mode: no routing mesh is needed).\n"
        "Workload web: 2 replicas of hello:1 run at 10.0.0.11:32768, 10.0.0.12:32769.\n"
        "Next: jeroboam ps demo web\n"
    )
    assert swarm.bodies("POST") == [
        (
            f"{API}/services/create",
            {
                "Name": "web",
                "Labels": LABELS,
                "TaskTemplate": {
                    "ContainerSpec": {
                        "Image": "hello:1",
                        "Labels": LABELS,
                        "Args": ["serve", "-port", "8080"],
                        "Env": ['A={{"{{"}}.Node.ID}}'],
                    },
                    "RestartPolicy": {"Condition": "any"},
                },
                "Mode": {"Replicated": {"Replicas": 2}},
                "EndpointSpec": {
                    "Mode": "dnsrr",
                    "Ports": [{"Protocol": "tcp", "TargetPort": 8080, "PublishMode": "host"}],
                },
            },
        )
    ]


@pytest.mark.parametrize(
    ("image", "found", "asked_for"),
    [
        ("web:1", {"Id": "sha256:0a", "RepoDigests": []}, "sha256:0a"),
        ("web:1", {"Id": "sha256:0a", "RepoDigests": ["web@sha256:0b"]}, "web:1"),  # a registry has it
        ("web:1", None, "web:1"),
        ("jeroboam.local/hello:1", {"Id": "sha256:0a"}, "jeroboam.local/hello:1"),  # differs between node images
    ],
)
def test_an_image_of_no_registry_is_run_by_its_id(
    swarm: Service, run: Run, capsys: Capture, image: str, found: Any, asked_for: str
) -> None:
    def made(asked: Any) -> tuple[int, Any]:
        swarm.on("GET", f"{API}/services", 200, [{"ID": "s1", "Spec": asked.body}])
        return 201, {"ID": "s1"}

    if found:
        swarm.on("GET", f"{API}/images/{image.replace('/', '%2F').replace(':', '%3A')}/json", 200, found)
    swarm.on_call("POST", f"{API}/services/create", made)
    assert run("run", "demo", "--image", image, "--name", "web") == 0
    [(_, sent)] = swarm.bodies("POST")
    assert sent["TaskTemplate"]["ContainerSpec"]["Image"] == asked_for
    told = capsys.readouterr().out
    assert f"Workload web: 1 replica of {image} asked for.\n" in told
    note = "web:1 came from no registry: nodes take it by its id, and ask none for it.\n"
    assert told.startswith(note) == (asked_for == "sha256:0a")


def test_a_fixed_port_for_more_replicas_than_nodes_is_refused(swarm: Service, run: Run, capsys: Capture) -> None:
    words = ["--image", "web", "--replicas", "3", "--publish", "80:8080"]
    assert run("run", "demo", *words) == 2
    assert capsys.readouterr().err == (
        "Error: --replicas 3 cannot all have port 80 of a node: Swarm publishes in host mode, and 2 nodes take workloads.\n"
        "       Leave the node's port to the tool (--publish PORT), or ask for fewer replicas.\n"
    )
    assert swarm.bodies("POST") == []


def test_ps_shows_the_newest_task_of_each_slot(swarm: Service, run: Run, capsys: Capture) -> None:
    failed = task(2, "rejected", at=3, error="No such image: hello:1")
    runs(swarm, task(2, "shutdown", at=1), failed, task(1, "running", port=32768))
    assert run("ps", "demo", "web", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["wanted"], shown["running"], shown["ports"]) == (2, 1, ["10.0.0.11:32768"])
    assert shown["replicas"] == [
        {"name": "web.1", "node": "node-1", "running": True, "state": "running", "note": "", "ports": ["10.0.0.11:32768"]},
        {
            "name": "web.2",
            "node": "node-2",
            "running": False,
            "state": "rejected",
            "note": "No such image: hello:1",
            "ports": [],
        },
    ]  # fmt: skip
    asked = next(one for one in swarm.asked if one.path == f"{API}/services")
    assert json.loads(asked.query["filters"]) == {"label": ["app.kubernetes.io/managed-by=jeroboam"]}


def test_logs_join_the_two_streams_of_each_task(swarm: Service, run: Run, capsys: Capture) -> None:
    runs(swarm, task(1, "running"), task(2, "rejected", error="no"))
    swarm.on("GET", f"{API}/tasks/t11/logs", 200, piece(1, "one\n") + piece(2, "two\n"))
    assert run("logs", "demo", "web", "--tail", "5") == 0
    assert capsys.readouterr().out == "one\ntwo\n"
    assert swarm.asked[-1].query == {"stdout": "1", "stderr": "1", "tail": "5"}


def test_a_task_that_ends_again_and_again_shows_why_and_its_last_log(swarm: Service, run: Run, capsys: Capture) -> None:
    ended = task(1, "failed", at=2)
    ended["Status"]["Err"] = "task: non-zero exit (1)"
    starts = task(1, "ready", at=3)
    starts["Status"]["ContainerStatus"] = {}
    runs(swarm, task(1, "failed", at=1, error="older"), ended, starts)
    swarm.on("GET", f"{API}/tasks/t12/logs", 200, piece(2, "no such file\n"))
    assert run("ps", "demo", "web", "--json") == 0
    [replica] = json.loads(capsys.readouterr().out)["replicas"]
    assert (replica["state"], replica["note"]) == ("ready", "task: non-zero exit (1)")
    assert run("logs", "demo", "web") == 0
    assert capsys.readouterr().out == "no such file\n"
    runs(swarm, task(1, "complete", at=2), starts)
    assert run("ps", "demo", "web", "--json") == 0
    assert json.loads(capsys.readouterr().out)["replicas"][0]["note"] == "ended with exit code 0"


def test_exec_is_a_job_beside_the_task_and_leaves_nothing(swarm: Service, run: Run, capfdbinary: Any) -> None:
    runs(swarm, task(1, "running"))
    one = task(1, "running")
    swarm.on("GET", f"{API}/tasks/t11", 200, one)

    def made(asked: Any) -> tuple[int, Any]:
        name = asked.body["Name"]
        ended = {"Status": {"State": "failed", "ContainerStatus": {"ExitCode": 3}}}
        swarm.on_call("GET", f"{API}/tasks", lambda again: (200, [ended] if name in again.query["filters"] else [one]))
        swarm.on("GET", f"{API}/services/{name}/logs", 200, piece(1, "out\n") + piece(2, "err\n"))
        swarm.on("DELETE", f"{API}/services/{name}", 200, None)
        return 201, {"ID": "j1"}

    swarm.on_call("POST", f"{API}/services/create", made)
    assert run("exec", "demo", "web", "--", "sh", "-c", "exit 3") == 3
    shown = capfdbinary.readouterr()
    assert (shown.out, shown.err) == (b"out\n", b"err\n")
    [(_, job)] = swarm.bodies("POST")
    assert swarm.bodies("DELETE") == [(f"{API}/services/{job['Name']}", None)]
    assert job["Name"].startswith("jeroboam-exec-")
    assert job["Labels"] == {"app.kubernetes.io/managed-by": "jeroboam-exec"}
    assert job["Mode"] == {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}
    template = job["TaskTemplate"]
    assert template["Placement"] == {"Constraints": ["node.id==n1"]}
    assert template["RestartPolicy"] == {"Condition": "none"}
    assert template["ContainerSpec"]["Image"] == "hello:1"
    assert template["ContainerSpec"]["Command"] == ["/usr/bin/docker", "exec", "c11", "sh", "-c", "exit 3"]
    assert [mount["Source"] for mount in template["ContainerSpec"]["Mounts"]] == [
        "/usr",
        "/lib",
        "/lib64",
        "/var/run/docker.sock",
    ]


WORDS = 'OCI runtime exec failed: exec failed: unable to start container process: exec: "sh": executable file not found in $PATH'


@pytest.mark.parametrize(
    ("ended", "said", "code", "err"),
    [
        (126, WORDS, 127, "Error: There is no `sh` in this image.\n"),
        (127, f"sh: {WORDS}", 127, ""),  # a program may say what it likes
        (1, WORDS, 1, ""),
    ],
)
def test_exec_of_a_program_that_is_not_there(
    swarm: Service, run: Run, capfd: Any, ended: int, said: str, code: int, err: str
) -> None:
    one = task(1, "running")
    runs(swarm, one)
    swarm.on("GET", f"{API}/tasks/t11", 200, one)

    def made(asked: Any) -> tuple[int, Any]:
        name = asked.body["Name"]
        over = {"Status": {"State": "failed", "ContainerStatus": {"ExitCode": ended}}}
        swarm.on_call("GET", f"{API}/tasks", lambda again: (200, [over] if name in again.query["filters"] else [one]))
        swarm.on("GET", f"{API}/services/{name}/logs", 200, piece(1, f"{said}\n"))
        swarm.on("DELETE", f"{API}/services/{name}", 200, None)
        return 201, {"ID": "j1"}

    swarm.on_call("POST", f"{API}/services/create", made)
    assert run("exec", "demo", "web", "--", "sh") == code
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("" if err else f"{said}\n", err)
    assert len(swarm.bodies("DELETE")) == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"State": "rejected", "Err": "invalid mount"}, "The program could not be run: invalid mount"),
        ({"State": "running"}, "sleep does not end within 0.3 s; it goes on."),
    ],
)
def test_exec_that_does_not_end_well_leaves_nothing(
    swarm: Service, run: Run, capsys: Capture, status: Any, message: str
) -> None:
    one = task(1, "running")
    runs(swarm, one)
    swarm.on("GET", f"{API}/tasks/t11", 200, one)

    def made(asked: Any) -> tuple[int, Any]:
        name = asked.body["Name"]
        swarm.on_call(
            "GET",
            f"{API}/tasks",
            lambda again: (200, [{"Status": status}] if name in again.query["filters"] else [one]),
        )
        swarm.on("DELETE", f"{API}/services/{name}", 200, None)
        return 201, {"ID": "j1"}

    swarm.on_call("POST", f"{API}/services/create", made)
    assert run("exec", "demo", "web", "--timeout-s", "0.3", "--", "sleep") == 1
    assert capsys.readouterr().err == f"Error: {message}\n"
    assert [path.startswith(f"{API}/services/jeroboam-exec-") for path, _ in swarm.bodies("DELETE")] == [True]


def test_stop_returns_when_the_last_task_is_over(swarm: Service, run: Run, capsys: Capture) -> None:
    runs(swarm, task(1, "running"))
    swarm.on("DELETE", f"{API}/services/web", 200, None)
    left = [[task(1, "running")], [task(1, "running")], [task(1, "shutdown")]]
    swarm.on_call("GET", f"{API}/tasks", lambda asked: (200, left.pop(0)))
    assert run("stop", "demo", "web") == 0
    assert capsys.readouterr().out == "Workload web is gone.\n"
    assert left == []
    assert json.loads(swarm.asked[-1].query["filters"]) == {"name": ["web."]}
