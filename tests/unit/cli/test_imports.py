"""The command line imports nothing of the service, and nothing heavy before it is needed."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from jeroboam.cli import build_app
try:
    build_app()(["cluster", "--help"])
except SystemExit:
    pass
print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    return set(ran.stderr.split())


def test_nothing_of_the_service(loaded: set[str]) -> None:
    ours = {name for name in loaded if name.startswith("jeroboam.")}
    assert {name for name in ours if not name.startswith("jeroboam.cli")} == set()


def test_help_loads_nothing_heavy(loaded: set[str]) -> None:
    assert loaded & {"httpx", "yaml", "cryptography", "rich.live", "rich.markdown", "jeroboam.cli.client"} == set()
