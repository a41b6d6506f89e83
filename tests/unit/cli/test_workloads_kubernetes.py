"""`jeroboam run` and the others on Kubernetes: what is sent to the API, and what is made of its answers."""

import json
from typing import Any

import pytest

from .conftest import Run
from .scripted import Service, cluster, live

Capture = pytest.CaptureFixture[str]
CORE = "/api/v1/namespaces/default"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
LABELS = {"app.kubernetes.io/name": "web", "app.kubernetes.io/managed-by": "jeroboam"}


def deployment(replicas: int = 2) -> Any:
    template = {"spec": {"containers": [{"image": "hello:1"}]}}
    return {"metadata": {"name": "web", "labels": LABELS}, "spec": {"replicas": replicas, "template": template}}


def pod(name: str, node: str, state: Any, *, ready: bool, **more: Any) -> Any:
    status = {"phase": "Running", "containerStatuses": [{"ready": ready, "state": state, **more}]}
    return {"metadata": {"name": name, "labels": LABELS}, "spec": {"nodeName": node}, "status": status}


def node(name: str, address: str) -> Any:
    addresses = [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]
    return {"metadata": {"name": name}, "status": {"addresses": addresses}}


PULLS = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling\n image"}}
RUNS = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}


@pytest.fixture
def kubernetes(service: Service) -> Service:
    live(service, "kubernetes")
    for path in (DEPLOYMENTS, f"{CORE}/pods", f"{CORE}/services"):
        service.on("GET", path, 200, {"items": []})
    return service


def runs(kubernetes: Service, *pods: Any) -> None:
    """A workload web with these pods, published."""
    service = {"metadata": {"name": "web"}, "spec": {"ports": [{"nodePort": 30123, "port": 8080}]}}
    kubernetes.on("GET", DEPLOYMENTS, 200, {"items": [deployment()]})
    kubernetes.on("GET", f"{CORE}/services", 200, {"items": [service]})
    kubernetes.on("GET", f"{CORE}/pods", 200, {"items": list(pods)})
    kubernetes.on("GET", "/api/v1/nodes", 200, {"items": [node("n0", "10.0.0.10"), node("n1", "10.0.0.11")]})


def test_run_makes_a_deployment_and_a_service_with_the_usual_labels(
    kubernetes: Service, run: Run, capsys: Capture
) -> None:
    def made(asked: Any) -> tuple[int, Any]:
        runs(kubernetes, pod("web-a", "n0", RUNS, ready=True), pod("web-b", "n1", RUNS, ready=True))
        return 201, {}

    kubernetes.on("POST", DEPLOYMENTS, 201, {})
    kubernetes.on_call("POST", f"{CORE}/services", made)
    words = ["--name", "web", "--replicas", "2", "--publish", "30123:8080", "--env", "A=$(B)", "--wait"]
    assert run("run", "demo", "--image", "hello:1", *words, "--", "serve", "-port", "$HOME") == 0
    assert capsys.readouterr().out == (
        "web: 2 of 2 run\n"
        "Workload web: 2 replicas of hello:1 run at 10.0.0.10:30123, 10.0.0.11:30123.\n"
        "Next: jeroboam ps demo web\n"
    )
    [(_, sent), (_, service)] = kubernetes.bodies("POST")
    assert sent["metadata"] == {"name": "web", "labels": LABELS}
    assert sent["spec"]["replicas"] == 2
    assert sent["spec"]["selector"] == {"matchLabels": {"app.kubernetes.io/name": "web"}}
    assert sent["spec"]["template"]["metadata"] == {"labels": LABELS}
    assert sent["spec"]["template"]["spec"]["containers"] == [
        {
            "name": "web",
            "image": "hello:1",
            "imagePullPolicy": "IfNotPresent",
            "args": ["serve", "-port", "$$HOME"],
            "env": [{"name": "A", "value": "$$(B)"}],
            "ports": [{"containerPort": 8080}],
        }
    ]
    assert service == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "labels": LABELS},
        "spec": {
            "type": "NodePort",
            "selector": {"app.kubernetes.io/name": "web"},
            "ports": [{"port": 8080, "targetPort": 8080, "protocol": "TCP", "nodePort": 30123}],
        },
    }


def test_a_port_that_is_refused_takes_the_deployment_back(kubernetes: Service, run: Run, capsys: Capture) -> None:
    kubernetes.on("POST", DEPLOYMENTS, 201, {})
    said = "spec.ports[0].nodePort: Invalid value: 80"
    kubernetes.on("POST", f"{CORE}/services", 422, {"kind": "Status", "message": said})
    kubernetes.on("DELETE", f"{DEPLOYMENTS}/web", 200, {})
    assert run("run", "demo", "--image", "hello:1", "--name", "web", "--publish", "80:8080") == 1
    assert capsys.readouterr().err == f"Error: The Kubernetes API of demo says no (422): {said}\n"
    assert [path for path, _ in kubernetes.bodies("DELETE")] == [f"{DEPLOYMENTS}/web"]


def test_a_wait_that_ends_too_early_says_why_it_does_not_run(kubernetes: Service, run: Run, capsys: Capture) -> None:
    def made(asked: Any) -> tuple[int, Any]:
        runs(kubernetes, pod("web-a", "n0", PULLS, ready=False))
        return 201, {}

    kubernetes.on_call("POST", DEPLOYMENTS, made)
    words = ("run", "demo", "--image", "hello:1", "--name", "web", "--replicas", "2", "--wait", "--timeout-s", "0.3")
    assert run(*words) == 1
    shown = capsys.readouterr()
    why = "web: 0 of 2 run (web-a: Back-off pulling image)"
    assert shown.out == f"{why}\n"
    assert shown.err == (
        "Error: web: 0 of 2 run (web-a: Back-off pulling image); no more within 0.3 s.\n"
        "       `jeroboam ps demo web` shows how far it is, `jeroboam stop demo web` ends it.\n"
    )


def test_a_long_reason_is_told_once(kubernetes: Service, run: Run, capsys: Capture) -> None:
    why = "failed to pull and unpack image nope:1: not found"
    first = {"waiting": {"reason": "ErrImagePull", "message": why}}
    then = {"waiting": {"reason": "ImagePullBackOff", "message": f"Back-off pulling image nope:1: ErrImagePull: {why}"}}
    shown = iter([*[first] * 2, then])

    def made(asked: Any) -> tuple[int, Any]:
        runs(kubernetes)
        kubernetes.on_call(
            "GET", f"{CORE}/pods", lambda again: (200, {"items": [pod("web-a", "n0", next(shown, RUNS), ready=False)]})
        )
        return 201, {}

    kubernetes.on_call("POST", DEPLOYMENTS, made)
    words = ("run", "demo", "--image", "nope:1", "--name", "web", "--replicas", "2", "--wait", "--timeout-s", "3")
    assert run(*words) == 1
    said = capsys.readouterr()
    assert said.out == f"web: 0 of 2 run (web-a: {why})\n"
    assert said.err.startswith("Error: web: 0 of 2 run; no more within 3 s.\n")
    kubernetes.on("GET", DEPLOYMENTS, 200, {"items": []})
    shown = iter([first] * 99)
    assert run(*words[:-1], "0.3", "--json") == 1
    told = json.loads(capsys.readouterr().err)["error"]["message"]
    assert told == f"web: 0 of 2 run (web-a: {why}); no more within 0.3 s."


def test_a_log_that_is_empty_is_said_to_be(kubernetes: Service, run: Run, capsys: Capture) -> None:
    runs(kubernetes, pod("web-a", "n0", RUNS, ready=True))
    kubernetes.on("GET", f"{CORE}/pods/web-a/log", 200, b"")
    assert run("logs", "demo", "web") == 0
    assert capsys.readouterr() == ("", "web has printed nothing.\n")
    runs(kubernetes, pod("web-a", "n0", PULLS, ready=False))
    assert run("logs", "demo", "web") == 0
    assert capsys.readouterr() == ("", "web has not started. web-a: Back-off pulling image.\n")
    assert run("logs", "demo", "web", "--json") == 0
    assert capsys.readouterr() == ("{}\n", "")


def test_ps_shows_workloads_and_the_replicas_of_one(kubernetes: Service, run: Run, capsys: Capture) -> None:
    assert run("ps", "demo") == 0
    assert capsys.readouterr().out == "Nothing runs. Start something: jeroboam run demo --image IMAGE\n"
    leaves = pod("web-c", "n1", RUNS, ready=True)
    leaves["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    runs(kubernetes, pod("web-a", "n0", RUNS, ready=True), pod("web-b", "n1", PULLS, ready=False), leaves)
    assert run("ps", "demo", "web", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "name": "web",
        "image": "hello:1",
        "wanted": 2,
        "running": 1,
        "ports": ["10.0.0.10:30123"],
        "replicas": [
            {"name": "web-a", "node": "n0", "running": True, "state": "Running", "note": "", "ports": ["10.0.0.10:30123"]},
            {
                "name": "web-b",
                "node": "n1",
                "running": False,
                "state": "ImagePullBackOff",
                "note": "Back-off pulling image",
                "ports": [],
            },
            {"name": "web-c", "node": "n1", "running": False, "state": "Stopping", "note": "", "ports": []},
        ],
    }  # fmt: skip
    asked = [one for one in kubernetes.asked if one.path == f"{CORE}/pods"]
    assert {one.query["labelSelector"] for one in asked} == {"app.kubernetes.io/managed-by=jeroboam"}


def test_logs_of_what_has_started_bear_the_replicas_name(kubernetes: Service, run: Run, capsys: Capture) -> None:
    again = {"reason": "CrashLoopBackOff", "message": "back-off"}
    crashes = pod("web-b", "n1", {"waiting": again}, ready=False, lastState={"terminated": {"exitCode": 1}})
    runs(kubernetes, pod("web-a", "n0", RUNS, ready=True), crashes, pod("web-c", "n1", PULLS, ready=False))
    for name in ("web-a", "web-b"):
        kubernetes.on("GET", f"{CORE}/pods/{name}/log", 200, f"one {name}\ntwo\n".encode())
    assert run("logs", "demo", "web", "--tail", "2") == 0
    assert capsys.readouterr().out == "web-a | one web-a\nweb-a | two\nweb-b | one web-b\nweb-b | two\n"
    assert kubernetes.asked[-1].query == {"tailLines": "2"}
    assert run("logs", "demo", "web", "--replica", "web-b") == 0
    assert capsys.readouterr().out == "one web-b\ntwo\n"
    assert run("logs", "demo", "web", "--replica", "web-x") == 2
    assert capsys.readouterr().err == (
        "Error: --replica 'web-x' is none of web.\n       It has: web-a, web-b, web-c.\n"
    )


def test_stop_returns_when_the_last_pod_is_gone(kubernetes: Service, run: Run, capsys: Capture) -> None:
    runs(kubernetes, pod("web-a", "n0", RUNS, ready=True))
    kubernetes.on("DELETE", f"{CORE}/services/web", 404, {"message": "not there"})
    kubernetes.on("DELETE", f"{DEPLOYMENTS}/web", 200, {})
    left = [[pod("web-a", "n0", RUNS, ready=True)], []]
    seen: list[str] = []

    def pods(asked: Any) -> tuple[int, Any]:
        seen.append(asked.query["labelSelector"])
        return 200, {"items": left.pop(0) if "name=web" in seen[-1] else [pod("web-a", "n0", RUNS, ready=True)]}

    kubernetes.on_call("GET", f"{CORE}/pods", pods)
    assert run("stop", "demo", "web") == 0
    assert capsys.readouterr().out == "Workload web is gone.\n"
    assert left == []
    assert seen[-1] == "app.kubernetes.io/managed-by=jeroboam,app.kubernetes.io/name=web"


@pytest.mark.parametrize("words", [("stop", "demo", "nope"), ("logs", "demo", "nope"), ("ps", "demo", "nope")])
def test_what_is_not_there_is_said(kubernetes: Service, run: Run, capsys: Capture, words: tuple[str, ...]) -> None:
    assert run(*words) == 1
    assert capsys.readouterr().err == (
        "Error: There is no workload nope on demo.\n       `jeroboam ps demo` shows those that `jeroboam run` made.\n"
    )
    assert kubernetes.bodies("DELETE") == []


def test_a_second_run_of_a_name_is_refused_before_anything_is_sent(
    kubernetes: Service, run: Run, capsys: Capture
) -> None:
    runs(kubernetes)
    assert run("run", "demo", "--image", "web:2") == 1
    assert capsys.readouterr().err == (
        "Error: A workload web is on demo already.\n"
        "       End it with `jeroboam stop demo web`, or choose another name with --name.\n"
    )
    assert kubernetes.bodies("POST") == []


def test_exec_where_nothing_runs_and_without_a_program(kubernetes: Service, run: Run, capsys: Capture) -> None:
    runs(kubernetes, pod("web-a", "n0", PULLS, ready=False))
    assert run("exec", "demo", "web", "--", "ls") == 1
    assert capsys.readouterr().err == (
        "Error: No replica of web runs. web-a: Back-off pulling image\n       Try again when one does.\n"
    )
    assert run("exec", "demo", "web") == 2
    assert capsys.readouterr().err == (
        "Error: There is no program to run.\n       Write it after `--`: jeroboam exec demo web -- ls /\n"
    )


def test_a_server_without_websocket_is_told(kubernetes: Service, run: Run, capsys: Capture) -> None:
    runs(kubernetes, pod("web-a", "n0", RUNS, ready=True))
    kubernetes.on("GET", f"{CORE}/pods/web-a/exec", 200, {})
    assert run("exec", "demo", "web", "--", "ls", "-l") == 1
    assert capsys.readouterr().err == "Error: The Kubernetes API of demo does not speak WebSocket.\n"
    asked = kubernetes.asked[-1]
    assert asked.headers["sec-websocket-protocol"] == "v4.channel.k8s.io"
    assert asked.query == {"command": "-l", "stdout": "1", "stderr": "1"}  # of two commands the last


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--publish", "x"], "--publish 'x' is no port.", "Write PORT, or NODEPORT:PORT to choose"),
        (["--publish", "1:70000"], "--publish '1:70000' is no port.", "each from 1 to 65535."),
        (["--publish", "80:90:100"], "--publish '80:90:100' is no port.", "Write PORT"),
        (["--replicas", "0"], "--replicas 0 is not from 1 to 1000.", ""),
        (["--name", "Web"], "'Web' cannot be the name of a workload.", "a lower-case letter, then letters, digits"),
        (["--name", "w" * 51], f"'{'w' * 51}' cannot be the name of a workload.", "at most 50."),
        (["--env", "A"], "--env 'A' is not KEY=VALUE.", "Write for example --env LOG_LEVEL=debug."),
        (["--env", "1A=x"], "--env '1A' is no name of a variable.", "Letters, digits and `_`, and no digit first."),
        (["--image", "a b"], "--image 'a b' is no image.", "Write it as the container tool does."),
    ],
)  # fmt: skip
def test_a_bad_wish_names_field_and_value_and_asks_nobody(
    kubernetes: Service, run: Run, capsys: Capture, words: list[str], message: str, hint: str
) -> None:
    image = [] if "--image" in words else ["--image", "web:1"]
    assert run("run", "demo", *image, *words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"Error: {message}")
    assert hint in said
    assert kubernetes.asked == []


@pytest.mark.parametrize("document", [{}, {"items": "x"}, {"items": [1]}, [], "x"])
def test_an_answer_that_is_no_list_is_told(kubernetes: Service, run: Run, capsys: Capture, document: Any) -> None:
    kubernetes.on("GET", f"{CORE}/pods", 200, document)
    assert run("ps", "demo") == 1
    assert capsys.readouterr().err == (
        f"Error: The Kubernetes API of demo answers {CORE}/pods with something else than a list.\n"
    )


def test_a_cluster_that_does_not_answer_is_told(kubernetes: Service, run: Run, capsys: Capture) -> None:
    kubernetes.on("GET", "/v1/clusters/demo", 200, cluster(api_address="http://127.0.0.1:1"))
    assert run("ps", "demo") == 1
    assert capsys.readouterr().err == (
        "Error: The Kubernetes API of demo at http://127.0.0.1:1 does not answer: [Errno 111] Connection refused.\n"
        "       `jeroboam cluster why demo` tells how the cluster is.\n"
    )


def test_a_tool_that_these_commands_do_not_know_is_named(kubernetes: Service, run: Run, capsys: Capture) -> None:
    live(kubernetes, "hosts")
    assert run("run", "demo", "--image", "x") == 2
    assert capsys.readouterr().err == "Error: Cluster demo runs hosts, whose client this command does not know.\n"


def test_env_is_in_no_message(kubernetes: Service, run: Run, capsys: Capture) -> None:
    kubernetes.on("POST", DEPLOYMENTS, 403, {"message": "quota exceeded"})
    assert run("run", "demo", "--image", "web:1", "--env", "PASSWORD=hunter2", "-v") == 1
    shown = capsys.readouterr()
    assert "hunter2" not in shown.out + shown.err
