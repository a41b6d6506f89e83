"""Cluster templates: make, find, change, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from uuid import uuid4

from ..contracts import Caller, Image, Page
from ..domain import ClusterShape, ClusterTemplate
from ..domain.errors import Ambiguous, Conflict, Forbidden, InvalidRequest, NotFound, RetryLater
from . import catalogue, choice, label_check, places
from .findings import Findings
from .names import made_up
from .policy import Target
from .services import Asker, Services

_KIND = "ClusterTemplate"
_ATTEMPTS = 5


@dataclass(frozen=True)
class NewTemplate:
    """A wish for a template. None is "not given"."""

    shape: ClusterShape
    uuid: str | None = None
    name: str | None = None
    public: bool = False
    hidden: bool = False
    tags: str | None = None


async def create(services: Services, asker: Asker, wish: NewTemplate) -> ClusterTemplate:
    """Check and keep a template. Raises InvalidRequest, Forbidden, Conflict (uuid taken), Ambiguous (image, network)."""
    caller = asker.caller
    shape, images = await _with_driver(services, caller.project_id, wish.shape)
    services.policy.require("clustertemplate:create", caller)
    shape = await _completed(services, caller.project_id, shape, images)
    _check_publish(services, caller, published=wish.public or wish.hidden)
    given = [one for one in (shape.flavor_id, shape.control_plane_flavor_id) if one is not None]
    await _check_root_volumes(services, caller.project_id, shape, given)
    template = ClusterTemplate(
        uuid=wish.uuid or str(uuid4()),
        name=wish.name or made_up("template"),
        project_id=caller.project_id,
        user_id=caller.user_id,
        shape=shape,
        public=wish.public,
        hidden=wish.hidden,
        tags=wish.tags,
    )
    return await services.store.add_template(template)


async def list_all(
    services: Services, caller: Caller, page: Page, *, rule: str = "get_all"
) -> Sequence[ClusterTemplate]:
    """Own ones, public ones that are not hidden, and all for an administrator."""
    services.policy.require(f"clustertemplate:{rule}", caller)
    if services.policy.is_admin(caller):
        services.policy.require(f"clustertemplate:{rule}_all_projects", caller)
    return await services.store.list_templates(services.policy.ranked(caller), page)


async def get(services: Services, caller: Caller, ident: str) -> ClusterTemplate:
    """Raises NotFound, Ambiguous, Forbidden. A public one may be read by anyone."""
    template = await find(services, caller, ident)
    if services.policy.is_admin(caller):
        services.policy.require("clustertemplate:get_one_all_projects", caller)
    if not template.public:
        services.policy.require("clustertemplate:get", caller, owner(template))
    return template


async def update(
    services: Services, asker: Asker, ident: str, change: Callable[[ClusterTemplate], ClusterTemplate]
) -> ClusterTemplate:
    """Apply a pure change to the template as it is, also when somebody else changes it meanwhile.

    Raises NotFound, Ambiguous, Forbidden, InvalidRequest (also while a cluster refers to it), RetryLater.
    """
    for _ in range(_ATTEMPTS):
        made = await _update(services, asker.caller, ident, change)
        if made is not None:
            return made
    raise RetryLater(f"ClusterTemplate {ident} is changed by others all the time.", after_s=1)


async def _update(
    services: Services, caller: Caller, ident: str, change: Callable[[ClusterTemplate], ClusterTemplate]
) -> ClusterTemplate | None:
    old = await find(services, caller, ident)
    if services.policy.is_admin(caller):
        services.policy.require("clustertemplate:update_all_projects", caller)
    services.policy.require("clustertemplate:update", caller, owner(old))
    wished = change(old)
    changed = _changed(old, wished)
    harmless = _harmless(old, wished, changed)
    if not harmless and await services.store.template_in_use(old.uuid):
        raise _in_use(ident)
    _check_publish(services, caller, published=bool({"public", "hidden"} & changed))
    shape = wished.shape
    if not changed <= {"name", "tags", "public", "hidden"}:
        shape = await _changed_shape(services, old, shape, changed)
    await _check_root_volumes(services, old.project_id, shape, [shape.flavor_id, shape.control_plane_flavor_id])
    if not changed:
        return old
    wished = replace(wished, shape=shape)
    try:
        return await services.store.update_template(wished, seen=old, unused=not harmless)
    except Conflict:  # a cluster was made from it since
        raise _in_use(ident) from None


async def delete(services: Services, asker: Asker, ident: str) -> None:
    """Raises NotFound, Ambiguous, Forbidden, InvalidRequest while a cluster refers to it."""
    template = await find(services, asker.caller, ident)
    if services.policy.is_admin(asker.caller):
        services.policy.require("clustertemplate:delete_all_projects", asker.caller)
    services.policy.require("clustertemplate:delete", asker.caller, owner(template))
    try:
        await services.store.delete_template(template.uuid)
    except Conflict:
        raise _in_use(ident) from None


async def find(services: Services, caller: Caller, ident: str) -> ClusterTemplate:
    """The one template that the caller may see under this uuid or name. Raises NotFound, Ambiguous; asks no policy."""
    found = await services.store.find_templates(ident, services.policy.ranked(caller))
    if not found:
        raise NotFound(_KIND, ident)
    if len(found) > 1:
        raise Ambiguous("Multiple ClusterTemplates exist with same name. Please use the ClusterTemplate uuid instead.")
    return found[0]


def owner(template: ClusterTemplate) -> Target:
    """Whose it is, for the policy."""
    return Target(template.project_id, template.user_id)


async def _with_driver(
    services: Services, project_id: str, shape: ClusterShape
) -> tuple[ClusterShape, Sequence[Image]]:
    """What Magnum checks before it asks who may do this, in its order; the shape with driver and network driver filled in, and
    what the image's name stands for."""
    choice.check_network_driver(services, shape)
    choice.check_storage(shape)
    images = await services.provider.catalogue.find_images(project_id, shape.image_id)
    driver = choice.choose_driver(services, shape, catalogue.image_for_choice(images, shape.image_id))
    network = choice.network_driver(services, driver, shape)
    return replace(shape, driver=driver.name, network_driver=network), images


async def _completed(
    services: Services, project_id: str, shape: ClusterShape, images: Sequence[Image], *, distro: str | None = None
) -> ClusterShape:
    """The shape with the operating system (the image's, if not said) filled in, and all of it looked up."""
    await catalogue.check_shape(services.provider.catalogue, project_id, shape, Findings())
    driver = choice.loaded(services, shape.driver)
    if label_check.is_strict(shape.labels):
        label_check.check_strict(driver, shape.labels, services.place_labels)
    image = catalogue.the_image(images, shape.image_id)
    if choice.is_of_another_tool(services, shape, image):
        raise await _wrong_tool(services, project_id, shape, image)
    Findings().refuse(await places.template_problems(services, driver, shape, image))
    return replace(shape, os_distro=distro or image.properties["os_distro"])


async def _wrong_tool(services: Services, project_id: str, shape: ClusterShape, image: Image) -> InvalidRequest:
    """Names the tool that the image is for, and the images for the tool that is asked for."""
    any_driver = replace(shape, driver=None)
    usable = [one for one in await services.provider.catalogue.images(project_id) if not one.forbidden]
    fitting = sorted(one.name for one in usable if not choice.is_of_another_tool(services, any_driver, one))
    made_for = choice.loaded(services, image.properties["magnum_driver"]).capabilities.coe
    return InvalidRequest(
        f"Image {shape.image_id} is for {made_for}, the template's COE is {shape.coe}.",
        field="image_id",
        value=shape.image_id,
        hint=f"Ask for COE {made_for}, or for an image that fits: {', '.join(fitting) or 'there is none'}.",
    )


async def _changed_shape(
    services: Services, old: ClusterTemplate, shape: ClusterShape, changed: set[str]
) -> ClusterShape:
    """A patched shape, checked; another image brings its operating system along."""
    distro = None if "image_id" in changed and "os_distro" not in changed else shape.os_distro
    shape, images = await _with_driver(services, old.project_id, shape)
    return await _completed(services, old.project_id, shape, images, distro=distro)


async def _check_root_volumes(
    services: Services, project_id: str, shape: ClusterShape, flavors: Sequence[str | None]
) -> None:
    default = services.settings.default_boot_volume_size_gib
    await catalogue.check_root_volumes(services.provider.catalogue, project_id, shape.labels, flavors, default)


def _check_publish(services: Services, caller: Caller, *, published: bool) -> None:
    if published and not services.policy.allows("clustertemplate:publish", caller):
        raise Forbidden("Not authorized to set public or hidden flag for cluster template.")


def _changed(old: ClusterTemplate, new: ClusterTemplate) -> set[str]:
    names = {f.name for f in fields(ClusterTemplate) if getattr(old, f.name) != getattr(new, f.name)} - {"shape"}
    return names | {f.name for f in fields(ClusterShape) if getattr(old.shape, f.name) != getattr(new.shape, f.name)}


def _harmless(old: ClusterTemplate, new: ClusterTemplate, changed: set[str]) -> bool:
    """The one change that a template in use may see: its name, its tags, hidden or not, public."""
    if changed == {"tags"}:
        return new.tags is not None
    if changed == {"public"}:
        return new.public
    return changed in ({"name"}, {"hidden"})


def _in_use(ident: str) -> InvalidRequest:
    return InvalidRequest(f"ClusterTemplate {ident} is referenced by one or multiple clusters.")
