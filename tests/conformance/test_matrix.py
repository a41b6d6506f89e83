"""docs/conformance.md says what is run, no more and no less."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conformance.matrix import PAGE, Rule, page

ROOT = Path(__file__).parents[2]
NEW = Rule("new", "shelf", "real cluster", "LiveDriverSuite")


def test_a_cell_says_what_ran_on_what_and_what_failed() -> None:
    alone = Rule("new", "", "", "DriverSuite")
    rules = [NEW, NEW, NEW, alone, Rule("", "shelf", "simulated", "ProviderSuite"), Rule("old", "", "", "DriverSuite")]
    [_, _, new, old, provider] = page(rules, [*rules[2:]]).splitlines()[-5:]
    assert new == "| `new` | `DriverSuite` 1 passed | `LiveDriverSuite` **2 of 3 FAILED**: real cluster |"
    assert old == "| `old` | `DriverSuite` 1 passed | not run |"
    assert provider == "| none: the provider alone |  | `ProviderSuite` 1 passed: simulated |"


@pytest.mark.timeout(300)
def test_the_page_names_every_rule_that_is_run(tmp_path: Path) -> None:
    marked = [
        str(path)
        for folder in ("tests", "examples")
        for path in sorted((ROOT / folder).rglob("test_*.py"))
        if "mark.conformance(" in path.read_text()
    ]
    plan = tmp_path / "plan.md"
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-qq", f"--plan-matrix={plan}", *marked]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, timeout=280)
    assert (ROOT / PAGE).read_text() == plan.read_text(), "run `make conformance`"


RULES = """
import pytest
from jeroboam.contracts import Image
from jeroboam.drivers.swarm import SwarmDriver
from jeroboam.testing.driver_suite import DriverSuite

@pytest.mark.conformance(driver="new")
class TestNew(DriverSuite):
    @pytest.fixture
    def driver(self):
        return SwarmDriver()
    @pytest.fixture
    def image(self):
        return Image("image-1", "node", {"os_distro": "debian", "docker_version": "v20.10.24"})
    def test_of_its_own(self):
        pytest.skip("no page says that this ran")
"""
SKIPS = RULES.replace("return SwarmDriver()", "pytest.skip('not today')")


def run_in(folder: Path, rules: str, *words: str) -> tuple[int, str, str]:
    """Exit code and words of pytest in a folder with these rules, and the page that it wrote."""
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "pytest.ini").write_text(f"[pytest]\ntestpaths = .\npythonpath = {ROOT}\n")
    (folder / "test_new.py").write_text(rules)
    argv = [sys.executable, "-m", "pytest", "-p", "tests.conformance.matrix", "--write-matrix", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=folder, env=env, check=False, capture_output=True, text=True, timeout=100)
    page = folder / PAGE
    return done.returncode, done.stdout, page.read_text() if page.exists() else ""


def test_the_page_is_written_from_what_ran(tmp_path: Path) -> None:
    code, said, written = run_in(tmp_path, RULES)
    assert code == 0, said
    assert "| `new` | `DriverSuite` 9 passed |\n" in written


def test_a_rule_that_was_skipped_has_failed(tmp_path: Path) -> None:
    code, said, written = run_in(tmp_path, SKIPS)
    assert code == 1
    assert "TestNew::test_a_plain_wish_is_fine ran; it was skipped" in said
    assert "9 errors" in said
    assert "1 skipped" in said
    assert "| `new` | `DriverSuite` **9 of 9 FAILED** |\n" in written


@pytest.mark.parametrize(("words", "code"), [(["test_new.py"], 4), (["-k", "pure"], 4), (["--maxfail=1"], 4)])
def test_a_part_of_the_rules_writes_no_page(words: list[str], code: int, tmp_path: Path) -> None:
    ended, said, written = run_in(tmp_path, SKIPS, *words)
    assert (ended, written) == (code, "")
    assert "docs/conformance.md is not written: it needs all rules of all folders to run" in said


def test_a_file_that_cannot_be_read_writes_no_page(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("import no_such_module")
    ended, _, written = run_in(tmp_path, RULES, "--continue-on-collection-errors")
    assert (ended, written) == (4, "")
