"""Where the service is and how to show who asks: an address, a cloud of clouds.yaml, or this machine.

Files and their order as openstacksdk has them; of the authentication types those that need no Keystone.
Source: https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import Usage

DEFAULT_URL = "http://127.0.0.1:9511"
_OVERRIDES = (
    "container_infra_endpoint_override",
    "container_infrastructure_management_endpoint_override",
    "endpoint_override",
)
_SUPPORTED = "`none` and `http_basic`"


@dataclass(frozen=True)
class Address:
    """A service. `url` ends without slash and without /v1; `origin` says who named it, for messages."""

    url: str
    origin: str = "the default address"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    cacert: str | None = None
    verify: bool = True

    @property
    def loopback(self) -> bool:
        """True when the service runs on this machine: no proxy is asked then."""
        return urlsplit(self.url).hostname in ("127.0.0.1", "localhost", "::1")


def find(url: str | None, cloud: str | None, environ: Mapping[str, str], cwd: Path) -> Address:
    """`--url`, `--os-cloud`, JEROBOAM_URL, OS_CLOUD, or the default; the first that is set. Raises Usage."""
    if url:
        return Address(checked_url(url, "--url"), "--url")
    if cloud:
        return _from_cloud(cloud, "--os-cloud", environ, cwd)
    if environ.get("JEROBOAM_URL"):
        return Address(checked_url(environ["JEROBOAM_URL"], "JEROBOAM_URL"), "JEROBOAM_URL")
    if environ.get("OS_CLOUD"):
        return _from_cloud(environ["OS_CLOUD"], "OS_CLOUD", environ, cwd)
    return Address(DEFAULT_URL)


def checked_url(url: str, origin: str) -> str:
    """The address without trailing slash and /v1. Raises Usage for what is no http address or holds a password."""
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError as error:
        raise Usage(f"{origin}: {url!r} is not an address ({error}).", hint=f"Write {DEFAULT_URL}.") from None
    if parts.username is not None or parts.password is not None:
        raise Usage(
            f"{origin}: the address must not hold a user or a password.",
            hint="Put them into clouds.yaml (auth_type: http_basic) and name the cloud with --os-cloud.",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Usage(f"{origin}: {url!r} is not an http or https address.", hint=f"Write {DEFAULT_URL}.")
    if parts.query or parts.fragment:
        raise Usage(f"{origin}: {url!r} must not hold a query or a fragment.", hint=f"Write {DEFAULT_URL}.")
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path.removesuffix('/v1')}"


def config_files(environ: Mapping[str, str], cwd: Path, stem: str) -> Iterator[Path]:
    """Where `stem`.yaml may lie, best place first."""
    if stem == "clouds" and environ.get("OS_CLIENT_CONFIG_FILE"):
        yield Path(environ["OS_CLIENT_CONFIG_FILE"])
    if stem == "secure" and environ.get("OS_CLIENT_SECURE_FILE"):
        yield Path(environ["OS_CLIENT_SECURE_FILE"])
    home = Path(environ.get("HOME") or os.path.expanduser("~"))
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "openstack"
    for folder in (cwd, user, Path("/etc/openstack")):
        for suffix in (".yaml", ".yml"):
            yield folder / f"{stem}{suffix}"


def _from_cloud(name: str, origin: str, environ: Mapping[str, str], cwd: Path) -> Address:
    path, clouds = _clouds(environ, cwd, "clouds")
    if path is None:
        places = ", ".join(str(p) for p in config_files(environ, cwd, "clouds") if p.suffix != ".yml")
        raise Usage(f"{origin} names the cloud {name!r}, but there is no clouds.yaml.", hint=f"Looked at: {places}.")
    if name not in clouds:
        known = ", ".join(sorted(clouds)) or "none"
        raise Usage(f"{origin} names the cloud {name!r}, which {path} does not have.", hint=f"It has: {known}.")
    cloud = clouds[name]
    secret = _clouds(environ, cwd, "secure")[1].get(name, {})
    auth = {**_mapping(cloud, "auth", path, name), **_mapping(secret, "auth", path, name)}
    return _address(name, f"cloud {name} of {path}", cloud, auth)


def _address(name: str, origin: str, cloud: Mapping[str, Any], auth: Mapping[str, Any]) -> Address:
    kind = str(cloud.get("auth_type", "password"))
    if kind not in ("none", "http_basic"):
        raise Usage(
            f"Cloud {name!r} has auth_type {kind!r}; this command line knows {_SUPPORTED} so far.",
            hint="With Keystone use the OpenStack client: openstack coe cluster list.",
        )
    overrides = [str(cloud[key]) for key in _OVERRIDES if cloud.get(key)]
    url = overrides[0] if overrides else auth.get("endpoint")
    if not url:
        raise Usage(f"Cloud {name!r} has no auth.endpoint.", hint=f"Add `auth: {{endpoint: {DEFAULT_URL}}}` to it.")
    username = password = None
    if kind == "http_basic":
        missing = [key for key in ("username", "password") if not auth.get(key)]
        if missing:
            raise Usage(f"Cloud {name!r} has auth_type http_basic but no auth.{missing[0]}.", hint="Add it.")
        username, password = str(auth["username"]), str(auth["password"])
    cacert = os.path.expanduser(str(cloud["cacert"])) if cloud.get("cacert") else None
    url = checked_url(str(url), f"Cloud {name!r}")
    return Address(url, origin, username, password, cacert, cloud.get("verify", True) is not False)


def _clouds(environ: Mapping[str, str], cwd: Path, stem: str) -> tuple[Path | None, dict[str, dict[str, Any]]]:
    for path in config_files(environ, cwd, stem):
        if path.is_file():
            clouds = _read(path).get("clouds") or {}
            if not isinstance(clouds, dict) or not all(isinstance(c, dict) for c in clouds.values()):
                raise Usage(f"{path}: `clouds` must map names to settings.")
            return path, {str(name): cloud for name, cloud in clouds.items()}
    return None, {}


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"{path} cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)  # the error's text quotes the file, which may hold passwords
        raise Usage(f"{path} is not valid YAML{f' (line {mark.line + 1})' if mark else ''}.") from None
    if document is not None and not isinstance(document, dict):
        raise Usage(f"{path} must be a mapping with the key `clouds`.")
    return document or {}


def _mapping(cloud: Mapping[str, Any], key: str, path: Path, name: str) -> Mapping[str, Any]:
    value = cloud.get(key) or {}
    if not isinstance(value, dict):
        raise Usage(f"{path}: `{key}` of cloud {name!r} must be a mapping.")
    return value
