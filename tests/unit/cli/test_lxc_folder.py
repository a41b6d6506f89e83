"""The folder that makes the lxc client know a cluster."""

import io
import json
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from jeroboam.cli import lxc_folder
from jeroboam.cli.archive import tar_of
from jeroboam.cli.errors import Usage

FOLDER = lxc_folder.LxcFolder("demo", "https://127.0.0.1:8443", "uuid-1", "CA\n", "CERT\n", "KEY\n")


def test_it_is_private_and_renewed_and_what_lxc_put_there_stays(tmp_path: Path) -> None:
    target = lxc_folder.place({"XDG_CONFIG_HOME": str(tmp_path)}, "demo")
    assert target == tmp_path / "jeroboam" / "lxc" / "demo"
    lxc_folder.put(target, FOLDER)
    (target / "cookies").write_text("kept")
    lxc_folder.put(target, lxc_folder.LxcFolder("demo", "https://127.0.0.1:9", "uuid-1", "CA\n", "NEW\n", "KEY\n"))
    assert target.stat().st_mode & 0o777 == 0o700
    ours = ("client.ca", "client.crt", "client.key", "config.yml", "jeroboam-cluster")
    assert {name: (target / name).stat().st_mode & 0o777 for name in ours} == dict.fromkeys(ours, 0o600)
    assert (target / "client.crt").read_text() == "NEW\n"
    assert (target / "cookies").read_text() == "kept"
    config = json.loads((target / "config.yml").read_text())
    assert config["default-remote"] == "demo"
    assert config["remotes"]["demo"]["addr"] == "https://127.0.0.1:9"


def test_the_folder_of_a_namesake_stays_unless_told(tmp_path: Path) -> None:
    other = replace(FOLDER, cluster_uuid="uuid-2", cert_pem="OTHER\n")
    lxc_folder.put(tmp_path, FOLDER)
    with pytest.raises(Usage) as refused:
        lxc_folder.put(tmp_path, other)
    assert refused.value.message == f"{tmp_path} is that of another cluster, uuid-1."
    assert refused.value.hint == "Choose another name with --context NAME, or replace it with --overwrite."
    assert (tmp_path / "client.crt").read_text() == "CERT\n"
    lxc_folder.put(tmp_path, other, overwrite=True)
    assert (tmp_path / "client.crt").read_text() == "OTHER\n"


def test_a_folder_without_a_mark_is_known_by_its_address(tmp_path: Path) -> None:
    lxc_folder.put(tmp_path, FOLDER)
    (tmp_path / "jeroboam-cluster").unlink()
    with pytest.raises(Usage, match="is not known to be this cluster's"):
        lxc_folder.put(tmp_path, replace(FOLDER, address="https://127.0.0.1:9"))
    lxc_folder.put(tmp_path, FOLDER)
    assert (tmp_path / "jeroboam-cluster").read_text() == "uuid-1\n"


def test_only_the_folder_of_this_cluster_goes(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    for name, uuid in (("demo", "uuid-1"), ("work", "uuid-1"), ("other", "uuid-2"), ("rich", "uuid-1")):
        lxc_folder.put(lxc_folder.place(environ, name), replace(FOLDER, name=name, cluster_uuid=uuid))
    rich = lxc_folder.place(environ, "rich") / "config.yml"
    config = json.loads(rich.read_text())
    config["remotes"]["mine"] = {"addr": "https://192.0.2.1:8443"}
    rich.write_text(json.dumps(config))
    assert lxc_folder.remove(environ, "uuid-1") == [lxc_folder.place(environ, name) for name in ("demo", "work")]
    assert sorted(os.listdir(tmp_path / "jeroboam" / "lxc")) == ["other", "rich"]
    assert lxc_folder.remove(environ, "uuid-1") == []
    assert lxc_folder.remove({"XDG_CONFIG_HOME": str(tmp_path / "none")}, "uuid-1") == []


@pytest.mark.parametrize("name", ["", "local", "images", "-x", "a/b", "a:b"])
def test_names_that_lxc_would_refuse(name: str) -> None:
    with pytest.raises(Usage, match="cannot be the name of a remote of lxc"):
        lxc_folder.LxcFolder(name, "https://127.0.0.1:8443", "uuid-1", "CA", "CERT", "KEY")


def test_the_archive_holds_the_same() -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_of(FOLDER.files()))) as tar:
        assert {m.name: m.mode for m in tar} == dict.fromkeys(
            ["client.ca", "client.crt", "client.key", "config.yml"], 0o600
        )
