"""A machine that is claimed while its last cluster still gives it back: the scripts, run here, on a folder of the test."""

import json
import subprocess
import threading
from contextlib import suppress
from importlib import resources
from pathlib import Path

SCRIPTS = resources.files("jeroboam_static") / "scripts"


def script(name: str, kept: Path) -> list[str]:
    text = (SCRIPTS / f"{name}.sh").read_text()
    assert "kept=/var/lib/jeroboam-static\n" in text
    return ["sh", "-c", text.replace("kept=/var/lib/jeroboam-static\n", f"kept={kept}\n"), "test"]


def claim(kept: Path, ident: str) -> int:
    lease = json.dumps({"id": ident}, separators=(",", ":")).encode()
    return subprocess.run(script("claim", kept), input=lease, timeout=30, check=False).returncode


def test_it_is_had_though_its_folder_goes_while_it_is_claimed(tmp_path: Path) -> None:
    """free.sh ends with rmdir, which may come between any two commands of claim.sh."""
    kept, over = tmp_path / "kept", threading.Event()

    def gives_back() -> None:
        while not over.wait(0.0003):
            with suppress(OSError):
                kept.rmdir()

    other = threading.Thread(target=gives_back)
    other.start()
    try:
        for number in range(10):
            assert claim(kept, f"lease-{number}") == 0
            assert json.loads((kept / "lease").read_text()) == {"id": f"lease-{number}"}
            (kept / "lease").unlink()
    finally:
        over.set()
        other.join(10)


def test_only_the_first_has_it(tmp_path: Path) -> None:
    assert [claim(tmp_path / "kept", name) for name in ("one", "other")] == [0, 17]
    assert json.loads((tmp_path / "kept" / "lease").read_text()) == {"id": "one"}
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["lease"]
