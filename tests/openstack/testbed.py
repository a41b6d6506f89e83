"""The bed of tests/openstack/bed in a test's hands. The scripts do the work; here is where it is and who may log in."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_SCRIPTS = Path(__file__).with_name("bed")
_UP_WITHIN_S = 3600  # the packages are installed the first time
_DOWN_WITHIN_S = 120
_REGION = "RegionOne"


@dataclass(frozen=True)
class Account:
    """A user of the bed, in a project of the same name."""

    name: str
    password: str

    @property
    def auth(self) -> dict[str, str]:
        """As in clouds.yaml, without the address."""
        domains = {"user_domain_name": "Default", "project_domain_name": "Default"}
        return {"username": self.name, "password": self.password, "project_name": self.name, **domains}


def _setting(name: str, otherwise: str) -> str:
    """The environment may move the bed, as in settings.sh."""
    return os.environ.get(name) or otherwise


@dataclass(frozen=True)
class Bed:
    """Up or not. `admin` is the cloud's administrator, `demo` a member of the project demo."""

    api: str = field(default_factory=lambda: _setting("BED_API", "198.18.0.2"))
    password: str = field(default_factory=lambda: _setting("BED_PASSWORD", "testbed"), repr=False)

    @property
    def auth_url(self) -> str:
        return f"http://{self.api}:5000/v3"

    @property
    def region(self) -> str:
        return _REGION

    @property
    def admin(self) -> Account:
        return Account("admin", self.password)

    @property
    def demo(self) -> Account:
        return Account("demo", self.password)

    @property
    def folder(self) -> Path:
        cache = Path(_setting("XDG_CACHE_HOME", str(Path.home() / ".cache")))
        return Path(_setting("BED_DIR", str(cache / "jeroboam" / "openstack-bed")))

    def profile(self) -> str | None:
        """That of the bed which is up; None when none is."""
        done = subprocess.run([_SCRIPTS / "status.sh"], capture_output=True, text=True, timeout=20, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def up(self) -> None:
        """Unless one is up, of the profile that the environment names, heat-fake if none; it says how far it is."""
        profile = self.profile() or _setting("BED_PROFILE", "heat-fake")
        done = subprocess.run([_SCRIPTS / "up.sh", "--profile", profile], timeout=_UP_WITHIN_S, check=False)
        if done.returncode:
            raise RuntimeError(f"the OpenStack bed did not come up: {_SCRIPTS / 'up.sh'} says why, above")

    def down(self) -> None:
        subprocess.run([_SCRIPTS / "down.sh"], timeout=_DOWN_WITHIN_S, check=True)

    def add_host(self, name: str) -> None:
        """One more, as long as the bed is up."""
        subprocess.run([_SCRIPTS / "another-host.sh", name], timeout=60, check=True)

    def connect(self, account: Account) -> Any:
        """openstacksdk, logged in."""
        import openstack

        login: dict[str, Any] = {"auth_url": self.auth_url, "region_name": _REGION, **account.auth}
        return openstack.connect(load_yaml_config=False, load_envvars=False, **login)

    def endpoints(self) -> dict[str, str]:
        """Public address by service type, from the catalogue."""
        identity = self.connect(self.admin).identity
        kinds = {service.id: service.type for service in identity.services()}
        return {kinds[one.service_id]: one.url for one in identity.endpoints(interface="public")}

    def write_clouds(self, path: Path, *more: Account) -> None:
        """clouds.yaml with `admin` and `demo`, and more."""
        clouds = {
            account.name: {"auth": {"auth_url": self.auth_url, **account.auth}, "region_name": _REGION}
            for account in (self.admin, self.demo, *more)
        }
        path.touch(0o600)
        path.write_text(yaml.safe_dump({"clouds": clouds}))
