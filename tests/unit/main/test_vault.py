"""The vault that a configuration names is the store's."""

from dataclasses import replace
from pathlib import Path

import pytest

from jeroboam import plugins
from jeroboam.config.groups import Config, KeystoneGroup, ProviderGroup, SecretsGroup
from jeroboam.domain.errors import ConfigError
from jeroboam.main import assembly
from jeroboam.main.data_folder import DataFolder
from jeroboam.store.barbican import Barbican

ACCOUNT = KeystoneGroup(auth_url="http://keystone/v3", username="jeroboam", password="s3cret", project_name="service")


def parts(folder: Path, **groups: object) -> assembly.Parts:
    config = replace(Config(), provider=ProviderGroup("fake"), **groups)  # type: ignore[arg-type]
    place = DataFolder(folder, f"sqlite:///{folder}/jeroboam.sqlite", folder / "key")
    return assembly.parts(config, place, plugins.installed())


@pytest.mark.parametrize("store", ["table", "barbican"])
def test_barbican_is_there_where_it_is_asked_for(tmp_path: Path, store: str) -> None:
    made = parts(tmp_path, secrets=SecretsGroup(store=store), keystone_authtoken=ACCOUNT)
    assert isinstance(made.store.vault, Barbican) is (store == "barbican")


def test_without_an_account_it_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[secrets\] store = barbican needs the account of \[keystone_authtoken\]"):
        parts(tmp_path, secrets=SecretsGroup(store="barbican"))
