"""The command line against `jeroboam up --provider fake`: a life of a cluster, a creation that fails, and a terminal."""

import json
import os
import pty
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.sockets
Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]
FAULT = {"call": "ensure_machine", "effect": "boot_fail", "message": "no space left", "times": 1}
FAULTS = [{**FAULT, "name": name} for name in ("broken-*", "short-*-worker-1")]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of its own; the first machine of a cluster called `broken` does not boot, nor the second worker of `short`."""
    folder = tmp_path_factory.mktemp("up")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [
        sys.executable,
        "-m",
        "jeroboam.entry",
        "up",
        "--provider",
        "fake",
        "--data",
        str(folder),
        "--port",
        str(port),
    ]
    environ = {**os.environ, "JEROBOAM_FAKE__FAULTS": json.dumps(FAULTS)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, env=environ, start_new_session=True)
    try:
        deadline = time.monotonic() + 180
        while b"listens on" not in (folder / "log").read_bytes():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


@pytest.fixture(autouse=True)
def _service(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JEROBOAM_URL", url)


def test_the_life_of_a_cluster(run: Run, capsys: Capture, tmp_path: Path) -> None:
    assert run("template", "create", "k8s", "--image", "fake-image") == 0
    assert run("cluster", "create", "demo", "--template", "k8s", "--nodes", "2", "--wait", "--timeout-s", "60") == 0
    assert "Cluster demo: CREATE_COMPLETE at https://" in capsys.readouterr().out
    assert run("cluster", "show", "demo", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["node_count"], shown["master_count"]) == ("CREATE_COMPLETE", 2, 1)

    assert run("cluster", "config", "demo") == 0
    config = yaml.safe_load((tmp_path / "home" / ".kube" / "config").read_text())
    assert config["clusters"][0]["cluster"]["server"] == shown["api_address"]
    assert run("ps", "demo") == 1  # there is no such server: its certificate is signed all the same
    capsys.readouterr()
    assert run("cluster", "certificates", "demo", "--json") == 0
    signed = json.loads(capsys.readouterr().out)
    lasts = [datetime.fromisoformat(one["not_after"]) - datetime.fromisoformat(one["created_at"]) for one in signed]
    assert [one["purpose"] for one in signed] == ["jeroboam cluster config", "jeroboam ps"]
    assert [round(last / timedelta(minutes=1)) for last in lasts] == [5 * 365 * 24 * 60, 12]

    assert run("nodegroup", "list", "demo", "--json") == 0
    groups = json.loads(capsys.readouterr().out)
    assert [(g["name"], g["node_count"]) for g in groups] == [("default-master", 1), ("default-worker", 2)]
    assert run("nodegroup", "show", "demo", "default-worker") == 0

    assert run("cluster", "delete", "demo", "--wait", "--timeout-s", "60") == 0
    kubeconfig = tmp_path / "home" / ".kube" / "config"
    said = f"Context demo is removed from {kubeconfig}, and no context is the current one now."
    assert capsys.readouterr().out.splitlines()[-2:] == [f"Cluster demo is deleted ({shown['uuid']}).", said]
    assert yaml.safe_load(kubeconfig.read_text())["contexts"] == []
    assert run("cluster", "show", "demo") == 1
    gone = "Error: Cluster demo could not be found.\n       `jeroboam cluster list` shows those that exist.\n"
    assert capsys.readouterr().err == gone
    assert run("cluster", "why", shown["uuid"]) == 0
    assert capsys.readouterr().out.startswith(f"Cluster {shown['uuid']} is deleted.\n")
    assert run("template", "delete", "k8s") == 0


def test_a_template_is_made_with_what_speaks_against_it(run: Run, capsys: Capture) -> None:
    labels = ("--label", "kube_tga=v1.34.4", "--label", "kube_tag=banana")
    assert run("template", "create", "doubtful", "--image", "fake-image", *labels) == 0
    shown = capsys.readouterr()
    assert shown.err == (
        "Warning: Label kube_tga is not known to the driver fake. Did you mean kube_tag?\n"
        "Warning: Label kube_tag = banana is not usable. Give a version such as v1.34.4.\n"
    )
    assert shown.out.endswith("Next: jeroboam cluster create NAME --template doubtful --wait\n")
    assert run("template", "create", "doubtful", "--image", "fake-image", "--coe", "swarm") == 0
    shown = capsys.readouterr()
    first, second = shown.err.splitlines()
    assert first == "Warning: another template is called 'doubtful', too. Commands know this one by its uuid."
    assert second.startswith(
        "Warning: as it stands, a cluster of it would be refused: Cluster type (vm, debian, swarm) is"
    )
    uuid = shown.out.partition("(")[2].partition(")")[0]
    assert shown.out.endswith(f"Next: jeroboam cluster create NAME --template {uuid} --dry-run\n")
    assert run("cluster", "create", "one", "--template", "doubtful") == 1
    assert "Name one by its uuid: " in capsys.readouterr().err


def test_groups_and_renewals_in_plan_and_in_truth(run: Run, capsys: Capture) -> None:
    assert run("template", "create", "k8s-groups", "--image", "fake-image") == 0
    capsys.readouterr()
    wish = ("cluster", "create", "many", "--template", "k8s-groups", "--nodes", "1")
    assert run(*wish, "--dry-run") == 0
    planned = capsys.readouterr().out.splitlines()
    assert planned[0] == "Plan: create 1 control plane, 1 worker. Nothing was changed."
    assert [line.split()[:2] for line in planned[2:6]] == [
        ["make", "network"],
        ["make", "endpoint"],
        ["make", "machine"],
        ["make", "machine"],
    ]
    assert planned[-1] == "It would be accepted."
    assert run(*wish, "--control-planes", "2", "--dry-run") == 1
    refused = capsys.readouterr().out
    assert "Problem: master nodegroup size of 2 is invalid, size cannot be an even number.\n" in refused
    assert refused.endswith("It would be refused.\n")
    assert run("cluster", "show", "many") == 1

    assert run(*wish, "--wait", "--timeout-s", "60") == 0
    shape = ("--nodes", "2", "--max-nodes", "4", "--node-label", "disk=ssd", "--taint", "gpu=yes:NoSchedule")
    capsys.readouterr()
    assert run("nodegroup", "create", "many", "big", *shape, "--dry-run") == 0
    planned = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert planned[0] == "Plan: add node group big with 2 nodes. Nothing was changed."
    assert [line.split()[:2] for line in planned[2:4]] == [["make", "machine"], ["make", "machine"]]
    assert planned[4:] == ["It would be accepted."]
    assert run("nodegroup", "create", "many", "default-worker", "--flavor", "huge", "--dry-run") == 1
    refused = capsys.readouterr().out
    assert "Problem: A node group with name default-worker already exists in the cluster many.\n" in refused
    assert "Problem: Unable to find flavor huge.\n" in refused
    assert run("nodegroup", "show", "many", "big") == 1
    assert run("nodegroup", "create", "many", "big", *shape, "--wait", "--timeout-s", "60") == 0
    assert run("nodegroup", "update", "many", "big", "--max-nodes", "3", "--no-taints", "--wait") == 0
    capsys.readouterr()
    assert run("nodegroup", "show", "many", "big", "--json") == 0
    group = json.loads(capsys.readouterr().out)
    assert (group["node_count"], group["max_node_count"], group["status"]) == (2, 3, "UPDATE_COMPLETE")
    assert (group["node_labels"], group["node_taints"]) == ({"disk": "ssd"}, [])
    assert run("cluster", "resize", "many", "9", "--nodegroup", "big", "--dry-run") == 1
    assert "Problem: Resizing big outside the allowed range: " in capsys.readouterr().out

    assert run("cluster", "resize", "many", "1", "--wait", "--timeout-s", "60") == 0
    assert capsys.readouterr().out.startswith("Nothing was to do: it is so already.\nCluster many: UPDATE_COMPLETE")
    assert run("cluster", "rotate-ca", "many", "--wait", "--timeout-s", "60") == 0
    assert capsys.readouterr().out.endswith("\nNext: jeroboam cluster config many\n")
    assert run("cluster", "rotate-credentials", "many", "--wait", "--timeout-s", "60") == 0
    assert run("cluster", "upgrade", "many", "--template", "k8s-groups", "--dry-run", "--json") == 0
    assert json.loads("{" + capsys.readouterr().out.partition("\n{")[2])["possible"] is True
    assert run("cluster", "upgrade", "many", "--template", "k8s-groups", "--wait", "--timeout-s", "60") == 0
    assert run("nodegroup", "delete", "many", "big", "--wait", "--timeout-s", "60") == 0
    capsys.readouterr()
    assert run("cluster", "delete", "many", "--dry-run") == 0
    assert "remove   machine" in capsys.readouterr().out
    assert run("cluster", "delete", "many", "--wait", "--timeout-s", "60") == 0


@pytest.mark.parametrize("text", ["gpu", "=yes:NoSchedule", "gpu=yes:", ":NoSchedule"])
def test_a_taint_that_is_none_is_named(run: Run, capsys: Capture, text: str) -> None:
    assert run("nodegroup", "create", "many", "big", "--taint", text) == 2
    assert capsys.readouterr().err.startswith(f"Error: --taint {text!r} is not KEY=VALUE:EFFECT.\n")


def test_an_update_of_nothing_is_told(run: Run, capsys: Capture) -> None:
    assert run("nodegroup", "update", "many", "big") == 2
    assert capsys.readouterr().err.startswith("Error: Nothing to change.\n")


def test_a_wait_is_told_by_the_service_and_does_not_ask_again_and_again(run: Run, capsys: Capture) -> None:
    assert run("template", "create", "k8s-5", "--image", "fake-image") == 0
    assert run("cluster", "create", "told", "--template", "k8s-5", "--wait", "--timeout-s", "60", "--verbose") == 0
    shown = capsys.readouterr()
    assert "/events -> 200\n" in shown.err
    assert shown.err.count("/steps -> 200 ") == 1
    assert "coe: ok in " in shown.out
    assert run("cluster", "delete", "told", "--wait", "--timeout-s", "60") == 0
    assert run("template", "delete", "k8s-5") == 0


def test_a_creation_that_fails_says_which_node_and_shows_its_console(run: Run, capsys: Capture) -> None:
    assert run("template", "create", "k8s-2", "--image", "fake-image") == 0
    assert run("cluster", "create", "broken", "--template", "k8s-2", "--wait", "--timeout-s", "60") == 1
    shown = capsys.readouterr()
    assert "\nLast console lines of broken-" in shown.out
    assert "no space left" in shown.out
    assert "\nNext: jeroboam cluster retry broken --wait\n" in shown.out
    assert shown.err.startswith("Error: The create failed: broken-")
    assert run("cluster", "delete", "broken", "--wait", "--timeout-s", "60") == 0
    assert run("template", "delete", "k8s-2") == 0


def test_after_a_resize_that_failed_the_next_command_mends_it(run: Run, capsys: Capture) -> None:
    assert run("template", "create", "k8s-4", "--image", "fake-image") == 0
    assert run("cluster", "create", "short", "--template", "k8s-4", "--wait", "--timeout-s", "60") == 0
    capsys.readouterr()
    assert run("cluster", "resize", "short", "2", "--wait", "--timeout-s", "60") == 1
    [command] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Next: ")]
    program, *words = shlex.split(command.removeprefix("Next: "))
    assert (program, words) == ("jeroboam", ["cluster", "retry", "short", "--wait"])
    assert run(*words, "--timeout-s", "60") == 0
    assert "Cluster short: UPDATE_COMPLETE" in capsys.readouterr().out
    assert run("cluster", "delete", "short", "--wait", "--timeout-s", "60") == 0
    assert run("template", "delete", "k8s-4") == 0


def test_on_a_terminal(run: Run, url: str) -> None:
    assert run("template", "create", "k8s-3", "--image", "fake-image") == 0
    argv = ["cluster", "create", "live", "--template", "k8s-3", "--wait", "--timeout-s", "60", "--url", url]
    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "jeroboam.entry", *argv]
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm"}
    )
    os.close(terminal)
    drawn = b""
    while True:
        try:
            drawn += os.read(screen, 65536)
        except OSError:  # the other side is closed
            break
    os.close(screen)
    assert process.wait(60) == 0
    text = drawn.decode()
    assert "create 1 control plane, 1 worker" in text
    assert "✓" in text
    assert "CREATE_COMPLETE" in text
    assert run("cluster", "delete", "live", "--wait", "--yes") == 0
