"""`--dry-run`: what a command would do, as the service plans it. Nothing is changed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .errors import CliError
from .options import Common
from .output import plain, show_json, show_table
from .timeline import sentence
from .wire import Json, segment

if TYPE_CHECKING:
    from .client import Client

DRY_RUN = Annotated[
    bool,
    Parameter(
        negative="", show_default=False, help="Show what would be done, and what stands against it; change nothing."
    ),
]
_IMPOSSIBLE = 1
_MANY, _FEW = 8, 5  # more than many rows of one kind are shown as a few


def show_plan(client: Client, path: str, body: Mapping[str, object], common: Common) -> int:
    """Ask for the plan at `path` and print it. The exit code is 1 when the request would be refused."""
    plan: Json = client.post(path, body, needs="possible").document
    if common.json:
        show_json(plan)
    else:
        _print(plan)
    return 0 if plan["possible"] else _IMPOSSIBLE


def show_plans(client: Client, idents: Sequence[str], body: Mapping[str, object], common: Common) -> int:
    """The same change of several clusters; JSON is a list."""
    plans: list[Json] = []
    for ident in idents:
        uuid = segment(client.cluster(ident)["uuid"])
        plans.append(client.post(f"ext/v1/clusters/{uuid}/plan", body, needs="possible").document)
    if common.json:
        show_json(plans)
    else:
        for plan in plans:
            _print(plan)
    return 0 if all(plan["possible"] for plan in plans) else _IMPOSSIBLE


def warn_of_doubts(client: Client, template_uuid: str) -> bool:
    """What the plan of a cluster of this template, with no option more, finds against it, on stderr; whether it would be possible."""
    try:
        body = {"name": "plan", "cluster_template_id": template_uuid}
        plan: Json = client.post("ext/v1/clusters/plan", body, needs="possible").document
    except CliError:  # who may make templates may not be let to make clusters
        return True
    for warning in plan["warnings"]:
        print(f"Warning: {_sentence(warning)}", file=sys.stderr)
    for problem in plan["problems"]:
        print(f"Warning: as it stands, a cluster of it would be refused: {_sentence(problem)}", file=sys.stderr)
    return bool(plan["possible"])


def _print(plan: Json) -> None:
    print(f"Plan: {plain(plan['summary'])}. Nothing was changed.")
    columns = ("ACTION", "KIND", "NAME", "NODE GROUP", "IMAGE", "FLAVOR")
    show_table(columns, _rows(plan["moves"]), nothing="Nothing would be made or removed.")
    if plan["quota"]:
        print(f"Clusters of the project: {plan['quota']['used']} of {plan['quota']['limit']}.")
    for warning in plan["warnings"]:
        print(f"Warning: {_sentence(warning)}")
    for problem in plan["problems"]:
        print(f"Problem: {_sentence(problem)}")
    print("It would be accepted." if plan["possible"] else "It would be refused.")


def _rows(moves: Sequence[Json]) -> list[tuple[object, ...]]:
    """A row a move; of what is done to many the first few, and how many more: what follows the table must stay in sight."""
    alike: dict[tuple[object, ...], list[Json]] = {}
    for move in moves:
        alike.setdefault((move["action"], move["kind"], move["node_group"]), []).append(move)
    rows: list[tuple[object, ...]] = []
    for (action, kind, group), found in alike.items():
        shown = found if len(found) <= _MANY else found[:_FEW]
        rows += [(action, kind, one["name"], group, one["image_id"], one["flavor_id"]) for one in shown]
        if len(shown) < len(found):
            rows.append((action, kind, f"and {len(found) - len(shown)} more", group, "", ""))
    return rows


def _sentence(finding: Json) -> str:
    return plain(f"{sentence(finding['message'])} {finding['hint']}".strip())
