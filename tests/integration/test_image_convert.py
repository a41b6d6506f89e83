"""An ACI made here, converted by the command, run by Docker."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.artifacts.appc.aci import member, written

from jeroboam.artifacts import SourceSettings, architecture, catalogue, default_cache
from jeroboam.artifacts.cache import Cache
from jeroboam.artifacts.sources import Wanted, open_sources
from jeroboam.contracts import NoProgress

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
NAME, CONTAINER = "jeroboam.test/greeter:1.2", "jeroboam-test-greeter"
MANIFEST: dict[str, Any] = {
    "acKind": "ImageManifest",
    "acVersion": "0.8.11",
    "name": "jeroboam.test/greeter",
    "labels": [{"name": "version", "value": "1.2"}],
    "app": {
        "exec": ["/opt/hello", "serve", "-port", "4000"],
        "user": "greeter",
        "group": "/opt/hello",
        "workingDirectory": "/var/work",
        "environment": [{"name": "NODE_NAME", "value": "from the manifest"}],
        "ports": [{"name": "web", "protocol": "tcp", "port": 4000}],
        "mountPoints": [{"name": "work", "path": "/var/work", "readOnly": True}],
    },
}


def docker(*argv: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *argv], capture_output=True, text=True, timeout=120, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


async def hello() -> bytes:
    version, part = next(iter(catalogue().parts["hello"].items()))
    wanted = Wanted("hello", version, architecture(), part)
    async with open_sources(SourceSettings()) as sources:
        return (await sources.obtain([wanted], Cache(default_cache()), NoProgress()))["hello"].read_bytes()


@pytest.fixture
def aci(tmp_path: Path) -> Iterator[Path]:
    members = [
        *(member(f"rootfs{folder}", None) for folder in ("", "/etc", "/opt", "/var", "/var/work")),
        member("rootfs/etc/passwd", b"root:x:0:0::/:\ngreeter:x:1234:1:::\n"),
        member("rootfs/etc/group", b"root:x:0:\n"),
        member("rootfs/opt/hello", asyncio.run(hello()), gid=77),
    ]
    yield written(tmp_path / "greeter.aci", MANIFEST, members)
    docker("rm", "-fv", CONTAINER, check=False)
    docker("rmi", NAME, check=False)


def test_a_converted_image_runs_as_its_manifest_says(aci: Path) -> None:
    command = [sys.executable, "-m", "jeroboam", "image", "convert", str(aci), "--load"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=aci.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{NAME}  in Docker  sha256:")
    assert "Note: The mount point work (/var/work) is to be read-only: say so where you mount it." in done.stderr
    assert [path.name for path in aci.parent.iterdir()] == ["greeter.aci"]
    docker("run", "-d", "--name", CONTAINER, NAME)
    answer = json.loads(_answer("http://127.0.0.1:4000/x"))
    assert (answer["node"], answer["path"]) == ("from the manifest", "/x")
    pid = docker("inspect", "-f", "{{.State.Pid}}", CONTAINER)
    assert os.readlink(f"/proc/{pid}/cwd") == "/var/work"
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    owners = {line.split()[0]: line.split()[1] for line in status if line.startswith(("Uid:", "Gid:"))}
    assert owners == {"Uid:": "1234", "Gid:": "77"}
    image = json.loads(docker("image", "inspect", NAME))[0]["Config"]
    assert (image["ExposedPorts"], image["Volumes"]) == ({"4000/tcp": {}}, {"/var/work": {}})


def _answer(url: str) -> str:
    ends = time.monotonic() + 30
    while not (said := docker("exec", CONTAINER, "/opt/hello", "get", url, check=False)):
        assert time.monotonic() < ends, docker("logs", CONTAINER)
        time.sleep(0.2)
    return said
