"""The console script `openstack` as a process of its own per line of standard input, with its modules imported only once.

They take seconds of CPU to import; a command takes hundredths. A line is a JSON list of arguments; the answer is one line, JSON
again: the exit code and what went to standard output and standard error.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import tempfile
from typing import IO

from openstackclient.shell import main


def run(argv: list[str]) -> tuple[int, str, str]:
    """In a fork: the script keeps clients for the life of its process."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if not child:
            _become(argv, out, err)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return os.waitstatus_to_exitcode(status), out.read(), err.read()


def _become(argv: list[str], out: IO[str], err: IO[str]) -> None:
    """Does not return."""
    code: object = 70
    try:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        code = main(argv)
    except SystemExit as end:  # argparse
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(str(code or 0)))


def warm() -> None:
    """Load what every command loads, so that the forks find it there."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.suppress(SystemExit):
        main(["coe", "cluster", "list", "--help"])
    logging.getLogger().handlers.clear()  # each run adds its own


if __name__ == "__main__":
    warm()
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
