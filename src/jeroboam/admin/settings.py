"""Configuration for the commands of this machine: file, environment, and the command line's own options."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .. import config, plugins
from ..config import Config, Override


def load(file: Path | None = None, overrides: Sequence[Override] = ()) -> Config:
    """Raises ConfigError naming where a wrong value came from."""
    groups = plugins.installed().settings_groups
    return config.read(file, os.environ, plugin_groups=groups, overrides=overrides)


def given(group: str, option: str, value: object, flag: str) -> list[Override]:
    """What a flag says, if it was given."""
    return [] if value is None else [Override(group, option, str(value), flag)]


def show_sample() -> None:
    """Print a configuration file with every option, its meaning and its default."""
    print(config.sample(), end="")
