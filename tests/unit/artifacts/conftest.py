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
def docker(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Docker, first on PATH: the script DOCKER_PROGRAM of the test's module."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(request.module.DOCKER_PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


@pytest.fixture
def told() -> Told:
    return Told()
