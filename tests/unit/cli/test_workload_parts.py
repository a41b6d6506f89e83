"""Names made of images, the WebSocket that carries a program's output, and the end of a wait."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpcore
import pytest

from jeroboam.cli.errors import BadAnswer, CliError, Unreachable, WaitTimeout
from jeroboam.cli.workloads import missing, websocket
from jeroboam.cli.workloads.kubernetes_exec import exit_code, feed
from jeroboam.cli.workloads.missing import NoProgram
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

    def get_extra_info(self, info: str) -> Any:
        assert info == "is_readable"
        return bool(self.content)


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
    assert exit_code(b'{"status": "Success"}', "sh") == 0
    failed = b'{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}}'
    assert exit_code(failed, "sh") == 3
    with pytest.raises(CliError, match=r"^The program could not be run: no such file$"):
        exit_code(b'{"status": "Failure", "message": "no such\\n file", "details": {}}', "sh")
    with pytest.raises(CliError, match=r"^The cluster did not tell how the program ended\.$"):
        exit_code(b"", "sh")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("sh", 'failed to start exec "ab": OCI runtime exec failed: exec failed: unable to start container process: '
               'exec: "sh": executable file not found in $PATH: unknown'),
        ("/bin/sh", 'starting container process caused: exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown'),
        ("sh", r'process caused "exec: \"sh\": executable file not found in $PATH": unknown'),
        ("sh", "crun: executable file `sh` not found in $PATH: No such file or directory"),
        ("sh", 'error finding executable "sh" in PATH [/bin]: no such file or directory'),
    ],
)  # fmt: skip
def test_a_program_that_the_image_does_not_have(program: str, said: str) -> None:
    status = json.dumps({"status": "Failure", "message": said, "reason": "InternalError", "details": {}})
    with pytest.raises(NoProgram, match=rf"^There is no `{program}` in this image\.$") as refused:
        exit_code(status.encode(), program)
    assert refused.value.exit_code == 127


def test_what_the_runtime_misses_itself_is_not_laid_to_the_image() -> None:
    said = "failed to create runc console socket: stat /run/user/0: no such file or directory"
    assert missing.of(said, "sh") is None
    assert missing.of('exec: "sh": executable file not found', "bash") is None


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


class Live:
    """A session of Kubernetes whose program says `said`; what it was told is kept."""

    cluster = "demo"

    def __init__(self, said: bytes, *, status: int = 101) -> None:
        self.stream, self.status, self.path = Bytes(said, 1 << 20), status, ""

    @contextmanager
    def opened(self, method: str, path: str, *, headers: dict[str, str], timeout_s: float) -> Iterator[Any]:
        self.path = path
        proof = hashlib.sha1((headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        answer = SimpleNamespace(
            status_code=self.status,
            headers={"sec-websocket-accept": base64.b64encode(proof).decode()},
            extensions={"network_stream": self.stream},
        )
        yield answer

    def told(self) -> list[bytes]:
        """The messages that were sent, unmasked."""
        written, messages = self.stream.written, []
        while written:
            length, at = written[1] & 0x7F, 2
            if length >= 126:
                more = 2 if length == 126 else 8
                length, at = int.from_bytes(written[2 : 2 + more]), 2 + more
            mask, payload = written[at : at + 4], written[at + 4 : at + 4 + length]
            messages.append(bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload)))
            written = written[at + 4 + length :]
        return messages


SUCCESS = frame(0x2, b'\x03{"status": "Success"}')
FAILURE = frame(0x2, b'\x03{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "1"}]}}')
EMPTY = b"".join(frame(0x2, bytes([channel])) for channel in (1, 2, 3))


class Gated(Bytes):
    """What it says after its first word comes only when it has been told enough."""

    def __init__(self, first: bytes, later: bytes, enough: int) -> None:
        super().__init__(first, 1 << 20)
        self.later, self.enough = later, enough

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        super().write(buffer)
        if len(self.written) >= self.enough:
            self.content, self.later = self.content + self.later, b""


def test_a_program_is_fed_after_its_first_word() -> None:
    live = Live(b"")
    passed: list[int] = []
    later = frame(0x2, b"\x01.\n") + frame(0x2, b"\x01loaded\n") + SUCCESS + frame(0x8, b"")
    live.stream = Gated(EMPTY + frame(0x2, b"\x01send\n"), later, 70000)
    pieces = [b"a" * 70000, b"b" * 200, b"c"]
    outcome = feed(live, "/exec", ("sh", "-c", "x y"), pieces, Patience(5), passed.append)  # type: ignore[arg-type]
    assert (outcome.exit_code, outcome.stdout) == (0, b"send\n.\nloaded\n")
    assert live.path == "/exec?command=sh&command=-c&command=x+y&stdin=1&stdout=1&stderr=1"
    assert live.told()[:3] == [b"\0" + piece for piece in pieces]
    assert passed == [70000, 200, 1]


def test_a_program_that_complains_is_fed_no_more() -> None:
    live = Live(b"")
    live.stream = Gated(frame(0x2, b"\x01send\n"), frame(0x2, b"\x02no space\n") + FAILURE + frame(0x8, b""), 10)
    outcome = feed(live, "/exec", ("sh",), [b"abcdefgh"] * 5, Patience(5), lambda count: None)  # type: ignore[arg-type]
    assert (outcome.exit_code, outcome.stderr) == (1, b"no space\n")
    assert live.told()[:-1] == [b"\0abcdefgh"]  # the last is the answer to the close


def test_a_program_that_wants_nothing_gets_nothing() -> None:
    live = Live(EMPTY + frame(0x2, b"\x01present\n") + SUCCESS + frame(0x8, b""))
    outcome = feed(live, "/exec", ("sh",), [b"abc"], Patience(5), lambda count: None)  # type: ignore[arg-type]
    assert (outcome.exit_code, outcome.stdout) == (0, b"present\n")
    assert live.told()[:-1] == []


def test_what_a_program_said_before_it_went_away_is_heard() -> None:
    class Deaf(Gated):
        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            super().write(buffer)
            raise httpcore.WriteError("Broken pipe")

    live = Live(b"")
    live.stream = Deaf(frame(0x2, b"\x01send\n"), frame(0x2, b"\x02no space\n") + FAILURE + frame(0x8, b""), 10)
    outcome = feed(live, "/exec", ("sh",), [b"abcdefgh"] * 5, Patience(5), lambda count: None)  # type: ignore[arg-type]
    assert (outcome.exit_code, outcome.stderr) == (1, b"no space\n")


def test_a_connection_that_ends_early_is_told() -> None:
    with pytest.raises(Unreachable, match=r"^The connection to demo broke: the end before the program's\.$"):
        feed(Live(EMPTY + frame(0x8, b"")), "/exec", ("sh",), [], Patience(5), lambda count: None)  # type: ignore[arg-type]
    with pytest.raises(BadAnswer, match=r"^The Kubernetes API of demo does not speak WebSocket\.$"):
        feed(Live(b"", status=200), "/exec", ("sh",), [], Patience(5), lambda count: None)  # type: ignore[arg-type]


def test_a_patience_afresh_has_the_same_end() -> None:
    now, slept = 0.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(round(seconds, 2))
        now += seconds

    patience = Patience(0.9, sleep=sleep, clock=lambda: now)
    patience.pause("x")
    other = patience.afresh()
    for _ in range(3):
        other.pause("x")
    assert slept == [0.2, 0.2, 0.26, 0.24]
    with pytest.raises(WaitTimeout, match=r"^it is late within 0.9 s\.$"):
        other.check("it is late")
