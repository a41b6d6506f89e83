"""The calls to Keystone, blocking: validation by keystonemiddleware, and whether a project exists by keystoneauth.

The middleware is WSGI; it is handed a request that consists of a token and read by the headers that it sets. Its own cache is off.
It logs what Keystone answers, which may hold a token, so only its gravest lines are let through. Source: keystonemiddleware 13.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import structlog
import webob.exc  # type: ignore[import-untyped]
from keystoneauth1 import exceptions as faults
from keystoneauth1 import loading
from keystoneauth1.adapter import Adapter
from keystonemiddleware import auth_token
from keystonemiddleware.auth_token import _request
from oslo_config import cfg

from ..contracts import Caller
from ..domain.errors import ConfigError, IdentityUnavailable
from .token_cache import Verdict

_MIDDLEWARE = (
    *("www_authenticate_uri", "interface", "region_name", "cafile", "certfile", "keyfile", "insecure"),
    "http_connect_timeout",
)
_OURS = (*_MIDDLEWARE, "auth_type", "token_cache_time")
_IDENT = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_AWAY = "The Keystone service is temporarily unavailable."

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Scoped:
    """Someone whom Keystone knows. `caller` is None when the token is of no project."""

    caller: Caller | None


class KeystoneCalls:
    """Safe to use from several threads: the session below is."""

    def __init__(self, settings: Mapping[str, str], *, timeout_s: float) -> None:
        """Reaches nothing yet. Raises ConfigError for an unknown auth_type or an account that lacks something."""
        logging.getLogger("keystonemiddleware").setLevel(logging.CRITICAL)
        plugin = _plugin(settings)
        conf: dict[str, Any] = {name: settings[name] for name in _MIDDLEWARE if name in settings}
        conf |= {"oslo_config_config": _private_config(), "http_connect_timeout": timeout_s}
        conf |= {"http_request_max_retries": 1, "include_service_catalog": False, "token_cache_time": -1}
        self._protocol = _Protocol(None, conf, plugin)
        self._identity = Adapter(
            self._protocol.session,
            auth=plugin,
            service_type="identity",
            interface=settings.get("interface", "internal"),
            region_name=settings.get("region_name"),
            connect_retries=1,
        )

    def validate(self, token: str) -> Verdict[Scoped]:
        """Raises IdentityUnavailable."""
        request = _request._AuthTokenRequest.blank("/", headers={"X-Auth-Token": token})
        try:
            self._protocol.process_request(request)
        except webob.exc.HTTPUnauthorized:
            return Verdict(None, 0.0)
        except (webob.exc.HTTPServiceUnavailable, faults.ClientException) as error:
            _log.error("Keystone did not validate a token", why=_why(error))
            raise IdentityUnavailable(_AWAY, after_s=5.0) from error
        ends = datetime.fromisoformat(request.token_info["token"]["expires_at"]).astimezone(UTC)
        return Verdict(Scoped(_caller(request.headers)), (ends - datetime.now(UTC)).total_seconds())

    def project_exists(self, project_id: str) -> bool:
        """Where our account may not look, yes, with a warning. Raises IdentityUnavailable."""
        if not _IDENT.fullmatch(project_id):
            return False
        try:
            answer = self._identity.get(
                f"/v3/projects/{quote(project_id)}", endpoint_override=self._root(), raise_exc=False
            )
        except faults.ClientException as error:
            raise IdentityUnavailable(_AWAY, after_s=5.0) from error
        if answer.status_code == 403:
            _log.warning(
                "the account of [keystone_authtoken] may not look at projects: a quota's project is not checked"
            )
            return True
        if answer.status_code not in (200, 404):
            raise IdentityUnavailable(_AWAY, after_s=5.0)
        return bool(answer.status_code == 200)

    def _root(self) -> str:
        """Keystone's address without a version, whichever the catalogue names."""
        found = self._identity.get_endpoint() or ""
        return re.sub(r"/v[0-9.]+/?$", "", found.rstrip("/"))


class _Protocol(auth_token.AuthProtocol):  # type: ignore[misc]
    """The middleware with a plug-in that is made already: it would look for its options in a global configuration."""

    def __init__(self, app: object, conf: dict[str, Any], plugin: object) -> None:
        self._made = plugin
        super().__init__(app, conf)

    @property
    def session(self) -> Any:
        """The HTTP session, with its certificates and timeouts."""
        return self._session

    def _create_auth_plugin(self) -> object:
        return self._made


def _private_config() -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    return conf


def _plugin(settings: Mapping[str, str]) -> Any:
    kind = settings.get("auth_type", "password")
    account = {name: value for name, value in settings.items() if name not in _OURS}
    try:
        return loading.get_plugin_loader(kind).load_from_options(**account)
    except faults.NoMatchingPlugin as error:
        raise ConfigError(
            f"[keystone_authtoken] auth_type = {kind} is not known.", hint="Use password or v3applicationcredential."
        ) from error
    except (faults.MissingRequiredOptions, faults.ClientException, TypeError) as error:
        raise ConfigError(f"[keystone_authtoken] does not fit auth_type {kind}: {error}.") from None


def _why(error: Exception) -> str:
    cause = error.__cause__ or error.__context__ or error
    return f"{type(cause).__name__}: {cause}".splitlines()[0][:300]


def _caller(headers: Mapping[str, str]) -> Caller | None:
    project = headers.get("X-Project-Id")
    if not project:
        return None
    return Caller(
        user_id=headers["X-User-Id"],
        project_id=project,
        roles=frozenset(role.strip().lower() for role in headers.get("X-Roles", "").split(",") if role.strip()),
        user_name=headers.get("X-User-Name") or "",
        project_name=headers.get("X-Project-Name") or "",
        domain_id=headers.get("X-User-Domain-Id") or "",
    )
