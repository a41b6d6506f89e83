"""`jeroboam image ...`: what it prints and its exit codes. No Docker here: that it is missing is one of the cases."""

import json
from pathlib import Path

import pytest

from jeroboam.admin.image import build_app
from jeroboam.artifacts import space
from jeroboam.domain.errors import HostUnsupported

from .appc.aci import changed, written


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("JEROBOAM_SOURCES", "JEROBOAM_MIRROR", "JEROBOAM_SITES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def image(*words: str) -> int:
    """The exit code."""
    with pytest.raises(SystemExit) as end:
        build_app()(list(words))
    assert end.value.code is None or isinstance(end.value.code, int)
    return end.value.code or 0


def test_versions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert image("versions", "--json") == 0
    listed = {
        (row["coe"], row["version"]): (row["default"], row["parts"]) for row in json.loads(capsys.readouterr().out)
    }
    assert listed == {
        ("kubernetes", "v1.34.4"): (
            True,
            {"etcd": "v3.6.5", "coredns": "v1.12.1", "flannel": "v0.26.7", "pause": "3.10.1"},
        ),
        ("kubernetes", "v1.35.4"): (
            False,
            {"etcd": "v3.6.6", "coredns": "v1.13.1", "flannel": "v0.26.7", "pause": "3.10.1"},
        ),
        ("kubernetes", "v1.36.3"): (
            False,
            {"etcd": "v3.6.8", "coredns": "v1.14.2", "flannel": "v0.26.7", "pause": "3.10.2"},
        ),
        ("swarm", "v20.10.24"): (True, {"debian": "bookworm"}),
        ("swarm", "v26.1.5"): (False, {"debian": "bookworm", "docker.io": "trixie", "docker-cli": "trixie"}),
        ("lxd", "v5.0.2"): (True, {"debian": "bookworm"}),
    }
    assert image("versions") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["COE", "VERSION", "DEFAULT", "PARTS"]
    assert lines[5].split(maxsplit=3) == [
        "swarm",
        "v26.1.5",
        "-",
        "debian bookworm, docker.io trixie, docker-cli trixie",
    ]


@pytest.mark.parametrize("words", [("list",), ("build",), ("delete", "jeroboam/node-kubernetes:v1.34.4")])
def test_without_docker_the_error_says_what_to_install(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert image(*words) == 1
    shown = capsys.readouterr()
    assert shown.err == "Error: Docker is not installed.\n       Install Docker Engine 20.10 or newer.\n"
    assert shown.out == ""


def test_errors_are_json_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert image("list", "--json") == 1
    assert json.loads(capsys.readouterr().err) == {
        "error": {
            "message": "Docker is not installed.",
            "hint": "Install Docker Engine 20.10 or newer.",
            "exit_code": 1,
        }
    }


def test_a_daemon_that_does_not_answer_is_told_from_one_that_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.write_text(
        "#!/bin/sh\necho 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?' >&2\nexit 1\n"
    )
    docker.chmod(0o755)
    assert image("list") == 1
    assert capsys.readouterr().err.splitlines()[0] == "Error: No Docker daemon answers."


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("build", "--kubernetes", "1.2"), 1, "Kubernetes '1.2' is not known; known are: v1.34.4, v1.35.4, v1.36.3."),
        (("build", "--version", "1.2"), 1, "Kubernetes '1.2' is not known; known are: v1.34.4, v1.35.4, v1.36.3."),
        (
            ("build", "--coe", "swarm", "--version", "27"),
            1,
            "Docker Engine '27' is not known; known are: v20.10.24, v26.1.5.",
        ),
        (("build", "--coe", "lxd", "--version", "6"), 1, "LXD '6' is not known; known are: v5.0.2."),
        (("build", "--coe", "swarm", "-k", "26.1"), 2, "--kubernetes 26.1 does not fit --coe swarm."),
        (("build", "--version", "1.35", "-k", "1.34"), 2, "--version 1.35 and --kubernetes 1.34 say the same."),
        (("build", "--source", "mirror"), 2, "The source mirror needs to know where the mirror is."),
        (
            ("build", "--mirror", "/no/such"),
            2,
            "The mirror /no/such is neither a folder nor an address (http://... or https://...).",
        ),
        (("build", "--site", "etcd"), 2, "--site 'etcd' is not PART=ADDRESS."),
        (("build", "--site", "etcd=x"), 2, "The release site of etcd, 'x', must begin with http:// or https://."),
        (
            ("mirror", "/tmp/x", "--kubernetes", "9"),
            1,
            "Kubernetes '9' is not known; known are: v1.34.4, v1.35.4, v1.36.3.",
        ),
        (("build", "--format", "tar", "--server-type", "vm"), 2, "--format tar does not fit --server-type vm."),
        (("build", "--server-type", "vm"), 2, "--server-type vm does not fit --format docker."),
        (("build", "--output", "x.raw"), 2, "--output x.raw does not fit --format docker."),
        (("build", "--format", "raw", "--output", "/"), 2, "--output: / is a folder."),
        (
            ("build", "--format", "raw", "--output", "/no/such/x.raw"),
            1,
            "The output's folder /no/such is not there.",
        ),
        (
            ("build", "--format", "raw", "--version", "27", "--coe", "swarm"),
            1,
            "Docker Engine '27' is not known; known are: v20.10.24, v26.1.5.",
        ),
        (("upload", "/no/such.raw"), 1, "Image file /no/such.raw could not be found."),
        (("upload", "/" + 300 * "x"), 2, f"/{300 * 'x'} cannot be read: File name too long."),
        (("delete",), 2, 'Command "delete" parameter TAG requires an argument.'),
    ],
)
def test_bad_input_is_named(
    words: tuple[str, ...], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert image(*words) == code
    assert capsys.readouterr().err.splitlines()[0] == f"Error: {message}"


def test_a_disk_that_is_nearly_full_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(HostUnsupported) as error:
        space.demand("The cache", tmp_path / "not" / "there", 1 << 60, "Free some space.")
    assert error.value.message.startswith("The cache has ")
    assert error.value.message.endswith(f" GiB of disk left in {tmp_path}/not/there; a build needs 1073741824 GiB.")
    assert error.value.hint == "Free some space."


def test_an_aci_is_converted_beside_us_and_what_is_lost_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    aci = written(tmp_path / "worker.aci", changed({"isolators": [{"name": "resource/cpu"}]}))
    assert image("convert", str(aci)) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("example.com/reduce-worker:1.0.0  worker.oci.tar  sha256:")
    assert (tmp_path / "worker.oci.tar").is_file()
    assert "Note: The isolator resource/cpu is not kept: set it as the container's resources" in shown.err
    assert image("convert", str(aci), "--out", "other.tar", "--name", "app:1") == 0
    assert capsys.readouterr().out.startswith("app:1  other.tar  sha256:")


def test_an_aci_that_cannot_be_used_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert image("convert", str(tmp_path / "none.aci")) == 2
    assert capsys.readouterr().err == (
        f"Error: {tmp_path}/none.aci is no usable ACI: it cannot be read (No such file or directory).\n"
    )
    aci = written(tmp_path / "worker.aci")
    assert image("convert", str(aci), "--load") == 1
    assert "Error: Docker is not installed." in capsys.readouterr().err


def test_a_runtime_that_nobody_knows_or_that_does_not_fit_is_told_before_anything_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert image("build", "--runtime", "kata") == 1
    assert capsys.readouterr().err == "Error: Runtime 'kata' is not known; known are: runsc.\n"
    assert image("build", "--coe", "swarm", "--runtime", "runsc") == 2
    assert capsys.readouterr().err == "Error: --runtime runsc does not fit --coe swarm.\n       Drop one of them.\n"
