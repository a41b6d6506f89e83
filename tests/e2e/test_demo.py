"""`make demo` and `make demo-clean`: the programs behind them, in a data folder of their own."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .world import SOON_S, free_port, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(3000)]


def jeroboam(*words: str, home: Path, timeout_s: float = 2400) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_DATA_HOME": str(home), "NO_COLOR": "1"}
    environment.pop("KUBECONFIG", None)
    return subprocess.run(
        [sys.executable, "-m", "jeroboam", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def traces(cluster: str) -> list[str]:
    label = f"label=jeroboam.cluster={cluster}"
    found: list[str] = []
    for words in (["ps", "-aq"], ["volume", "ls", "-q"], ["network", "ls", "-q"]):
        done = subprocess.run(["docker", *words, "--filter", label], capture_output=True, text=True, check=True)
        found += done.stdout.split()
    return found


@pytest.mark.parametrize(
    ("coe", "answers", "members"),
    [
        ("swarm", r"^12 answers from \d containers on 2 of 2 workers\.$", " Ready "),
        ("lxd", r"^12 answers from 4 system containers on 2 of 2 workers\.$", " ONLINE "),
    ],
)
def test_the_other_demos_answer_from_both_workers_and_leave_nothing(
    tmp_path: Path, coe: str, answers: str, members: str
) -> None:
    cluster = ""
    try:
        done = jeroboam("demo", "--coe", coe, home=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(answers, done.stdout, re.M)
        assert done.stdout.count(members) == 3
        shown = jeroboam("cluster", "show", "demo", "--json", "--url", _url(tmp_path), home=tmp_path)
        cluster = json.loads(shown.stdout)["uuid"]
        assert len(traces(cluster)) == 7
    finally:
        cleaned = jeroboam("demo", "clean", home=tmp_path)
    assert cleaned.returncode == 0, cleaned.stdout + cleaned.stderr
    assert traces(cluster) == []
    assert list(tmp_path.iterdir()) == []


def test_the_demo_answers_from_both_workers_twice_and_leaves_nothing(tmp_path: Path) -> None:
    clusters = []
    try:
        for _ in range(2):  # the second finds the service of the first and makes a fresh cluster
            done = jeroboam("demo", home=tmp_path)
            assert done.returncode == 0, done.stdout + done.stderr
            assert re.search(r"^12 answers from \d pods on 2 of 2 workers\.$", done.stdout, re.M)
            assert done.stdout.count(" Ready ") == 3
            assert re.search(r"^ +[\d.]+ s  in all, without `make` and the Python environment$", done.stdout, re.M)
            shown = jeroboam("cluster", "show", "demo", "--json", "--url", _url(tmp_path), home=tmp_path)
            clusters.append(json.loads(shown.stdout)["uuid"])
        assert clusters[0] != clusters[1]
        assert traces(clusters[0]) == []
        assert len(traces(clusters[1])) == 7  # three nodes with a volume each, and a network
        assert (tmp_path / "jeroboam-demo" / "kubeconfig").stat().st_mode & 0o777 == 0o600
        _started_by_hand_after_kill_9(tmp_path)
    finally:
        cleaned = jeroboam("demo", "clean", home=tmp_path)
    assert cleaned.returncode == 0, cleaned.stdout + cleaned.stderr
    assert [traces(cluster) for cluster in clusters] == [[], []]
    assert list(tmp_path.iterdir()) == []
    assert jeroboam("demo", "clean", home=tmp_path).stdout == "Nothing of the demo is here.\n"


def _started_by_hand_after_kill_9(home: Path) -> None:
    """A service that the demo did not start, on another port: `demo clean` finds it by the folder's lock."""
    folder = home / "jeroboam-demo"
    os.kill(int((folder / "lock").read_text()), signal.SIGKILL)
    port = free_port()
    argv = [sys.executable, "-m", "jeroboam", "up", "--data", str(folder), "--port", str(port)]
    with (home.parent / "by-hand.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    until(lambda: (folder / "lock").read_text().strip() == str(process.pid), SOON_S, "the new service holds the folder")


def test_too_few_workers_are_refused_before_anything_starts(tmp_path: Path) -> None:
    done = jeroboam("demo", "--workers", "0", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "Error: --workers 0 is too small.\n       Give 1 or more.\n"
    assert list(tmp_path.iterdir()) == []


def _url(home: Path) -> str:
    return str(json.loads((home / "jeroboam-demo" / "service.json").read_text())["url"])
