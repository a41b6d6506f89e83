"""`jeroboam doctor`: what this machine can and cannot do for a service, each line with the cure."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .. import main
from ..config import Config
from ..domain.errors import JeroboamError
from ..providers.docker import Finding, inspect_host, read_settings
from . import settings

_ASK_S = 3.0
_MIN_PYTHON = (3, 11)
_MIN_DATA_GIB = 1
_PIPE_COLUMNS = 160
_MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]FAIL[/]"}


def doctor(
    *,
    config: Annotated[Path | None, Parameter(help="Look at what this configuration file asks for.")] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of a table.")] = False,
) -> None:
    """Look at this machine and say what is missing, with the cure. The exit code is 1 when something fails."""
    loaded = settings.load(config)
    found = [*own_findings(loaded, main.locate(loaded, os.environ)), *asyncio.run(_docker(loaded))]
    if as_json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        _table(found)
    if any(finding.level == "fail" for finding in found):
        raise SystemExit(1)


def own_findings(config: Config, folder: main.DataFolder) -> Iterator[Finding]:
    """What is to be known besides Docker."""
    yield _python()
    yield _port(config.api.host, config.api.port)
    yield from _folder(folder.path)
    yield _program(
        "go", ("version",), "Install Go (only to build node images where the release sites are out of reach)."
    )
    yield _program("kubectl", (), "Install kubectl to use clusters from here; nodes have one of their own.")


async def _docker(config: Config) -> list[Finding]:
    try:
        return await inspect_host(read_settings(config.plugins.get("docker", {})).url)
    except JeroboamError as error:
        return [Finding("docker", "fail", error.message, error.hint)]


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < _MIN_PYTHON:
        return Finding("python", "fail", version, "Use Python 3.11 or newer.")
    return Finding("python", "ok", version)


def _port(host: str, port: int) -> Finding:
    """Free, ours, or somebody else's."""
    where = f"{host}:{port}"
    try:
        socket.create_connection((host, port), timeout=_ASK_S).close()
    except ConnectionRefusedError:
        return Finding("port", "ok", f"{where} is free")
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be one
        return Finding("port", "warn", f"{where}: {error}", "[api] host must be an address of this machine.")
    if _answers(host, port):
        return Finding("port", "ok", f"a service answers at {where}")
    holder = main.find_holder(port) or "another program"
    return Finding("port", "fail", f"{where} is held by {holder}", f"Stop it, or use `jeroboam up --port {port + 1}`.")


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_ASK_S)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status < 500 and b'"versions"' in answer.read(65536)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _folder(path: Path) -> Iterator[Finding]:
    """The data folder, or the nearest folder above it that is there."""
    try:
        there = next(folder for folder in (path, *path.parents) if folder.exists())
    except OSError as error:  # a folder above it is closed to us, or its name cannot be one
        yield Finding("data folder", "fail", f"{path}: {error.strerror}", "Choose another with --data.")
        return
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding("data folder", "fail", f"{there} cannot be written to", "Choose another with --data.")
        return
    yield Finding("data folder", "ok", str(path) if there == path else f"{path} (will be made)")
    free = shutil.disk_usage(there).free / 2**30
    if free < _MIN_DATA_GIB:
        yield Finding("data disk", "warn", f"{free:.1f} GiB free at {there}", f"Have {_MIN_DATA_GIB} GiB free.")
    else:
        yield Finding("data disk", "ok", f"{free:.1f} GiB free at {there}")


def _program(name: str, arguments: tuple[str, ...], cure: str) -> Finding:
    place = shutil.which(name)
    if place is None:
        return Finding(name, "warn", "not installed", cure)
    if not arguments:
        return Finding(name, "ok", place)
    try:
        said = subprocess.run([place, *arguments], capture_output=True, text=True, timeout=_ASK_S, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(name, "warn", f"{place} does not run: {error}", cure)
    return Finding(name, "ok", said.strip())


def _table(found: list[Finding]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for title in ("", "what", "found", "cure"):
        table.add_column(title, overflow="fold")
    for one in found:
        table.add_row(_MARKS[one.level], escape(one.name), escape(one.value), escape(one.cure))
    failed = any(finding.level == "fail" for finding in found)
    console = Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS)
    console.print(table)
    console.print("Clusters cannot be made here yet." if failed else "Clusters can be made here.")
