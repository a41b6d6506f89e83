"""Kubeconfig sections as YAML nodes: read and changed without touching how other values are written."""

from __future__ import annotations

from collections.abc import Iterable

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_STR = "tag:yaml.org,2002:str"
_SEQ = "tag:yaml.org,2002:seq"
_MAP = "tag:yaml.org,2002:map"
_NULL = "tag:yaml.org,2002:null"


def compose(text: str) -> Node | None:
    """The tree of one document, with marks into `text`. Raises yaml.YAMLError, RecursionError."""
    node: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    return None if node is not None and is_null(node) else node


def write(node: Node | None) -> str:
    """As text; lines are never folded."""
    text: str = yaml.serialize(node, Dumper=yaml.SafeDumper, width=1 << 30, allow_unicode=True)
    return text.removesuffix("...\n")


def same(a: Node | None, b: Node | None) -> bool:
    """True when both trees hold the same values, whatever they look like."""
    return _same(a, b, set())


def _same(a: Node | None, b: Node | None, seen: set[tuple[int, int]]) -> bool:
    if a is b or (id(a), id(b)) in seen:
        return True
    seen.add((id(a), id(b)))  # aliases may make a tree that is exponentially larger than its text, or a ring
    if a is None or b is None or a.tag != b.tag or type(a) is not type(b):
        return False
    if isinstance(a, ScalarNode):
        return bool(a.value == b.value)
    if len(a.value) != len(b.value):
        return False
    if isinstance(a, MappingNode):
        pairs = zip(a.value, b.value, strict=True)
        return all(_same(x[0], y[0], seen) and _same(x[1], y[1], seen) for x, y in pairs)
    return all(_same(x, y, seen) for x, y in zip(a.value, b.value, strict=True))


def item(root: MappingNode, section: str, name: str) -> MappingNode | None:
    """The entry of this name in `clusters`, `users` or `contexts`."""
    sequence = get(root, section)
    items = sequence.value if isinstance(sequence, SequenceNode) else []
    return next((entry for entry in items if isinstance(entry, MappingNode) and text_of(entry, "name") == name), None)


def body(root: MappingNode, section: str, name: str) -> MappingNode | None:
    """What the entry of this name holds: the mapping under `cluster`, `user` or `context`."""
    entry = item(root, section, name)
    found = get(entry, section[:-1]) if entry is not None else None
    return found if isinstance(found, MappingNode) else None


def keys(node: MappingNode) -> list[str]:
    return [key.value for key, _ in node.value if isinstance(key, ScalarNode)]


def get(node: MappingNode, key: str) -> Node | None:
    return next((value for k, value in node.value if isinstance(k, ScalarNode) and k.value == key), None)


def text_of(node: MappingNode, key: str) -> str:
    """The scalar under `key` as it is written, "" when there is none."""
    value = get(node, key)
    return value.value if isinstance(value, ScalarNode) else ""


def put(node: MappingNode, key: str, value: Node) -> None:
    """Set `key`, in its place or at the end."""
    for index, (k, _) in enumerate(node.value):
        if isinstance(k, ScalarNode) and k.value == key:
            node.value[index] = (k, value)
            return
    node.value.append((scalar(key), value))


def drop(node: MappingNode, gone: Iterable[str]) -> None:
    names = set(gone)
    node.value[:] = [(k, v) for k, v in node.value if not (isinstance(k, ScalarNode) and k.value in names)]


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and bool(node.tag == _NULL)


def scalar(text: str) -> ScalarNode:
    return ScalarNode(_STR, text)


def mapping(*pairs: tuple[str, Node]) -> MappingNode:
    return MappingNode(_MAP, [(scalar(k), v) for k, v in pairs], flow_style=False)


def sequence(*items: Node) -> SequenceNode:
    return SequenceNode(_SEQ, list(items), flow_style=False)
