"""Commands against a scripted service: what is asked, what is printed where, and the exit code."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from .scripted import OPERATION, REQUEST, STEPS, TEMPLATE, UUID, Service, cluster, operation, refusal, sent, step

pytestmark = pytest.mark.sockets
Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]
OPERATIONS = f"/ext/v1/clusters/{UUID}/operations"


def fail(service: Service, verb: str, status: str) -> None:
    broken = operation(verb=verb, state="failed", error="no space left", error_class="operator", hint="Free some disk.")
    service.on("GET", OPERATIONS, 200, {"operations": [broken]})
    service.on("GET", f"/ext/v1/operations/{OPERATION}", 200, broken)
    service.on("GET", f"/v1/clusters/{UUID}", 200, cluster(status=status))


def test_certificates_are_listed_with_who_asked_and_until_when(demo: Service, run: Run, capsys: Capture) -> None:
    place = f"/ext/v1/clusters/{UUID}/certificates"
    demo.on("GET", place, 200, {"certificates": []})
    assert run("cluster", "certificates", "demo") == 0
    assert capsys.readouterr().out == "No certificate was signed. `jeroboam cluster config` asks for one.\n"
    one = {
        "serial": "7",
        "subject": "CN=ada,O=system:masters",
        "ca": "kubernetes",
        "purpose": "ps",
        "user_id": "user-1",
        "project_id": "project-1",
        "created_at": "2026-01-02T03:04:05.678+00:00",
        "not_after": "2126-01-02T03:04:05+00:00",
    }
    unsaid, older = {**one, "purpose": None}, {key: one[key] for key in one if key != "purpose"}
    demo.on("GET", place, 200, {"certificates": [one, unsaid, older]})
    assert run("cluster", "certificates", "demo") == 0
    [head, *lines] = capsys.readouterr().out.splitlines()
    assert head.split() == ["SUBJECT", "CA", "FOR", "BY", "USER", "SIGNED", "VALID", "UNTIL"]
    assert [line.split() for line in lines] == [
        ["CN=ada,O=system:masters", "kubernetes", purpose, "user-1", "2026-01-02", "03:04:05", "2126-01-02", "03:04:05"]
        for purpose in ("ps", "-", "-")
    ]
    assert run("cluster", "certificates", "demo", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [one, unsaid, older]


def test_certificates_that_have_ended_are_counted_and_shown_when_asked_for(
    demo: Service, run: Run, capsys: Capture
) -> None:
    ended = {
        "serial": "7",
        "subject": "CN=admin",
        "ca": "kubernetes",
        "purpose": "jeroboam ps",
        "user_id": "ada",
        "project_id": "project-1",
        "created_at": "2026-01-02T03:04:05+00:00",
        "not_after": "2026-01-02T03:16:05+00:00",
    }
    valid = {**ended, "serial": "8", "purpose": None, "not_after": "2126-01-02T03:04:05+00:00"}
    place = f"/ext/v1/clusters/{UUID}/certificates"
    demo.on("GET", place, 200, {"certificates": [ended, valid, ended]})
    assert run("cluster", "certificates", "demo") == 0
    [_, line, rest] = capsys.readouterr().out.splitlines()
    assert line.split()[-2:] == ["2126-01-02", "03:04:05"]
    assert rest == "Not shown: 2 that have ended; --all shows them."
    assert run("cluster", "certificates", "demo", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [valid]
    assert run("cluster", "certificates", "demo", "--all", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [ended, valid, ended]
    assert run("cluster", "certificates", "demo", "--all") == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    demo.on("GET", place, 200, {"certificates": [ended]})
    assert run("cluster", "certificates", "demo") == 0
    assert capsys.readouterr().out == (
        "All certificates have ended. `jeroboam cluster config` asks for one.\n"
        "Not shown: 1 that have ended; --all shows them.\n"
    )


# templates


# clusters


def test_cluster_create(demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("POST", "/v1/clusters", 202, {"uuid": UUID})
    options = "--template k8s --nodes 0 --control-planes 3 --label a=1 --merge-labels --timeout 0 --flavor f"
    assert run("cluster", "create", "demo", *options.split()) == 0
    assert sent(demo, "POST") == [
        (
            "/v1/clusters",
            {
                "name": "demo",
                "cluster_template_id": "k8s",
                "node_count": 0,
                "master_count": 3,
                "labels": {"a": "1"},
                "merge_labels": True,
                "flavor_id": "f",
                "create_timeout": 0,
            },
        )
    ]
    assert capsys.readouterr() == (f"Cluster demo is being made ({UUID}).\nNext: jeroboam cluster watch demo\n", "")
    assert [path for path, _ in sent(demo, "GET")] == [f"/v1/clusters/{UUID}", "/v1/clusters/demo"]


def test_cluster_create_and_wait(demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("POST", "/v1/clusters", 202, {"uuid": UUID})
    assert run("cluster", "create", "demo", "--template", "k8s", "--wait") == 0
    assert capsys.readouterr() == (
        "[     1.0 s] network: ok in 0.9 s\n"
        "Cluster demo: CREATE_COMPLETE at https://127.0.0.1:6443\n"
        "Next: jeroboam cluster config demo\n",
        "",
    )


def test_a_second_cluster_of_a_name_is_called_by_its_uuid(demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("POST", "/v1/clusters", 202, {"uuid": UUID})
    demo.on("GET", "/v1/clusters/demo", 409, refusal(409, "Multiple clusters exist with same name."))
    assert run("cluster", "create", "demo", "--template", "k8s") == 0
    warning = "Warning: another cluster is called 'demo', too. Commands know this one by its uuid.\n"
    assert capsys.readouterr() == (
        f"Cluster demo is being made ({UUID}).\nNext: jeroboam cluster watch {UUID}\n",
        warning,
    )
    assert run("cluster", "create", "demo", "--template", "k8s", "--wait") == 0
    shown = capsys.readouterr()
    assert shown.out.endswith(f"\nNext: jeroboam cluster config {UUID}\n")
    assert shown.err == warning
    fail(demo, "create", "CREATE_FAILED")
    assert run("cluster", "why", UUID) == 0
    assert capsys.readouterr().out.endswith(f"\nNext: jeroboam cluster retry {UUID} --wait\n")
    assert run("cluster", "create", "demo", "--template", "k8s", "--json") == 0
    assert capsys.readouterr().err == ""


def test_a_failed_wait_says_why_and_exits_1(demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("POST", "/v1/clusters", 202, {"uuid": UUID})
    fail(demo, "create", "CREATE_FAILED")
    assert run("cluster", "create", "demo", "--template", "k8s", "--wait") == 1
    shown = capsys.readouterr()
    assert f"\ndemo  CREATE_FAILED  {UUID}\n" in shown.out
    assert shown.out.endswith("Hint: Free some disk.\nNext: jeroboam cluster retry demo --wait\n")
    assert shown.err == "Error: The create failed: no space left\n       Free some disk.\n"


def test_json_is_alone_on_stdout_even_when_it_fails(demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("POST", "/v1/clusters", 202, {"uuid": UUID})
    assert run("cluster", "create", "demo", "--template", "k8s", "--wait", "--json") == 0
    shown = capsys.readouterr()
    assert (json.loads(shown.out), shown.err) == (cluster(), "")
    fail(demo, "create", "CREATE_FAILED")
    assert run("cluster", "create", "demo", "--template", "k8s", "--wait", "--json") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    error = json.loads(shown.err)["error"]
    assert (error["message"], error["exit_code"]) == ("The create failed: no space left", 1)
    assert error["report"]["whose_move"] == "operator"


def test_cluster_list_and_show(demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("GET", "/v1/clusters", 200, {"clusters": [cluster()]})
    assert run("cluster", "list") == 0
    assert capsys.readouterr().out == (
        "NAME   UUID                                   STATUS            HEALTH    NODES   CONTROL PLANES\n"
        f"demo   {UUID}   CREATE_COMPLETE   HEALTHY   2       1\n"
    )
    assert run("cluster", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [cluster()]
    assert run("cluster", "show", "demo") == 0
    shown = capsys.readouterr().out
    assert "\napi_address            https://127.0.0.1:6443\n" in shown
    assert "cluster_template  " not in shown
    demo.on("GET", f"/v1/clustertemplates/{TEMPLATE}", 200, {"uuid": TEMPLATE, "name": "k8s"})
    assert run("cluster", "show", "demo") == 0
    assert f"\ncluster_template       k8s\ncluster_template_id    {TEMPLATE}\n" in capsys.readouterr().out
    demo.on("GET", "/v1/clusters", 200, {"clusters": []})
    assert run("cluster", "list", "--limit", "5") == 0
    assert demo.asked[-1].query == {"limit": "5"}
    assert capsys.readouterr().out == (
        "There is no cluster. Make one: jeroboam cluster create NAME --template TEMPLATE --wait\n"
    )


def test_cluster_resize_follows_its_own_operation(demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("POST", f"/v1/clusters/{UUID}/actions/resize", 202, {"uuid": UUID})
    other = operation(uuid="other", verb="update", state="running", request_id="req-other")
    demo.on("GET", OPERATIONS, 200, {"operations": [other, operation(verb="update")]})
    argv = ("cluster", "resize", "demo", "3", "--nodegroup", "gpu", "--remove", "n1", "--remove", "n2", "--wait")
    assert run(*argv) == 0
    body = {"node_count": 3, "nodes_to_remove": ["n1", "n2"], "nodegroup": "gpu"}
    assert sent(demo, "POST") == [(f"/v1/clusters/{UUID}/actions/resize", body)]
    assert f"/ext/v1/operations/{OPERATION}" in [asked.path for asked in demo.asked]
    assert "/ext/v1/operations/other" not in [asked.path for asked in demo.asked]
    assert "network: ok in 0.9 s\n" in capsys.readouterr().out


@pytest.mark.parametrize("options", [("--wait",), ()])
def test_a_resize_that_changes_nothing_is_done_at_once(
    demo: Service, run: Run, capsys: Capture, options: tuple[str, ...]
) -> None:
    demo.on("POST", f"/v1/clusters/{UUID}/actions/resize", 202, {"uuid": UUID})
    demo.on("GET", OPERATIONS, 200, {"operations": [operation(request_id="req-before")]})
    assert run("cluster", "resize", "demo", "2", *options) == 0
    said = "Nothing was to do: it is so already.\nCluster demo: CREATE_COMPLETE"
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize("lost", [OPERATIONS, f"/v1/clusters/{UUID}"])
def test_a_resize_that_was_accepted_is_told_though_nothing_more_can_be_asked(
    demo: Service, run: Run, capsys: Capture, lost: str
) -> None:
    def accept(_: object) -> tuple[int, object]:
        demo.on("GET", lost, 503, refusal(503, "The database does not answer."))
        return 202, {"uuid": UUID}

    demo.on("GET", OPERATIONS, 200, {"operations": [operation(verb="update")]})
    demo.on_call("POST", f"/v1/clusters/{UUID}/actions/resize", accept)
    assert run("cluster", "resize", "demo", "3") == 0
    out, err = capsys.readouterr()
    assert out.endswith(f"\nNext: jeroboam cluster watch {UUID}\n")
    assert err == ""


def test_cluster_retry_follows_its_own_operation(demo: Service, run: Run, capsys: Capture) -> None:
    again = operation(verb="create", summary="retry: create")
    demo.on("POST", f"/ext/v1/clusters/{UUID}/retry", 202, again | {"state": "queued", "finished_at": None})
    demo.on("GET", OPERATIONS, 200, {"operations": [again]})
    assert run("cluster", "retry", "demo") == 0
    told = f"Cluster demo is tried again ({UUID}).\nNext: jeroboam cluster watch demo\n"
    assert capsys.readouterr().out == told
    assert run("cluster", "retry", "demo", "--wait") == 0
    assert "Cluster demo: CREATE_COMPLETE" in capsys.readouterr().out
    assert sent(demo, "POST") == [(f"/ext/v1/clusters/{UUID}/retry", None)] * 2


def test_cluster_heal_follows_its_own_operation(demo: Service, run: Run, capsys: Capture) -> None:
    heal = operation(verb="update", kind="heal", summary="heal: replace w1 (gone)")
    demo.on("POST", f"/ext/v1/clusters/{UUID}/heal", 202, heal | {"state": "queued", "finished_at": None})
    demo.on("GET", OPERATIONS, 200, {"operations": [heal]})
    assert run("cluster", "heal", "demo") == 0
    told = f"Cluster demo is being healed ({UUID}).\nNext: jeroboam cluster watch demo\n"
    assert capsys.readouterr().out == told
    assert run("cluster", "heal", "demo", "--wait") == 0
    assert sent(demo, "POST") == [(f"/ext/v1/clusters/{UUID}/heal", None)] * 2


def test_a_retried_delete_ends_without_a_cluster(demo: Service, run: Run, capsys: Capture) -> None:
    gone = operation(verb="delete", kind="delete", summary="delete 3 nodes")
    demo.on("POST", f"/ext/v1/clusters/{UUID}/retry", 202, gone | {"state": "queued", "finished_at": None})
    demo.on("GET", f"/ext/v1/operations/{OPERATION}", 200, gone)
    assert run("cluster", "retry", "demo", "--wait") == 0
    assert capsys.readouterr().out.endswith(f"Cluster demo is deleted ({UUID}).\n")


def test_cluster_cancel_stops_what_runs_and_not_what_waits(demo: Service, run: Run, capsys: Capture) -> None:
    waits = operation(uuid="waits", state="queued", finished_at=None)
    runs = operation(state="running", finished_at=None, summary="resize default-worker from 2 to 3 nodes")
    demo.on("GET", OPERATIONS, 200, {"operations": [waits, runs, operation(uuid="old")]})
    demo.on("POST", f"/ext/v1/operations/{OPERATION}/cancel", 202, runs | {"cancel_requested": True})
    assert run("cluster", "cancel", "demo") == 0
    told = f"Stopping: resize default-worker from 2 to 3 nodes\nNext: jeroboam cluster watch {UUID}\n"
    assert capsys.readouterr().out == told
    demo.on("GET", f"/ext/v1/operations/{OPERATION}", 200, runs | {"state": "cancelled", "finished_at": None})
    assert run("cluster", "cancel", "demo", "--wait") == 0
    assert "Stopped: resize default-worker" in capsys.readouterr().out
    demo.on("GET", f"/ext/v1/operations/{OPERATION}", 200, operation(state="succeeded", kind="resize"))
    assert run("operation", "cancel", OPERATION, "--wait") == 1
    assert capsys.readouterr().err == "Error: The resize was not stopped: it succeeded before.\n"


def test_cluster_cancel_where_nothing_is_done(demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("GET", OPERATIONS, 200, {"operations": [operation()]})
    assert run("cluster", "cancel", "demo") == 1
    assert capsys.readouterr().err == "Error: Nothing is done with cluster demo: it is CREATE_COMPLETE.\n"
    assert sent(demo, "POST") == []


def test_orphans_are_shown_and_those_that_are_ours_removed(service: Service, run: Run, capsys: Capture) -> None:
    left = [{"kind": "network", "id": "1", "name": "lost-net"}]
    mine, other = ({"cluster_uuid": uuid, "ours": uuid == UUID, "resources": left} for uuid in (UUID, OPERATION))
    service.on("GET", "/ext/v1/orphans", 200, {"orphans": [mine, other]})
    service.on("DELETE", f"/ext/v1/orphans/{UUID}", 200, mine)
    service.on("DELETE", f"/ext/v1/orphans/{OPERATION}", 200, other)
    assert run("orphans") == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].split() == [UUID, "yes", "network", "lost-net"]
    assert shown[2].split() == [OPERATION, "unknown", "network", "lost-net"]
    unknown = "Unknown: nothing is recorded here of that cluster; it may live, as another installation's on the same provider."
    assert shown[3:] == [unknown, "Next: jeroboam orphans --remove"]
    assert run("orphans", UUID, OPERATION) == 0
    assert capsys.readouterr().out.endswith(f"{unknown}\nNext: jeroboam orphans {UUID} --remove\n")
    assert run("orphans", "nope") == 0
    assert capsys.readouterr().out == "There are no orphans of nope.\n"
    assert run("orphans", "--remove") == 0
    assert capsys.readouterr().out == f"Removed of {UUID}: network lost-net.\n"
    assert run("orphans", OPERATION, "--remove", "--foreign") == 0
    asked = [(one.path, one.query) for one in service.asked if one.method == "DELETE"]
    assert asked == [(f"/ext/v1/orphans/{UUID}", {}), (f"/ext/v1/orphans/{OPERATION}", {"foreign": "true"})]
    assert run("orphans", "--remove", "--foreign") == 2


def test_cluster_delete_on_a_pipe_does_not_ask(demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("DELETE", f"/v1/clusters/{UUID}", 204, None)
    assert run("cluster", "delete", "demo") == 0
    assert capsys.readouterr().out == f"Cluster demo is being deleted ({UUID}).\n"
    demo.on("GET", OPERATIONS, 200, {"operations": [operation(verb="delete")]})
    told = "deleted: 1 network (demo-1a2b)"
    demo.on("GET", STEPS, 200, {"steps": [step(1, "report", "", 0, 0.1, message=told)]})
    assert run("cluster", "delete", "demo", "--wait", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {"uuid": UUID, "name": "demo", "deleted": True, "report": [told], "left_behind": [], "access_removed": []}
    ]


def test_cluster_delete_tells_on_a_terminal_what_was_deleted_once(
    demo: Service, run: Run, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.on("DELETE", f"/v1/clusters/{UUID}", 204, None)
    demo.on("GET", OPERATIONS, 200, {"operations": [operation(verb="delete")]})
    told = "deleted: 1 network (demo-1a2b)"
    demo.on("GET", STEPS, 200, {"steps": [step(1, "report", "", 0, 0.1, message=told)]})
    assert run("cluster", "delete", "demo", "--wait", "--yes") == 0
    out = capsys.readouterr().out
    assert out.count(told) == 1
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert run("cluster", "delete", "demo", "--wait", "--yes") == 0
    assert capsys.readouterr().out.endswith(f"Cluster demo is deleted ({UUID}).\n{told}\n")


def test_a_forced_deletion_tells_what_it_left_behind(demo: Service, run: Run, capsys: Capture) -> None:
    done = operation(verb="delete", kind="delete", summary="delete 3 nodes by force")
    demo.on("POST", f"/ext/v1/clusters/{UUID}/force_delete", 202, done | {"state": "queued", "finished_at": None})
    demo.on("GET", f"/ext/v1/operations/{OPERATION}", 200, done)
    told = "deleted: nothing was there; left behind: 1 network (n); the project is locked."
    failed = {"ok": False, "message": told, "log": "network n (id 7)", "error_class": "operator"}
    demo.on("GET", STEPS, 200, {"steps": [step(1, "report", "", 0, 0.1, **failed)]})
    assert run("cluster", "delete", "demo", "--force") == 0
    assert capsys.readouterr().out == f"Cluster demo is being deleted ({UUID}).\n"
    assert run("cluster", "delete", "demo", "--force", "--wait", "--json") == 0
    [result] = json.loads(capsys.readouterr().out)
    assert (result["report"], result["left_behind"]) == ([told], ["network n (id 7)"])
    assert sent(demo, "DELETE") == []
    assert run("cluster", "delete", "demo", "--force", "--wait") == 0
    assert capsys.readouterr().out.count(told) == 1


@pytest.mark.parametrize(("answer", "code", "deletes"), [("n\n", 1, 0), ("\n", 1, 0), ("Y\n", 0, 1)])
def test_cluster_delete_asks_on_a_terminal(
    demo: Service, run: Run, capsys: Capture, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, deletes: int
) -> None:
    demo.on("DELETE", f"/v1/clusters/{UUID}", 204, None)
    keyboard, terminal = os.openpty()
    with open(terminal, "r+b", buffering=0) as raw, open(raw.fileno(), closefd=False) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        os.write(keyboard, answer.encode())
        assert run("cluster", "delete", "demo") == code
    os.close(keyboard)
    assert len(sent(demo, "DELETE")) == deletes
    no = "" if deletes else "Nothing was deleted.\n"
    assert capsys.readouterr().err == f"Delete demo with all that is in it? [y/N] {no}"


def test_cluster_delete_does_not_ask_about_what_is_not_there(
    demo: Service, run: Run, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard, terminal = os.openpty()
    with open(terminal, "r+b", buffering=0) as raw, open(raw.fileno(), closefd=False) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        assert run("cluster", "delete", "nope") == 1
        assert "[y/N]" not in capsys.readouterr().err
        os.write(keyboard, b"n\n")
        assert run("cluster", "delete", "nope", "demo", UUID) == 1
    os.close(keyboard)
    assert "Delete demo with all that is in it? [y/N] Nothing was deleted." in capsys.readouterr().err
    assert sent(demo, "DELETE") == []


def test_cluster_why(demo: Service, run: Run, capsys: Capture) -> None:
    assert run("cluster", "why", "demo") == 0
    assert capsys.readouterr().out.splitlines()[0] == f"demo  CREATE_COMPLETE  {UUID}"
    assert run("cluster", "why", "demo", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["operation"]["uuid"], found["whose_move"], found["next"]) == (
        OPERATION,
        "nobody",
        "jeroboam cluster config demo",
    )


def test_cluster_why_and_watch_of_a_deleted_cluster(service: Service, run: Run, capsys: Capture) -> None:
    gone = operation(verb="delete")
    service.on("GET", OPERATIONS, 200, {"operations": [gone]})
    service.on("GET", f"/ext/v1/operations/{OPERATION}", 200, gone)
    service.on("GET", STEPS, 200, {"steps": []})
    assert run("cluster", "why", UUID) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"Cluster {UUID} is deleted."
    assert run("cluster", "watch", UUID) == 0
    assert capsys.readouterr().out == f"Cluster {UUID} is deleted.\n"
    assert run("cluster", "why", "nope") == 1
    assert capsys.readouterr().err == (
        "Error: /v1/clusters/nope could not be found.\n"
        "       A cluster that is gone is found by its uuid only; `jeroboam cluster list` shows those that exist.\n"
    )


# node groups and operations


def test_node_groups(demo: Service, run: Run, capsys: Capture) -> None:
    group = {"uuid": "g", "name": "default-worker", "role": "worker", "node_count": 2, "status": "CREATE_COMPLETE"}
    demo.on("GET", f"/v1/clusters/{UUID}/nodegroups", 200, {"nodegroups": [group]})
    demo.on("GET", f"/v1/clusters/{UUID}/nodegroups/default-worker", 200, group)
    assert run("nodegroup", "list", "demo") == 0
    assert capsys.readouterr().out == (
        "NAME             UUID   ROLE     NODES   FLAVOR   IMAGE   STATUS\n"
        "default-worker   g      worker   2       -        -       CREATE_COMPLETE\n"
    )
    assert run("nodegroup", "show", "demo", "default-worker", "--json") == 0
    assert json.loads(capsys.readouterr().out) == group


def test_operations(demo: Service, run: Run, capsys: Capture) -> None:
    assert run("operation", "list", "demo") == 0
    assert capsys.readouterr().out.splitlines()[1] == (
        f"{OPERATION}   create   succeeded   2026-01-02 03:04:05   14.1 s   create 1 control plane, 2 workers".replace(
            "14.1", "14.2"
        )
    )
    assert run("operation", "show", OPERATION) == 0
    assert capsys.readouterr().out == (
        "create 1 control plane, 2 workers: succeeded after 14.2 s\n"
        f"  asked 2026-01-02 03:04:05 UTC, request {REQUEST}\n"
        "  +     0.0 s       0.9 s  ok       network\n"
    )


def planned(moves: list[dict[str, Any]], problems: list[dict[str, Any]]) -> dict[str, Any]:
    head = {"operation": "create", "possible": not problems, "summary": "create", "status": None}
    return {**head, "problems": problems, "warnings": [], "moves": moves, "quota": None}


def making(kind: str, name: str, group: str | None) -> dict[str, Any]:
    node = {"image_id": "node", "flavor_id": "m1"} if group else {"image_id": None, "flavor_id": None}
    return {"action": "make", "kind": kind, "name": name, "node_group": group, **node}


def test_a_plan_of_many_nodes_shows_a_few_and_the_problem(service: Service, run: Run, capsys: Capture) -> None:
    workers = [making("machine", f"d-worker-{number}", "default-worker") for number in range(1000)]
    moves = [making("network", "d", None), making("machine", "d-master-0", "default-master"), *workers]
    problem = {
        "field": "node_count",
        "value": "1000",
        "message": "It is too large",
        "hint": "Ask for less.",
        "class": "user",
    }
    service.on("POST", "/ext/v1/clusters/plan", 200, planned(moves, [problem]))
    wish = ("cluster", "create", "d", "--template", "k8s", "--nodes", "1000", "--dry-run")
    assert run(*wish) == 1
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert rows[2:] == [
        "make network d - - -",
        "make machine d-master-0 default-master node m1",
        *(f"make machine d-worker-{number} default-worker node m1" for number in range(5)),
        "make machine and 995 more default-worker - -",
        "Problem: It is too large. Ask for less.",
        "It would be refused.",
    ]
    assert run(*wish, "--json") == 1
    assert len(json.loads(capsys.readouterr().out)["moves"]) == 1002
    service.on("POST", "/ext/v1/clusters/plan", 200, planned(workers[:8], []))
    assert run(*wish) == 0
    assert "more" not in capsys.readouterr().out


# errors


def test_no_service(run: Run, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JEROBOAM_URL", "http://127.0.0.1:1")
    assert run("cluster", "list") == 1
    assert capsys.readouterr() == (
        "",
        "Error: No service answers at http://127.0.0.1:1.\n"
        "       Start one with `jeroboam up`, or name another with --url or --os-cloud.\n",
    )
    assert run("cluster", "list", "--json") == 1
    assert json.loads(capsys.readouterr().err) == {
        "error": {
            "message": "No service answers at http://127.0.0.1:1.",
            "hint": "Start one with `jeroboam up`, or name another with --url or --os-cloud.",
            "exit_code": 1,
        }
    }


def test_a_service_without_tls_is_told(service: Service, run: Run, capsys: Capture) -> None:
    secure = service.url.replace("http", "https", 1)
    assert run("cluster", "list", "--url", secure) == 1
    told = f"Error: The service at {secure} answers, but not with TLS.\n       Write {service.url} in --url.\n"
    assert capsys.readouterr().err == told


def test_a_refusal_in_json(service: Service, run: Run, capsys: Capture) -> None:
    service.on("GET", "/v1/clusters/x", 404, refusal(404, "Cluster x could not be found."))
    assert run("cluster", "show", "x", "--json") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert json.loads(shown.err) == {
        "error": {
            "message": "Cluster x could not be found.",
            "hint": "`jeroboam cluster list` shows those that exist.",
            "exit_code": 1,
            "status": 404,
            "request_id": REQUEST,
        }
    }


@pytest.mark.parametrize(
    "argv",
    [
        ("cluster", "create", "demo"),
        ("cluster", "create", "demo", "--template", "k8s", "--nodes", "many"),
        ("cluster", "create", "demo", "--template", "k8s", "--label", "novalue"),
        ("cluster", "create", "demo", "--template", "k8s", "--label", "a=1", "--label", "a=2"),
        ("cluster", "create", "demo", "--template", "k8s", "--wait", "--timeout-s", "0"),
        ("cluster", "resize", "demo"),
        ("cluster", "show", "demo", "--nope"),
        ("cluster", "shwo"),
        ("cluster", "list", "--os-cloud", "nope"),
        ("cluster", "show", ".."),
        ("cluster", "create", "bad name!", "--template", "k8s"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_usage_exits_2_and_asks_nothing(
    service: Service, run: Run, capsys: Capture, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], as_json: bool
) -> None:
    argv = (*argv, "--json") if as_json else argv
    monkeypatch.setattr("sys.argv", ["jeroboam", *argv])
    assert run(*argv) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    if as_json:
        assert json.loads(shown.err)["error"]["exit_code"] == 2
    else:
        assert shown.err.startswith("Error: ")
    assert service.asked == []


NAMES = "Begin with a letter, go on with letters, digits, `_`, `.` and `-`; at most 242 characters."


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("cluster create d --template t --nodes -1", "--nodes -1 is too few: give at least 0."),
        ("cluster create d --template t --control-planes 0", "--control-planes 0 is too few: give at least 1."),
        ("cluster create d! --template t", f"'d!' cannot be the name of a cluster.\n       {NAMES}"),
        ("cluster create 9 --template t", f"'9' cannot be the name of a cluster.\n       {NAMES}"),
        ("cluster resize c1 -5", "-5 is too few nodes: give at least 0."),
        ("nodegroup create c1 big --nodes -1", "--nodes -1 is too few: give at least 0."),
        ("nodegroup update c1 big --min-nodes -2", "--min-nodes -2 is too few: give at least 0."),
    ],
)
def test_what_no_service_would_take_is_said_here(
    service: Service, run: Run, capsys: Capture, argv: str, said: str
) -> None:
    assert run(*argv.split()) == 2
    assert capsys.readouterr() == ("", f"Error: {said}\n")
    assert service.asked == []


@pytest.mark.parametrize(
    "command",
    [
        *[
            ("cluster", c)
            for c in ("create", "list", "show", "resize", "delete", "config", "why", "watch", "retry", "cancel")
        ],
        *[("template", c) for c in ("create", "list", "show", "labels", "delete")],
        *[("nodegroup", c) for c in ("create", "list", "show", "update", "delete")],
        *[("operation", c) for c in ("list", "show", "cancel")],
        *[(c,) for c in ("run", "ps", "logs", "exec", "stop", "orphans")],
    ],
)
def test_every_command_has_help_with_an_example_and_json(run: Run, capsys: Capture, command: tuple[str, ...]) -> None:
    assert run(*command, "--help") == 0
    shown = capsys.readouterr().out
    assert f"jeroboam {' '.join(command)}" in shown.split("Example", 1)[1]
    assert "--json" in shown
