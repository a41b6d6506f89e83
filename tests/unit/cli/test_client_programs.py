"""Where the clients of the container tools come from."""

from pathlib import Path

import pytest

from jeroboam.cli.client_programs import tell_if_missing

Capture = pytest.CaptureFixture[str]
REST = " `jeroboam run`, `ps`, `logs`, `exec` need none.\n"


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.touch(0o755)
    return path


def test_nothing_is_said_of_what_is_there(tmp_path: Path, capsys: Capture) -> None:
    there = program(tmp_path / "bin" / "kubectl")
    tell_if_missing("kubectl", {"HOME": str(tmp_path), "PATH": str(there.parent)})
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("kubectl", "get it as https://kubernetes.io/docs/tasks/tools says."),
        ("docker", "get it as https://docs.docker.com/engine/install says (Debian: docker.io)."),
        ("lxc", "it comes with LXD (Debian: the package lxd-client)."),
    ],
)
def test_what_is_missing_is_named_with_its_source(tmp_path: Path, capsys: Capture, name: str, where: str) -> None:
    tell_if_missing(name, {"HOME": str(tmp_path), "PATH": "/none"})
    assert capsys.readouterr() == ("", f"{name} is not on the PATH: {where}{REST}")


def test_the_newest_kubectl_of_the_image_build_is_named(tmp_path: Path, capsys: Capture) -> None:
    for version in ("v1.9.7", "v1.36.3", "v1.34.4"):
        program(tmp_path / "jeroboam" / "bin" / "kubernetes" / version / "amd64" / "kubectl")
    tell_if_missing("kubectl", {"XDG_CACHE_HOME": str(tmp_path), "PATH": "/none"})
    newest = tmp_path / "jeroboam/bin/kubernetes/v1.36.3/amd64/kubectl"
    assert capsys.readouterr().err == (
        f"kubectl is not on the PATH: the image build left one, alias kubectl={newest}.{REST}"
    )
