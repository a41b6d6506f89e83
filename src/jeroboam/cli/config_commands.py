"""`jeroboam cluster config`: credentials of a cluster where its own client looks: kubeconfig, Docker context, folder of lxc."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .apps import cluster as cluster_app
from .errors import CliError, Usage
from .options import DEFAULTS, Common, framed
from .output import plain, show_json
from .wire import Json, segment

if TYPE_CHECKING:
    from .client import Client
    from .docker_context import DockerContext
    from .kubeconfig import Entry


_COES = ("kubernetes", "swarm", "swarm-mode", "lxd")
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
        Replace an entry of that name even if it is not Jeroboam's.
    """
    if stdout and file is not None:
        raise Usage("--stdout and --file exclude each other.", hint="Drop one of them.")
    with common.client() as client:
        access = _access(client, client.cluster(cluster), context, wants_kubeconfig=file is not None)
    if access.coe == "kubernetes":
        return _into_kubeconfig(access, file, common, stdout=stdout, current=not no_current, overwrite=overwrite)
    if access.coe == "lxd":
        return _into_lxc(access, common, stdout=stdout)
    return _into_docker(access, common, stdout=stdout, overwrite=overwrite)


@dataclass(frozen=True)
class _Access:
    """What a client needs; no CA and no key where TLS is off."""

    name: str
    context: str
    uuid: str
    coe: str
    address: str
    ca_pem: str | None = None
    cert_pem: str | None = None
    key_pem: str | None = field(default=None, repr=False)


def _access(client: Client, cluster: Json, context: str | None, *, wants_kubeconfig: bool) -> _Access:
    uuid, name = str(cluster["uuid"]), str(cluster.get("name"))
    template = client.template(str(cluster["cluster_template_id"]))
    coe = str(template.get("coe"))
    if coe not in _COES:
        raise Usage(f"Cluster {name} runs {coe}, whose client this command does not know.")
    if wants_kubeconfig and coe != "kubernetes":
        raise Usage(f"Cluster {name} runs {coe}, which has no kubeconfig.", hint="Drop --file.")
    if not cluster.get("api_address"):
        raise CliError(
            f"Cluster {name} has no API address; its status is {cluster.get('status')}.",
            hint=f"Wait for it with `jeroboam cluster watch {shlex.quote(name)}`.",
        )
    if context == "":
        raise Usage("--context '' is no name.", hint="Give a name, or leave it out for the cluster's.")
    address = str(cluster["api_address"])
    if template.get("tls_disabled"):
        return _Access(name, context or name, uuid, coe, address)
    ca = client.get(f"v1/certificates/{segment(uuid)}").get("pem")
    return _Access(name, context or name, uuid, coe, address, str(ca), *_signed(client, uuid))


def _into_kubeconfig(
    access: _Access, file: Path | None, common: Common, *, stdout: bool, current: bool, overwrite: bool
) -> int:
    from . import kubeconfig, kubeconfig_file

    entry = kubeconfig.Entry(
        access.context, access.address, access.uuid, access.ca_pem, access.cert_pem, access.key_pem, current
    )
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


def _into_docker(access: _Access, common: Common, *, stdout: bool, overwrite: bool) -> int:
    from . import docker_context

    context = _docker_context(access)
    if stdout:
        return _print_tar(context.files())
    meta = docker_context.put(docker_context.home(os.environ), context, overwrite=overwrite)
    if common.json:
        show_json({"context": context.name, "file": str(meta), "server": context.host, "current": False})
    else:
        print(f"Docker context {plain(context.name)} is there ({plain(context.host)}).")
        print(f"Next: docker --context {shlex.quote(context.name)} node ls")
    return 0


def _into_lxc(access: _Access, common: Common, *, stdout: bool) -> int:
    from . import lxc_folder

    ca, cert, key = _pems(access)
    folder = lxc_folder.LxcFolder(access.context, access.address, ca, cert, key)
    if stdout:
        return _print_tar(folder.files())
    target = lxc_folder.place(os.environ, access.context)
    lxc_folder.put(target, folder)
    if common.json:
        show_json({"context": folder.name, "file": str(target), "server": folder.address, "current": False})
    else:
        print(f"The remote {plain(folder.name)} of lxc is in {plain(target)} ({plain(folder.address)}).")
        print(f"Next: LXD_CONF={shlex.quote(str(target))} lxc cluster list")
    return 0


def _print_tar(files: Mapping[str, bytes]) -> int:
    from .archive import tar_of

    if sys.stdout.isatty():
        raise Usage("A tar is nothing for a terminal.", hint="Write `--stdout > FILE`.")
    sys.stdout.buffer.write(tar_of(files))
    return 0


def _docker_context(access: _Access) -> DockerContext:
    from .docker_context import DockerContext

    return DockerContext(access.context, access.address, access.uuid, *_pems(access))


def _pems(access: _Access) -> tuple[str, str, str]:
    if access.ca_pem is None or access.cert_pem is None or access.key_pem is None:
        raise Usage(f"Cluster {access.name} has no TLS.", hint=f"Its API is at {access.address}.")
    return access.ca_pem, access.cert_pem, access.key_pem


def _signed(client: Client, uuid: str) -> tuple[str, str]:
    from .credentials import new_admin_key

    pair = new_admin_key()
    answer = client.post("v1/certificates", {"cluster_uuid": uuid, "csr": pair.csr_pem}, needs="pem")
    cert = str(answer.document["pem"])
    pair.check(cert)
    return cert, pair.key_pem


def _print(text: str, common: Common) -> None:
    if not common.json:
        print(text, end="")
        return
    import yaml

    document: Any = yaml.safe_load(text)
    show_json(document)


def _tell(entry: Entry, path: Path, namespace: str) -> None:
    where = f"namespace {plain(namespace)}, " if namespace else ""
    print(f"Context {plain(entry.name)} is in {plain(path)} ({where}{plain(entry.server)}).")
    option = "" if entry.current else f" --context {shlex.quote(entry.name)}"
    print(f"Next: kubectl{option} get nodes")
