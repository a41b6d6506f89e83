"""The course of a registration: look, plan, act, try the account. Running it again changes nothing that is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...domain.secret import Secret
from . import lines
from .plan import Kind, Outcome, Step, choose_region, plan
from .wish import Wish

if TYPE_CHECKING:
    from .directory import Directory


@dataclass(frozen=True)
class Report:
    """What a run did, or a dry run would do. `checked`: the account was logged in with. `ini` are the service's lines without the
    password, `written` says that the file with it was made now."""

    steps: tuple[Step, ...]
    ini: str
    written: bool
    checked: bool


def register(
    keystone: Directory,
    wish: Wish,
    *,
    ini: Path | None,
    environ: Mapping[str, str],
    dry_run: bool,
    say: Callable[[Step], None],
) -> Report:
    """`say` is called after each step. A new account's password is on the disk before Keystone hears of it."""
    wish = replace(wish, password=lines.given_password(environ, ini))
    found = keystone.look(wish)
    to_write = ini is not None and not ini.exists()
    if to_write and found.user_id is None and wish.password is None:
        wish = replace(wish, password=lines.new_password())
    steps = plan(wish, found)
    region = choose_region(wish, found)
    groups = _groups(keystone, wish, region)
    written = to_write and wish.password is not None
    if ini is not None and written and not dry_run:
        lines.write_new(ini, lines.render(groups, wish.password, instead=""))
    ids: dict[Kind, str] = {}
    for step in steps:
        if not dry_run and step.outcome is not Outcome.KEPT:
            ids[step.kind] = keystone.carry_out(step, wish, region, ids)
        elif step.target:
            ids[step.kind] = step.target
        say(step)
    checked = wish.password is not None and not dry_run
    if checked:
        keystone.check_account(wish, ids)
    return Report(steps, lines.render(groups, None, instead=_where(wish.password, ini)), written, checked)


def _where(password: Secret | None, ini: Path | None) -> str:
    if password is None:
        return "the one that the account has"
    return f"in {ini}" if ini else f"in {lines.VARIABLE}"


def _groups(keystone: Directory, wish: Wish, region: str) -> dict[str, dict[str, str]]:
    account = {
        "www_authenticate_uri": keystone.public_url(),
        "auth_url": keystone.auth_url,
        "username": wish.user,
        "user_domain_name": wish.user_domain,
        "project_name": wish.project,
        "project_domain_name": wish.project_domain,
        "interface": keystone.interface,
        "region_name": region,
    }
    if keystone.cafile:
        account["cafile"] = keystone.cafile
    return {
        "api": {"public_endpoint": wish.urls["public"].removesuffix("/v1")},
        "identity": {"mode": "keystone"},
        "keystone_authtoken": account,
    }
