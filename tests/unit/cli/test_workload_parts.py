"""Names made of images, the WebSocket that carries a program's output, and the end of a wait."""

import pytest

from jeroboam.cli.errors import CliError, WaitTimeout
from jeroboam.cli.workloads import websocket
from jeroboam.cli.workloads.kubernetes_exec import exit_code
from jeroboam.cli.workloads.patience import Patience
from jeroboam.cli.workloads.wish import name_of


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nginx", "nginx"),
        ("registry.local:5000/team/Web_App:1.2", "web-app"),
        ("hello@sha256:0123", "hello"),
        (f"{'a' * 49}-b", "a" * 49),
        ("9lives:1", "9lives"),  # which no workload may be called: the user is asked for another
    ],
)
def test_a_name_after_the_image(image: str, name: str) -> None:
    assert name_of(image) == name


class Bytes:
    """A stream of bytes, given out in pieces of `step`; what is written is kept."""

    def __init__(self, content: bytes, step: int) -> None:
        self.content, self.step, self.written = content, step, b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        taken, self.content = self.content[: self.step], self.content[self.step :]
        return taken

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.written += buffer


def frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    count = len(payload)
    length = (
        bytes([count]) if count < 126 else b"\x7e" + count.to_bytes(2) if count < 65536 else b"\x7f" + count.to_bytes(8)
    )
    return bytes([opcode | (0x80 if final else 0)]) + length + payload


def test_the_handshake_is_that_of_the_rfc() -> None:
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    assert websocket.accepts(key, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    assert not websocket.accepts(key, "")
    assert websocket.headers(key, "p")["Sec-WebSocket-Key"] == key
    assert len(websocket.new_key()) == 24


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_messages_are_put_together_and_pings_answered(step: int) -> None:
    long, longer = b"x" * 1000, b"y" * 70000
    sent = (
        frame(0x2, b"\x01one") + frame(0x9, b"hi") + frame(0x2, long, final=False) + frame(0xA, b"")
        + frame(0x0, b"end") + frame(0x2, longer) + frame(0x8, b"\x03\xe8bye") + b"never read"
    )  # fmt: skip
    stream = Bytes(sent, step)
    assert list(websocket.WebSocket(stream, lambda: 1.0).messages()) == [b"\x01one", long + b"end", longer]
    pong, close = stream.written[:8], stream.written[8:]
    assert pong[:2] == b"\x8a\x82"  # final pong; masked, two bytes
    assert bytes(byte ^ pong[2 + index] for index, byte in enumerate(pong[6:])) == b"hi"
    assert close[:2] == b"\x88\x82"


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"\x82", "the end in the middle of a frame"),
        (b"\x82\x05abc", "the end in the middle of a frame"),
        (b"\xc2\x00", "a frame with an extension, or masked by a server"),
        (b"\x82\x80abcd", "a frame with an extension, or masked by a server"),
        (b"\x83\x00", "opcode 3"),
        (b"\x82\x7f" + (1 << 40).to_bytes(8), "a frame of 1099511627776 bytes"),
    ],
)
def test_what_is_no_websocket_is_broken_off(sent: bytes, why: str) -> None:
    with pytest.raises(websocket.Broken, match=f"^{why}$"):
        list(websocket.WebSocket(Bytes(sent, 4), lambda: 1.0).messages())


def test_exit_codes_of_kubernetes() -> None:
    assert exit_code(b'{"status": "Success"}') == 0
    failed = b'{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}}'
    assert exit_code(failed) == 3
    with pytest.raises(CliError, match=r"^The program could not be run: no such file$"):
        exit_code(b'{"status": "Failure", "message": "no such\\n file", "details": {}}')
    with pytest.raises(CliError, match=r"^The cluster did not tell how the program ended\.$"):
        exit_code(b"")


def test_patience_grows_and_ends() -> None:
    now, slept = 100.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(round(seconds, 3))
        now += seconds

    patience = Patience(1.0, sleep=sleep, clock=lambda: now)
    for _ in range(4):
        patience.pause("it is not there")
    with pytest.raises(WaitTimeout, match=r"^it is not there within 1 s\.$") as ended:
        patience.pause("it is not there", hint="Look.")
    assert slept == [0.2, 0.26, 0.338, 0.202]
    assert ended.value.hint == "Look."
