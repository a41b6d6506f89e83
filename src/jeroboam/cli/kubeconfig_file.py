"""The user's kubeconfig on disk: found, locked as kubectl does, replaced whole or not at all, readable by its owner only."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from . import kubeconfig, kubeconfig_removal, private_file
from .errors import Usage

LOCK_S = 10.0
_LIMIT = 8 * 1024 * 1024  # client-go has no limit; a file beyond this is something else


def target(environ: Mapping[str, str]) -> Path:
    """The first file of $KUBECONFIG, else ~/.kube/config: where kubectl would write."""
    return places(environ)[0]


def places(environ: Mapping[str, str]) -> list[Path]:
    """Every file that kubectl reads."""
    named = [Path(name) for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return named or [Path(environ.get("HOME") or os.path.expanduser("~")) / ".kube" / "config"]


def merge_into(path: Path, entry: kubeconfig.Entry, *, overwrite: bool = False, lock_s: float = LOCK_S) -> str:
    """Add or renew the entry in the file, made if absent; returns the namespace of its context.

    The file is left as it was when this raises. Raises Usage (no kubeconfig, not writable, locked for `lock_s` seconds).
    """
    with _explained(path):
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        with _locked(path, lock_s):
            real = Path(os.path.realpath(path))  # a link stays a link
            text = _read(real)
            merged = kubeconfig.merge(text, entry, overwrite=overwrite)
            if merged != text or stat.S_IMODE(real.stat().st_mode) != 0o600:
                private_file.replace(real, merged.encode())
            return kubeconfig.context_namespace(merged, entry.name)


def remove_from(path: Path, cluster_uuid: str, *, lock_s: float = LOCK_S) -> kubeconfig_removal.Removal | None:
    """Take a cluster's entries out of the file; None, and the file untouched, when it has none. Raises what `merge_into` raises."""
    with _explained(path):
        real = Path(os.path.realpath(path))
        try:
            if cluster_uuid not in _read(
                real
            ):  # no lock, and no word about what is no kubeconfig, where nothing is to do
                return None
        except (OSError, Usage):
            return None
        with _locked(path, lock_s):
            removal = kubeconfig_removal.remove(_read(real), cluster_uuid)
            if removal is not None:
                private_file.replace(real, removal.text.encode())
            return removal


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What went wrong, as a sentence about this file. Raises Usage."""
    try:
        yield
    except FileExistsError:
        raise Usage(f"{path.parent} is no folder.", hint="Choose another place with --file.") from None
    except OSError as error:
        raise Usage(
            f"{path} cannot be written: {error.strerror or error}.", hint="Choose another with --file."
        ) from None
    except Usage as error:
        if error.message.startswith(str(path)):
            raise
        raise Usage(
            f"{path} was left alone: {error.message}.", hint=error.hint or "Choose another with --file."
        ) from None


@contextmanager
def _locked(path: Path, lock_s: float) -> Iterator[None]:
    """`<file>.lock`, made exclusively: kubectl's convention (client-go, clientcmd/config.go, lockFile)."""
    lock = path.with_name(path.name + ".lock")
    deadline = time.monotonic() + lock_s
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            break
        except FileExistsError:
            if time.monotonic() >= deadline:
                hint = f"When no kubectl is at work, a killed one left it: remove {lock}."
                raise Usage(f"{path} is locked by {lock} for {lock_s:g} s.", hint=hint) from None
            time.sleep(0.05)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            lock.unlink()


def _read(real: Path) -> str:
    try:
        with open(
            os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb"
        ) as file:  # a pipe must not hold us up
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Usage("not a regular file")
            if status.st_size > _LIMIT:
                raise Usage(f"{status.st_size} bytes are too many for a kubeconfig")
            return file.read().decode()
    except FileNotFoundError:
        return ""
    except IsADirectoryError:
        raise Usage("it is a folder") from None
    except UnicodeDecodeError:
        raise Usage("not text in UTF-8") from None
