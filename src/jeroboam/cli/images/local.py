"""Where the image comes from: a file, or the Docker of this machine, whose client says which daemon that is."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import CliError, Usage
from ..progress import Shown
from ..workloads.patience import Patience
from .archive import Archive, as_docker, familiar, read, renamed

_ASK_S = 30
_PIECE = 1 << 20


@contextmanager
def opened(image: str, name: str | None, patience: Patience, shown: Shown) -> Iterator[Archive]:
    """The archive of a file or of an image of Docker, as `docker load` takes it; each image in it has a name. Raises Usage,
    WaitTimeout."""
    if name is not None:
        name = familiar(name)
    with tempfile.TemporaryDirectory(prefix="jeroboam-image-") as folder:
        try:
            found = read(Path(image)) if is_file(image) else _saved(image, Path(folder) / "saved.tar", patience, shown)
            ready = as_docker(renamed(found, name), Path(folder) / "docker.tar")
        except OSError as error:
            hint = "Set TMPDIR to a folder with room for the image."
            raise CliError(
                f"The image could not be written to {folder}: {error.strerror or error}.", hint=hint
            ) from None
        yield ready


def is_file(image: str) -> bool:
    """Whether this is a file; what looks like a path must be one. Raises Usage."""
    path = Path(image)
    if path.is_file():
        return True
    if image.startswith(("/", "./", "../", "~")) or image.endswith((".tar", ".tgz", ".gz", ".xz")) or path.is_dir():
        raise Usage(f"{image} is no file.", hint="Give a file, or the name of an image of this machine's Docker.")
    return False


def _saved(image: str, path: Path, patience: Patience, shown: Shown) -> Archive:
    facts = _inspected(image)
    tags = facts.get("RepoTags") or ()
    wanted = familiar(image) if not image.startswith("sha256:") and "@" not in image else ""
    asked = wanted if wanted in tags else str(facts["Id"])  # `docker save web` would take all tags of web
    task = f"docker save {image}"
    shown.start(task, total=int(facts.get("Size") or 0) or None, unit="B")
    errors = path.with_suffix(".errors")
    with path.open("wb") as target, errors.open("wb") as said:
        process = subprocess.Popen(["docker", "save", asked], stdout=subprocess.PIPE, stderr=said)
        late = threading.Timer(patience.left_s, process.kill)
        late.start()
        try:
            while piece := process.stdout.read(_PIECE) if process.stdout else b"":
                target.write(piece)
                shown.advance(task, len(piece))
            code = process.wait(_ASK_S)
        finally:
            late.cancel()
            process.kill()
            process.wait(_ASK_S)
    shown.finish(task, note=None if code == 0 else "failed")
    if code:
        patience.check(f"{task} has not ended", hint="Look at this machine's Docker with `docker info`.")
        raise CliError(f"docker save {image} failed: {' '.join(errors.read_text(errors='replace').split())}")
    return read(path)


def _inspected(image: str) -> dict[str, Any]:
    argv = ["docker", "image", "inspect", "--", image]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_ASK_S, check=False, env=os.environ)
    except FileNotFoundError:
        hint = "Install docker, or give a file that `docker save` wrote elsewhere."
        raise Usage(f"{image} is no file, and this machine has no docker to ask for it.", hint=hint) from None
    except subprocess.TimeoutExpired:
        raise CliError(
            f"This machine's Docker does not answer within {_ASK_S} s.", hint="Look at it with `docker info`."
        ) from None
    if done.returncode:
        said = " ".join(done.stderr.split()).removeprefix("Error: ").removeprefix("Error response from daemon: ")
        hint = "`docker images` shows those there are; a file may be given as well."
        raise Usage(f"This machine's Docker has no image {image} to give: {said}", hint=hint)
    return dict(json.loads(done.stdout)[0])
