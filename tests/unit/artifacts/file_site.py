"""A web site of files on a free port of this machine, with the faults that real ones have."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileSite:
    """Serves `files` by path. Faults: `cut` closes the connection after so many bytes, once a number; `stall` sends so many and then
    nothing, once; `status` answers with these codes first; `whole` ignores ranges; `slow_s` is slept before each 64 KiB."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut: dict[str, list[int]] = {}
        self.stall: dict[str, int] = {}
        self.status: dict[str, list[int]] = {}
        self.whole = False
        self.slow_s = 0.0
        self.asked: list[tuple[str, str]] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def gets(self) -> list[tuple[str, str]]:
        """Path and range of each GET, without the checksum files."""
        return [(path, span) for path, span in self.asked if not re.search(r"(sha256|SHA256SUMS)$", path)]

    def _handler(site) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self.send_response(200 if self.path in site.files else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                with site._lock:
                    site.asked.append((self.path, self.headers.get("Range", "")))
                    site._now += 1
                    site.most_at_once = max(site.most_at_once, site._now)
                try:
                    self._answer()
                finally:
                    with site._lock:
                        site._now -= 1

            def _answer(self) -> None:
                codes = site.status.get(self.path)
                if codes:
                    return self._plain(codes.pop(0))
                if self.path not in site.files:
                    return self._plain(404)
                body, start = site.files[self.path], self._start()
                if start >= len(body) > 0 and start:
                    return self._plain(416)
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                self.send_header("Content-Length", str(len(body) - start))
                self.end_headers()
                return self._send(body[start:])

            def _start(self) -> int:
                found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
                return int(found[1]) if found and not site.whole else 0

            def _send(self, body: bytes) -> None:
                cuts = site.cut.get(self.path)
                stall = site.stall.pop(self.path, None)
                limit = cuts.pop(0) if cuts else stall
                rest = body if limit is None else body[:limit]
                for i in range(0, len(rest), 65536):
                    time.sleep(site.slow_s)
                    self.wfile.write(rest[i : i + 65536])
                self.wfile.flush()
                if stall is not None:
                    site._closing.wait(20)
                if limit is not None:
                    self.close_connection = True

            def _plain(self, code: int) -> None:
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tar_gz(members: dict[str, bytes]) -> bytes:
    """An archive with these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class Told:
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.finished: list[tuple[str, str | None]] = []
        self.bytes: dict[str, int] = {}
        self.totals: dict[str, int | None] = {}

    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None:
        self.totals[task] = total
        self.bytes[task] = 0

    def advance(self, task: str, amount: int = 1, *, note: str | None = None) -> None:
        self.bytes[task] += amount

    def finish(self, task: str, *, note: str | None = None) -> None:
        self.finished.append((task, note))

    def notes(self) -> list[str]:
        """What was said about anything that did not simply end well."""
        return [note for _, note in self.finished if note]
