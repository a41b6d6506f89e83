"""`jeroboam image load`: what is sent to each tool, what is left behind, and what is said. The nodes' own part is in tests/e2e."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App

from jeroboam.admin.image import build_app
from jeroboam.cli.image_commands import load as command

from .image_files import config, docker_archive, oci_archive, write
from .scripted import Service, live

Capture = pytest.CaptureFixture[str]
Load = Callable[..., int]
API = "/v1.41"
IDENT = f"sha256:{config()[1]}"


@pytest.fixture
def load() -> Load:
    """The command, in this process; returns the exit code."""

    def call(*argv: str) -> int:
        app = App()
        app.command(command)
        with pytest.raises(SystemExit) as ended:
            app(["load", "demo", *argv])
        return int(ended.value.code or 0)

    return call


@pytest.fixture
def web(tmp_path: Path) -> str:
    return str(docker_archive(tmp_path / "web.tar", "web:1"))


def test_it_is_a_command_of_image() -> None:
    assert "load" in build_app()


# Swarm: an engine that loads what is sent to it, and workers whose jobs end by script.


def node(number: int, **status: str) -> Any:
    return {
        "ID": f"n{number}",
        "Description": {"Hostname": f"node-{number}", "Platform": {"Architecture": "x86_64"}},
        "Status": {"State": "ready", "Addr": f"10.0.0.1{number}"} | status,
        "Spec": {"Availability": "active", "Labels": {"jeroboam.group": "workers" if number else "managers"}},
    }


def piece(text: str) -> bytes:
    return bytes([1, 0, 0, 0]) + len(text).to_bytes(4) + text.encode()


class Swarm:
    """`ends` is what the job on a node comes to: state and what it printed."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.has: dict[str, str] = {}
        self.jobs: dict[str, Any] = {}
        self.ends: dict[str, tuple[str, str]] = {}
        self.refusal = ""
        live(service, "swarm", "tcp")
        service.on("GET", f"{API}/nodes", 200, [node(0), node(1), node(2)])
        service.on("GET", f"{API}/info", 200, {"Swarm": {"NodeID": "n0"}})
        service.on("GET", f"{API}/services", 200, [])
        service.on_call("POST", f"{API}/images/load", self._load)
        service.on_call("POST", f"{API}/services/create", self._create)
        service.on_call("GET", f"{API}/tasks", self._tasks)
        service.on_call("GET", f"{API}/images/web%3A1/json", self._image)
        service.on("GET", f"{API}/images/json", 200, [])

    def _image(self, asked: Any) -> tuple[int, Any]:
        return (200, {"Id": self.has["web:1"]}) if "web:1" in self.has else (404, {"message": "no such image"})

    def _load(self, asked: Any) -> tuple[int, Any]:
        if self.refusal:
            return 200, b'{"stream":"x"}\r\n' + json.dumps({"error": self.refusal}).encode()
        self.has["web:1"] = IDENT
        return 200, b'{"stream":"Loaded"}\r\n'

    def _create(self, asked: Any) -> tuple[int, Any]:
        name = asked.body["Name"]
        self.jobs[name] = asked.body
        where = asked.body["TaskTemplate"]["Placement"]["Constraints"][0].removeprefix("node.id==")
        said = "offered\n" if name.endswith("-offer") else self.ends.get(where, ("", "5 bytes\nloaded\n"))[1]
        self.service.on("GET", f"{API}/services/{name}/logs", 200, piece(said))
        self.service.on("DELETE", f"{API}/services/{name}", 200, None)
        return 201, {"ID": "j"}

    def _tasks(self, asked: Any) -> tuple[int, Any]:
        name = json.loads(asked.query["filters"])["service"][0]
        where = self.jobs[name]["TaskTemplate"]["Placement"]["Constraints"][0].removeprefix("node.id==")
        state = "running" if name.endswith("-offer") else self.ends.get(where, ("complete", ""))[0]
        return 200, [{"Status": {"State": state, "Err": "task: non-zero exit (1)"}}]

    @property
    def left(self) -> set[str]:
        """Jobs that were made and not removed."""
        return set(self.jobs) - {path.rpartition("/")[2] for path, _ in self.service.bodies("DELETE")}


@pytest.fixture
def swarm(service: Service) -> Swarm:
    return Swarm(service)


def test_a_manager_gets_it_and_the_other_nodes_fetch_it(swarm: Swarm, load: Load, web: str, capsys: Capture) -> None:
    swarm.ends["n2"] = ("complete", "present\n")
    assert load(web) == 0
    shown = capsys.readouterr()
    assert shown.out == (
        "web:1: on 3 nodes of demo, 1 of which had it. Nodes that join later do not have it: run this again then.\n"
        "Next: jeroboam run demo --image web:1\n"
    )
    assert "node-2: has it already\n" in shown.err
    [sent] = [body for path, body in swarm.service.bodies("POST") if path.endswith("/images/load")]
    assert sent == Path(web).read_bytes()
    assert swarm.left == set()
    [offer] = [job for name, job in swarm.jobs.items() if name.endswith("-offer")]
    template = offer["TaskTemplate"]
    assert template["Placement"] == {"Constraints": ["node.id==n0"]}
    assert template["Networks"] == [{"Target": "host"}]
    assert [mount["Source"] for mount in template["ContainerSpec"]["Mounts"]] == [
        "/usr",
        "/lib",
        "/lib64",
        "/etc/jeroboam/join",
        "/var/run/docker.sock",
    ]
    port, _, name = template["ContainerSpec"]["Command"][-3:]
    assert name == "web:1"
    fetches = [job for name, job in swarm.jobs.items() if not name.endswith("-offer")]
    commands = [job["TaskTemplate"]["ContainerSpec"]["Command"] for job in fetches]
    assert [words[-4:] for words in commands] == [["10.0.0.10", port, "web:1", IDENT]] * 2
    assert {job["Labels"]["app.kubernetes.io/managed-by"] for job in swarm.jobs.values()} == {"jeroboam-load"}


def test_a_second_load_sends_nothing(swarm: Swarm, load: Load, web: str, capsys: Capture) -> None:
    swarm.has["web:1"] = IDENT
    swarm.ends = dict.fromkeys(("n1", "n2"), ("complete", "present\n"))
    assert load(web, "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "images": [{"image": "web:1", "id": IDENT}],
        "size": Path(web).stat().st_size,
        "nodes": [{"node": f"node-{number}", "state": "present", "why": ""} for number in range(3)],
    }
    assert shown.err == ""
    assert [path for path, _ in swarm.service.bodies("POST") if path.endswith("/load")] == []


def test_nodes_that_have_not_got_it_are_named(swarm: Swarm, load: Load, web: str, capsys: Capture) -> None:
    swarm.ends["n1"] = ("failed", "65536 bytes (66 kB, 64 KiB) copied, 1 s\n1+0 records in\nno space left on device\n")
    swarm.service.on("GET", f"{API}/nodes", 200, [node(0), node(1), node(2, State="down")])
    assert load(web, "--json") == 1
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["message"] == (
        "2 of 3 nodes have not got it. node-1: no space left on device; node-2: the node is down."
    )
    assert error["hint"] == "Run it again when that is mended: nodes that have it are passed over."
    assert [one["state"] for one in error["nodes"]] == ["loaded", "failed", "failed"]
    assert swarm.left == set()


def test_a_manager_that_refuses_it_says_why(swarm: Swarm, load: Load, web: str, capsys: Capture) -> None:
    swarm.refusal = "invalid\n tar header"
    assert load(web) == 1
    assert "Error: The manager's engine refuses the image: invalid tar header\n" in capsys.readouterr().err
    assert swarm.jobs == {}


def base_and_web(tmp_path: Path) -> tuple[str, list[str]]:
    """An archive of two layers, and their digests."""
    layers = [b"base".ljust(40000, b"-"), b"web"]
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    facts = json.dumps({"architecture": "amd64", "rootfs": {"diff_ids": digests}}).encode()
    entry = {"Config": "c.json", "RepoTags": ["web:1"], "Layers": ["0/layer.tar", "1/layer.tar"]}
    members = dict(zip(entry["Layers"], layers, strict=True)) | {"c.json": facts}
    path = write(tmp_path / "two.tar", members | {"manifest.json": json.dumps([entry]).encode()})
    return str(path), digests


def sent_members(body: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return tar.getnames()


@pytest.mark.parametrize("missed", [False, True])
def test_layers_that_the_manager_has_are_not_sent(swarm: Swarm, load: Load, tmp_path: Path, missed: bool) -> None:
    path, digests = base_and_web(tmp_path)
    swarm.service.on("GET", f"{API}/images/json", 200, [{"Id": "sha256:0b"}, {"Id": "sha256:gone"}])
    swarm.service.on("GET", f"{API}/images/sha256%3A0b/json", 200, {"RootFS": {"Layers": [digests[0], "sha256:else"]}})
    with tarfile.open(path) as tar:
        ident = f"sha256:{hashlib.sha256((tar.extractfile('c.json') or io.BytesIO()).read()).hexdigest()}"

    def loads(asked: Any) -> tuple[int, Any]:
        if missed and len(sent_members(asked.body)) == 3:
            return 200, json.dumps({"error": "no such file"}).encode()
        swarm.has["web:1"] = ident
        return 200, b""

    swarm.service.on_call("POST", f"{API}/images/load", loads)
    assert load(path, "--nodes", "node-0") == 0
    sent = [sent_members(body) for url, body in swarm.service.bodies("POST") if url.endswith("/images/load")]
    assert [len(members) for members in sent] == ([3, 4] if missed else [3])  # configuration, manifest, layers
    assert "1.tar" in sent[0]


def test_another_manager_than_before_is_noticed(swarm: Swarm, load: Load, web: str, capsys: Capture) -> None:
    ids = ["n0", "n0", "n1"]
    swarm.service.on_call("GET", f"{API}/info", lambda asked: (200, {"Swarm": {"NodeID": ids.pop(0)}}))
    assert load(web) == 1
    assert "Error: Another manager answers than before the upload.\n       Run it again.\n" in capsys.readouterr().err


def test_jobs_of_a_load_that_was_killed_are_removed(swarm: Swarm, load: Load, web: str) -> None:
    old, young = ({"ID": name, "Spec": {"Labels": {"jeroboam.load.until": until}}} for name, until in
                  (("old", "1"), ("young", "99999999999")))  # fmt: skip
    swarm.service.on("GET", f"{API}/services", 200, [old, young])
    swarm.service.on("DELETE", f"{API}/services/old", 200, None)
    assert load(web, "--nodes", "node-0") == 0
    assert [path for path, _ in swarm.service.bodies("DELETE")] == [f"{API}/services/old"]
    assert swarm.jobs == {}  # the manager alone was asked for: nothing has to be offered


def test_only_some_nodes(swarm: Swarm, load: Load, web: str, capsys: Capture) -> None:
    assert load(web, "--nodes", "node-0,node-2", "--group", "workers", "--json") == 0
    assert [one["node"] for one in json.loads(capsys.readouterr().out)["nodes"]] == ["node-2"]
    assert load(web, "--nodes", "node-7") == 2
    assert "--nodes 'node-7' is no node of the cluster." in capsys.readouterr().err


def test_an_archive_of_oci_under_a_name(swarm: Swarm, load: Load, tmp_path: Path) -> None:
    path = oci_archive(tmp_path / "oci.tar")
    assert load(str(path)) == 2
    assert load(str(path), "--name", "web:1", "--nodes", "node-0") == 0


def docker_client(folder: Path, monkeypatch: pytest.MonkeyPatch, facts: Any, saved: Path | None) -> None:
    """A docker on the PATH that knows one image, and what it was asked to save."""
    folder.mkdir()
    (folder / "facts").write_text(json.dumps([facts]))
    program = folder / "docker"
    program.write_text(
        f"""#!/bin/sh
case "$1 $2" in
  "image inspect") [ "$4" = web ] || {{ echo "Error: No such image: $4" >&2; exit 1; }}; cat {folder}/facts ;;
  "save "*) echo "$2" >{folder}/asked; cat {saved or "/dev/null/gone"} ;;
esac
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_an_image_of_this_machines_docker(
    swarm: Swarm, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    saved = docker_archive(tmp_path / "saved.tar", "web:1")
    docker_client(tmp_path / "bin", monkeypatch, {"Id": IDENT, "RepoTags": ["web:latest", "web:1"], "Size": 5}, saved)
    assert load("web", "--nodes", "node-0") == 0
    assert (tmp_path / "bin" / "asked").read_text() == "web:latest\n"  # not every tag of web
    assert load("nothing") == 2
    assert capsys.readouterr().err.endswith(
        "Error: This machine's Docker has no image nothing to give: No such image: nothing\n"
        "       `docker images` shows those there are; a file may be given as well.\n"
    )


def test_a_docker_that_fails_or_is_not_there(
    swarm: Swarm, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    docker_client(tmp_path / "bin", monkeypatch, {"Id": IDENT, "RepoTags": [], "Size": 5}, None)
    assert load("web") == 1
    assert "Error: docker save web failed: cat: /dev/null/gone: Not a directory\n" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert load("web") == 2
    assert "Error: web is no file, and this machine has no docker to ask for it.\n" in capsys.readouterr().err
    assert load("./web") == 2
    assert "Error: ./web is no file.\n" in capsys.readouterr().err


def test_a_docker_that_stands_still_is_not_waited_for_longer_than_was_said(
    swarm: Swarm, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    docker_client(tmp_path / "bin", monkeypatch, {"Id": IDENT, "RepoTags": [], "Size": 5}, None)
    program = tmp_path / "bin" / "docker"
    program.write_text(program.read_text().replace("cat /dev/null/gone", "exec sleep 100"))
    assert load("web", "--timeout-s", "3") == 1
    assert capsys.readouterr().err.endswith(
        "Error: docker save web has not ended within 3 s.\n       Look at this machine's Docker with `docker info`.\n"
    )


# Kubernetes: what a helper is, and its end. What is fed to it: test_workload_parts.py.

JOBS = "/apis/batch/v1/namespaces/kube-system/jobs"
PODS = "/api/v1/namespaces/kube-system/pods"


def kube_node(name: str, *, ready: bool = True, images: Any = None) -> Any:
    images = images or [
        {"names": ["big:1"], "sizeBytes": 900},
        {"names": ["pause@sha256:00", "registry.example/pause:3"], "sizeBytes": 100},
    ]
    status = {"conditions": [{"type": "Ready", "status": str(ready)}], "images": images}
    labels = {"magnum.openstack.org/nodegroup": "workers"}
    return {"metadata": {"name": name, "labels": labels}, "status": status | {"nodeInfo": {"architecture": "amd64"}}}


def test_a_helper_that_fails_is_told_and_removed(service: Service, load: Load, web: str, capsys: Capture) -> None:
    live(service, "kubernetes")
    only_digests = [{"names": ["a@sha256:00"]}]
    nodes = [kube_node("n1"), kube_node("n2", ready=False), kube_node("n3", images=only_digests)]
    service.on("GET", "/api/v1/nodes", 200, {"items": nodes})
    pod = {"metadata": {"name": "p"}, "status": {"phase": "Failed", "message": "no memory\n here"}}
    service.on_call("GET", PODS, lambda asked: (200, {"items": [pod] if "job-name" in str(asked.query) else []}))
    service.on("POST", JOBS, 201, {})
    assert load(web, "--timeout-s", "60") == 1
    assert capsys.readouterr().err.endswith(
        "Error: 3 of 3 nodes have not got it. n1: the helper pod failed: no memory here; n2: the node is not Ready; "
        "n3: the node has no image that a helper could be made of.\n"
        "       Run it again when that is mended: nodes that have it are passed over.\n"
    )
    [(_, job)] = service.bodies("POST")
    name, run = job["metadata"]["name"], job["metadata"]["labels"]["jeroboam.io/load"]
    removed = [(one.path, one.query) for one in service.asked if one.method == "DELETE"]
    assert removed == [
        (f"{JOBS}/{name}", {"propagationPolicy": "Background"}),
        (JOBS, {"labelSelector": f"jeroboam.io/load={run}", "propagationPolicy": "Background"}),
    ]
    spec, pod_spec = job["spec"], job["spec"]["template"]["spec"]
    assert 60 < spec["activeDeadlineSeconds"] <= 90
    assert (spec["ttlSecondsAfterFinished"], spec["backoffLimit"]) == (0, 0)
    assert (pod_spec["nodeName"], pod_spec["tolerations"]) == ("n1", [{"operator": "Exists"}])
    assert pod_spec["containers"][0]["image"] == "registry.example/pause:3"
    assert {one["hostPath"]["path"] for one in pod_spec["volumes"]} == {"/usr", "/lib", "/lib64", "/run/containerd"}


# LXD: one upload, an alias.


def lxd(service: Service, fingerprint: str, **answers: Any) -> None:
    live(service, "lxd")
    ended = {"status_code": 200, "description": "Downloading image"} | answers
    service.on("GET", "/1.0/operations/up/wait", 200, {"metadata": ended})
    service.on("POST", "/1.0/images", 202, {"operation": "/1.0/operations/up"})
    service.on("POST", "/1.0/images/aliases", 201, {})


@pytest.fixture
def system(tmp_path: Path) -> Path:
    return write(tmp_path / "tiny.tar.gz", {"metadata.yaml": b"architecture: x86_64", "rootfs/x": b""}, "w:gz")


def test_a_system_image_is_one_upload_and_an_alias(service: Service, load: Load, system: Path, capsys: Capture) -> None:
    fingerprint = hashlib.sha256(system.read_bytes()).hexdigest()
    lxd(service, fingerprint)
    assert load(str(system)) == 0
    assert capsys.readouterr().out == (
        f"Image tiny is there ({fingerprint[:12]}). LXD brings it to each member that needs it.\n"
        "Next: jeroboam run demo --image tiny\n"
    )
    assert service.bodies("POST")[-2:] == [
        ("/1.0/images", system.read_bytes()),
        ("/1.0/images/aliases", {"name": "tiny", "target": fingerprint, "description": ""}),
    ]
    headers = next(one.headers for one in service.asked if one.path == "/1.0/images" and one.method == "POST")
    assert headers["x-lxd-fingerprint"] == fingerprint
    assert headers["x-lxd-public"] == "0"


def test_an_image_that_is_there_gets_the_alias_only(
    service: Service, load: Load, system: Path, capsys: Capture
) -> None:
    fingerprint = hashlib.sha256(system.read_bytes()).hexdigest()
    lxd(service, fingerprint)
    service.on("GET", f"/1.0/images/{fingerprint}", 200, {})
    service.on("GET", "/1.0/images/aliases/mine", 200, {"metadata": {"target": "older"}})
    service.on("PUT", "/1.0/images/aliases/mine", 200, {})
    assert load(str(system), "--name", "mine", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"image": "mine", "id": fingerprint, "size": system.stat().st_size, "state": "present"}
    assert service.bodies("PUT") == [("/1.0/images/aliases/mine", {"target": fingerprint, "description": ""})]
    assert [path for path, _ in service.bodies("POST") if path.startswith("/1.0/images")] == []


def test_two_files_are_a_form(service: Service, load: Load, tmp_path: Path) -> None:
    metadata = write(tmp_path / "meta.tar", {"metadata.yaml": b""})
    root = tmp_path / "tiny.squashfs"
    root.write_bytes(b"hsqs\x00")
    fingerprint = hashlib.sha256(metadata.read_bytes() + root.read_bytes()).hexdigest()
    lxd(service, fingerprint)
    assert load(str(root), "--metadata", str(metadata)) == 0
    (_, form), (_, alias) = service.bodies("POST")[-2:]
    parts = form.split(b"\r\n--")
    assert [part.partition(b"\r\n\r\n")[2] for part in parts] == [metadata.read_bytes(), root.read_bytes(), b""]
    assert [b'name="metadata"' in parts[0], b'name="rootfs"' in parts[1]] == [True, True]
    assert (alias["name"], alias["target"]) == ("tiny", fingerprint)


def test_what_lxd_cannot_take_is_refused_before_it_is_sent(
    service: Service, load: Load, web: str, tmp_path: Path, capsys: Capture
) -> None:
    lxd(service, "")
    bare = write(tmp_path / "root.tar.xz", {"bin/sh": b""}, "w:xz")
    for words, message in (
        (("web:1",), "web:1 is no file."),
        ((web,), f"{web} is a container image; LXD runs whole systems."),
        ((str(bare),), f"{bare} has no metadata.yaml, which LXD wants."),
        ((str(bare), "--metadata", "gone"), "--metadata gone is no file."),
        ((str(bare), "--name", "a b"), "'a b' cannot be the alias of an image."),
        ((web, "--group", "x"), "--group does not fit LXD: it brings an image to each member that needs it."),
        ((web, "--nodes", "x"), "--nodes does not fit LXD: it brings an image to each member that needs it."),
    ):
        assert load(*words) == 2
        assert capsys.readouterr().err.startswith(f"Error: {message}\n")
    assert [path for path, _ in service.bodies("POST") if path.startswith("/1.0")] == []


def test_lxds_own_refusals(service: Service, load: Load, system: Path, capsys: Capture) -> None:
    lxd(service, "", status_code=400, err="Unsupported compression")
    assert load(str(system)) == 1
    assert capsys.readouterr().err.endswith("Error: Downloading image failed on demo: Unsupported compression\n")
    lxd(service, "")
    service.on("POST", "/1.0/images/aliases", 500, {"error": "context deadline exceeded"})
    assert load(str(system)) == 1
    assert capsys.readouterr().err.endswith(
        "Error: The LXD API of demo says no (500): context deadline exceeded\n"
        "       Run it again: what is uploaded is not sent again.\n"
    )


def test_an_upload_that_takes_longer_than_one_question_is_asked_about_again(
    service: Service, load: Load, system: Path
) -> None:
    lxd(service, "")
    going_on = [(500, {"error": "context deadline exceeded"})] * 3
    ended = (200, {"metadata": {"status_code": 200, "description": "Downloading image"}})
    service.on_call("GET", "/1.0/operations/up/wait", lambda asked: going_on.pop() if going_on else ended)
    assert load(str(system)) == 0
    assert going_on == []
    service.on("GET", "/1.0/operations/up/wait", 500, {"error": "disk full"})
    assert load(str(system)) == 1


def test_metadata_is_for_lxd(swarm: Swarm, load: Load, web: str, capsys: Capture) -> None:
    assert load(web, "--metadata", web) == 2
    assert capsys.readouterr().err == (
        "Error: --metadata is for LXD; a container image is one file.\n       Leave it out.\n"
    )
