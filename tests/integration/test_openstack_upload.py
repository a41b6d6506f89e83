"""`jeroboam image upload` against stand-ins of Keystone and Glance, over real sockets."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.keystone import Keystone

from jeroboam.artifacts import CloudImage
from jeroboam.artifacts.cloud_record import write_record
from jeroboam.entry import build_app

pytestmark = pytest.mark.sockets
Upload = Callable[..., tuple[int, str, str]]
PATCH = "application/openstack-images-v2.1-json-patch"


class Glance:
    """Images as far as the command asks for them; one to a page. `refuses`: status to answer by method."""

    def __init__(self) -> None:
        self.images: dict[str, dict[str, Any]] = {}
        self.bytes: dict[str, bytes] = {}
        self.refuses: dict[str, int] = {}
        self.project = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.root = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, query: dict[str, list[str]], kind: str, body: bytes) -> tuple[int, Any]:
        if path in ("", "/"):
            links = [{"rel": "self", "href": f"{self.root}/v2/"}]
            return 300, {"versions": [{"id": "v2.16", "status": "CURRENT", "links": links}]}
        if method in self.refuses:
            return self.refuses[method], {"message": "as the test wants it"}
        match [method, *path.removeprefix("/v2/images").strip("/").split("/")]:
            case ["GET", ""]:
                named = [one for one in self.images.values() if one["name"] == query["name"][0]]
                ids = [one["id"] for one in named]
                begin = ids.index(query["marker"][0]) + 1 if "marker" in query else 0
                return 200, {"images": named[begin : begin + 1]}
            case ["POST", ""]:
                made = json.loads(body)
                self.images[made["id"]] = {"status": "queued", "owner": self.project, "size": None, **made}
                return 201, self.images[made["id"]]
            case ["PUT", ident, "file"]:
                self.bytes[ident] = body
                self.images[ident] |= {"status": "active", "size": len(body)}
                return 204, None
            case ["PATCH", ident] if kind == PATCH:
                self.images[ident] |= {one["path"].removeprefix("/"): one["value"] for one in json.loads(body)}
                return 200, self.images[ident]
            case ["GET", ident] if ident in self.images:
                return 200, self.images[ident]
            case ["DELETE", ident] if ident in self.images:
                del self.images[ident]
                return 204, None
        return 404, {"message": "no such thing"}


def _handler(glance: Glance) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            size, place = int(self.headers.get("Content-Length") or 0), urlsplit(self.path)
            body, kind = self.rfile.read(size), str(self.headers.get("Content-Type"))
            status, said = glance.answer(self.command, place.path, parse_qs(place.query), kind, body)
            content = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Not told."""

    return Handler


@pytest.fixture
def glance(keystone: Keystone) -> Iterator[Glance]:
    served = Glance()
    served.project = next(one["id"] for one in keystone.realm.tables["projects"].values() if one["name"] == "admin")
    yield served
    served.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An image and its record."""
    file = tmp_path / "node.raw"
    file.write_bytes(b"content")
    sha256, told = hashlib.sha256(b"content").hexdigest(), {"os_distro": "debian", "docker_version": "v26.1.5"}
    write_record(file, CloudImage("node.raw", "swarm", "v26.1.5", "raw", "container", 7, 3, sha256, "r", told))
    return file


@pytest.fixture
def upload(administrator: Keystone, path: Path, capsys: pytest.CaptureFixture[str]) -> Upload:
    """The command as the stand-in's administrator: exit code, output, errors."""

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            build_app()(["image", "upload", str(path), *words])
        said = capsys.readouterr()
        return int(str(ended.value.code or 0)), said.out, said.err

    return call


def test_an_image_is_made_changed_and_kept(keystone: Keystone, glance: Glance, upload: Upload) -> None:
    keystone.offer("image", {"public": glance.root})
    code, out, _ = upload("--visibility", "private", "--json")
    made = json.loads(out)
    ident, sha256 = made["id"], made["sha256"]
    told = {"name": "node", "sha256": sha256, "id": ident, "others": [], "copies": [], "unfinished": []}
    assert (code, made) == (0, {**told, "outcome": "made", "changed": []})
    assert glance.bytes == {ident: b"content"}
    tenant = {**glance.images[ident], "id": "b" * 32, "owner": "a tenant"}
    glance.images = {tenant["id"]: tenant, **glance.images}
    words = ("--property", "hw/x~y=1", "--json")
    code, out, err = upload(*words)
    changed = {**told, "outcome": "changed", "changed": ["visibility", "hw/x~y"], "others": [tenant["id"]]}
    assert (code, json.loads(out)) == (0, changed)
    assert f"Note: image {tenant['id']} has the name node, too, and other content or another project." in err
    seen = glance.images[ident]
    assert (seen["visibility"], seen["hw~1x~0y"], seen["min_disk"]) == ("public", "1", 3)


def test_who_may_not_make_it_public_hears_what_may_be_done(keystone: Keystone, glance: Glance, upload: Upload) -> None:
    keystone.offer("image", {"public": glance.root})
    glance.refuses = {"POST": 403}
    code, _, err = upload()
    assert code == 1
    assert err.startswith("Error: Glance does not let this account make a public image: ")
    assert "choose --visibility private" in err


def test_what_is_left_of_a_broken_upload_is_told_beside_its_reason(
    keystone: Keystone, glance: Glance, upload: Upload
) -> None:
    keystone.offer("image", {"public": glance.root})
    glance.refuses = {"PUT": 500, "DELETE": 500}
    code, _, err = upload("--json")
    [ident] = glance.images
    error = json.loads(err.splitlines()[-1])["error"]
    assert code == 1
    assert error["message"].startswith("Glance does not answer: could not take the image's bytes.")
    assert error["hint"] == "Run it again when Glance answers."
    assert error["notes"] == [f"The image {ident} may be left in Glance: openstack image delete {ident}"]
    glance.refuses = {"PUT": 500}
    assert upload()[0] == 1
    assert set(glance.images) == {ident}


def test_a_glance_that_is_away_or_not_there_is_named(keystone: Keystone, glance: Glance, upload: Upload) -> None:
    code, _, err = upload()
    assert code == 2
    assert err.startswith("Error: The catalogue has no Glance for this login: ")
    glance.close()
    keystone.offer("image", {"public": glance.root})
    code, _, err = upload()
    assert code == 1
    assert "Error: Glance does not answer: could not find out its version. " in err
    assert "Run it again when Glance answers.\n" in err
