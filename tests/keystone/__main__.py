"""The stand-in for a shell: prints what the `openstack` client needs, and serves until it is told to end."""

from __future__ import annotations

import argparse
import signal
import threading

from .realm import Realm
from .server import Keystone

_HELP = "URL of a service for the catalogue: TYPE=URL, or a URL alone for container-infra"


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.keystone", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--service", action="append", default=[], metavar="[TYPE=]URL", help=_HELP)
    parser.add_argument("--user", action="append", default=[], metavar="NAME:PASSWORD:PROJECT:ROLE[,ROLE]")
    parser.add_argument("--password", default="secret", help="of the user admin of the project admin")
    given = parser.parse_args()
    endpoints: dict[str | tuple[str, str], str] = {}
    for one in given.service:
        kind, _, url = one.partition("=") if not one.startswith("http") else ("container-infra", "", one)
        endpoints[kind] = url
    realm = Realm(given.password)
    for one in given.user:
        name, password, project, roles = one.split(":")
        realm.add_user(name, password, project, *roles.split(","))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Keystone(endpoints, realm=realm, host=given.host, port=given.port) as keystone:
        print(
            f"export OS_AUTH_URL={keystone.url} OS_IDENTITY_API_VERSION=3 OS_REGION_NAME=RegionOne\n"
            f"export OS_USERNAME=admin OS_PASSWORD={given.password} OS_USER_DOMAIN_ID=default\n"
            "export OS_PROJECT_NAME=admin OS_PROJECT_DOMAIN_ID=default",
            flush=True,
        )
        ended.wait()


if __name__ == "__main__":
    main()
