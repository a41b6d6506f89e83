"""The node's side of the key of its first boot: the real program and openssl(1), with a metadata service that answers in place."""

import base64
import gzip
import io
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from jeroboam import bootstrap
from jeroboam.bootstrap import script
from jeroboam.contracts import Command, File, NodeConfig
from jeroboam.providers.openstack import boot_keys, opening, report

KEY, NONCE = b"k" * 32, b"n" * 16
CONFIG = NodeConfig("worker-0", (File("/etc/ca.key", b"hush", 0o600),), (Command("join", ("true",)),))
PLAIN = gzip.compress(bootstrap.render_tar(CONFIG))


class Service:
    """Metadata service and Heat of one server. `give` makes the server's metadata of the public key that it has shown."""

    def __init__(self, give: Callable[[X25519PublicKey], str | None]) -> None:
        self.give = give
        self.shown: list[bytes] = []
        self.told: list[str] = []

    def urlopen(self, request: Any, **_: Any) -> io.BytesIO:
        if not isinstance(request, str):
            if self.shown:
                raise urllib.error.HTTPError(request.full_url, 409, "Conflict", Message(), None)
            self.shown.append(request.data)
            return io.BytesIO()
        assert request == "http://169.254.169.254/openstack/latest/meta_data.json"
        given = self.give(X25519PublicKey.from_public_bytes(base64.b64decode(self.shown[0])[:32]))
        return io.BytesIO(json.dumps({"uuid": "s-1", "meta": {"jeroboam_key": given} if given else {}}).encode())

    def tell(self, way: dict[str, str], server: str, text: str, tries: int) -> bool:
        self.told.append(f"{server}: {text}")
        return True


class Clock:
    """Runs only while somebody sleeps, and then fast."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += 400 * seconds


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The node's folder, with a sealed boot."""
    folder = tmp_path / "node"
    folder.mkdir()
    monkeypatch.setattr(opening, "NODE", folder)
    monkeypatch.setattr(opening, "time", Clock())
    monkeypatch.setattr(os, "sync", lambda: None)  # of all disks here
    (folder / "sealed").write_bytes(boot_keys.seal(KEY, NONCE, PLAIN))
    return folder


def _serve(monkeypatch: pytest.MonkeyPatch, give: Callable[[X25519PublicKey], str | None]) -> Service:
    service = Service(give)
    monkeypatch.setattr(urllib.request, "urlopen", service.urlopen)
    monkeypatch.setattr(report, "tell", service.tell)
    return service


def test_a_node_shows_its_public_key_asks_and_opens(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = _serve(monkeypatch, lambda public: boot_keys.wrap(KEY, public))
    key, sealed = opening._wait_for_key({}, "s-1")
    assert key == KEY
    assert opening.unseal(key, sealed) == PLAIN
    assert service.told == ["s-1: JEROBOAM/1 step key"]
    assert base64.b64decode(service.shown[0])[32:] == NONCE
    assert sorted(os.listdir(node)) == ["pair.pem", "peer.der", "sealed"]
    assert (node / "pair.pem").stat().st_mode & 0o777 == 0o600


def test_a_node_that_was_cut_off_goes_on_with_the_pair_that_it_had(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = _serve(monkeypatch, lambda public: None)
    with pytest.raises(OSError, match=r"no key for this boot within 600 s: nothing came"):
        opening._wait_for_key({}, "s-1")
    service.give = lambda public: boot_keys.wrap(KEY, public)
    assert opening._wait_for_key({}, "s-1")[0] == KEY  # the service does not take a second public key


def test_a_foreign_key_is_told(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(monkeypatch, lambda public: boot_keys.wrap(b"x" * 32, public))
    with pytest.raises(OSError, match=r"one came that does not fit: somebody else has written it"):
        opening._wait_for_key({}, "s-1")


@pytest.mark.parametrize("nonsense", ["no base64", "", base64.b64encode(b"short").decode(), "A" * 88])
def test_no_key_is_too_strange(node: Path, monkeypatch: pytest.MonkeyPatch, nonsense: str) -> None:
    _serve(monkeypatch, lambda public: nonsense)
    with pytest.raises(OSError, match=r"no key for this boot"):
        opening._wait_for_key({}, "s-1")


@pytest.mark.parametrize("at", [3, 20, 60, -1])
def test_what_was_changed_on_its_way_is_not_opened(at: int) -> None:
    sealed = bytearray(boot_keys.seal(KEY, NONCE, PLAIN))
    assert opening.is_key(KEY, bytes(sealed))
    sealed[at] ^= 1
    assert not opening.is_key(KEY, bytes(sealed))


def test_files_get_their_places_and_modes_and_the_means_to_open_them_go(node: Path, tmp_path: Path) -> None:
    (node / "pair.pem").touch()
    opening._put(PLAIN, str(tmp_path / "root"))
    opening._forget()
    secret, run = tmp_path / "root/etc/ca.key", tmp_path / "root/etc/jeroboam/node/run"
    assert secret.read_bytes() == b"hush"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert os.access(run, os.X_OK)
    assert os.listdir(node) == []


def test_an_opened_node_keeps_the_key_of_its_reports(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(monkeypatch, lambda public: boot_keys.wrap(KEY, public))
    monkeypatch.setattr(report, "who", lambda: ({}, "s-1"))
    monkeypatch.setattr(report, "main", lambda: 0)
    monkeypatch.setattr(report, "FOLDER", f"{node}/")
    monkeypatch.setattr(opening, "_put", lambda plain: None)
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(opening, "_systemctl", lambda *words: begun.append(words))
    assert opening.main() == 0
    assert begun == [("daemon-reload",), ("start", "--no-block", "jeroboam-bootstrap.service")]
    assert report.own_key() == (NONCE.hex(), opening.report_key(KEY))
    assert (node / "report.key").stat().st_mode & 0o777 == 0o600


def test_what_openssl_says_in_several_lines_is_told_in_one(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = _serve(monkeypatch, lambda public: None)
    monkeypatch.setattr(report, "who", lambda: ({"alarm_url": "http://heat"}, "s-1"))
    (node / "pair.pem").write_text("no key")
    assert opening.main() == 1
    [told] = service.told
    assert told.startswith("s-1: JEROBOAM/1 failed key openssl pkey: ")
    assert "\n" not in told


def test_a_boot_that_cannot_be_opened_is_told_loudly(
    node: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = _serve(monkeypatch, lambda public: None)
    monkeypatch.setattr(report, "who", lambda: ({"alarm_url": "http://heat"}, "s-1"))
    assert opening.main() == 1
    assert service.told[-1] == "s-1: JEROBOAM/1 failed key no key for this boot within 600 s: nothing came"
    assert service.told[-1].removeprefix("s-1: ") in capsys.readouterr().out


def test_a_node_asks_again_while_it_waits(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it signalled may be lost, or somebody else's words may have taken its place before the service looked."""
    service = _serve(monkeypatch, lambda public: boot_keys.wrap(KEY, public) if len(service.told) > 1 else None)
    assert opening._wait_for_key({}, "s-1")[0] == KEY
    assert service.told == ["s-1: JEROBOAM/1 step key"] * 2


def test_what_opens_a_boot_is_on_no_disk_and_no_command_line(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[Sequence[str]] = []
    seen: list[bytes] = []
    run = subprocess.run

    def watched(words: Sequence[str], **how: Any) -> Any:
        lines.append(words)
        seen.extend(path.read_bytes() for path in node.iterdir())
        return run(words, **how)

    monkeypatch.setattr(subprocess, "run", watched)
    assert opening.unseal(KEY, (node / "sealed").read_bytes()) == PLAIN
    secret = opening.passphrase(KEY)
    assert [words[:2] for words in lines] == [("openssl", "enc")]
    assert secret not in repr(lines)
    assert seen
    assert not [content for content in seen if secret.encode() in content]


class Killed(BaseException):
    """The end of the process at a line."""


@pytest.mark.parametrize("after", range(1, 10))
def test_a_node_that_is_killed_while_it_opens_goes_on_where_it_was(
    node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """At each change of the disk, and before the boot is begun."""
    service = _serve(monkeypatch, lambda public: boot_keys.wrap(KEY, public))
    monkeypatch.setattr(report, "who", lambda: ({}, "s-1"))
    monkeypatch.setattr(report, "main", lambda: 0)
    put = opening._put
    monkeypatch.setattr(opening, "_put", lambda plain: put(plain, str(tmp_path / "root")))
    begun: list[str] = []
    monkeypatch.setattr(opening, "_systemctl", lambda *words: begun.append(words[0]))
    steps = iter(range(1, 100))

    def dies(do: Callable[..., Any]) -> Callable[..., Any]:
        def change(*given: Any, **how: Any) -> Any:
            if next(steps) == after:
                raise Killed
            return do(*given, **how)

        return change

    monkeypatch.setattr(os, "replace", dies(os.replace))
    monkeypatch.setattr(opening, "_systemctl", dies(opening._systemctl))
    monkeypatch.setattr(Path, "unlink", _only_of(node, dies(Path.unlink), Path.unlink))
    with pytest.raises(Killed):
        opening.main()
    assert opening.main() == 0
    assert (tmp_path / "root/etc/ca.key").read_bytes() == b"hush"
    assert begun[-2:] == ["daemon-reload", "start"]
    assert os.listdir(node) == ["report.key"]
    assert not [text for text in service.told if "failed" in text]


def _only_of(folder: Path, do: Callable[..., Any], other: Callable[..., Any]) -> Callable[..., Any]:
    """Files that bear the names of what opens a boot."""
    names = {folder / name for name in ("sealed", "pair.pem", "peer.der")}
    return lambda path, **how: (do if path in names else other)(path, **how)


def test_a_boot_that_has_begun_is_not_begun_again(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (node / "sealed").unlink()
    (node / "root").touch()
    monkeypatch.setattr(report, "who", lambda: ({}, "s-1"))
    monkeypatch.setattr(report, "main", lambda: 0)
    monkeypatch.setattr(opening, "_systemctl", lambda *words: pytest.fail(f"systemctl {words}"))
    assert opening.main() == 0
    assert f"{report.FOLDER}{opening._BEGUN}" == script.ROOT


def test_a_boot_that_cannot_be_begun_is_told(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = _serve(monkeypatch, lambda public: boot_keys.wrap(KEY, public))
    monkeypatch.setattr(report, "who", lambda: ({"alarm_url": "http://heat"}, "s-1"))
    monkeypatch.setattr(opening, "_put", lambda plain: None)
    (node / "systemctl").write_text("#!/bin/sh\nexit 4\n")
    (node / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{node}:{os.environ['PATH']}")
    assert opening.main() == 1
    assert service.told[-1] == (
        "s-1: JEROBOAM/1 failed key Command '('systemctl', 'daemon-reload')' returned non-zero exit status 4."
    )


def test_a_node_that_cannot_signal_says_so_on_its_console(
    node: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "FOLDER", f"{node}/")
    assert opening.main() == 1
    assert capsys.readouterr().out.startswith("JEROBOAM/1 failed key [Errno 2] No such file or directory: ")
