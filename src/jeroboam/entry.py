"""The console script `jeroboam`: joins the commands, and turns every error into a sentence. Heavy parts load when they are used."""

from __future__ import annotations

import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__

if TYPE_CHECKING:
    from cyclopts import App

_INTERRUPTED = 130


def build_app() -> App:
    """All commands. Those of the public API come from the package `cli`, which knows nothing of the service."""
    from cyclopts import App  # here, so that Ctrl-C while it loads ends in `main`

    app = App(
        name="jeroboam",
        version=__version__,
        help="Kubernetes, Docker Swarm and LXD clusters for tenants, through the OpenStack Magnum API.",
        help_format="plaintext",  # Markdown would cost 0.1 s of imports
    )
    app.command("jeroboam.admin.up:up", name="up", help="Run the service on this machine.")
    app.command("jeroboam.admin.serve:serve", name="serve", help="Run the service from a configuration file.")
    app.command(
        "jeroboam.admin.doctor:doctor", name="doctor", help="What this machine can and cannot do, with the cure."
    )
    app.command("jeroboam.admin.plugin_list:show_plugins", name="plugins", help="Plug-ins, and why one cannot be used.")
    config = App(name="config", help="The service's configuration.")
    config.command("jeroboam.admin.settings:show_sample", name="sample", help="Print every option with its meaning.")
    app.command(config)
    database = App(name="db", help="The database's schema.")
    database.command("jeroboam.admin.database:show_status", name="status", help="Its schema, and what is pending.")
    database.command("jeroboam.admin.database:upgrade", name="upgrade", help="Bring the schema up to date.")
    app.command(database)
    _join(app)
    app.command(_show_version, name="version", help="The version of this program.")
    app.register_install_completion_command(help="Install completion for this shell.")
    return app


def _show_version() -> None:
    sys.stdout.write(f"{__version__}\n")


def _join(app: App) -> None:
    """The commands of the other packages."""
    from .cli import build_app as build_cli
    from .cli.options import usage_error

    app.error_formatter = usage_error
    public = build_cli()
    for name in (
        "cluster",
        "template",
        "nodegroup",
        "flavor",
        "operation",
        "run",
        "ps",
        "logs",
        "exec",
        "stop",
        "orphans",
    ):
        app.command(public[name], name=name)
    app.command("jeroboam.entry:image", name="image", help="Node images; `load`: an image of yours onto a cluster.")
    app.command(
        "jeroboam.entry:demo", name="demo", help="The main job on this machine, from nothing; `demo clean` ends it."
    )
    app.command("jeroboam.entry:openstack", name="openstack", help="What an operator does once on an OpenStack cloud.")


def __getattr__(name: str) -> App:
    """`image`, `demo` and `openstack` are built when they are asked for: their imports would take a tenth of the time of `--help`."""
    if name == "image":
        from .admin.image import build_app as build_image

        return build_image()
    if name == "demo":
        from .admin.demo import build_app as build_demo

        return build_demo()
    if name == "openstack":
        from .admin.openstack import build_app as build_openstack

        return build_openstack()
    raise AttributeError(name)


def main() -> None:
    """Never a traceback: what is ours is one sentence and the next move; what is not is written to a file that is named."""
    try:
        build_app()()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last resort of the process
        _say(_sentence(error))
        sys.exit(1)


def _sentence(error: Exception) -> str:
    from .domain.errors import JeroboamError  # not needed when all goes well

    if isinstance(error, JeroboamError):
        return f"{error.message} {error.hint}".strip()
    what = f"{type(error).__name__}: {_first_line(error)}".removesuffix(": ")
    return f"an error of Jeroboam's own: {what}. The trace is in {_write_trace(error)}."


def _say(text: str) -> None:
    sys.stderr.write(f"jeroboam: {text}\n")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")[:200].removesuffix(".")


def _write_trace(error: Exception) -> str:
    """$XDG_STATE_HOME/jeroboam, else the temporary folder. Source: XDG Base Directory Specification 0.8."""
    import tempfile

    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    name = f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    text = "".join(traceback.format_exception(error))
    for folder in (base / "jeroboam", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            continue
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        return str(folder / name)
    return "no file, since none could be written"


if __name__ == "__main__":
    main()
