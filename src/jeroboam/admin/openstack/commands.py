"""`jeroboam openstack register`: the service's account, its place in the catalogue, and the lines of its configuration."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter

from ...domain.errors import InvalidRequest
from ..outcome import framed
from .plan import Outcome, Step
from .wish import Wish, check_names, endpoint_urls

_ADDRESSES = Group("Where clients find the service", sort_key=10)
_LOGIN = Group("Who registers it", sort_key=20)
_ACCOUNT = Group("The service's account", sort_key=30)
_LOOKS_LIKE = {Outcome.MADE: "made", Outcome.CHANGED: "changed", Outcome.KEPT: "kept"}
_WOULD = {Outcome.MADE: "to make", Outcome.CHANGED: "to change", Outcome.KEPT: "kept"}


def build_app() -> App:
    """The command `openstack`."""
    app = App(name="openstack", help="What an operator does once on an OpenStack cloud.")
    app.command(register)
    return app


def register(
    *,
    public_url: Annotated[
        str, Parameter(group=_ADDRESSES, help="Address for tenants, such as https://containers.example:9511/v1.")
    ],
    internal_url: Annotated[
        str | None, Parameter(group=_ADDRESSES, help="Address inside the cloud; the public one if not given.")
    ] = None,
    admin_url: Annotated[
        str | None, Parameter(group=_ADDRESSES, help="Address for administrators; the public one if not given.")
    ] = None,
    region: Annotated[
        str,
        Parameter(
            group=_ADDRESSES, show_default=False, help="Region of these addresses; needed where there are several."
        ),
    ] = "",
    service_name: Annotated[str, Parameter(group=_ADDRESSES, help="The service's name in the catalogue.")] = "jeroboam",
    os_cloud: Annotated[
        str | None,
        Parameter(group=_LOGIN, help="Entry of clouds.yaml; without it OS_CLOUD and the other variables OS_*."),
    ] = None,
    cafile: Annotated[
        Path | None, Parameter(group=_LOGIN, help="PEM file of the CAs of Keystone's certificate.")
    ] = None,
    user: Annotated[str, Parameter(group=_ACCOUNT, help="Name of the user that the service logs in as.")] = "jeroboam",
    user_domain: Annotated[str, Parameter(group=_ACCOUNT, help="The user's domain.")] = "Default",
    project: Annotated[str, Parameter(group=_ACCOUNT, help="The project of the cloud's services.")] = "service",
    project_domain: Annotated[str, Parameter(group=_ACCOUNT, help="The project's domain.")] = "Default",
    role: Annotated[
        str,
        Parameter(
            group=_ACCOUNT, help="The user's role there. With admin, quotas of unknown projects are refused as well."
        ),
    ] = "service",
    ini: Annotated[
        Path | None,
        Parameter(
            group=_ACCOUNT,
            help="The service's configuration. It is made, mode 0600, with the account and a new password when it is absent; "
            "else it is left alone and the account has its password.",
        ),
    ] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Say what would be done, and change nothing.")] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of sentences.")] = False,
) -> int:
    """Register this service in Keystone: user, role, service and endpoints of type container-infra. Run it again as often as you like.

    Log in as an administrator, by clouds.yaml or the variables OS_*. The password of the account is that of --ini, or
    of JEROBOAM_KEYSTONE_AUTHTOKEN__PASSWORD; it is never printed. Needs the extra `openstack`.

    Example: jeroboam openstack register --public-url https://containers.example:9511/v1 --ini jeroboam.conf --dry-run
    """

    def work() -> None:
        wish = Wish(
            urls=endpoint_urls(public_url, internal_url, admin_url),
            region=region,
            user=user,
            user_domain=user_domain,
            project=project,
            project_domain=project_domain,
            role=role,
            service_name=service_name,
        )
        _run(wish, os_cloud, cafile and cafile.absolute(), ini and ini.absolute(), dry_run=dry_run, as_json=as_json)

    return framed(work, kept="What was made stays; run it again to go on.", as_json=as_json)


def _run(wish: Wish, cloud: str | None, cafile: Path | None, ini: Path | None, *, dry_run: bool, as_json: bool) -> None:
    from .directory import Directory
    from .registration import register as carry_on

    check_names(wish)
    if cafile is not None and not cafile.is_file():
        raise InvalidRequest(f"--cafile: {cafile} is not a file.", hint="Name a PEM file with the CAs.")
    words = _WOULD if dry_run else _LOOKS_LIKE

    def say(step: Step) -> None:
        if not as_json:
            print(f"{words[step.outcome]:<9}  {step.kind} {step.what}", flush=True)

    report = carry_on(Directory(cloud, cafile), wish, ini=ini, environ=os.environ, dry_run=dry_run, say=say)
    if as_json:
        told = {**asdict(report), "ini_file": str(ini) if ini else None, "dry_run": dry_run}
        print(json.dumps(told, indent=2))
        return
    if report.checked:
        print(f"tried      the account {wish.user} logs in and validates tokens")
    if report.written:
        print(f"{'to write' if dry_run else 'written':<9}  {ini} (mode 0600)")
    print("\nFor the service's configuration:\n")
    sys.stdout.write(report.ini)
