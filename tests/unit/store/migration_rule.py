"""What a revision that expands may not do, told from its source: programs of before must be able to serve on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_TAKES_AWAY = {"drop_table", "drop_column", "drop_constraint", "rename_table"}
_NARROWS = {"create_unique_constraint", "create_check_constraint", "create_foreign_key", "create_exclude_constraint"}
_UNSAFE_SQL = re.compile(r"\b(drop|rename|alter|delete|truncate|set\s+not\s+null)\b", re.IGNORECASE)


def problems(source: str) -> list[str]:
    """One sentence each; none of a revision that contracts and says so, nor of one that expands indeed."""
    tree = ast.parse(source)
    if "contract" in {name for name, _ in assigned(tree)}:
        return []
    new = {_text(call.args[0]) for call in _calls(tree) if _name(call) == "create_table"}
    return [f"line {call.lineno}: {why}" for call in _calls(tree) if (why := _problem(call, new))]


def assigned(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names of the module and the texts they are set to."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                yield from ((_ident(name), _text(value)) for name, value in zip(names, values, strict=True))


def _problem(call: ast.Call, new: set[str]) -> str:
    name = _name(call)
    if name in _TAKES_AWAY:
        return f"{name} takes away what older programs use"
    if name == "add_column":
        return _of_column(call)
    if name == "alter_column":
        return _of_alteration(call)
    if name == "execute":
        return _of_sql(call)
    narrows = name in _NARROWS or (name == "create_index" and _is(_keyword(call, "unique"), value=True))
    if narrows and _table(call, name) not in new:
        return f"{name} refuses rows that older programs write"
    return ""


def _of_column(call: ast.Call) -> str:
    for column in (arg for arg in call.args if isinstance(arg, ast.Call)):
        if _is(_keyword(column, "nullable"), value=False) and _keyword(column, "server_default") is None:
            return "a column that is NOT NULL and has no server_default, which older programs do not fill"
    return ""


def _of_alteration(call: ast.Call) -> str:
    for word in ("new_column_name", "type_"):
        if _keyword(call, word) is not None:
            return f"alter_column with {word} changes what older programs use"
    if _is(_keyword(call, "nullable"), value=False):
        return "alter_column to NOT NULL refuses rows that older programs write"
    return ""


def _of_sql(call: ast.Call) -> str:
    texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if not texts:
        return "SQL that is not written out cannot be judged"
    found = _UNSAFE_SQL.search(" ".join(texts))
    return f"SQL with {found.group(0).upper()} takes away what older programs use" if found else ""


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _table(call: ast.Call, name: str) -> str:
    """Its second argument, behind the name of the index or constraint."""
    return _text(call.args[1]) if len(call.args) > 1 else ""


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)


def _is(node: ast.expr | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _ident(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""
