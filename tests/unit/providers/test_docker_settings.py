"""Which daemon is asked."""

import pytest

from jeroboam.providers.docker import DockerSettings, read_settings


def test_the_setting_comes_before_the_variable_of_docker_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/elsewhere.sock")
    assert DockerSettings().url == "unix:///run/elsewhere.sock"
    assert read_settings({"host": "tcp://192.0.2.1:2376"}).url == "tcp://192.0.2.1:2376"
    monkeypatch.delenv("DOCKER_HOST")
    assert DockerSettings().url.startswith("unix:///")
