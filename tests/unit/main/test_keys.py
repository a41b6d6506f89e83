"""A provider that asks for a key gets one of the service's own."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

from jeroboam import plugins
from jeroboam.config.groups import Config, ProviderGroup
from jeroboam.main import assembly
from jeroboam.main.data_folder import DataFolder
from jeroboam.providers.fake import Cloud, FakeProvider


class Keyed(FakeProvider):
    """Keeps the key."""

    name = "keyed"
    key = b""

    def use_key(self, key: bytes) -> None:
        self.key = key


class Plugin:
    """Entry point."""

    name = "keyed"

    def create(self, settings: Mapping[str, str]) -> Keyed:
        return Keyed(Cloud())


plugin = Plugin()


def _key(folder: Path) -> bytes:
    entry = EntryPoint("keyed", "tests.unit.main.test_keys:plugin", plugins.PROVIDERS)
    installed = replace(plugins.installed(), providers={"keyed": entry})
    place = DataFolder(folder, f"sqlite:///{folder}/jeroboam.sqlite", folder / "key")
    provider = assembly.parts(Config(provider=ProviderGroup(default="keyed")), place, installed).provider
    assert isinstance(provider, Keyed)
    return provider.key


def test_it_is_the_same_after_each_start_and_another_for_each_service(tmp_path: Path) -> None:
    first = _key(tmp_path / "one")
    assert first == _key(tmp_path / "one")
    assert len(first) == 32
    assert first not in (_key(tmp_path / "two"), (tmp_path / "one" / "key").read_bytes())
