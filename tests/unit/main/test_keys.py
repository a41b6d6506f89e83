"""A provider that asks for a key gets one of the service's own, and the size of root volumes from the configuration."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

from jeroboam import plugins
from jeroboam.config.groups import CinderGroup, Config, ProviderGroup
from jeroboam.main import assembly
from jeroboam.main.data_folder import DataFolder
from jeroboam.providers.fake import Cloud, FakeProvider


class Keyed(FakeProvider):
    """Keeps the key."""

    name = "keyed"
    key = b""
    gib = -1

    def use_key(self, key: bytes) -> None:
        self.key = key

    def use_boot_volume_size(self, gib: int) -> None:
        self.gib = gib


class Plugin:
    """Entry point."""

    name = "keyed"

    def create(self, settings: Mapping[str, str]) -> Keyed:
        return Keyed(Cloud())


plugin = Plugin()


def _made(folder: Path, *, gib: int = 0) -> Keyed:
    entry = EntryPoint("keyed", "tests.unit.main.test_keys:plugin", plugins.PROVIDERS)
    installed = replace(plugins.installed(), providers={"keyed": entry})
    place = DataFolder(folder, f"sqlite:///{folder}/jeroboam.sqlite", folder / "key")
    config = Config(provider=ProviderGroup(default="keyed"), cinder=CinderGroup(default_boot_volume_size=gib))
    provider = assembly.parts(config, place, installed).provider
    assert isinstance(provider, Keyed)
    return provider


def _key(folder: Path) -> bytes:
    return _made(folder).key


def test_it_is_the_same_after_each_start_and_another_for_each_service(tmp_path: Path) -> None:
    first = _key(tmp_path / "one")
    assert first == _key(tmp_path / "one")
    assert len(first) == 32
    assert first not in (_key(tmp_path / "two"), (tmp_path / "one" / "key").read_bytes())


def test_root_volumes_have_the_size_that_the_operator_says(tmp_path: Path) -> None:
    assert _made(tmp_path / "none").gib == 0
    assert _made(tmp_path / "some", gib=40).gib == 40
