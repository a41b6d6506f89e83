"""`jeroboam cluster config`: credentials of a cluster, merged into the kubeconfig that kubectl reads."""

from __future__ import annotations

import os
import shlex
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
    """Put access to a cluster into your kubeconfig, as a context of its own.

    Makes a key on this machine and has the service sign its certificate.
    Other contexts, namespaces, unknown keys and comments in the file stay.
    Comments and layout are lost only where a file cannot be changed entry by
    entry, such as one with YAML anchors. Run it again to renew the credentials.

    Examples:

    jeroboam cluster config demo

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
        Print a kubeconfig instead of merging.
    no_current
        Leave the current context as it is.
    overwrite
        Replace an entry of that name even if it is not Jeroboam's.
    """
    if stdout and file is not None:
        raise Usage("--stdout and --file exclude each other.", hint="Drop one of them.")
    from . import kubeconfig, kubeconfig_file

    with common.client() as client:
        entry = _entry(client, client.cluster(cluster), context, current=not no_current)
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


def _entry(client: Client, cluster: Json, context: str | None, *, current: bool) -> Entry:
    from .kubeconfig import Entry

    uuid, name = str(cluster["uuid"]), str(cluster.get("name"))
    template = client.template(str(cluster["cluster_template_id"]))
    if template.get("coe") != "kubernetes":
        raise Usage(f"Cluster {name} runs {template.get('coe')}, which has no kubeconfig.")
    if not cluster.get("api_address"):
        raise CliError(
            f"Cluster {name} has no API address; its status is {cluster.get('status')}.",
            hint=f"Wait for it with `jeroboam cluster watch {shlex.quote(name)}`.",
        )
    if context == "":
        raise Usage("--context '' is no name.", hint="Give a name, or leave it out for the cluster's.")
    server = str(cluster["api_address"])
    if template.get("tls_disabled"):
        return Entry(context or name, server, uuid, current=current)
    ca = client.get(f"v1/certificates/{segment(uuid)}").get("pem")
    cert, key = _signed(client, uuid)
    return Entry(context or name, server, uuid, str(ca), cert, key, current)


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
