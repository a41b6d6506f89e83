"""A cluster's entries taken out of a kubeconfig: text in, text out, nothing else in it changed.

Ours is what bears the cluster's uuid (see `kubeconfig`). With the cluster's entry go the contexts that lead to it, and the user that was
written with it unless another context still uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from . import yaml_tree as tree
from .kubeconfig import marked_uuid, parse
from .kubeconfig_text import SECTIONS, end_of

_NOTHING = "[]"


@dataclass(frozen=True)
class Removal:
    """The text that is left, the names of the contexts that went (of the cluster, where it had none), and whether the current one
    was among them."""

    text: str
    names: tuple[str, ...]
    was_current: bool


def remove(text: str, cluster_uuid: str) -> Removal | None:
    """None when nothing of this cluster is in it. Raises Usage when `text` is no kubeconfig."""
    root, wanted = parse(text), parse(text)
    if root is None or wanted is None:
        return None
    gone = _gone(root, cluster_uuid)
    if not gone["clusters"]:
        return None
    names = tuple(sorted(gone["contexts"] or gone["clusters"]))
    was_current = tree.text_of(root, "current-context") in gone["contexts"]
    for section in SECTIONS:
        sequence = tree.get(wanted, section)
        if isinstance(sequence, SequenceNode):
            sequence.value[:] = [item for item in sequence.value if tree.text_of(item, "name") not in gone[section]]
    if was_current:
        tree.put(wanted, "current-context", tree.scalar(""))
    cut = _cut(text, root, gone, unset=was_current)
    return Removal(cut if cut is not None and _reads_as(cut, wanted) else tree.write(wanted), names, was_current)


def _gone(root: MappingNode, uuid: str) -> dict[str, set[str]]:
    """The names that go, by section."""
    clusters = {name for name, body in _bodies(root, "clusters") if uuid and marked_uuid(body) == uuid}
    leading = {name: body for name, body in _bodies(root, "contexts") if tree.text_of(body, "cluster") in clusters}
    used = {tree.text_of(body, "user") for name, body in _bodies(root, "contexts") if name not in leading}
    return {"clusters": clusters, "contexts": set(leading), "users": clusters - used}


def _bodies(root: MappingNode, section: str) -> Iterator[tuple[str, MappingNode]]:
    sequence = tree.get(root, section)
    for item in sequence.value if isinstance(sequence, SequenceNode) else []:
        body = tree.get(item, section[:-1])
        if isinstance(body, MappingNode):
            yield tree.text_of(item, "name"), body


def _cut(text: str, root: MappingNode, gone: dict[str, set[str]], *, unset: bool) -> str | None:
    """The text without the lines of what goes; None where an entry does not have lines of its own."""
    edits: list[tuple[int, int, str]] = []
    for key, value in root.value:
        if not isinstance(key, ScalarNode):
            continue
        if key.value in SECTIONS and isinstance(value, SequenceNode):
            going = [item for item in value.value if tree.text_of(item, "name") in gone[key.value]]
            lines = [_lines_of(text, item) for item in going]
            if going and len(going) == len(value.value):
                colon = text.find(":", key.end_mark.index) + 1
                edits.append((colon, colon, f" {_NOTHING}"))
            edits.extend((*span, "") if span else (-1, -1, "") for span in lines)
        elif key.value == "current-context" and unset:
            edits.append((value.start_mark.index, end_of(text, value), '""'))
    out, position = "", 0
    for start, end, piece in sorted(edits):
        if start < position:
            return None
        out += text[position:start] + piece
        position = end
    return out + text[position:]


def _lines_of(text: str, item: Node) -> tuple[int, int] | None:
    """From the line of its dash to the end of its last line; None when something else stands there, too."""
    dash = text.rfind("-", 0, item.start_mark.index)
    start = text.rfind("\n", 0, dash) + 1
    if dash < 0 or text[start:dash].strip() or text[dash + 1 : item.start_mark.index].strip():
        return None
    newline = text.find("\n", end_of(text, item))
    return start, len(text) if newline < 0 else newline + 1


def _reads_as(text: str, wanted: MappingNode) -> bool:
    try:
        return tree.same(tree.compose(text), wanted)
    except yaml.YAMLError:
        return False
