"""What the values of yes-or-no labels mean, in all the spellings that Magnum takes."""

from __future__ import annotations

YES = frozenset({"1", "t", "true", "on", "y", "yes"})
NO = frozenset({"0", "f", "false", "off", "n", "no"})


def says_yes(value: str) -> bool:
    """Anything else is a no, also what is neither."""
    return value.strip().lower() in YES
