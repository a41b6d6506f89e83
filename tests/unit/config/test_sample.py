"""The sample file: it shows every option, and taken as it stands it changes nothing."""

import re
from pathlib import Path

import pytest

from jeroboam.config import Config, read, sample
from jeroboam.config.passed import PASSED
from jeroboam.domain.errors import ConfigError
from jeroboam.providers.docker import plugin as docker
from jeroboam.providers.fake import plugin as fake
from jeroboam.providers.openstack import plugin as openstack

_OPTION = re.compile(r"^#([a-z_]+ =.*)$", re.MULTILINE)


def test_as_it_stands_it_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "sample.conf"
    file.write_text(sample())
    assert read(file, {}) == Config()


def test_with_every_line_in_force_it_still_says_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "sample.conf"
    file.write_text(_OPTION.sub(r"\1", sample()))
    config = read(file, {})
    assert (config.api, config.conductor, config.log) == (Config().api, Config().conductor, Config().log)
    assert config.plugins["docker"]["publish"] == "127.0.0.1"


def test_each_option_is_there_with_its_meaning() -> None:
    text = sample()
    assert "[api]\n\n# Address to listen on. (An address or host name; since 0.1.)\n#host = 127.0.0.1\n" in text
    assert "#max_clusters_per_project = 20\n" in text
    assert "[oslo_policy]\n" in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("name", "plugin", "needs"),
    [
        ("docker", docker, {}),
        ("fake", fake, {}),
        ("openstack", openstack, {"auth_url": "http://keystone/v3", "username": "jeroboam", "password": "secret"}),
    ],
)
def test_what_it_says_of_a_provider_is_what_the_provider_takes(
    name: str, plugin: object, needs: dict[str, str]
) -> None:
    create = plugin.create  # type: ignore[attr-defined]
    create({option.name: option.default for option in PASSED[name] if option.default} | needs)
    with pytest.raises(ConfigError) as caught:
        create({"no_such_option": "1"})
    known = caught.value.hint.removeprefix("Options are: ").removesuffix(".").split(", ")
    assert sorted(known) == sorted(option.name for option in PASSED[name])
