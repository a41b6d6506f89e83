"""Verbs that a driver may lack: upgrade, rotation of CAs, rotation of credentials. Refused before any work starts.

No driver of this release has one of them; a driver that declares one is refused here too, until the conductor can carry it out.
"""

from __future__ import annotations

from typing import NoReturn

from ..contracts import ClusterRow
from ..domain import Status
from ..domain.errors import Conflict, InvalidRequest, NotSupported
from . import clusters, node_groups, templates
from .services import Asker, Services

_SETTLED = frozenset({Status.CREATE_COMPLETE, Status.UPDATE_COMPLETE})


async def upgrade(
    services: Services, asker: Asker, ident: str, template_ident: str, group_ident: str | None
) -> NoReturn:
    """Raises NotFound (cluster, template, group), Ambiguous, Forbidden, Conflict (template), InvalidRequest (state), NotSupported."""
    caller = asker.caller
    row = await clusters.authorised(services, caller, ident, "cluster:upgrade", across="cluster:upgrade_all_projects")
    template = await templates.find(services, caller, template_ident)
    if group_ident is not None:
        group = node_groups.pick(row, group_ident)
        if not group.is_default and template.uuid != row.cluster.template_uuid:
            raise Conflict(
                f"Cluster Template is not valid for upgrade: Nodegroup {group.name} can be upgraded only to match "
                f"cluster's template ({row.cluster.template_uuid})."
            )
    _check_state(row, "Upgrading")
    raise NotSupported(f"Upgrading is not supported by the driver {row.cluster.shape.driver}.")


async def rotate_ca(services: Services, asker: Asker, ident: str) -> NoReturn:
    """Raises NotFound, Ambiguous, Forbidden, InvalidRequest (no TLS, state), NotSupported."""
    row = await clusters.authorised(services, asker.caller, ident, "certificate:rotate_ca")
    if row.cluster.shape.tls_disabled:
        raise InvalidRequest("Rotating the CA certificate on a non-TLS cluster is not supported")
    _check_state(row, "Updating")
    raise NotSupported(f"Rotating the CA certificate is not supported by the driver {row.cluster.shape.driver}.")


async def rotate_credential(services: Services, asker: Asker, ident: str) -> NoReturn:
    """Raises NotFound, Ambiguous, Forbidden, NotSupported."""
    await clusters.authorised(services, asker.caller, ident, "credential:rotate")
    raise NotSupported("Credential rotation is not supported by driver.")


def _check_state(row: ClusterRow, doing: str) -> None:
    if row.cluster.status not in _SETTLED:
        raise InvalidRequest(f'{doing} a cluster when status is "{row.cluster.status}" is not supported.')
