"""Fixtures: the yard, made once a run, and its inventory."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from jeroboam.testing import builders

import yard as machines
from yard import Yard


@pytest.fixture(scope="session")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    cluster = builders.cluster(name="yard")
    try:
        yield asyncio.run(machines.made(cluster, machines.ssh_image(), tmp_path_factory.mktemp("yard")))
    finally:
        asyncio.run(machines.gone(cluster))


@pytest.fixture
def inventory(yard: Yard) -> Path:
    """The whole yard."""
    return yard.inventory()
