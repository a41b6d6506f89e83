"""The key file: private from birth, whole or not there, and on the disk before anything is sealed with it."""

import os
from pathlib import Path

import pytest

from jeroboam.domain.errors import ConfigError
from jeroboam.store import Sealer


def test_the_key_file_is_made_private_and_one_that_others_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "key"
    sealed = Sealer.from_file(path).seal("c", "n", b"v")
    assert path.stat().st_mode & 0o777 == 0o600
    assert Sealer.from_file(path).open("c", "n", sealed) == b"v"
    with pytest.raises(ConfigError, match="does not open with this key"):
        Sealer.from_file(path).open("other", "n", sealed)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others"):
        Sealer.from_file(path)


def test_a_key_that_a_killed_process_had_begun_does_not_stand_in_the_way(tmp_path: Path) -> None:
    (tmp_path / f".key.{os.getpid()}").write_bytes(b"half")
    sealed = Sealer.from_file(tmp_path / "key").seal("c", "n", b"v")
    assert Sealer.from_file(tmp_path / "key").open("c", "n", sealed) == b"v"


def test_a_new_key_outlives_a_power_loss_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, bool]] = []

    def fsync(descriptor: int) -> None:
        place = os.readlink(f"/proc/self/fd/{descriptor}")
        synced.append((Path(place).name.partition(".key.")[0] or "the file", (tmp_path / "sub" / "key").exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    Sealer.from_file(tmp_path / "sub" / "key")
    assert synced == [("the file", False), ("sub", True)]  # the bytes before they have the name, then the name


def test_a_key_for_another_use_is_the_same_for_the_same_words_and_tells_nothing() -> None:
    one, other = Sealer(b"k" * 32), Sealer(b"l" * 32)
    assert one.derive("x") == Sealer(b"k" * 32).derive("x")
    assert len({one.derive("x"), one.derive("y"), other.derive("x"), b"k" * 32}) == 4
    assert len(one.derive("x")) == 32
