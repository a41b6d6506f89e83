"""Steps of a Windows node's first boot: scripts that lie on the node, and the commands that run them. Pure."""

from __future__ import annotations

from importlib.resources import files

from ..contracts import Command, File
from ..domain import ClusterShape

NODE = r"C:\ProgramData\Jeroboam\node"  # closed to all but the system and administrators by what writes it
PROXIES = rf"{NODE}\proxies"
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


def proxies(shape: ClusterShape) -> tuple[File, ...]:
    """The environment of services, a line of NAME=VALUE each; none where there is nothing to say. A file of its own and no argument of a
    script: an address may hold a password."""
    pairs = {"HTTP_PROXY": shape.http_proxy, "HTTPS_PROXY": shape.https_proxy, "NO_PROXY": shape.no_proxy}
    text = "".join(f"{name}={value}\r\n" for name, value in pairs.items() if value)
    return (File(PROXIES, text.encode(), 0o600),) if text else ()
