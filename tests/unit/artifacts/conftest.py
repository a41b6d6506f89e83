from collections.abc import Iterator
from pathlib import Path

import pytest

from jeroboam.artifacts.cache import Cache

from .file_site import FileSite, Told


@pytest.fixture
def site() -> Iterator[FileSite]:
    served = FileSite()
    yield served
    served.close()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def told() -> Told:
    return Told()
