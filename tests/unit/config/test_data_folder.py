"""Where things lie, and that nobody else can look into them."""

import os
from pathlib import Path

import pytest

from jeroboam.config import Override, read
from jeroboam.domain.errors import ConfigError
from jeroboam.main import DataFolder, default_folder, locate, write_private


def located(environ: dict[str, str] | None = None, **values: str) -> DataFolder:
    """Keyword `group__option`."""
    overrides = []
    for name, text in values.items():
        group, option = name.split("__")
        overrides.append(Override(group, option, text, "test"))
    return locate(read(None, {}, overrides=overrides), environ or {})


def test_everything_lies_in_one_folder_by_default() -> None:
    folder = located({"XDG_DATA_HOME": "/home/me/data"})
    assert folder.path == Path("/home/me/data/jeroboam")
    assert folder.database == "sqlite:////home/me/data/jeroboam/jeroboam.sqlite"
    assert folder.engine == "sqlite:////home/me/data/jeroboam/engine.sqlite"
    assert folder.key_file == Path("/home/me/data/jeroboam/key")


def test_a_relative_data_home_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert default_folder({"XDG_DATA_HOME": "data"}) == Path("/home/me/.local/share/jeroboam")


def test_beside_an_sqlite_file_that_was_named() -> None:
    folder = located(database__connection="sqlite:////srv/store.sqlite")
    assert folder.path == Path("/srv/store.sqlite.d")
    assert folder.database == "sqlite:////srv/store.sqlite"
    assert folder.engine == "sqlite:////srv/store.sqlite.d/engine.sqlite"


def test_a_state_path_and_a_key_file_that_were_named_win() -> None:
    folder = located(
        database__connection="sqlite:////srv/store.sqlite", DEFAULT__state_path="/state", secrets__key_file="/keys/kek"
    )
    assert (folder.path, folder.key_file) == (Path("/state"), Path("/keys/kek"))
    assert folder.engine == "sqlite:////state/engine.sqlite"


def test_on_postgresql_the_engine_shares_the_database() -> None:
    folder = located(database__connection="postgresql://me:secret@db/jeroboam", DEFAULT__state_path="/state")
    assert folder.engine == "postgresql+psycopg://me:secret@db/jeroboam"


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ConfigError, match="names no file: everything would be forgotten at the end"):
        located(database__connection="sqlite:///:memory:")


def test_the_folder_is_private_and_an_open_one_is_refused(tmp_path: Path) -> None:
    new, empty, used = tmp_path / "a" / "new", tmp_path / "empty", tmp_path / "used"
    empty.mkdir(mode=0o755)
    used.mkdir()
    used.chmod(0o755)
    (used / "executor-id").touch()
    for path in (new, empty):
        folder_at(path).make()
        assert path.stat().st_mode & 0o777 == 0o700
    with pytest.raises(ConfigError) as caught:
        folder_at(used).make()
    assert caught.value.message == f"The data folder {used} is open to other users (mode 755)."
    assert caught.value.hint == f"chmod 700 {used}, or choose an empty folder."


def test_an_open_folder_of_others_is_refused_without_advice_to_close_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "lock").mkdir()  # as /run and /var have one
    (tmp_path / "something").touch()
    with pytest.raises(ConfigError) as caught:
        folder_at(tmp_path).make()
    assert caught.value.message == (
        f"{tmp_path} is no data folder of Jeroboam's: it holds other things and is open to other users (mode 755)."
    )
    assert caught.value.hint == "Choose a new or an empty folder."
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_look_at_a_free_folder_makes_nothing(tmp_path: Path) -> None:
    folder = folder_at(tmp_path / "new")
    folder.check_free()
    assert list(tmp_path.iterdir()) == []
    folder.make()
    with folder.locked(), pytest.raises(ConfigError, match="works on the data folder"):
        folder.check_free()
    folder.check_free()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be used: Not a directory\.$"):
        folder_at(tmp_path / "file" / "data").make()


def test_one_conductor_at_a_time(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    with folder.locked():
        with pytest.raises(ConfigError) as caught, folder.locked():
            pass
        assert caught.value.message == f"Another Jeroboam (pid {os.getpid()}) works on the data folder {tmp_path}."
    with folder.locked():
        pass


def test_the_executor_keeps_its_name(tmp_path: Path) -> None:
    first = folder_at(tmp_path).executor_id()
    assert len(first) == 32
    assert folder_at(tmp_path).executor_id() == first


def test_a_private_file_is_whole_and_private(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_private(file, "one")
    write_private(file, "two")
    assert file.read_text() == "two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def folder_at(path: Path) -> DataFolder:
    return DataFolder(path, f"sqlite:///{path}/store.sqlite", path / "key")
