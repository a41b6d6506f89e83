"""The bed of tests/openstack/bed in a test's hands. The scripts do the work; here is where it is and who may log in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_SCRIPTS = Path(__file__).with_name("bed")
_UP_WITHIN_S = 3600  # the packages are installed the first time
_DOWN_WITHIN_S = 120
_INSIDE_S = 300
_REGION = "RegionOne"
_PIDS = "/run/testbed"
IMAGE = "jeroboam-suite"


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
    host: str = field(default_factory=lambda: _setting("BED_HOST", "198.18.0.1"))  # this machine, as the bed sees it
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

    @property
    def logs(self) -> Path:
        """Where its services write theirs."""
        return self.folder / "run" / "upper" / "var" / "log" / "testbed"

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

    def inside(self, *words: str) -> None:
        """Run a command in it."""
        subprocess.run([_SCRIPTS / "shell.sh", *words], timeout=_INSIDE_S, check=True, capture_output=True)

    def stop_service(self, name: str) -> None:
        """End a daemon, as named in guest/services.sh. Until `start_services` nobody listens in its place."""
        pid = f"{_PIDS}/{name}.pid"
        self.inside("sh", "-c", f"p=$(cat {pid}); kill $p; timeout 60 tail --pid=$p -f /dev/null; rm {pid}")

    def start_services(self) -> None:
        """Those that are not there."""
        self.inside("/opt/testbed/services.sh")

    @contextmanager
    def frozen(self, name: str) -> Iterator[Callable[[], None]]:
        """A daemon does nothing, until the block ends or what it gives is called."""

        def send(signal: str) -> None:
            self.inside("sh", "-c", f"kill -{signal} $(cat {_PIDS}/{name}.pid)")

        send("STOP")
        try:
            yield lambda: send("CONT")
        finally:
            send("CONT")

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


def suite_image(admin: Any) -> str:
    """The name of an image for servers that boot nothing, made by the administrator where it is not there."""
    if admin.get_image(IMAGE) is None:
        admin.image.create_image(
            name=IMAGE,
            data=b"\0" * 1_048_576,
            container_format="bare",
            disk_format="raw",
            visibility="public",
            os_distro="debian",
        )
    return IMAGE
