"""Steps of a Windows node's first boot: scripts that lie on the node, and the commands that run them. Pure."""

from __future__ import annotations

from importlib.resources import files

from ..contracts import Command, File

NODE = r"C:\ProgramData\Jeroboam\node"  # closed to all but the system and administrators by what writes it
_RUN = ("powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File")


def script(package: str, name: str) -> File:
    """A script of a driver, in its folder `scripts`."""
    text = files(package).joinpath(f"scripts/{name}.ps1").read_text()
    return File(path_of(name), text.encode())


def step(name: str, *arguments: str, timeout_s: int) -> Command:
    """A run of the script of this name."""
    return Command(name, (*_RUN, path_of(name), *arguments), timeout_s)


def path_of(name: str) -> str:
    return rf"{NODE}\steps\{name}.ps1"


def proxies(http: str | None, https: str | None, no: str | None) -> str:
    """A service's environment, lines of NAME=VALUE with `;` between, "" for none."""
    pairs = {"HTTP_PROXY": http, "HTTPS_PROXY": https, "NO_PROXY": no}
    return ";".join(f"{name}={value}" for name, value in pairs.items() if value)
