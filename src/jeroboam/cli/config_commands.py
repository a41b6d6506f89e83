"""`jeroboam cluster config`: credentials of a cluster where its own client looks: kubeconfig, Docker context, folder of lxc."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from . import access, client_programs
from .apps import cluster as cluster_app
from .errors import Usage
from .options import DEFAULTS, Common, framed
from .output import plain, show_json
from .wire import Json

if TYPE_CHECKING:
    from .access import Access
    from .client import Client
    from .kubeconfig import Entry


Flag = Annotated[bool, Parameter(negative="", show_default=False)]


@cluster_app.command
@framed
def config(
    cluster: str,
    /,
    *,
    file: Path | None = None,
    context: str | None = None,
    stdout: Flag = False,
    no_current: Flag = False,
    overwrite: Flag = False,
    common: Common = DEFAULTS,
) -> int:
    """Put access to a cluster where its client looks: kubeconfig, Docker context (Swarm), folder for lxc (LXD).

    Makes a key on this machine and has the service sign its certificate.
    Other contexts, namespaces, unknown keys and comments in the file stay.
    Comments and layout are lost only where a file cannot be changed entry by
    entry, such as one with YAML anchors. Run it again to renew the credentials.
    The current Docker context is never changed.

    Examples:

    jeroboam cluster config demo

    docker --context demo node ls

    jeroboam cluster config demo --context work --no-current

    jeroboam cluster config demo --stdout > demo.kubeconfig

    Parameters
    ----------
    cluster
        Name or uuid.
    file
        Kubeconfig to merge into. [default: the first of $KUBECONFIG, else ~/.kube/config]
    context
        Name of the context. [default: the cluster's name]
    stdout
        Print a kubeconfig instead of merging; a tar for Swarm (`docker context import NAME -`) and LXD.
    no_current
        Leave the current kubeconfig context as it is.
    overwrite
        Replace an entry of that name even if it is another cluster's or not Jeroboam's.
    """
    if stdout and file is not None:
        raise Usage("--stdout and --file exclude each other.", hint="Drop one of them.")
    if context == "":
        raise Usage("--context '' is no name.", hint="Give a name, or leave it out for the cluster's.")
    with common.client() as client:
        row = client.cluster(cluster)
        found = _access(client, row, wants_kubeconfig=file is not None)
        if row.get("status") == "CREATE_IN_PROGRESS":
            handle = shlex.quote(plain(client.handle(row)))
            told = f"Warning: the cluster is still being made. `jeroboam cluster watch {handle}` tells when it can be used."
            print(told, file=sys.stderr)
    name = context or found.name
    if found.coe == "kubernetes":
        return _into_kubeconfig(found, name, file, common, stdout=stdout, current=not no_current, overwrite=overwrite)
    if found.coe == "lxd":
        return _into_lxc(found, name, common, stdout=stdout, overwrite=overwrite)
    return _into_docker(found, name, common, stdout=stdout, overwrite=overwrite)


def _access(client: Client, cluster: Json, *, wants_kubeconfig: bool) -> Access:
    coe, tls = access.coe_of(client, cluster)
    if wants_kubeconfig and coe != "kubernetes":
        raise Usage(f"Cluster {cluster.get('name')} runs {coe}, which has no kubeconfig.", hint="Drop --file.")
    return access.enter(client, cluster, coe, access.Use("jeroboam cluster config"), tls=tls)


def _into_kubeconfig(
    found: Access, name: str, file: Path | None, common: Common, *, stdout: bool, current: bool, overwrite: bool
) -> int:
    from . import kubeconfig, kubeconfig_file

    entry = kubeconfig.Entry(name, found.address, found.uuid, found.ca_pem, found.cert_pem, found.key_pem, current)
    if stdout:
        _print(kubeconfig.document(entry), common)
        return 0
    path = file.expanduser() if file else kubeconfig_file.target(os.environ)
    namespace = kubeconfig_file.merge_into(path, entry, overwrite=overwrite)
    if common.json:
        show_json({"context": entry.name, "file": str(path), "server": entry.server, "current": entry.current})
    else:
        _tell(entry, path, namespace)
    return 0


def _into_docker(found: Access, name: str, common: Common, *, stdout: bool, overwrite: bool) -> int:
    from . import docker_context

    context = docker_context.DockerContext(name, found.address, found.uuid, *found.pems())
    if stdout:
        return _print_tar(context.files())
    meta = docker_context.put(docker_context.home(os.environ), context, overwrite=overwrite)
    if common.json:
        show_json({"context": context.name, "file": str(meta), "server": context.host, "current": False})
    else:
        print(f"Docker context {plain(context.name)} is there ({plain(context.host)}).")
        print(f"Next: docker --context {shlex.quote(context.name)} node ls")
        client_programs.tell_if_missing("docker")
    return 0


def _into_lxc(found: Access, name: str, common: Common, *, stdout: bool, overwrite: bool) -> int:
    from . import lxc_folder

    folder = lxc_folder.LxcFolder(name, found.address, found.uuid, *found.pems())
    if stdout:
        return _print_tar(folder.files())
    target = lxc_folder.place(os.environ, name)
    lxc_folder.put(target, folder, overwrite=overwrite)
    if common.json:
        show_json({"context": folder.name, "file": str(target), "server": folder.address, "current": False})
    else:
        print(f"The remote {plain(folder.name)} of lxc is in {plain(target)} ({plain(folder.address)}).")
        print(f"Next: LXD_CONF={shlex.quote(str(target))} lxc cluster list")
        client_programs.tell_if_missing("lxc")
    return 0


def _print_tar(files: Mapping[str, bytes]) -> int:
    from .archive import tar_of

    if sys.stdout.isatty():
        raise Usage("A tar is nothing for a terminal.", hint="Write `--stdout > FILE`.")
    sys.stdout.buffer.write(tar_of(files))
    return 0


def _print(text: str, common: Common) -> None:
    if not common.json:
        print(text, end="")
        return
    import yaml

    document: Any = yaml.safe_load(text)
    show_json(document)


def _tell(entry: Entry, path: Path, namespace: str) -> None:
    from . import kubeconfig_file

    where = f"namespace {plain(namespace)}, " if namespace else ""
    print(f"Context {plain(entry.name)} is in {plain(path)} ({where}{plain(entry.server)}).")
    option = "" if entry.current else f" --context {shlex.quote(entry.name)}"
    if path not in kubeconfig_file.places(os.environ):
        option = f" --kubeconfig {shlex.quote(str(path))}{option}"
    print(f"Next: kubectl{option} get nodes")
    client_programs.tell_if_missing("kubectl")
