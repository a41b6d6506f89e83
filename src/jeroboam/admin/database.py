"""`jeroboam db`: which schema the database has, and bringing it up to date while older processes serve on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .. import main
from ..main import logs
from ..store.database import is_made, patient_engine
from ..store.migration import Migration
from ..store.schema import Chain, Revision, Schema
from ..store.trouble import translated
from . import settings
from .outcome import framed

ConfigFile = Annotated[Path | None, Parameter(help="The configuration file of the service.")]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]


def show_status(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the database's schema and what this program would change. The exit code is 1 while this program cannot serve with it.

    Example: jeroboam db status --config jeroboam.conf
    """
    chain, folder = Chain(), main.locate(settings.load(config), os.environ)
    found = Schema()

    async def look(migration: Migration) -> None:
        nonlocal found
        found = await migration.schema()

    code = _with_migration(folder, look, chain, as_json=as_json) if is_made(folder.database) else 0
    if code == 0:
        _print_status(main.place(folder.database), found, chain, as_json=as_json)
        code = 0 if chain.serves(found) else 1
    raise SystemExit(code)


def upgrade(
    *,
    config: ConfigFile = None,
    contract: Annotated[
        bool, Parameter(negative="", help="Also take away what only older programs use: none of them runs any more.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the database's schema up to date. Processes of the release before serve on meanwhile.

    Example: jeroboam db upgrade --config jeroboam.conf
    """
    logs.configure("info", "text")  # each revision is told as it is applied
    raise SystemExit(bring_up(main.locate(settings.load(config), os.environ), contract=contract, as_json=as_json))


def bring_up(folder: main.DataFolder, *, contract: bool = False, as_json: bool = False) -> int:
    """Apply what is pending and tell it; the exit code."""
    chain = Chain()
    applied: list[Revision] = []
    left = Schema()

    async def work(migration: Migration) -> None:
        nonlocal left
        applied.extend(await migration.run(contract=contract))
        left = await migration.check()

    code = _with_migration(folder, work, chain, as_json=as_json)
    if as_json and code == 0:
        print(json.dumps({"schema": left.revision, "applied": [_shown(one) for one in applied]}))
    elif code == 0:
        print(f"schema    {left.revision}")
        for one in chain.pending(left):
            print(f"waits     {_line(one)}; `--contract` applies it when no older program runs any more")
    return code


def _with_migration(
    folder: main.DataFolder, work: Callable[[Migration], Awaitable[None]], chain: Chain, *, as_json: bool
) -> int:
    """The exit code."""

    async def run() -> None:
        engine = patient_engine(folder.database)
        try:
            with translated():
                await work(Migration(engine, chain))
        finally:
            await engine.dispose()

    return framed(lambda: asyncio.run(run()), kept="The schema is whole; run it again.", as_json=as_json)


def _print_status(where: str, found: Schema, chain: Chain, *, as_json: bool) -> None:
    pending = chain.pending(found)
    if as_json:
        told = {"database": where, "schema": found.revision, "floor": found.floor, "program": chain.head}
        serves = {"needs": chain.needs, "serves": chain.serves(found)}
        print(json.dumps({**told, **serves, "pending": [_shown(one) for one in pending]}))
        return
    print(f"database  {where}")
    print(
        f"schema    {found.revision or 'none yet'}"
        + (f", serves programs from {found.floor} on" if found.floor else "")
    )
    print(f"program   {chain.head}, needs {chain.needs}: {'serves' if chain.serves(found) else 'cannot serve yet'}")
    for one in pending:
        print(f"pending   {_line(one)}")


def _line(one: Revision) -> str:
    kind = f"contracts, serves programs from {one.contract} on" if one.contract else "expands"
    return f"{one.name} {kind}: {one.title.splitlines()[0]}"


def _shown(one: Revision) -> dict[str, str]:
    return {"revision": one.name, "contract": one.contract, "title": one.title.splitlines()[0]}
