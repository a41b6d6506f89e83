"""What the registration of this service shall look like in Keystone. Plain values, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...domain.errors import InvalidRequest
from ...domain.secret import Secret

SERVICE_TYPE = "container-infra"  # Source: OpenStack service types authority; clients of Magnum look for it
INTERFACES = ("public", "internal", "admin")
_LONGEST_NAME = 255  # Source: Keystone's tables of users, projects and roles


@dataclass(frozen=True)
class Wish:
    """`password` None: the account is left with the one that it has. `region` "": the only one that there is. `urls`: by interface."""

    urls: Mapping[str, str]
    region: str = ""
    user: str = "jeroboam"
    user_domain: str = "Default"
    project: str = "service"
    project_domain: str = "Default"
    role: str = "service"
    service_name: str = "jeroboam"
    password: Secret | None = None


def check_names(wish: Wish) -> None:
    """Raises InvalidRequest."""
    fields = ("user", "user_domain", "project", "project_domain", "role", "service_name")
    for field in fields:
        value = getattr(wish, field)
        if not value.strip() or len(value) > _LONGEST_NAME or not value.isprintable():
            flag = f"--{field.replace('_', '-')}"
            raise InvalidRequest(
                f"{flag}: {value[:80]!r} is not a name: 1 to {_LONGEST_NAME} printable characters.",
                field=field,
                value=value,
            )


def endpoint_urls(public: str, internal: str | None, admin: str | None) -> dict[str, str]:
    """The address of each interface; those that are not given are the public one. Raises InvalidRequest."""
    given = {"public": public, "internal": internal or public, "admin": admin or public}
    return {interface: _checked(f"--{interface}-url", url) for interface, url in given.items()}


def _checked(flag: str, url: str) -> str:
    """Without a slash at its end."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right or not url.isascii() or not url.isprintable() or " " in url or parts.query or parts.fragment:
        raise InvalidRequest(
            f"{flag}: {url[:200]!r} is not the address of an API.",
            field=flag,
            hint="Write it with its scheme, such as https://containers.example:9511/v1.",
        )
    if parts.username is not None:
        raise InvalidRequest(f"{flag}: an address in a catalogue holds no user and no password.", field=flag)
    trimmed = url.rstrip("/")
    if not trimmed.endswith("/v1"):
        raise InvalidRequest(
            f"{flag}: {url!r} does not end in /v1, where clients look for the API.",
            field=flag,
            hint=f"Write {trimmed}/v1.",
        )
    return trimmed
