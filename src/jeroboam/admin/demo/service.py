"""The demo's own service: `jeroboam up` as a process of its own that outlives the demo, in a data folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from ...domain.errors import ConfigError, DeadlineExceeded
from ...main import default_folder, write_private

PREFERRED_PORT = 9511
_START_S = 60.0
_STOP_S = 30.0


@dataclass(frozen=True)
class DemoService:
    """Where it is. `folder` holds its state, its log and the demo's kubeconfig."""

    folder: Path

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    @property
    def url(self) -> str | None:
        """Its address when it runs and answers, else None. That something answers there is not enough: it may be anybody's."""
        noted = self._noted()
        if noted is None or not _is_ours(int(noted["pid"]), self.folder):
            return None
        return str(noted["url"]) if _answers(str(noted["url"])) else None

    @property
    def alive(self) -> bool:
        """Whether its process is there, answering yet or not."""
        noted = self._noted()
        pids = (self._holder(), int(noted["pid"]) if noted else None)
        return any(pid is not None and _is_ours(pid, self.folder) for pid in pids)

    def ensure(self) -> str:
        """Start it unless it answers; returns its address. Raises ConfigError with its last words, DeadlineExceeded."""
        running = self.url
        if running:
            return running
        self.stop()  # one that runs and does not answer where it was noted, or was started by hand
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        spoken = self.log.stat().st_size if self.log.exists() else 0
        process = self._start(port)
        write_private(self._note, json.dumps({"pid": process.pid, "url": url}))
        ends = time.monotonic() + _START_S
        while not (self._says_ready(spoken) and _answers(url)):
            if process.poll() is not None:
                raise ConfigError(f"The service did not start: {self._last_words()}", hint=f"See {self.log}.")
            if time.monotonic() > ends:
                raise DeadlineExceeded(f"The service did not answer within {_START_S:g} s.", hint=f"See {self.log}.")
            time.sleep(0.1)
        return url

    def stop(self) -> None:
        """An orderly end; gone already is fine. Raises DeadlineExceeded when it does not end."""
        pid = self._holder()
        if pid is None or not _is_ours(pid, self.folder):
            return
        os.kill(pid, signal.SIGTERM)
        ends = time.monotonic() + _STOP_S
        while _is_ours(pid, self.folder):
            if time.monotonic() > ends:
                raise DeadlineExceeded(
                    f"The service (pid {pid}) did not end within {_STOP_S:g} s.",
                    hint=f"`kill -9 {pid}` loses nothing; then run this again.",
                )
            time.sleep(0.1)

    def forget(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _note(self) -> Path:
        return self.folder / "service.json"

    def _noted(self) -> dict[str, Any] | None:
        try:
            return dict(json.loads(self._note.read_text()))
        except (OSError, ValueError):
            return None

    def _holder(self) -> int | None:
        """Who works on the folder, whoever started it: its lock says so (main.data_folder)."""
        try:
            return int((self.folder / "lock").read_text())
        except (OSError, ValueError):
            return None

    def _start(self, port: int) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", "jeroboam", "up", "--data", str(self.folder), "--port", str(port)]
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "wb") as log:
            return subprocess.Popen(
                program, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )

    def _says_ready(self, since: int) -> bool:
        """Whether the service itself says that it listens: at its port another one may have been faster."""
        with self.log.open("rb") as log:
            log.seek(since)
            return b" listens on " in log.read()

    def _last_words(self) -> str:
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1].removeprefix("jeroboam: ") if lines else f"see {self.log}"


def demo_folder() -> Path:
    """`jeroboam-demo` beside the usual data folder."""
    return default_folder(os.environ).with_name("jeroboam-demo")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthcheck", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    """9511 where nobody listens there, else any."""
    for port in (PREFERRED_PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ConfigError("No port of 127.0.0.1 is free.")


def _is_ours(pid: int, folder: Path) -> bool:
    """True while this process is the demo's service: numbers are used again. Source: Linux, proc(5); a zombie has no words."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    given = os.fsencode(folder)
    return b"--data=" + given in words or (b"--data", given) in pairwise(words)
