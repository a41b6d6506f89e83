"""What a deletion tells of the things that it took away. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain import Resource

_NAMED = 12  # of a kind, in a sentence; the whole list is in the row's log


def told(gone: Sequence[Resource]) -> str:
    """ "deleted: 1 network (demo-1a2b), 2 volumes (a, b)"."""
    return f"deleted: {counted(gone) or 'nothing was there'}"


def counted(things: Sequence[Resource]) -> str:
    """Kinds, numbers and names; "" for nothing."""
    kinds = sorted({one.kind for one in things})
    return ", ".join(_kind(kind, [one.name for one in things if one.kind == kind]) for kind in kinds)


def listed(things: Sequence[Resource]) -> str:
    """A line each: kind, name and the provider's id where it is another."""
    return "\n".join(sorted(line(one) for one in things))


def line(one: Resource) -> str:
    """ "network demo-1a2b (id 0f3c)"."""
    ident = one.provider_id or ""
    return f"{one.kind} {one.name}" + (f" (id {ident})" if ident not in ("", one.name) else "")


def _kind(kind: str, names: Sequence[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return f"{len(ordered)} {kind}{'' if len(ordered) == 1 else 's'} ({', '.join(ordered[:_NAMED])}{more})"
