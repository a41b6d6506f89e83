"""Runs on a node, before its first boot: gets the key of what the node was given sealed, opens it, and lets the boot begin. Needs
Python's standard library and openssl(1) only; the service has its side in boot_keys.py.

User data can be read by others. So it is sealed, and its key comes for this machine alone: the node makes a key pair and gives its
public key to the metadata service, which knows each server by its port and lets nobody else speak for it. The service finds it
at Nova as the server's password, and puts the key, wrapped for that pair, into the server's metadata.
Source: Nova user guide, Metadata service (password can be set by the server itself alone); RFC 7748 (X25519), RFC 5869 (HKDF).
"""

from __future__ import annotations

import base64
import gzip
import hmac
import io
import json
import os
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import report

NODE = Path(report.FOLDER)
METADATA = "http://169.254.169.254/openstack/latest/"
KEY_MARK = "jeroboam_key"  # in the server's metadata; Nova takes 255 characters
STEP = "key"
NONCE, TAG, PUBLIC = 16, 32, 32  # bytes
WAIT_S = 600  # the service, or the cloud, may be away for a while; less than the service waits for a boot, so that the reason is told
_SPKI = bytes.fromhex("302a300506032b656e032100")  # what DER has before a public key of X25519. Source: RFC 8410
_CALL_S = 20
_ASK_AGAIN_S = 30  # somebody else may have signalled in between
_BEGUN = "root"  # what the boot's script writes first (bootstrap/script.py)


def main() -> int:
    """Open, begin, report. 1 when the boot could not be opened or begun, which is told, or its end could not be told. May be killed at
    any line and run again."""
    way: dict[str, str] = {}
    server = ""
    try:
        way, server = report.who()
        if (NODE / "sealed").exists():
            key, sealed = _wait_for_key(way, server)
            _write(NODE / "report.key", f"{sealed[:NONCE].hex()} {report_key(key).hex()}".encode(), 0o600)
            _put(unseal(key, sealed))
        _forget()
        if not (NODE / _BEGUN).exists():
            _systemctl("daemon-reload")
            _systemctl("start", "--no-block", "jeroboam-bootstrap.service")
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # Without a tag, one line is all that counts.
        said = " ".join(f"{report.MARK} failed {STEP} {error}".split())
        print(said)  # noqa: T201
        if way:
            report.tell(way, server, said, report.TRIES)
        return 1
    return report.main()


def _systemctl(*words: str) -> None:
    subprocess.run(("systemctl", *words), check=True, timeout=60)


def part(key: bytes, use: bytes) -> bytes:
    """A key for one use. HKDF's second half, of one block."""
    return hmac.digest(key, use + b"\x01", "sha256")


def mask(shared: bytes, theirs: bytes, ours: bytes) -> bytes:
    """What hides the key on its way: HKDF of the secret that both pairs share, bound to their public keys. Used once: `theirs` is
    the service's pair, made for this message."""
    return part(hmac.digest(theirs + ours, shared, "sha256"), b"jeroboam boot key")


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def is_key(key: bytes, sealed: bytes) -> bool:
    """Whether this key has sealed this."""
    tag, body = sealed[NONCE : NONCE + TAG], sealed[NONCE + TAG :]
    return hmac.compare_digest(tag, hmac.digest(part(key, b"tag"), sealed[:NONCE] + body, "sha256"))


def report_key(key: bytes) -> bytes:
    """Of the tags of this node's reports."""
    return part(key, b"report")


def passphrase(key: bytes) -> str:
    """Of `openssl enc`."""
    return part(key, b"cipher").hex()


def unseal(key: bytes, sealed: bytes) -> bytes:
    """The gzipped tar in it."""
    words = ("enc", "-d", "-aes-256-cbc", "-md", "sha256", "-pbkdf2", "-iter", "1")
    out, into = os.pipe()
    try:
        with open(into, "wb") as pipe:
            pipe.write(passphrase(key).encode())
        return _openssl(*words, "-pass", f"fd:{out}", given=sealed[NONCE + TAG :], opened=(out,))
    finally:
        os.close(out)


def _wait_for_key(way: dict[str, str], server: str) -> tuple[bytes, bytes]:
    """Key and sealed bytes. Raises OSError saying what was wrong when none came in time."""
    sealed, until = (NODE / "sealed").read_bytes(), time.monotonic() + WAIT_S
    public = _public_key()
    ask_at, why = time.monotonic(), "nothing came"
    while time.monotonic() < until:
        try:
            if time.monotonic() >= ask_at:
                _publish(public + sealed[:NONCE])
                if report.tell(way, server, f"{report.MARK} step {STEP}", 1):
                    ask_at = time.monotonic() + _ASK_AGAIN_S
            key = _unwrapped(_metadata(), public)
            if key is not None and is_key(key, sealed):
                return key, sealed
            why = why if key is None else "one came that does not fit: somebody else has written it"
        except (OSError, ValueError) as error:
            why = str(error)
        time.sleep(1)
    raise OSError(f"no key for this boot within {WAIT_S} s: {why}")


def _public_key() -> bytes:
    """Of a pair that lasts until the boot is open."""
    path = NODE / "pair.pem"
    if not path.exists():
        _write(path, _openssl("genpkey", "-algorithm", "X25519"), 0o600)
        os.sync()  # the metadata service takes no other
    return _openssl("pkey", "-pubout", "-outform", "DER", "-in", str(path))[-PUBLIC:]


def _publish(shown: bytes) -> None:
    """At the metadata service, which takes it once."""
    request = urllib.request.Request(METADATA + "password", base64.b64encode(shown), method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_CALL_S):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        if error.code != 409:  # it has ours already
            raise


def _metadata() -> str | None:
    with urllib.request.urlopen(METADATA + "meta_data.json", timeout=_CALL_S) as answer:  # noqa: S310
        marks: dict[str, str] = json.load(answer).get("meta") or {}
    return marks.get(KEY_MARK)


def _unwrapped(wrapped: str | None, public: bytes) -> bytes | None:
    """None when there is none. Raises ValueError for what is no key."""
    if not wrapped:
        return None
    raw = base64.b64decode(wrapped, validate=True)
    theirs, hidden = raw[:PUBLIC], raw[PUBLIC:]
    peer = NODE / "peer.der"
    peer.write_bytes(_SPKI + theirs)
    words = ("pkeyutl", "-derive", "-inkey", str(NODE / "pair.pem"), "-peerform", "DER", "-peerkey", str(peer))
    return xor(hidden, mask(_openssl(*words), theirs, public))


def _openssl(*words: str, given: bytes = b"", opened: tuple[int, ...] = ()) -> bytes:
    done = subprocess.run(
        ("openssl", *words), input=given, capture_output=True, timeout=60, check=False, pass_fds=opened
    )
    if done.returncode:
        raise OSError(f"openssl {words[0]}: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.stdout


def _put(plain: bytes, root: str = "/") -> None:
    """The files in their places, `run` the last, for good."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(plain))) as tar:
        members = sorted(tar.getmembers(), key=lambda one: one.name.endswith("/node/run"))
        for member in members:
            content = tar.extractfile(member)
            if content is not None:
                _write(Path(root) / member.name, content.read(), member.mode)
    os.sync()


def _forget() -> None:
    """Nothing is left of what opened the boot. `sealed` goes first: while it is there, the pair is needed."""
    for name in ("sealed", "pair.pem", "peer.der"):
        (NODE / name).unlink(missing_ok=True)


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part_of = path.with_name(f".{path.name}.part")
    part_of.unlink(missing_ok=True)
    part_of.touch(0o600)
    part_of.write_bytes(content)
    part_of.chmod(mode)
    os.replace(part_of, path)


if __name__ == "__main__":
    sys.exit(main())
