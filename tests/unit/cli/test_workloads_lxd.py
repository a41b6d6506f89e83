"""`jeroboam run` and the others on LXD: what is sent to its REST API, where replicas are placed, and what is made of its answers."""

import json
from typing import Any

import pytest

from jeroboam.cli.errors import Usage
from jeroboam.cli.workloads import Publish, Wish
from jeroboam.cli.workloads.lxd import Placed, plan_placement

from .conftest import Run
from .scripted import Service, live

Capture = pytest.CaptureFixture[str]
OURS = {"user.app.kubernetes.io/name": "web", "user.app.kubernetes.io/managed-by": "jeroboam"}
CONFIG = OURS | {"user.jeroboam.image": "small", "user.jeroboam.replicas": "2"}


def member(name: str, number: int, status: str = "Online") -> Any:
    return {"server_name": name, "url": f"https://10.0.0.1{number}:8443", "status": status}


MEMBERS = [member("m0", 0), member("m1", 1), member("m2", 2, "Evacuated")]


def instance(name: str, location: str, *, status: str = "Running", port: int = 0, address: bool = True) -> Any:
    proxy = (
        {"publish": {"type": "proxy", "listen": f"tcp:0.0.0.0:{port}", "connect": "tcp:127.0.0.1:8080"}} if port else {}
    )
    addresses = [{"scope": "link"}, *([{"scope": "global"}] if address else [])]
    state = {"network": {"eth0": {"addresses": addresses}}}
    return {
        "name": name,
        "location": location,
        "status": status,
        "config": CONFIG,
        "expanded_devices": proxy,
        "state": state,
    }


def operation(path: str) -> Any:
    return {"type": "async", "operation": path}


@pytest.fixture
def lxd(service: Service) -> Service:
    live(service, "lxd")
    aliases = [{"name": "small", "type": "container"}, {"name": "vm", "type": "virtual-machine"}]
    service.on("GET", "/1.0/images/aliases", 200, {"metadata": aliases})
    service.on("GET", "/1.0/cluster/members", 200, {"metadata": MEMBERS})
    service.on("GET", "/1.0/instances", 200, {"metadata": []})
    return service


def done(service: Service, name: str, code: int = 200, **more: Any) -> Any:
    """A background operation that is over; the answer that began it."""
    ended = {"status_code": code, "description": "Creating instance"} | more
    service.on("GET", f"/1.0/operations/{name}/wait", 200, {"metadata": ended})
    return operation(f"/1.0/operations/{name}?project=default")


def test_run_makes_system_containers_spread_over_members(lxd: Service, run: Run, capsys: Capture) -> None:
    def make(asked: Any) -> tuple[int, Any]:
        name, where = asked.body["name"], asked.query["target"]
        made.append(instance(name, where, port=30000))
        return 202, done(lxd, f"create-{name}")

    made: list[Any] = []
    lxd.on_call("GET", "/1.0/instances", lambda asked: (200, {"metadata": made}))
    lxd.on_call("POST", "/1.0/instances", make)
    for name in ("web-0", "web-1"):
        lxd.on("PUT", f"/1.0/instances/{name}/state", 202, done(lxd, f"start-{name}"))
    words = ["--name", "web", "--replicas", "2", "--publish", "8080", "--env", "A=b c", "--wait"]
    assert run("run", "demo", "--image", "small", *words) == 0
    assert capsys.readouterr().out == (
        "web: 2 of 2 run\n"
        "Workload web: 2 replicas of small run at 10.0.0.10:30000, 10.0.0.11:30000.\n"
        "Next: jeroboam ps demo web\n"
    )
    sent = {body["name"]: body for _, body in lxd.bodies("POST")}
    assert sent["web-0"] == {
        "name": "web-0",
        "source": {"type": "image", "alias": "small"},
        "config": CONFIG | {"environment.A": "b c"},
        "devices": {"publish": {"type": "proxy", "listen": "tcp:0.0.0.0:30000", "connect": "tcp:127.0.0.1:8080"}},
    }
    assert sorted(sent) == ["web-0", "web-1"]
    started = {"action": "start", "force": False, "timeout": 30}
    assert sorted(lxd.bodies("PUT")) == [(f"/1.0/instances/{name}/state", started) for name in ("web-0", "web-1")]


def test_a_command_and_an_unknown_image_are_refused(lxd: Service, run: Run, capsys: Capture) -> None:
    assert run("run", "demo", "--image", "small", "--", "serve") == 2
    assert capsys.readouterr().err == (
        "Error: LXD runs whole systems: a system container boots its own init, not 'serve'.\n"
        "       Leave out the command; start programs in it with `jeroboam exec`.\n"
    )
    assert run("run", "demo", "--image", "debian") == 2
    assert capsys.readouterr().err == (
        "Error: --image 'debian' is no image that demo has.\n       It has: small. `jeroboam image load` brings others.\n"
    )
    assert lxd.bodies("POST") == []


def test_a_run_that_fails_takes_all_of_it_back(lxd: Service, run: Run, capsys: Capture) -> None:
    def make(asked: Any) -> tuple[int, Any]:
        name = asked.body["name"]
        if name == "web-1":
            return 202, done(lxd, "create-web-1", 400, err="no space left")
        made.append(instance(name, asked.query["target"]))
        return 202, done(lxd, "create-web-0")

    made: list[Any] = []
    lxd.on_call("GET", "/1.0/instances", lambda asked: (200, {"metadata": made}))
    lxd.on_call("POST", "/1.0/instances", make)
    lxd.on("PUT", "/1.0/instances/web-0/state", 202, done(lxd, "turn-web-0"))
    lxd.on("DELETE", "/1.0/instances/web-0", 202, done(lxd, "delete-web-0"))
    assert run("run", "demo", "--image", "small", "--name", "web", "--replicas", "2") == 1
    assert capsys.readouterr().err == "Error: Creating instance failed on demo: no space left\n"
    assert [body["action"] for _, body in lxd.bodies("PUT")] == ["start", "stop"]
    assert [path for path, _ in lxd.bodies("DELETE")] == ["/1.0/instances/web-0"]


def test_ps_counts_what_has_an_address(lxd: Service, run: Run, capsys: Capture) -> None:
    other = instance("other", "m0") | {"config": {}}
    found = [instance("web-1", "m1", address=False), instance("web-0", "m0", port=30000), other]
    lxd.on("GET", "/1.0/instances", 200, {"metadata": found})
    assert run("ps", "demo", "--json") == 0
    [shown] = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["image"], shown["wanted"], shown["running"]) == ("web", "small", 2, 1)
    assert [one["name"] for one in shown["replicas"]] == ["web-0", "web-1"]
    assert shown["replicas"][0]["ports"] == ["10.0.0.10:30000"]
    assert shown["replicas"][1]["note"] == "no address yet"


def test_logs_are_the_console(lxd: Service, run: Run, capsys: Capture) -> None:
    lxd.on("GET", "/1.0/instances", 200, {"metadata": [instance("web-0", "m0")]})
    lxd.on("GET", "/1.0/instances/web-0/console", 200, b"one\r\ntwo\r\nthree\r\n")
    assert run("logs", "demo", "web", "--tail", "2") == 0
    assert capsys.readouterr().out == "two\nthree\n"


def test_exec_gives_output_and_exit_code_and_removes_the_record(lxd: Service, run: Run, capfdbinary: Any) -> None:
    lxd.on("GET", "/1.0/instances", 200, {"metadata": [instance("web-0", "m0")]})
    out, err = (f"/1.0/instances/web-0/logs/exec_1.{kind}" for kind in ("stdout", "stderr"))
    ended = {"output": {"1": out, "2": err}, "return": 3}
    lxd.on("POST", "/1.0/instances/web-0/exec", 202, done(lxd, "exec", metadata=ended))
    for path, said in ((out, b"out\n"), (err, b"err\n")):
        lxd.on("GET", path, 200, said)
        lxd.on("DELETE", path, 200, {})
    assert run("exec", "demo", "web", "--", "sh", "-c", "exit 3") == 3
    shown = capfdbinary.readouterr()
    assert (shown.out, shown.err) == (b"out\n", b"err\n")
    assert lxd.bodies("POST")[0][1] == {
        "command": ["sh", "-c", "exit 3"],
        "record-output": True,
        "wait-for-websocket": False,
        "interactive": False,
    }
    assert [path for path, _ in lxd.bodies("DELETE")] == [out, err]


def test_exec_of_what_is_not_there_names_it(lxd: Service, run: Run, capsys: Capture) -> None:
    lxd.on("GET", "/1.0/instances", 200, {"metadata": [instance("web-0", "m0")]})
    ended = done(lxd, "exec", 400, description="Executing command", err="Command not found")
    lxd.on("POST", "/1.0/instances/web-0/exec", 202, ended)
    assert run("exec", "demo", "web", "--", "/nope") == 127
    assert capsys.readouterr().err == "Error: There is no `/nope` in this image.\n"
    ended = done(lxd, "exec", 400, description="Executing command", err="Permission denied")
    lxd.on("POST", "/1.0/instances/web-0/exec", 202, ended)
    assert run("exec", "demo", "web", "--", "/etc") == 1
    told = "Error: /etc could not be run. Executing command failed on demo: Permission denied\n"
    assert capsys.readouterr().err == told


def test_stop_stops_and_deletes_each(lxd: Service, run: Run, capsys: Capture) -> None:
    found = [instance("web-0", "m0"), instance("web-1", "m1", status="Stopped")]
    lxd.on("GET", "/1.0/instances", 200, {"metadata": found})
    lxd.on("PUT", "/1.0/instances/web-0/state", 202, done(lxd, "stop"))
    lxd.on("DELETE", "/1.0/instances/web-0", 202, done(lxd, "delete"))
    lxd.on("DELETE", "/1.0/instances/web-1", 404, {"error": "not found"})
    assert run("stop", "demo", "web") == 0
    assert capsys.readouterr().out == "Workload web is gone.\n"
    assert lxd.bodies("PUT") == [("/1.0/instances/web-0/state", {"action": "stop", "force": True, "timeout": 30})]
    assert sorted(path for path, _ in lxd.bodies("DELETE")) == ["/1.0/instances/web-0", "/1.0/instances/web-1"]


def wish(replicas: int, publish: Publish | None = None) -> Wish:
    return Wish("web", "small", replicas, publish)


def test_replicas_go_where_the_fewest_are() -> None:
    there = [instance("x", "m0"), instance("y", "m0"), instance("z", "m2")]
    assert plan_placement(wish(4), MEMBERS, there) == [
        Placed("web-0", "m1", None),
        Placed("web-1", "m1", None),
        Placed("web-2", "m0", None),
        Placed("web-3", "m1", None),
    ]


def test_ports_of_a_member_are_given_once() -> None:
    there = [instance("x", "m0", port=30000), instance("y", "m1", port=30001)]
    assert plan_placement(wish(4, Publish(8080)), MEMBERS, there) == [
        Placed("web-0", "m0", 30001),
        Placed("web-1", "m1", 30000),
        Placed("web-2", "m0", 30002),
        Placed("web-3", "m1", 30002),
    ]
    assert plan_placement(wish(1, Publish(8080, 30000)), MEMBERS, there) == [Placed("web-0", "m1", 30000)]


@pytest.mark.parametrize(
    ("asked", "members", "message"),
    [
        (wish(3, Publish(8080, 80)), MEMBERS, "Port 80 is free on 2 of 2 members, for 3 replicas."),
        (wish(1), [MEMBERS[2]], "No member of the cluster is online."),
    ],
)
def test_what_cannot_be_placed_is_said(asked: Wish, members: list[Any], message: str) -> None:
    with pytest.raises(Usage) as refused:
        plan_placement(asked, members, [])
    assert refused.value.message == message
