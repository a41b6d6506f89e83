"""What bakes that were killed have left in Docker is removed by the next one, and nothing that another one works with."""

from pathlib import Path

from jeroboam.artifacts.oven import Oven, open_bench

DOCKER_PROGRAM = """#!/bin/sh
echo "$*" >>$0.log
case "$*" in
  *"status=exited"*) echo jeroboam-bake-ended-bench ;;
  *"status=created"*) echo jeroboam-bake-young; echo jeroboam-bake-stuck ;;
  "inspect "*young) date -u +%Y-%m-%dT%H:%M:%S.123456789Z ;;
  "inspect "*stuck) echo 2026-01-01T00:00:00.123456789Z ;;
  "volume ls "*"dangling=true"*) echo jeroboam-bake-outlived; echo my-jeroboam-bake-notes ;;
esac
"""


async def test_only_what_nobody_works_with_goes(docker: Path) -> None:
    async with open_bench(Oven("jeroboam-bake-mine", "base"), "tools"):
        said = Path(f"{docker}.log").read_text().splitlines()
    gone = [line.split()[-1] for line in said if line.startswith(("rm ", "volume rm "))]
    assert sorted(set(gone)) == [
        "jeroboam-bake-ended-bench",
        "jeroboam-bake-mine-bench",
        "jeroboam-bake-outlived",
        "jeroboam-bake-stuck",
    ]
    assert "volume rm -f jeroboam-bake-outlived" in said
