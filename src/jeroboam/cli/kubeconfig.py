"""A cluster's entry in a kubeconfig: text in, text out, nothing else in it changed.

What must come out is decided on the YAML tree. The new pieces are then cut into the text, so that comments and layout of the rest stay;
the result counts only if it reads as exactly that tree. Where it cannot (flow style, anchors across entries) the tree is
written out whole: every value stays, comments go. Source of the format: client-go, tools/clientcmd/api/v1/types.go.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from . import yaml_tree as tree
from .errors import Usage
from .kubeconfig_text import SECTIONS, splice

MARK = "jeroboam"  # name of the extension that tells our clusters from others
_CLUSTER_GOES = ("certificate-authority", "insecure-skip-tls-verify")
_USER_STAYS = ("extensions",)


@dataclass(frozen=True)
class Entry:
    """One cluster as a kubeconfig shows it; cluster, user and context bear the same `name`. No CA and no key: TLS is off."""

    name: str
    server: str
    cluster_uuid: str
    ca_pem: str | None = None
    cert_pem: str | None = None
    key_pem: str | None = field(default=None, repr=False)
    current: bool = True


def document(entry: Entry) -> str:
    """A kubeconfig with this entry alone."""
    return merge("", entry)


def merge(text: str, entry: Entry, *, overwrite: bool = False) -> str:
    """`text` with the entry added or renewed; a context that is there keeps its namespace, a cluster its proxy.

    Raises Usage when `text` is no kubeconfig, or (unless `overwrite`) has an entry of that name that is not this cluster's.
    """
    root, wanted = parse(text), parse(text)
    if root is None or wanted is None:
        return _first(text, entry)
    if not overwrite:
        _refuse_foreign(root, entry)
    _apply(wanted, entry)
    spliced = splice(text, root, wanted, entry.name)
    return spliced if spliced is not None else tree.write(wanted)


def _first(comments: str, entry: Entry) -> str:
    root = tree.mapping(("apiVersion", tree.scalar("v1")), ("kind", tree.scalar("Config")))
    _apply(root, entry)
    text = tree.write(root)
    below = f"{comments.rstrip()}\n{text}" if comments.strip() else text
    try:
        return below if tree.same(tree.compose(below), root) else text
    except yaml.YAMLError:
        return text


def parse(text: str) -> MappingNode | None:
    """The tree of a kubeconfig, None when there is nothing but comments. Raises Usage for anything else; never quotes `text`."""
    try:
        root = tree.compose(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise Usage(f"not valid YAML{f' (line {mark.line + 1})' if mark else ''}") from None
    if root is None:
        return None
    if not isinstance(root, MappingNode):
        raise Usage("not a mapping, as a kubeconfig is")
    for key, right in (("kind", "Config"), ("apiVersion", "v1")):
        node = tree.get(root, key)
        if node is not None and not (isinstance(node, ScalarNode) and node.value == right):
            raise Usage(f"its `{key}` is not {right}")
    for section in SECTIONS:
        _check_section(root, section)
    return root


def context_namespace(text: str, name: str) -> str:
    """The namespace of a context, "" when it has none."""
    root = parse(text)
    context = tree.body(root, "contexts", name) if root else None
    node = tree.get(context, "namespace") if context else None
    return node.value if isinstance(node, ScalarNode) else ""


def _check_section(root: MappingNode, section: str) -> None:
    node = tree.get(root, section)
    if node is None or tree.is_null(node):
        return
    if not isinstance(node, SequenceNode):
        raise Usage(f"its `{section}` is not a list")
    for item in node.value:
        body = tree.get(item, section[:-1]) if isinstance(item, MappingNode) else None
        name = tree.get(item, "name") if isinstance(item, MappingNode) else None
        if not isinstance(name, ScalarNode) or not (
            body is None or tree.is_null(body) or isinstance(body, MappingNode)
        ):
            raise Usage(f"an entry of its `{section}` is not `name` and `{section[:-1]}`")


def _refuse_foreign(root: MappingNode, entry: Entry) -> None:
    cluster, context = tree.body(root, "clusters", entry.name), tree.body(root, "contexts", entry.name)
    foreign, marked = "", marked_uuid(cluster) if cluster is not None else None
    if marked not in (None, "", entry.cluster_uuid):
        raise Usage(
            f"its entry {entry.name!r} is that of another cluster, {marked}",
            hint="Choose another name with --context NAME, or replace the entry with --overwrite.",
        )
    if cluster is not None:
        if marked is None and tree.text_of(cluster, "server") not in ("", entry.server):
            foreign = "cluster"
    elif tree.item(root, "users", entry.name) is not None:
        foreign = "user"
    if context is not None and tree.text_of(context, "cluster") not in ("", entry.name):
        foreign = "context"
    if foreign:
        raise Usage(
            f"it has a {foreign} {entry.name!r} that is not Jeroboam's",
            hint="Choose another name with --context NAME, or replace the entry with --overwrite.",
        )


def marked_uuid(cluster: MappingNode) -> str | None:
    """The uuid that we wrote beside a cluster, "" when somebody took it out; None: the entry is not ours."""
    extensions = tree.get(cluster, "extensions")
    for item in extensions.value if isinstance(extensions, SequenceNode) else []:
        if isinstance(item, MappingNode) and tree.text_of(item, "name") == MARK:
            body = tree.get(item, "extension")
            return tree.text_of(body, "cluster-uuid") if isinstance(body, MappingNode) else ""
    return None


def _apply(root: MappingNode, entry: Entry) -> None:
    """Bring the tree to what is wanted."""
    for section in SECTIONS:
        sequence = tree.get(root, section)
        if not isinstance(sequence, SequenceNode):
            sequence = tree.sequence()
            tree.put(root, section, sequence)
        item = tree.item(root, section, entry.name)
        if item is None:
            item = tree.mapping(("name", tree.scalar(entry.name)))
            sequence.flow_style = sequence.flow_style if sequence.value else False
            sequence.value.append(item)
        body = tree.get(item, section[:-1])
        if not isinstance(body, MappingNode):
            body = tree.mapping()
            tree.put(item, section[:-1], body)
        _fill(section, body, entry)
    if entry.current:
        tree.put(root, "current-context", tree.scalar(entry.name))


def _fill(section: str, body: MappingNode, entry: Entry) -> None:
    if section == "clusters":
        tree.drop(body, _CLUSTER_GOES)
        tree.put(body, "server", tree.scalar(entry.server))
        _set_or_drop(body, "certificate-authority-data", entry.ca_pem)
        _set_mark(body, entry.cluster_uuid)
    elif section == "users":
        data = ("client-certificate-data", "client-key-data")
        tree.drop(body, [key for key in tree.keys(body) if key not in (*_USER_STAYS, *data)])
        _set_or_drop(body, "client-certificate-data", entry.cert_pem)
        _set_or_drop(body, "client-key-data", entry.key_pem)
    else:
        tree.put(body, "cluster", tree.scalar(entry.name))
        tree.put(body, "user", tree.scalar(entry.name))


def _set_mark(cluster: MappingNode, uuid: str) -> None:
    extensions = tree.get(cluster, "extensions")
    if not isinstance(extensions, SequenceNode):
        extensions = tree.sequence()
        tree.put(cluster, "extensions", extensions)
    ours = tree.mapping(("name", tree.scalar(MARK)), ("extension", tree.mapping(("cluster-uuid", tree.scalar(uuid)))))
    others = [e for e in extensions.value if not (isinstance(e, MappingNode) and tree.text_of(e, "name") == MARK)]
    extensions.value[:] = [*others, ours]


def _set_or_drop(body: MappingNode, key: str, pem: str | None) -> None:
    if pem is None:
        tree.drop(body, (key,))
    else:
        tree.put(body, key, tree.scalar(base64.b64encode(pem.encode()).decode()))
