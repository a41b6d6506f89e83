"""docs/conformance.md says what is run, no more and no less."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.conformance.matrix import PAGE, Rule, page

ROOT = PAGE.parents[1]
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
    assert PAGE.read_text() == plan.read_text(), "run `make conformance`"


SKIPS = """
import pytest
from jeroboam.testing.driver_suite import DriverSuite

@pytest.mark.conformance(driver="new")
class TestNew(DriverSuite):
    @pytest.fixture
    def driver(self):
        pytest.skip("not today")
    def test_of_its_own(self):
        pytest.skip("nobody says that this ran")
"""


def test_a_rule_that_was_skipped_fails_and_a_part_of_the_rules_writes_no_page(tmp_path: Path) -> None:
    (tmp_path / "test_new.py").write_text(SKIPS)
    before = PAGE.read_bytes()
    argv = [sys.executable, "-m", "pytest", "-p", "tests.conformance.matrix", "--write-matrix", str(tmp_path)]
    done = subprocess.run(
        [*argv, "--rootdir", str(tmp_path)], cwd=ROOT, check=False, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 4, done.stdout
    assert "docs/conformance.md is not written: it needs all rules of all folders to run" in done.stdout
    assert "TestNew::test_a_plain_wish_is_fine ran; it was skipped" in done.stdout
    assert "9 errors" in done.stdout
    assert "1 skipped" in done.stdout
    assert PAGE.read_bytes() == before
