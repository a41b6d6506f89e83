"""A way to the bed on which a test may stand: it counts the calls, and answers in a service's place where it is told to.

Who logs in through it is given a catalogue that leads through it, too; the services among themselves know nothing of it.
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SERVICES = {
    5000: "keystone",
    8004: "heat",
    8774: "nova",
    9292: "glance",
    9311: "barbican",
    9696: "neutron",
    8000: "heat-cfn",
    8778: "placement",
}
_LONGEST_S = 120
_PASSED_ON = (
    "Content-Type",
    "X-Auth-Token",
    "X-Subject-Token",
    "OpenStack-API-Version",
    "X-OpenStack-Nova-API-Version",
)
_PASSED_BACK = ("Content-Type", "X-Subject-Token", "Retry-After", "Location")


@dataclass(frozen=True)
class Instead:
    """What is answered to calls of a service (by its name in SERVICES) that fit, after `after_s`. `status` 0: the connection breaks."""

    service: str
    method: str = ".*"
    path: str = ""
    status: int = 0
    message: str = ""
    after_s: float = 0.0

    def fits(self, service: str, method: str, path: str) -> bool:
        return service == self.service and bool(re.fullmatch(self.method, method) and re.search(self.path, path))


@dataclass
class CloudProxy:
    """Runs from `start` to `stop`. `rules` and `calls` may be changed meanwhile."""

    host: str  # of the bed
    rules: list[Instead] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)  # "nova GET"
    met: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def root(self) -> str:
        if self._server is None:
            raise RuntimeError("the proxy is not started")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def auth_url(self) -> str:
        return f"{self.root}/5000/v3"

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def instead(self, service: str, method: str, path: str) -> Instead | None:
        """The first rule that fits."""
        self.calls[f"{service} {method}"] += 1
        found = next((rule for rule in list(self.rules) if rule.fits(service, method, path)), None)
        self.met += found is not None
        return found

    def asked(self, method: str, port: int, path: str, body: bytes, headers: dict[str, str]) -> Answered:
        """What the bed says."""
        url = f"http://{self.host}:{port}/{path}"
        request = urllib.request.Request(url, body or None, headers, method=method)
        try:
            with _OPENER.open(request, timeout=_LONGEST_S) as answer:
                return self._leading_here(Answered(answer.status, dict(answer.headers.items()), answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, dict(error.headers.items()), error.read())

    def _leading_here(self, answer: Answered) -> Answered:
        """A token's catalogue with the way through this proxy."""
        if "X-Subject-Token" not in answer.headers:
            return answer
        found = rf"http://{re.escape(self.host)}:(\d+)".encode()
        return Answered(answer.status, answer.headers, re.sub(found, rf"{self.root}/\1".encode(), answer.body))


@dataclass(frozen=True)
class Answered:
    """An answer of the bed."""

    status: int
    headers: dict[str, str]
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        """Who asked sees it."""


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


class _Handler(BaseHTTPRequestHandler):
    proxy: CloudProxy
    protocol_version = "HTTP/1.1"

    def handle_call(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        port, _, path = self.path.lstrip("/").partition("/")
        service = SERVICES.get(int(port), port)
        rule = self.proxy.instead(service, self.command, f"/{path}")
        if rule is None:
            kept = {key: self.headers[key] for key in _PASSED_ON if key in self.headers}
            try:
                self._say(self.proxy.asked(self.command, int(port), path, body, kept))
            except OSError:
                self.close_connection = True  # cut off, as by a service that ends
            return
        time.sleep(rule.after_s)
        if not rule.status:
            self.close_connection = True
            return
        said = json.dumps({"error": {"message": rule.message, "code": rule.status}}).encode()
        self._say(Answered(rule.status, {"Content-Type": "application/json"}, said))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_call

    def _say(self, answer: Answered) -> None:
        try:
            self.send_response(answer.status)
            for key in _PASSED_BACK:
                if key in answer.headers:
                    self.send_header(key, answer.headers[key])
            if answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        except OSError:
            self.close_connection = True  # who asked waits no more

    def log_message(self, *_: object) -> None:
        """Quiet."""
