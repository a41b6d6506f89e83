"""The folder that makes the lxc client know a cluster."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from jeroboam.cli import lxc_folder
from jeroboam.cli.archive import tar_of
from jeroboam.cli.errors import Usage

FOLDER = lxc_folder.LxcFolder("demo", "https://127.0.0.1:8443", "CA\n", "CERT\n", "KEY\n")


def test_it_is_private_and_renewed_and_what_lxc_put_there_stays(tmp_path: Path) -> None:
    target = lxc_folder.place({"XDG_CONFIG_HOME": str(tmp_path)}, "demo")
    assert target == tmp_path / "jeroboam" / "lxc" / "demo"
    lxc_folder.put(target, FOLDER)
    (target / "cookies").write_text("kept")
    lxc_folder.put(target, lxc_folder.LxcFolder("demo", "https://127.0.0.1:9", "CA\n", "NEW\n", "KEY\n"))
    assert target.stat().st_mode & 0o777 == 0o700
    ours = ("client.ca", "client.crt", "client.key", "config.yml")
    assert {name: (target / name).stat().st_mode & 0o777 for name in ours} == dict.fromkeys(ours, 0o600)
    assert (target / "client.crt").read_text() == "NEW\n"
    assert (target / "cookies").read_text() == "kept"
    config = json.loads((target / "config.yml").read_text())
    assert config["default-remote"] == "demo"
    assert config["remotes"]["demo"]["addr"] == "https://127.0.0.1:9"


@pytest.mark.parametrize("name", ["", "local", "images", "-x", "a/b", "a:b"])
def test_names_that_lxc_would_refuse(name: str) -> None:
    with pytest.raises(Usage, match="cannot be the name of a remote of lxc"):
        lxc_folder.LxcFolder(name, "https://127.0.0.1:8443", "CA", "CERT", "KEY")


def test_the_archive_holds_the_same() -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_of(FOLDER.files()))) as tar:
        assert {m.name: m.mode for m in tar} == dict.fromkeys(
            ["client.ca", "client.crt", "client.key", "config.yml"], 0o600
        )
