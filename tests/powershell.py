"""PowerShell as far as it can be read without running it: by its grammar, and by the names that a script uses."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_powershell.language()))
_AUTOMATIC = frozenset({"_", "args", "false", "lastexitcode", "null", "true"})  # Source: about_Automatic_Variables
_PREFERENCES = frozenset({"erroractionpreference", "progresspreference"})


def faults(script: str) -> list[str]:
    """Where the text is no PowerShell, line and what stands there; empty when it is."""
    tree = _PARSER.parse(script.encode())
    return [f"line {node.start_point[0] + 1}: {_text(node)[:60]}" for node in _walk(tree.root_node) if _is_wrong(node)]


def commands(script: str) -> set[str]:
    """Cmdlets and functions that it calls; not programs by their paths."""
    return {_text(node) for node in _of(script, "command_name")}


def functions(script: str) -> set[str]:
    """Those that it defines."""
    return {_text(node) for node in _of(script, "function_name")}


def unknown_variables(script: str) -> set[str]:
    """Names that are read, and never set in it: each is a typing error."""
    names = {_text(node).lower() for node in _of(script, "variable")}
    plain = {
        name.lstrip("$").removeprefix("script:").strip("{}")
        for name in names
        if not name.startswith(("$env:", "${env:"))
    }
    return plain - _set(script) - _AUTOMATIC - _PREFERENCES


def _set(script: str) -> set[str]:
    found = set()
    for kind in ("left_assignment_expression", "script_parameter", "foreach_statement"):
        for node in _of(script, kind):
            inside = [one for one in _walk(node) if one.type == "variable"]
            some = inside if kind == "left_assignment_expression" else inside[:1]
            found |= {_text(one).lower().lstrip("$").removeprefix("script:") for one in some}
    return found


def _of(script: str, kind: str) -> Iterator[Node]:
    return (node for node in _walk(_PARSER.parse(script.encode()).root_node) if node.type == kind)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _is_wrong(node: Node) -> bool:
    return node.type == "ERROR" or node.is_missing


def _text(node: Node) -> str:
    return (node.text or b"").decode()
