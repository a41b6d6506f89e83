"""The first manager's script, run here with stand-ins for the engine and the other managers: when it makes a swarm, and when it joins."""

import subprocess
from importlib import resources
from pathlib import Path

import pytest

SCRIPTS = resources.files("jeroboam.drivers.swarm") / "scripts"
STANDINS = """
member() { return 1; }
address() { echo 10.0.0.2; }
state() { echo active; }
sleep() { :; }
docker() { echo "docker $1 $2" >>said; }
join() { echo "join $2" >>said; [ "$(grep -c ^join said)" -ge 2 ]; }
"""


def said(folder: Path, token: str) -> list[str]:
    """What it did. `token` is the body of what fetches a join token from another manager."""
    text = f"{STANDINS}\ntoken() {{ echo token >>said; {token}; }}\n{(SCRIPTS / 'init.sh').read_text()}"
    argv = ["bash", "-c", text, "init", "10.0.0.10", "3", "10.10.0.0/16", "24"]
    subprocess.run(argv, cwd=folder, timeout=30, check=True, capture_output=True)
    return (folder / "said").read_text().splitlines()


def test_where_nobody_shows_a_certificate_it_makes_the_swarm(tmp_path: Path) -> None:
    assert said(tmp_path, "return 1") == ["token"] * 3 + ["docker swarm init"]


def test_it_joins_others_and_tries_again_where_they_refuse(tmp_path: Path) -> None:
    assert said(tmp_path, "echo secret") == ["token", "join secret", "token", "join secret"]


@pytest.mark.parametrize("silent", [5, 20])
def test_others_without_a_leader_are_waited_for_and_no_second_swarm_is_made(tmp_path: Path, silent: int) -> None:
    token = f'[ "$(grep -c token said)" -le {silent} ] || echo secret'
    done = said(tmp_path, token)
    assert done[: silent + 2] == ["token"] * (silent + 1) + ["join secret"]
    assert "docker swarm init" not in done
