"""A tempest workspace for one run: its configuration, `tempest run` as a process, and what became of each test."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import subunit  # type: ignore[import-untyped]
import testtools

_BIN = Path(sys.executable).parent
_TESTS = "magnum_tempest_plugin.tests.api.v1."


@dataclass(frozen=True)
class Results:
    """Names are without the plugin's package: `test_cluster.ClusterTest.test_x`. Texts are the reasons."""

    passed: frozenset[str]
    skipped: Mapping[str, str]
    failed: Mapping[str, str]


class Workspace:
    """Everything that tempest writes lies in `folder`, which is also its home and has its temporary files."""

    def __init__(self, folder: Path, options: Mapping[str, Mapping[str, object]]) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "tmp").mkdir()
        self._tempest("init", "--workspace-path", str(folder / "workspaces.yaml"), str(folder / "run"), within_s=60)
        groups = {"oslo_concurrency": {"lock_path": folder / "locks"}, **options}
        text = "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in named.items())
            for group, named in groups.items()
        )
        self._config = folder / "run" / "etc" / "tempest.conf"
        self._config.touch(0o600)
        self._config.write_text(text)

    def run(self, *words: str, within_s: float, wrap: Sequence[str] = ()) -> Results:
        """`tempest run`, whatever comes of it. `wrap` is a command in front of it."""
        done = self._tempest("run", "--config-file", str(self._config), *words, within_s=within_s, wrap=wrap)
        last = subprocess.run(
            [str(_BIN / "stestr"), "last", "--subunit"],
            cwd=self.folder / "run",
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert last.stdout, done
        return _results(last.stdout)

    def _tempest(self, *words: str, within_s: float, wrap: Sequence[str] = ()) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "TEMPEST"))}
        path = f"{_BIN}{os.pathsep}{kept.get('PATH', '')}"
        done = subprocess.run(
            [*wrap, str(_BIN / "tempest"), *words],
            cwd=self.folder / "run" if (self.folder / "run").exists() else self.folder,
            env={**kept, "HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp"), "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within_s,
            check=False,
        )
        return done.stdout


def _results(stream: bytes) -> Results:
    passed, skipped, failed = set(), {}, {}

    def count(test: Any) -> None:
        name = test["id"].removeprefix(_TESTS).partition("[")[0]
        told = {key: detail.as_text().strip() for key, detail in test["details"].items()}
        if test["status"] == "success":
            passed.add(name)
        elif test["status"] == "skip":
            skipped[name] = told["reason"]
        else:
            failed[name] = told.get("traceback", test["status"])

    result = testtools.StreamToDict(count)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(io.BytesIO(stream)).run(result)
    result.stopTestRun()
    return Results(frozenset(passed), skipped, failed)
