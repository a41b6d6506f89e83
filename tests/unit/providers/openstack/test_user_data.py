"""User data of a cloud server: one MIME message of two parts, and what its node tells of itself."""

import base64
import gzip
import io
import json
import os
import re
import tarfile
from email import message_from_string
from email.message import Message
from typing import Any

import pytest
import yaml

from jeroboam.contracts import Command, File, NodeConfig
from jeroboam.domain.errors import ProviderRefused
from jeroboam.providers.openstack.report import reports
from jeroboam.providers.openstack.user_data import HEAD, render_boot

CONFIG = NodeConfig("worker-0", (File("/etc/x", b"secret", 0o600),), (Command("join", ("true",)),))
SIGNAL = json.dumps({"auth_url": "http://keystone/v3", "password": "it's $HOME `x`", "alarm_url": "http://heat/signal"})


def _mark(plain: bytes) -> bytes:
    return b"<sealed>" + plain


def _part(number: int, ca: bytes = b"") -> Message:
    message = message_from_string(HEAD + SIGNAL + render_boot(CONFIG, _mark, ca))
    parts = list(message.walk())[1:]
    assert len(parts) == 2
    return parts[number]


def _cloud_config(ca: bytes = b"") -> Any:
    packed = _part(1, ca).get_payload(decode=True)
    assert isinstance(packed, bytes)
    text = gzip.decompress(packed).decode()
    assert text.startswith("#cloud-config\n")
    return yaml.safe_load(text)


def test_the_first_part_keeps_the_signal_and_the_server_to_root() -> None:
    hook = _part(0)
    assert hook.get_content_type() == "text/cloud-boothook"
    lines = str(hook.get_payload()).strip().splitlines()
    assert lines[:3] == ["#cloud-boothook", "#!/bin/sh", "umask 077"]
    assert lines[-2:] == [SIGNAL, "JEROBOAM"]
    assert "<<'JEROBOAM'" in lines[-3]  # quoted: the shell leaves the signal as it is
    assert 'echo "$INSTANCE_ID" >/etc/jeroboam/node/instance' in lines


def test_the_second_part_holds_the_boot_sealed_and_what_opens_it_and_reports() -> None:
    document = _cloud_config()
    assert document["hostname"] == "worker-0"
    files = {file["path"]: base64.b64decode(file["content"]) for file in document["write_files"]}
    assert sorted(files) == [
        "/etc/jeroboam/node/agent/opening.py",
        "/etc/jeroboam/node/agent/report.py",
        "/etc/jeroboam/node/sealed",
        "/etc/systemd/system/jeroboam-report.service",
    ]
    sealed = files["/etc/jeroboam/node/sealed"]
    assert sealed.startswith(b"<sealed>")
    assert b"secret" in gzip.decompress(sealed.removeprefix(b"<sealed>"))
    assert document["runcmd"] == [["systemctl", "enable", "--now", "--no-block", "jeroboam-report.service"]]


def test_containers_are_kept_from_the_metadata_service_before_anything_else_and_at_each_boot() -> None:
    sealed = next(one["content"] for one in _cloud_config()["write_files"] if one["path"].endswith("/sealed"))
    boot = gzip.decompress(base64.b64decode(sealed).removeprefix(b"<sealed>"))
    with tarfile.open(fileobj=io.BytesIO(boot)) as tar:
        files = {one.name: file.read().decode() for one in tar if (file := tar.extractfile(one)) is not None}
    assert sorted(files) == [
        "etc/jeroboam/node/run",
        "etc/systemd/system/jeroboam-metadata-guard.service",
        "etc/x",
    ]
    unit = files["etc/systemd/system/jeroboam-metadata-guard.service"]
    rule = "-t mangle -I FORWARD -d 169.254.169.254/32 -j DROP"  # forwarded packets alone: the node's own are not
    assert re.search(rf"^ExecStart=/bin/sh -c 'iptables .* \|\| exec iptables -w {rule}'$", unit, re.MULTILINE)
    assert "\nBefore=containerd.service docker.service kubelet.service lxd.service\n" in unit
    steps = re.findall(r"^run (\S+) \d+ (.*?)$", files["etc/jeroboam/node/run"], re.MULTILINE)
    assert [name for name, _ in steps] == ["metadata-guard", "join"]
    assert "enable jeroboam-metadata-guard" in files["etc/jeroboam/node/run"]  # with the system, not only now


def test_the_clouds_certificates_come_along() -> None:
    paths = [file["path"] for file in _cloud_config(b"PEM")["write_files"]]
    assert "/etc/jeroboam/node/cloud-ca.pem" in paths


def test_user_data_that_nova_would_refuse_is_refused_before() -> None:
    config = NodeConfig("worker-0", (File("/etc/noise", os.urandom(60_000)),))
    with pytest.raises(ProviderRefused, match=r"worker-0: its user data of \d+ characters is more than the 65535"):
        render_boot(config, bytes)


def test_each_marker_is_told_and_a_failure_with_what_led_to_it() -> None:
    lines = ["systemd says hello\n", "JEROBOAM/1 begin\n", "JEROBOAM/1 step join at 3\n", "boom\n"]
    failed = "JEROBOAM/1 failed join exit code 1: boom\n"
    told = list(reports([*lines, failed]))
    assert told[:2] == [("JEROBOAM/1 begin", False), ("JEROBOAM/1 step join at 3", False)]
    assert told[2] == ("".join([*lines, failed]).strip(), True)


def test_a_report_stays_short() -> None:
    noise = ["x" * 1000 + "\n"] * 100
    [(text, last)] = list(reports([*noise, "JEROBOAM/1 failed join no\n"]))
    assert last
    assert len(text) == 8000
    assert text.endswith("JEROBOAM/1 failed join no")
