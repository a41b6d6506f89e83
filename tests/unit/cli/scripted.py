"""A service that answers by script, on a free port of loopback: enough of the API to drive the real command line against."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
UUID = "5b2f1a3c-0000-4000-8000-000000000001"
OPERATION = "0b0f7d3e-0000-4000-8000-000000000002"
STEPS = f"/ext/v1/operations/{OPERATION}/steps"
TEMPLATE = "91c0aaaa-0000-4000-8000-000000000003"
REQUEST = "req-11111111-0000-4000-8000-000000000004"


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: Json
    headers: dict[str, str]
    body: Any


@dataclass
class Service:
    """Answers by (method, path): a (status, document), or a function of the request; each request is kept in `asked`. A document of
    bytes is sent as it is, a body that is no JSON is kept as it is."""

    url: str = ""
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, status: int, document: Any) -> None:
        self.answers[method, path] = (status, document)

    def on_call(self, method: str, path: str, answer: Callable[[Asked], tuple[int, Any]]) -> None:
        self.answers[method, path] = answer

    def bodies(self, method: str) -> list[tuple[str, Any]]:
        """Path and body of each request of this method."""
        return [(one.path, one.body) for one in self.asked if one.method == method]

    def answer(self, asked: Asked) -> tuple[int, Any]:
        self.asked.append(asked)
        found = self.answers.get((asked.method, asked.path))
        if found is None:
            return 404, refusal(404, f"{asked.path} could not be found.")
        answer: tuple[int, Any] = found(asked) if callable(found) else found
        return answer


def refusal(status: int, detail: str) -> Json:
    return {"errors": [{"status": status, "code": "client", "title": detail.split(".")[0], "detail": detail}]}


class _Handler(BaseHTTPRequestHandler):
    service: Service
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query))
        kind = headers.get("content-type", "application/json").partition(";")[0]
        body: Any = raw if kind != "application/json" else json.loads(raw) if raw else None
        status, document = self.service.answer(Asked(self.command, parts.path, query, headers, body))
        raw_answer = isinstance(document, bytes)
        payload = document if raw_answer else b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream" if raw_answer else "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("x-openstack-request-id", REQUEST)
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        pass


def start(service: Service, tls: ssl.SSLContext | None = None) -> ThreadingHTTPServer:
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def cluster(**changes: Any) -> Json:
    """A cluster as GET shows it."""
    return {
        "uuid": UUID,
        "name": "demo",
        "cluster_template_id": TEMPLATE,
        "status": "CREATE_COMPLETE",
        "status_reason": None,
        "health_status": "HEALTHY",
        "health_status_reason": {"api": "ok"},
        "api_address": "https://127.0.0.1:6443",
        "node_count": 2,
        "master_count": 1,
        "links": [],
        **changes,
    }


def operation(**changes: Any) -> Json:
    """A finished creation."""
    return {
        "uuid": OPERATION,
        "cluster_uuid": UUID,
        "verb": "create",
        "kind": "create",
        "state": "succeeded",
        "summary": "create 1 control plane, 2 workers",
        "error": None,
        "error_class": None,
        "hint": None,
        "request_id": REQUEST,
        "user_id": "admin",
        "project_id": "admin",
        "cancel_requested": False,
        "created_at": "2026-01-02T03:04:05.000+00:00",
        "started_at": "2026-01-02T03:04:05.100+00:00",
        "finished_at": "2026-01-02T03:04:19.200+00:00",
        "deadline_at": "2026-01-02T04:04:05.000+00:00",
        **changes,
    }


def step(number: int, name: str, target: str, start_s: float, end_s: float | None, **changes: Any) -> Json:
    """A step of that creation; times in seconds after it began to run."""

    def moment(offset: float | None) -> str | None:
        return None if offset is None else f"2026-01-02T03:04:{5.1 + offset:06.3f}+00:00"

    ok = None if end_s is None else True
    return {
        "id": number,
        "name": name,
        "target": target,
        "attempt": 1,
        "started_at": moment(start_s),
        "ended_at": moment(end_s),
        "ok": ok,
        "message": "",
        "error_class": None,
        "hint": None,
        "log": None,
        **changes,
    }


def live(service: Service, coe: str, scheme: str = "http") -> None:
    """The scripted service is the live cluster `demo` as well: one without TLS, so that its calls can be read."""
    service.on("GET", "/v1/clusters/demo", 200, cluster(api_address=service.url.replace("http", scheme, 1)))
    template = {"uuid": TEMPLATE, "coe": coe, "tls_disabled": True}
    service.on("GET", f"/v1/clustertemplates/{TEMPLATE}", 200, template)


def sent(service: Service, method: str) -> list[tuple[str, Any]]:
    return [(asked.path, asked.body) for asked in service.asked if asked.method == method]
