"""Images on LXD: one upload to the cluster, which keeps copies on several members and brings it to any other that needs it.

Source: LXD 5.0, doc/rest-api.yaml (POST /1.0/images, /1.0/images/aliases), doc/clustering.md (cluster.images_minimal_replica).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from ..errors import Refused
from ..progress import Shown
from ..wire import segment
from ..workloads.lxd_operations import Operations
from ..workloads.patience import Patience
from ..workloads.session import Session
from . import LOADED, PRESENT
from .system import SystemImage, pieces

_IMAGES = "/1.0/images"
_PASSING = 500  # a database of LXD that has no time answers so
_ALIASES = f"{_IMAGES}/aliases"


def load(session: Session, image: SystemImage, patience: Patience, shown: Shown) -> tuple[str, str]:
    """Have the image there and the alias lead to it; returns LOADED, or PRESENT, and the fingerprint. The alias leads to a whole image
    at every moment. Raises WaitTimeout, and CliError with LXD's words."""
    fingerprint = image.fingerprint()
    try:
        there = session.send("GET", f"{_IMAGES}/{fingerprint}", fine=(404,)).status_code == 200
        if not there:
            _upload(session, image, fingerprint, patience, shown)
        _lead(session, image.alias, fingerprint)
    except Refused as error:
        if error.status >= _PASSING:
            error.hint = "Run it again: what is uploaded is not sent again."
        raise
    return PRESENT if there else LOADED, fingerprint


def _upload(session: Session, image: SystemImage, fingerprint: str, patience: Patience, shown: Shown) -> None:
    task = f"upload {image.alias}"
    shown.start(task, total=image.size, unit="B")
    note: str | None = "failed"
    try:
        body, headers = _body(image)
        headers |= {"X-LXD-fingerprint": fingerprint, "X-LXD-public": "0", "X-LXD-filename": image.files[-1].name}

        def counted() -> Iterator[bytes]:
            for piece in body:
                patience.check(f"{image.alias} is not uploaded")
                yield piece
                shown.advance(task, len(piece))

        answer = session.upload(_IMAGES, counted(), headers, timeout_s=patience.left_s)
        shown.advance(task, 0, note="unpacking")
        Operations(session).end(session.json(answer), patience, f"{image.alias} is uploaded, but not unpacked")
        note = None
    finally:
        shown.finish(task, note=note)


def _body(image: SystemImage) -> tuple[Iterator[bytes], dict[str, str]]:
    """One file as it is; two as a form whose parts LXD knows by name."""
    if len(image.files) == 1:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(image.size)}
        return pieces(image.files[0]), headers
    boundary = secrets.token_hex(16)
    heads = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; filename="{part}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        for part in ("metadata", "rootfs")
    ]
    tail = f"--{boundary}--\r\n".encode()

    def form() -> Iterator[bytes]:
        for head, path in zip(heads, image.files, strict=True):
            yield head
            yield from pieces(path)
            yield b"\r\n"
        yield tail

    length = image.size + sum(len(head) + 2 for head in heads) + len(tail)
    return form(), {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(length)}


def _lead(session: Session, alias: str, fingerprint: str) -> None:
    """In one call, also from another image. Replaced and not patched: LXD 5.0.2 waits in PATCH for its own transaction, until that has
    no more time (seen on a cluster of two members)."""
    path = f"{_ALIASES}/{segment(alias)}"
    found = session.send("GET", path, fine=(404,))
    if found.status_code == 404:
        session.post(_ALIASES, {"name": alias, "target": fingerprint, "description": ""})
        return
    there = session.json(found)["metadata"]
    if there["target"] != fingerprint:
        session.send("PUT", path, body={"target": fingerprint, "description": there.get("description", "")})
