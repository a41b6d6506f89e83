"""The docker client's contexts on disk: ours added and renewed, others' left alone."""

import io
import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from jeroboam.cli import docker_context
from jeroboam.cli.archive import tar_of
from jeroboam.cli.errors import Usage

CONTEXT = docker_context.DockerContext("demo", "tcp://127.0.0.1:2376", "uuid-1", "CA\n", "CERT\n", "KEY\n")


def test_a_context_is_put_where_the_client_looks_and_its_key_is_private(tmp_path: Path) -> None:
    meta = docker_context.put(tmp_path, CONTEXT)
    # sha256 of "demo", by sha256sum
    key = "2a97516c354b68848cdbd8f54a226a0a55b21ed138e207ad6c5cbb9c00aa5aea"
    assert meta == tmp_path / "contexts" / "meta" / key / "meta.json"
    tls = tmp_path / "contexts" / "tls" / key / "docker"
    assert {path.name: path.read_text() for path in tls.iterdir()} == {
        "ca.pem": "CA\n",
        "cert.pem": "CERT\n",
        "key.pem": "KEY\n",
    }
    assert {path.stat().st_mode & 0o777 for path in [*tls.iterdir(), meta]} == {0o600}
    renewed = docker_context.DockerContext("demo", "tcp://127.0.0.1:9", "uuid-1", "CA\n", "NEW\n", "KEY\n")
    docker_context.put(tmp_path, renewed)
    assert json.loads(meta.read_text())["Endpoints"]["docker"]["Host"] == "tcp://127.0.0.1:9"
    assert (tls / "cert.pem").read_text() == "NEW\n"


def test_a_context_of_somebody_else_stays_unless_told(tmp_path: Path) -> None:
    meta = docker_context.put(tmp_path, CONTEXT)
    meta.write_text('{"Name": "demo", "Metadata": {}, "Endpoints": {}}')
    with pytest.raises(Usage, match="The Docker context demo is not Jeroboam's"):
        docker_context.put(tmp_path, CONTEXT)
    assert "uuid-1" not in meta.read_text()
    docker_context.put(tmp_path, CONTEXT, overwrite=True)
    assert "uuid-1" in meta.read_text()


def test_the_context_of_a_namesake_stays_unless_told(tmp_path: Path) -> None:
    meta = docker_context.put(tmp_path, CONTEXT)
    with pytest.raises(Usage) as refused:
        docker_context.put(tmp_path, replace(CONTEXT, cluster_uuid="uuid-2"))
    assert refused.value.message == "The Docker context demo is that of another cluster, uuid-1."
    assert refused.value.hint == "Choose another name with --context NAME, or replace it with --overwrite."
    assert "uuid-1" in meta.read_text()
    docker_context.put(tmp_path, replace(CONTEXT, cluster_uuid="uuid-2"), overwrite=True)
    assert "uuid-2" in meta.read_text()


def test_only_the_contexts_of_this_cluster_go(tmp_path: Path) -> None:
    for name, uuid in (("demo", "uuid-1"), ("work", "uuid-1"), ("other", "uuid-2")):
        docker_context.put(tmp_path, replace(CONTEXT, name=name, cluster_uuid=uuid))
    foreign = docker_context.put(tmp_path, replace(CONTEXT, name="mine"))
    foreign.write_text('{"Name": "mine", "Metadata": {}, "Endpoints": {}}')
    config = tmp_path / "config.json"
    config.write_text('{"auths": {"r.example": {}}, "currentContext": "work"}')
    assert sorted(docker_context.remove(tmp_path, "uuid-1")) == ["demo", "work"]
    left = sorted(json.loads(meta.read_text())["Name"] for meta in (tmp_path / "contexts" / "meta").glob("*/*"))
    assert left == ["mine", "other"]
    assert len(list((tmp_path / "contexts" / "tls").iterdir())) == 2
    assert json.loads(config.read_text()) == {"auths": {"r.example": {}}}
    assert config.stat().st_mode & 0o777 == 0o600
    assert docker_context.remove(tmp_path, "uuid-1") == []
    assert docker_context.remove(tmp_path / "none", "uuid-1") == []


def test_another_current_context_is_left_as_it_is(tmp_path: Path) -> None:
    docker_context.put(tmp_path, CONTEXT)
    (tmp_path / "config.json").write_text('{"currentContext":"mine"}')
    assert docker_context.remove(tmp_path, "uuid-1") == ["demo"]
    assert (tmp_path / "config.json").read_text() == '{"currentContext":"mine"}'


@pytest.mark.parametrize("name", ["", "d", "default", "-x", "a/b", "ä1"])
def test_names_that_the_client_would_refuse(name: str) -> None:
    with pytest.raises(Usage, match="cannot be the name of a Docker context"):
        docker_context.DockerContext(name, "tcp://127.0.0.1:2376", "uuid-1", "CA", "CERT", "KEY")


def test_the_archive_holds_the_same() -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_of(CONTEXT.files()))) as tar:
        assert {m.name: m.mode for m in tar} == dict.fromkeys(
            ["meta.json", "tls/docker/ca.pem", "tls/docker/cert.pem", "tls/docker/key.pem"], 0o600
        )


@pytest.mark.skipif(shutil.which("docker") is None, reason="needs the docker client, which is not installed here")
def test_the_real_client_knows_it(tmp_path: Path) -> None:
    docker_context.put(tmp_path / "put", CONTEXT)
    (tmp_path / "demo.tar").write_bytes(tar_of(CONTEXT.files()))
    for words in (["context", "import", "other", str(tmp_path / "demo.tar")], ["context", "ls", "-q"]):
        env = {**os.environ, "DOCKER_CONFIG": str(tmp_path / "put")}
        done = subprocess.run(["docker", *words], env=env, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["default", "demo", "other"]
