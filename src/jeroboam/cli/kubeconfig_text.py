"""New entries cut into the text of a kubeconfig, so that comments and layout of everything else stay."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from . import yaml_tree as tree

SECTIONS = ("clusters", "users", "contexts")


def splice(text: str, root: MappingNode, wanted: MappingNode, name: str) -> str | None:
    """The text with only the entry's lines changed; None when that does not read as `wanted`."""
    newline = "\r\n" if "\r\n" in text else "\n"
    out, position = "", 0
    for start, end, piece in sorted(_edits(text, root, wanted, name), key=lambda edit: edit[0]):
        if start < position:
            return None
        out += text[position:start] + piece.replace("\n", newline)
        position = end
    out += text[position:]
    try:
        return out if tree.same(tree.compose(out), wanted) else None
    except yaml.YAMLError:
        return None


def _edits(text: str, root: MappingNode, wanted: MappingNode, name: str) -> Iterator[tuple[int, int, str]]:
    tail = ""
    for section in SECTIONS:
        new = tree.item(wanted, section, name)
        old = tree.item(root, section, name)
        sequence = tree.get(root, section)
        if old is not None and tree.same(old, new):
            continue
        if old is not None:
            yield old.start_mark.index, end_of(text, old), _lines(new, old.start_mark.column)
        elif isinstance(sequence, SequenceNode) and sequence.value:
            column, end = sequence.start_mark.column, end_of(text, sequence)
            yield end, end, f"\n{' ' * column}- {_lines(new, column + 2)}"
        elif sequence is not None:
            start = len(text[: sequence.start_mark.index].rstrip(" "))
            yield start, end_of(text, sequence), f"\n- {_lines(new, 2)}"
        else:
            tail += f"{section}:\n- {_lines(new, 2)}\n"
    current, chosen = tree.get(root, "current-context"), tree.get(wanted, "current-context")
    if current is not None and not tree.same(current, chosen):
        start = len(text[: current.start_mark.index].rstrip(" "))
        yield start, end_of(text, current), f" {_lines(chosen, 0)}"
    elif current is None and chosen is not None:
        tail += f"current-context: {_lines(chosen, 0)}\n"
    if tail:
        yield len(text), len(text), tail if text.endswith("\n") else f"\n{tail}"


def end_of(text: str, node: Node) -> int:
    """Where the node's own text ends: PyYAML ends a block collection where the next token begins, comments included."""
    if not isinstance(node, (MappingNode, SequenceNode)) or node.flow_style or not node.value:
        end: int = node.end_mark.index
        return len(text[:end].rstrip()) if isinstance(node, ScalarNode) and node.style in ("|", ">") else end
    last = node.value[-1]
    return end_of(text, last[1] if isinstance(last, tuple) else last)


def _lines(node: Node | None, column: int) -> str:
    text = tree.write(node).rstrip("\n")
    return text.replace("\n", "\n" + " " * column)
