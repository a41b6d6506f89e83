import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from jeroboam.cli.errors import Usage
from jeroboam.cli.kubeconfig import Entry
from jeroboam.cli.kubeconfig_file import merge_into, target

ENTRY = Entry("demo", "https://127.0.0.1:6443", "u-1", "CA", "CERT", "KEY")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(path: Path) -> list[str]:
    return [str(item["name"]) for item in yaml.safe_load(path.read_text())["contexts"]]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/ann"}, "/home/ann/.kube/config"),
        ({"HOME": "/home/ann", "KUBECONFIG": "/a:/b"}, "/a"),
        ({"HOME": "/home/ann", "KUBECONFIG": ":/b"}, "/b"),
        ({"HOME": "/home/ann", "KUBECONFIG": ""}, "/home/ann/.kube/config"),
    ],
)
def test_the_file_is_kubectl_s(environ: dict[str, str], expected: str) -> None:
    assert target(environ) == Path(expected)


def test_a_new_file_is_its_owner_s_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        merge_into(tmp_path / "new" / "kube" / "config", ENTRY)
    finally:
        os.umask(old)
    assert mode(tmp_path / "new" / "kube") == 0o700
    assert mode(tmp_path / "new" / "kube" / "config") == 0o600
    assert os.listdir(tmp_path / "new" / "kube") == ["config"]


def test_a_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("kind: Config\n")
    path.chmod(0o644)
    merge_into(path, ENTRY)
    assert mode(path) == 0o600
    path.chmod(0o640)
    merge_into(path, ENTRY)
    assert mode(path) == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "config"
    link.symlink_to(tmp_path / "real" / "config")
    merge_into(link, ENTRY)
    assert link.is_symlink()
    assert names(tmp_path / "real" / "config") == ["demo"]
    assert sorted(os.listdir(tmp_path)) == ["config", "real"]


def test_the_namespace_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("contexts: [{name: demo, context: {namespace: shop}}]\n")
    assert merge_into(path, ENTRY) == "shop"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello", "{} was left alone: not a mapping, as a kubeconfig is."),
        (b"\xff\xfe\x00", "{} was left alone: not text in UTF-8."),
        (b"kind: Pod\n", "{} was left alone: its `kind` is not Config."),
        (b"token: geheim\n a: [", "{} was left alone: not valid YAML (line 2)."),
    ],
)
def test_what_is_no_kubeconfig_is_left_alone(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)
    path.chmod(0o644)
    with pytest.raises(Usage) as refused:
        merge_into(path, ENTRY)
    assert refused.value.message == message.format(path)
    assert path.read_bytes() == content
    assert mode(path) == 0o644
    assert os.listdir(tmp_path) == ["config"]


def test_places_that_cannot_hold_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Usage) as refused:
        merge_into(tmp_path / "file" / "config", ENTRY)
    assert refused.value.message == f"{tmp_path}/file is no folder."
    (tmp_path / "folder").mkdir()
    with pytest.raises(Usage) as refused:
        merge_into(tmp_path / "folder", ENTRY)
    assert refused.value.message == f"{tmp_path}/folder was left alone: it is a folder."
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Usage) as refused:
        merge_into(tmp_path / "pipe", ENTRY)
    assert refused.value.message == f"{tmp_path}/pipe was left alone: not a regular file."


def test_kubectl_s_lock_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "config"
    lock = tmp_path / "config.lock"
    lock.touch()
    with pytest.raises(Usage) as refused:
        merge_into(path, ENTRY, lock_s=0.1)
    assert refused.value.message == f"{path} is locked by {lock} for 0.1 s."
    assert refused.value.hint == f"When no kubectl is at work, a killed one left it: remove {lock}."
    assert not path.exists()
    assert lock.exists()
    threading.Timer(0.2, lock.unlink).start()
    merge_into(path, ENTRY, lock_s=60)
    assert names(path) == ["demo"]
    assert not lock.exists()


_WRITER = """
import sys
from pathlib import Path
from jeroboam.cli.kubeconfig import Entry
from jeroboam.cli.kubeconfig_file import merge_into
path, name = sys.argv[1:]
merge_into(Path(path), Entry(name, "https://h", name, "CA", "CERT", "KEY"), lock_s=30)
"""


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config"
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(path), f"c{number}"]) for number in range(4)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    assert sorted(names(path)) == ["c0", "c1", "c2", "c3"]
    assert os.listdir(tmp_path) == ["config"]
