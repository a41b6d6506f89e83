"""`jeroboam db`: what it tells of a database, and what it applies."""

import json
import sqlite3
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from jeroboam.admin.database import bring_up, show_status
from jeroboam.main import DataFolder
from jeroboam.store.schema import Chain

HEAD = Chain().head


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration whose database is store.sqlite, not made yet."""
    made = tmp_path / "jeroboam.conf"
    made.write_text(f"[database]\nconnection = sqlite:///{tmp_path}/store.sqlite\n")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """The same as the configuration tells it."""
    return DataFolder(tmp_path, f"sqlite:///{tmp_path}/store.sqlite", tmp_path / "key")


def code_of(caught: pytest.ExceptionInfo[SystemExit]) -> object:
    return caught.value.code


def test_a_database_that_is_not_there_is_not_made_by_a_look(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        show_status(config=file)
    assert code_of(caught) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        f"database  sqlite:///{file.parent}/store.sqlite",
        "schema    none yet",
        f"program   {HEAD}, needs {HEAD}: cannot serve yet",
    ]
    assert lines[3:5] == [
        "pending   0001 expands: The first schema.",
        "pending   0002 contracts, serves programs from 0002 on: Operations say their kind. The three verbs of before are kinds, too.",
    ]
    assert list(file.parent.iterdir()) == [file]


def test_it_is_brought_up_to_date_once(file: Path, folder: DataFolder, capsys: pytest.CaptureFixture[str]) -> None:
    for expected in ([one.name for one in Chain().revisions], []):
        with capture_logs():
            assert bring_up(folder, as_json=True) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["schema"], [one["revision"] for one in told["applied"]]) == (HEAD, expected)
    assert (file.parent / "store.sqlite").stat().st_mode & 0o777 == 0o600
    with pytest.raises(SystemExit) as caught:
        show_status(config=file, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert code_of(caught) == 0
    assert (told["schema"], told["serves"], told["pending"], told["floor"]) == (HEAD, True, [], "0002")


def test_a_database_of_a_program_to_come_is_refused(folder: DataFolder, capsys: pytest.CaptureFixture[str]) -> None:
    with capture_logs():
        bring_up(folder)
    with sqlite3.connect(folder.path / "store.sqlite") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.execute("UPDATE schema_floor SET revision = '9998'")
    raw.close()
    assert capsys.readouterr().out == f"schema    {HEAD}\n"
    assert bring_up(folder) == 2
    assert capsys.readouterr().err == (
        "Error: The database has the schema 9999, which serves no program older than schema 9998; "
        f"this one is of schema {HEAD}.\n       It was used by a newer Jeroboam: start that one.\n"
    )
