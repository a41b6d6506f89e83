"""`jeroboam up`: the whole service on one machine, for its owner alone, with what to type next."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import yaml
from cyclopts import Parameter

from .. import __version__

if TYPE_CHECKING:  # loading the service takes seconds: not before there is a word on the screen
    from .. import main
    from ..config import Config
    from ..contracts import Image

_DEFAULT_URL = "http://127.0.0.1:9511"  # where the command line looks by itself
_CLOUD = "jeroboam"


def up(
    *,
    data: Annotated[Path | None, Parameter(help="The data folder; without it $XDG_DATA_HOME/jeroboam.")] = None,
    host: Annotated[str | None, Parameter(help="Address to listen on; without it 127.0.0.1.")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on; without it 9511.")] = None,
    provider: Annotated[
        str | None, Parameter(help="Where machines come from: docker (without it), or fake, which makes nothing.")
    ] = None,
) -> None:
    """Run the service here: API and conductor, everything in one data folder. Ctrl-C stops it; the next start goes on."""
    if sys.stderr.isatty():  # elsewhere the lines of the log follow in a form for machines
        print(f"Jeroboam {__version__} starts ...", file=sys.stderr, flush=True)
    from .. import main
    from ..main import logs
    from . import settings

    loaded = settings.load(
        overrides=[
            *settings.given("DEFAULT", "state_path", _from_here(data), "--data"),
            *settings.given("api", "host", host, "--host"),
            *settings.given("api", "port", port, "--port"),
            *settings.given("provider", "default", provider, "--provider"),
        ]
    )
    people = loaded.log.format == "text" or (loaded.log.format == "auto" and sys.stderr.isatty())
    logs.configure(loaded.log.level, "text" if people else "json")
    main.run(loaded, main.locate(loaded, os.environ), main.Roles(), _announce)


def _from_here(data: Path | None) -> Path | None:
    """A path on the command line may be relative; a `~` that the shell left alone is the configuration's to expand."""
    return data if data is None or str(data).startswith("~") else data.absolute()


def _announce(ready: main.Ready) -> None:
    from ..main import write_private

    folder = ready.parts.folder
    write_private(folder.clouds, clouds_yaml(ready.parts.config))
    print("\n".join(banner(ready)), flush=True)


def clouds_yaml(config: Config) -> str:
    """A cloud for openstack clients and SDKs; with identity basic its user has to be filled in.

    Source: openstacksdk, "Configuring OpenStack SDK Applications"."""
    endpoint = f"{url(config)}/v1"
    auth, kind = {"endpoint": endpoint}, "none"
    if config.identity.mode == "basic":
        auth, kind = {**auth, "username": "USER", "password": "PASSWORD"}, "http_basic"
    cloud = {"auth_type": kind, "auth": auth, "container_infra_endpoint_override": endpoint}
    return yaml.safe_dump({"clouds": {_CLOUD: cloud}}, sort_keys=False)


def url(config: Config) -> str:
    """Where clients of this machine reach the API."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.api.host, config.api.host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{config.api.port}" if ":" in host else f"http://{host}:{config.api.port}"


def banner(ready: main.Ready) -> Iterator[str]:
    """What is running, how to reach it, and what to type first."""
    parts = ready.parts
    yield f"Jeroboam {__version__} listens on {url(parts.config)}"
    yield f"  data folder {parts.folder.path}, provider {parts.provider.name}, drivers {', '.join(sorted(parts.drivers))}"
    for name, reason in parts.broken_drivers.items():
        yield f"  driver {name} is left out: {reason}"
    for operation in ready.taken_up:
        yield f"  goes on with: {operation.summary or operation.kind} (cluster {operation.cluster_uuid})"
    yield ""
    yield f"For OpenStack clients, in {parts.folder.clouds}:"
    yield from (f"  {line}" for line in clouds_yaml(parts.config).splitlines())
    yield f"  export OS_CLIENT_CONFIG_FILE={parts.folder.clouds} OS_CLOUD={_CLOUD}"
    yield ""
    yield "Try, in another terminal:"
    yield from (
        f"  {command}" for command in first_commands(url(parts.config), ready.images, template=ready.has_template)
    )


def preferred(images: Sequence[Image]) -> str:
    """The image to begin with: of the catalogue's default version, else the first."""
    from ..artifacts.catalogue import catalogue

    default = [image for image in images if image.properties.get("kube_version") == catalogue().default]
    return next((image.name for image in (*default, *images)), "IMAGE")


def first_commands(address: str, images: Sequence[Image], *, template: bool) -> Iterator[str]:
    """The way to a first cluster from here; the image comes first when there is none, the `template` need not be made twice."""
    from ..main import FIRST_TEMPLATE

    if address != _DEFAULT_URL:
        yield f"export JEROBOAM_URL={address}"
    if not images:
        yield "jeroboam image build              # no node image yet"
    if not template:
        yield f"jeroboam template create {FIRST_TEMPLATE} --image {preferred(images)}"
    yield f"jeroboam cluster create demo --template {FIRST_TEMPLATE} --wait"
    if images:
        yield "jeroboam cluster config demo"
