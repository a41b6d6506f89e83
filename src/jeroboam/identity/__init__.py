"""Who is calling: one module for each way to tell. Chosen by name in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..contracts import Identity
from ..domain.errors import ConfigError
from .basic import BasicIdentity
from .keystone import KeystoneIdentity
from .none import NoneIdentity
from .trusted_headers import TrustedHeadersIdentity

_MODES: dict[str, Callable[[Mapping[str, str]], Identity]] = {
    "none": NoneIdentity.from_settings,
    "basic": BasicIdentity.from_settings,
    "keystone": KeystoneIdentity.from_settings,
    "trusted_headers": TrustedHeadersIdentity.from_settings,
}
_NEEDS = {"keystone": "keystonemiddleware"}  # packages of the extra `openstack`, imported when chosen


def modes() -> Mapping[str, str | None]:
    """Every mode, with the Python module that it needs beside this package."""
    return {name: _NEEDS.get(name) for name in sorted(_MODES)}


def create(mode: str, settings: Mapping[str, str]) -> Identity:
    """The identity of this mode, built from its own section of the configuration. Raises ConfigError."""
    if mode not in _MODES:
        raise ConfigError(f"[identity] mode: {mode!r} is not known.", hint=f"Modes are: {', '.join(sorted(_MODES))}.")
    return _MODES[mode](settings)


__all__ = ["BasicIdentity", "KeystoneIdentity", "NoneIdentity", "TrustedHeadersIdentity", "create", "modes"]
