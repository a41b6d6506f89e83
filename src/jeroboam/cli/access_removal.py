"""The other end of `cluster config`: what it wrote on this machine for a cluster goes with the cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from .errors import Usage
from .output import plain


def remove(cluster_uuid: str, environ: Mapping[str, str]) -> list[str]:
    """Contexts in kubeconfigs, Docker contexts and folders of lxc that bear this uuid; returns a sentence on each place. What cannot
    be removed is told on stderr: the cluster goes all the same."""
    found: list[str] = []
    for removal in (_from_kubeconfigs, _from_docker, _from_lxc):
        with _told():
            found.extend(removal(cluster_uuid, environ))
    return found


def _from_kubeconfigs(uuid: str, environ: Mapping[str, str]) -> Iterator[str]:
    from . import kubeconfig_file

    for path in kubeconfig_file.places(environ):
        with _told():
            removal = kubeconfig_file.remove_from(path, uuid)
            if removal is not None:
                current = ", and no context is the current one now" if removal.was_current else ""
                yield f"{_gone('Context', removal.names)} removed from {path}{current}."


def _from_docker(uuid: str, environ: Mapping[str, str]) -> Iterator[str]:
    from . import docker_context

    if names := docker_context.remove(docker_context.home(environ), uuid):
        yield f"{_gone('Docker context', names)} removed."


def _from_lxc(uuid: str, environ: Mapping[str, str]) -> Iterator[str]:
    from . import lxc_folder

    for folder in lxc_folder.remove(environ, uuid):
        yield f"The folder {folder} of lxc is removed."


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Usage as error:
        print(f"Warning: {plain(error.message)}", file=sys.stderr)


def _gone(kind: str, names: Sequence[str]) -> str:
    return f"{kind} {names[0]} is" if len(names) == 1 else f"{kind}s {', '.join(names)} are"
