"""What up.sh wrote for the scripts inside the bed: NAME=VALUE, one a line."""

from pathlib import Path

_FILE = Path("/opt/testbed/settings")


def read() -> dict[str, str]:
    return dict(line.split("=", 1) for line in _FILE.read_text().splitlines() if "=" in line)
