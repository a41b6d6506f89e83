"""A plug-in's own group of the configuration."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from ..domain.errors import ConfigError


def refuse_unknown(group: str, settings: Mapping[str, str], known: Collection[str] = ()) -> None:
    """Raises ConfigError for the first option that does not exist, naming the nearest that does."""
    unknown = sorted(set(settings) - set(known))
    if not unknown:
        return
    near = get_close_matches(unknown[0], sorted(known), n=1)
    nearest = f"The nearest is `{near[0]}`. " if near else ""
    options = f"Options are: {', '.join(sorted(known))}." if known else "There are no options."
    raise ConfigError(f"[{group}] {unknown[0]} is not an option.", hint=nearest + options)
