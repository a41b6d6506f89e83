"""The lines of the service's configuration that go with a registration, and the password that such a file holds."""

from __future__ import annotations

import configparser
import io
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from ...domain.errors import ConfigError
from ...domain.secret import Secret

VARIABLE = "JEROBOAM_KEYSTONE_AUTHTOKEN__PASSWORD"
_SECTION = "keystone_authtoken"
_BYTES = 32


def given_password(environ: Mapping[str, str], ini: Path | None) -> Secret | None:
    """From the variable, else from a file that is there; None when neither tells one. Raises ConfigError."""
    text, source = environ.get(VARIABLE, ""), f"the variable {VARIABLE}"
    if not text and ini is not None and ini.exists():
        text, source = _written(ini), f"{ini}: [{_SECTION}] password"
    if text and (not text.isprintable() or text != text.strip()):
        raise ConfigError(f"{source} does not fit on a line: no line ends, no spaces around it.")
    return Secret(text.encode()) if text else None


def new_password() -> Secret:
    """256 bits of chance."""
    return Secret(secrets.token_urlsafe(_BYTES).encode())


def render(groups: Mapping[str, Mapping[str, str]], password: Secret | None, *, instead: str) -> str:
    """The groups as a file. Without a password there is a comment in its place."""
    out = io.StringIO()
    for group, options in groups.items():
        out.write(f"[{group}]\n")
        for name, value in options.items():
            out.write(f"{name} = {value}\n")
        if group == _SECTION:
            shown = f"password = {password.reveal().decode()}" if password else f"# password: {instead}"
            out.write(f"{shown}\n")
        out.write("\n")
    return out.getvalue().removesuffix("\n")


def write_new(file: Path, text: str) -> None:
    """Mode 0600 from birth; never over another file. Raises ConfigError."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise ConfigError(f"--ini: {file} cannot be written: {error.strerror}.") from error


def _written(file: Path) -> str:
    parser = configparser.ConfigParser(interpolation=None, default_section="\0", strict=False)
    try:
        parser.read_string(file.read_text(encoding="utf-8-sig"), source=str(file))
    except OSError as error:
        raise ConfigError(f"--ini: {file} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, configparser.Error) as error:
        raise ConfigError(f"--ini: {file} is no configuration of this service.", hint="Name another file.") from error
    return parser.get(_SECTION, "password", fallback="")
