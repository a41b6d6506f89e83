"""Who logs in to a cloud, as clouds.yaml or the variables OS_* tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...domain.errors import ConfigError
from .faults import asking

_ANSWERS_WITHIN_S = 30


def connect(cloud: str | None, cafile: Path | None) -> Any:
    """openstacksdk's connection; `cloud` names an entry of clouds.yaml. Raises ConfigError, also when the extra is not installed."""
    try:
        import openstack
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"This needs the Python package {error.name}, which is not installed.",
            hint="pip install 'jeroboam[openstack]'",
        ) from error
    more: dict[str, Any] = {"cacert": str(cafile)} if cafile else {}
    with asking("log in"):
        try:
            found: Any = openstack.connect(cloud=cloud, api_timeout=_ANSWERS_WITHIN_S, **more)
            _ = found.identity  # makes keystoneauth's plug-in
        except TypeError as error:  # keystoneauth hands its plug-ins options that they may not have
            raise ConfigError(
                "The login's options do not fit its auth_type.", hint="Use auth_type password, with OS_AUTH_URL."
            ) from error
    if not found.config.auth.get("auth_url"):
        raise ConfigError(
            "The login names no auth_url, so it is none of Keystone's.",
            hint="Set OS_AUTH_URL, or `auth_url` in clouds.yaml, such as https://keystone.example/v3.",
        )
    return found
