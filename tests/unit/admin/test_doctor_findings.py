"""What `jeroboam doctor` says of odd settings: a line with the cure, whatever they are."""

from pathlib import Path

import pytest

from jeroboam.admin.doctor import own_findings
from jeroboam.config import Config, read
from jeroboam.main import locate
from jeroboam.providers.docker import Finding

AT_HOME = {"XDG_DATA_HOME": "/nowhere"}


def found(name: str, config: Config) -> Finding:
    return next(one for one in own_findings(config, locate(config, AT_HOME)) if one.name == name)


def test_a_host_that_cannot_be_a_name_is_told() -> None:
    port = found("port", read(None, {"JEROBOAM_API__HOST": "a..b"}))
    assert (port.level, port.cure) == ("warn", "[api] host must be an address of this machine.")
    assert port.value.startswith("a..b:9511: ")


@pytest.mark.sockets
def test_a_folder_that_cannot_be_looked_at_is_told() -> None:
    folder = Path("/") / ("x" * 300)
    config = read(None, {"JEROBOAM_DEFAULT__STATE_PATH": str(folder)})
    assert found("data folder", config) == Finding(
        "data folder", "fail", f"{folder}: File name too long", "Choose another with --data."
    )
