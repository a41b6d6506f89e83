"""Windows servers: what they are given to boot with, and how they get the key of it."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.powershell import faults
from tests.unit.providers.openstack.node import unpacked
from tests.unit.providers.openstack.windows_node import WindowsNode
from tests.unit.providers.openstack.worlds import cloud_of

from jeroboam.contracts import Command, File, Machine, NodeConfig
from jeroboam.domain.errors import ProviderRefused
from jeroboam.providers.openstack import opening, p256, report
from jeroboam.providers.openstack.boot_keys import _shown
from jeroboam.providers.openstack.user_data import HEADS, render_boot
from jeroboam.testing.provider_suite import World

GOLDEN = Path(__file__).parent / "golden"
NODE = r"C:\ProgramData\Jeroboam\node"
CONFIG = NodeConfig(
    "win-0",
    (File(rf"{NODE}\kubelet.conf", b"secret", 0o600), File(rf"{NODE}\steps\kubelet.ps1", b"exit 0\n")),
    (Command("kubelet", ("powershell.exe", "-File", rf"{NODE}\steps\kubelet.ps1", "a b"), 120),),
    os="windows",
)
WELL, BADLY = (replace(CONFIG, commands=(Command("try", (word,)),)) for word in ("true", "false"))
SIGNAL = json.dumps(
    {"auth_url": "http://keystone/v3", "password": "it's $HOME `x` @'", "alarm_url": "http://heat/signal"}
)
CA = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def _user_data(config: NodeConfig = CONFIG, ca: bytes = b"") -> str:
    return HEADS["windows"] + SIGNAL + render_boot(config, lambda plain: b"<sealed>", ca)


def test_the_first_line_names_the_systems_own_powershell() -> None:
    assert _user_data().splitlines()[0] == "#ps1_sysnative"


def test_what_is_given_stands_before_the_script_as_in_the_golden_file() -> None:
    head, _, script = _user_data(ca=CA).partition("\n# The first boot of a Windows node")
    assert head == (GOLDEN / "windows-head.ps1").read_text()
    assert script.endswith("exit 0\n")


@pytest.mark.parametrize("ca", [b"", CA])
def test_the_whole_is_powershell_whatever_the_signal_holds(ca: bytes) -> None:
    assert faults(_user_data(ca=ca)) == []


def test_a_signal_that_breaks_out_of_its_string_would_be_found() -> None:
    assert faults(HEADS["windows"] + "x\n'@ )\n" + render_boot(CONFIG, bytes)) != []


def test_signal_boot_and_certificates_are_read_back() -> None:
    node = WindowsNode(_user_data(ca=CA))
    assert node.way == json.loads(SIGNAL)
    assert node.sealed == b"<sealed>"
    assert node.trusted == CA.decode().strip()


def test_of_certificates_only_themselves_come_along() -> None:
    noisy = "# Wurzel für alle\n'@ )\n".encode() + CA + b"\n# and\n" + CA
    user_data = _user_data(ca=noisy)
    assert faults(user_data) == []
    assert WindowsNode(user_data).trusted == "\n".join([CA.decode().strip()] * 2)
    assert user_data.isascii()


def test_user_data_that_nova_would_refuse_is_refused_before() -> None:
    with pytest.raises(ProviderRefused, match=r"win-0: its user data of \d+ characters is more than the 65535"):
        render_boot(CONFIG, lambda plain: b"x" * 30_000)


async def _made(world: World, config: NodeConfig) -> Machine:
    network, endpoint = await world.place()
    return await world.provider.ensure_machine(world.spec(), network, endpoint, config)


async def test_a_server_gets_the_key_of_its_boot_and_tells_its_end(world: World) -> None:
    made = await _made(world, WELL)
    assert (await world.settled(made.name, 5)).done
    node = cloud_of(world).things.nodes[made.id][1]
    assert isinstance(node, WindowsNode)
    wrapped = cloud_of(world).things.servers[made.id]["metadata"]["jeroboam_key"]
    assert len(wrapped) == 128  # Nova takes 255
    document = node.opened(wrapped)
    assert document["steps"] == [{"name": "try", "argv": ["true"], "timeout_s": 300}]
    assert [(one["path"].rpartition("\\")[2], one["closed"]) for one in document["files"]] == [
        ("kubelet.conf", True),
        ("kubelet.ps1", False),
    ]
    assert base64.b64decode(document["files"][0]["content"]) == b"secret"


async def test_a_boot_that_fails_is_told(world: World) -> None:
    made = await _made(world, BADLY)
    progress = await world.settled(made.name, 5)
    assert (progress.failed, progress.step) == (True, "try")


async def test_nobody_else_opens_it(world: World) -> None:
    made = await _made(world, WELL)
    await world.settled(made.name, 5)
    server = cloud_of(world).things.servers[made.id]
    stranger = WindowsNode(server["user_data"])
    for readable in (server["user_data"].encode(), stranger.sealed, unpacked(stranger.sealed)):
        assert base64.b64encode(b"secret") not in readable
    assert stranger.opened(server["metadata"]["jeroboam_key"]) is None


@pytest.mark.parametrize("shown", [b"\0" * 80, b"\xff" * 80, b"x" * 79])
def test_what_is_no_point_of_the_curve_is_not_taken(shown: bytes) -> None:
    assert _shown(base64.b64encode(shown).decode()) is None


def test_the_script_has_the_names_and_sizes_that_the_service_has() -> None:
    """What runs here in Python is a copy of it: nothing else ties the script to the service."""
    script = render_boot(CONFIG, lambda plain: b"<sealed>", b"").partition("\n# The first boot of a Windows node")[2]
    body, tag = 48, 32  # where the sealed part begins, after the nonce and the tag
    assert (opening.KEY_MARK, opening.NONCE, opening.TAG, p256.PUBLIC) == ("jeroboam_key", 16, 32, 64)
    assert body == opening.NONCE + opening.TAG
    assert opening.passphrase(b"k") == opening.part(b"k", b"cipher").hex()
    assert opening.report_key(b"k") == opening.part(b"k", b"report")
    for words in (
        "Properties['jeroboam_key']",
        f"$Mark = '{report.MARK}'",
        "$Mark step key",
        f"$WaitSeconds = {opening.WAIT_S}",
        "'jeroboam boot key'",
        "Get-Part $Key 'tag'",
        "Get-Part $Key 'cipher'",
        "$script:ReportKey = Get-Part $key 'report'",
        f"(Get-Slice $Bytes 0 16) + (Get-Slice $Bytes {body} ($Bytes.Length - {body}))",
        f"Get-Slice $Bytes 16 {tag}",
        f"Get-Slice $Bytes {body + len('Salted__')} 8",
        f"TransformFinalBlock($Bytes, {body + 16}, $Bytes.Length - {body + 16})",
        "$raw.Length -ne 96",
        "Get-Slice $raw 64 32",
    ):
        assert words in script, words
