"""Labels of a thing and of its parent: how they are joined, and what the difference is called."""

from __future__ import annotations

from typing import NamedTuple

from ..domain import Labels


class Difference(NamedTuple):
    """`overridden` shows the parent's values of keys that differ, `added` the own ones, `skipped` the parent's that are missing."""

    overridden: Labels
    added: Labels
    skipped: Labels


def joined(parent: Labels, given: Labels | None, *, merge: bool) -> Labels:
    """None or none given: the parent's. Given: exactly these, or with `merge` the parent's overlaid by them."""
    if not given:
        return dict(parent)
    return {**parent, **given} if merge else dict(given)


def compare(parent: Labels, own: Labels) -> Difference:
    """What became of the parent's labels."""
    return Difference(
        overridden={key: value for key, value in parent.items() if key in own and own[key] != value},
        added={key: value for key, value in own.items() if key not in parent},
        skipped={key: value for key, value in parent.items() if key not in own},
    )
