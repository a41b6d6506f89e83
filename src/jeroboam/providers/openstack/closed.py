"""Projects that are closed to the service: disabled, gone, or without a role for its user. Whose move it is, and which."""

from __future__ import annotations

from ...domain.errors import JeroboamError
from .rest import ProjectClosed, Rest, checked

_GIVE_UP = "A cluster of one that stays closed is given up by `jeroboam cluster delete NAME --force`, which tells what is left behind."


async def why_closed(rest: Rest, project_id: str, user: str) -> JeroboamError:
    """As far as Keystone tells it to our user, who sees its own projects only, disabled ones too. What keeps even that from being known
    is returned in its place."""
    try:
        answer = await rest.identity("", "GET", "/users/{user}/projects")
        found = checked(answer, f"The projects of the user {user} could not be listed")["projects"]
    except JeroboamError as error:
        return error
    mine = next((one for one in found if one["id"] == project_id), None)
    if mine is None:
        return ProjectClosed(
            f"The project {project_id} is gone from Keystone, or the user {user} has no role in it any more.",
            hint=f"`openstack role add --user {user} --project {project_id} member` gives the role back, and what failed can be asked for "
            f"again. {_GIVE_UP}",
        )
    if mine.get("enabled", True):
        return ProjectClosed(
            f"Keystone lets the user {user} not into the project {mine['name']} ({project_id}), though it has a role there.",
            hint="Look whether the project's domain is disabled: `openstack domain set --enable DOMAIN`.",
        )
    return ProjectClosed(
        f"The project {mine['name']} ({project_id}) is disabled in Keystone.",
        hint=f"`openstack project set --enable {project_id}`, then ask again for what failed. {_GIVE_UP}",
    )
