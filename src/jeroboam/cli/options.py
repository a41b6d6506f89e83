"""Options that every command has, and the frame around each command: errors become one sentence and an exit code."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

from cyclopts import Group, Parameter

from .errors import CliError, Interrupted, Usage

if TYPE_CHECKING:
    from .client import Client

P = ParamSpec("P")
SERVICE = Group("Service and output", sort_key=100)


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """How to reach the service and what to print."""

    url: Annotated[
        str | None,
        Parameter(
            group=SERVICE, show_default=False, help="Address of the service. [env: JEROBOAM_URL; else this machine]"
        ),
    ] = None
    os_cloud: Annotated[
        str | None,
        Parameter(
            group=SERVICE, show_default=False, help="Cloud of clouds.yaml that names address and user. [env: OS_CLOUD]"
        ),
    ] = None
    json: Annotated[
        bool,
        Parameter(group=SERVICE, negative="", show_default=False, help="Print JSON, errors too (those on stderr)."),
    ] = False
    verbose: Annotated[
        bool,
        Parameter(
            name=("--verbose", "-v"),
            group=SERVICE,
            negative="",
            show_default=False,
            help="Show each request on stderr.",
        ),
    ] = False

    def client(self) -> Client:
        """A client of the service that options and environment name. Raises Usage."""
        from .address import find
        from .client import Client

        return Client(find(self.url, self.os_cloud, os.environ, Path.cwd()), verbose=self.verbose)


DEFAULTS = Common()


def framed(command: Callable[P, int]) -> Callable[P, int]:
    """The command with its errors shown: a sentence and the next move, or JSON, on stderr; the exit code is the error's."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        common = kwargs.get("common", DEFAULTS)
        try:
            return command(*args, **kwargs)
        except CliError as error:
            show_error(error, as_json=isinstance(common, Common) and common.json)
            return error.exit_code
        except BrokenPipeError:  # `... | head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    return run


def show_error(error: CliError, *, as_json: bool) -> None:
    """On stderr, for a person or a program."""
    from .output import plain

    if as_json:
        body = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code, **error.details}
        print(json.dumps({"error": body}, ensure_ascii=False), file=sys.stderr)
        return
    start = "" if isinstance(error, Interrupted) else "Error: "  # Ctrl-C is no error; what was asked goes on
    print(f"{start}{plain(error.message)}", file=sys.stderr)
    if error.hint:
        print(f"{' ' * len(start)}{plain(error.hint)}", file=sys.stderr)


def usage_error(error: Exception) -> object:
    """What cyclopts shows for a wrong command line; JSON when that was asked for."""
    message = " ".join(str(error).split())
    if "--json" in sys.argv:
        print(json.dumps({"error": {"message": message, "hint": "", "exit_code": 2}}), file=sys.stderr)
        raise SystemExit(2)
    from rich.text import Text

    return Text(f"Error: {message}\n       The same command with --help shows what it takes.")


def pairs(texts: Iterable[str], option: str, example: str = "kube_tag=v1.34.4") -> dict[str, str]:
    """`K=V` texts as a mapping. Raises Usage, naming the option and the text."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise Usage(f"{option} {text!r} is not KEY=VALUE.", hint=f"Write for example {option} {example}.")
        if key.strip() in found:
            raise Usage(f"{option} {key.strip()} is given twice.", hint="Keep one of them.")
        found[key.strip()] = value
    return found


def given(**fields: object) -> dict[str, object]:
    """Only the fields that were given: the service has its own defaults for the others."""
    return {name: value for name, value in fields.items() if value is not None and value != {}}
